"""The console's page of payment providers: for owners; secrets sealed, never shown again, not even after a mistake."""

import msgspec
import pytest
from tests.console.conftest import Visit
from tests.console.shop import Shop, Visitor
from tests.payway.world import Keys

from serai.commerce.payway.api import find_account, list_offers, list_pay_accounts
from serai.commerce.payway.seal import Vault

PAGE = "/console/payments"
VAULT = Vault(b"the key of these tests")


@pytest.fixture
async def owner_at(visit: Visit, app: object) -> Visitor:
    app.state.vault = VAULT  # type: ignore[attr-defined]  # an application of the tests
    return await visit("owner")


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


async def test_an_account_is_saved_sealed_and_offered_and_no_page_shows_its_secrets(
    shop: Shop, owner_at: Visitor, keys: Keys
) -> None:
    values = keys.values["stripe"]
    answer = await owner_at.submit(f"{PAGE}/stripe", f"{PAGE}/stripe", **values)
    assert answer.status_code in (200, 302, 303), answer.text
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await find_account(tx, VAULT, "stripe")
        assert found is not None
        assert msgspec.structs.asdict(found[1]) == values
        assert await find_account(tx, Vault(b"another key"), "stripe") is None
        sealed = await tx.fetchval("SELECT sealed FROM commerce.pay_account")
        offers = await list_offers(tx, known=("stripe", "sandbox"), amount_minor=5000, currency="USD")
    assert values["secret_key"].encode() not in sealed
    assert [offer.provider for offer in offers] == ["stripe", "sandbox"]
    for path in (PAGE, f"{PAGE}/stripe"):
        shown = await owner_at.get(path)
        assert shown.status_code == 200
        assert all(secret not in shown.text for secret in values.values())
    (entry,) = await shop.list_audit("payway.saved")
    assert all(secret not in str(entry) for secret in values.values())


async def test_a_secret_left_empty_stays_and_a_wrong_one_changes_nothing(
    shop: Shop, owner_at: Visitor, keys: Keys
) -> None:
    values = keys.values["alipay"]
    await owner_at.submit(f"{PAGE}/alipay", f"{PAGE}/alipay", **values)
    await owner_at.submit(
        f"{PAGE}/alipay", f"{PAGE}/alipay", **{**values, "private_key": "", "app_id": "2021004100000001"}
    )
    wrong = await owner_at.submit(
        f"{PAGE}/alipay",
        f"{PAGE}/alipay",
        **{**values, "private_key": f"-----BEGIN {'PRIVATE'} KEY-----\nAAAA"},
    )
    assert wrong.status_code == 422
    assert "AAAA" not in wrong.text
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await find_account(tx, VAULT, "alipay")
    assert found is not None
    assert msgspec.structs.asdict(found[1]) == {**values, "app_id": "2021004100000001"}


@pytest.mark.parametrize(
    ("provider", "field", "value"),
    [
        ("stripe", "secret_key", "pk_test_publishable_key"),
        ("stripe", "webhook_secret", ""),
        ("wechat", "apiv3_key", "too short"),
        ("wechat", "mchid", "19000<script>"),
        ("wechat", "platform_key", "not a key"),
        ("alipay", "app_id", "1 OR 1=1"),
    ],
)
async def test_what_a_provider_never_hands_out_is_refused_at_its_field(
    shop: Shop, owner_at: Visitor, keys: Keys, provider: str, field: str, value: str
) -> None:
    values = {**next(v for name, v in keys.values.items() if name == provider), field: value}
    answer = await owner_at.submit(f"{PAGE}/{provider}", f"{PAGE}/{provider}", **values)
    assert answer.status_code == 422
    assert f"payway-{field}-error" in answer.text
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert all(not each.revision for each in await list_pay_accounts(tx, VAULT))


async def test_the_sandbox_is_switched_off_and_on(shop: Shop, owner_at: Visitor) -> None:
    for is_on in ("0", "1"):
        await owner_at.submit(PAGE, f"{PAGE}/sandbox/switch", on=is_on)
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            offers = await list_offers(tx, known=("sandbox",), amount_minor=1, currency="USD")
        assert bool(offers) == (is_on == "1")
    assert len(await shop.list_audit("payway.switched")) == 2


@pytest.mark.parametrize("role", ["manager", "clerk"])
async def test_others_see_nothing_of_it(visit: Visit, role: str) -> None:
    visitor = await visit(role)
    for path in (PAGE, f"{PAGE}/stripe"):
        assert (await visitor.get(path)).status_code == 403
