"""Passkeys of staff: kept per person, required where the owner says so, and ended with a new password."""

import base64

import pytest
from tests.console.conftest import Visit
from tests.console.shop import PASSWORD, Shop, Visitor, find_form

from serai.foundation import clock
from serai.foundation.database import Database
from serai.identity.merchant.api import MerchantRegistry
from serai.identity.passkey import store as passkey_store

PAGE, SETTINGS = "/console/passkeys", "/console/settings"


async def give_passkey(shop: Shop, role: str, name: str = "Laptop") -> bytes:
    """A passkey as an authenticator would have made it; nothing here signs with it."""
    credential = f"{role}-{name}".encode()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        staff_id = await tx.fetchval("SELECT staff_id FROM identity.staff WHERE email = $1", shop.email(role))
        assert await passkey_store.insert_passkey(
            tx, credential, "staff", staff_id, b"no key", 0, name, clock.now()
        )
    return credential


async def require(visitor: Visitor, registry: MerchantRegistry) -> None:
    answer = await visitor.submit(SETTINGS, f"{SETTINGS}/passkeys")
    assert answer.status_code == 303
    await registry.refresh()


async def test_who_requires_passkeys_has_one(visit: Visit, shop: Shop, registry: MerchantRegistry) -> None:
    owner = await visit("owner")
    await require(owner, registry)
    assert "Make a passkey of your own first" in (await owner.get(SETTINGS)).text
    assert not registry.resolve(shop.merchant.hostnames[0]).staff_passkeys
    await give_passkey(shop, "owner")
    await require(owner, registry)
    assert registry.resolve(shop.merchant.hostnames[0]).staff_passkeys
    assert "Passkeys only" in (await owner.get(SETTINGS)).text
    assert (await shop.list_audit("merchant.changed"))[-1]["after"] == {"staff_passkeys": True}


async def test_where_passkeys_are_required_a_password_only_leads_to_making_one(
    visit: Visit, shop: Shop, registry: MerchantRegistry
) -> None:
    owner, clerk = await visit("owner"), await visit("clerk")
    await give_passkey(shop, "owner")
    await require(owner, registry)
    for path in ("/console", "/console/orders", "/console/products"):
        sent = await clerk.get(path)
        assert (sent.status_code, sent.headers["location"]) == (303, PAGE), path
    assert "This shop requires passkeys." in (await clerk.get(PAGE)).text
    forged = await clerk.post_plain(f"/console/products/{shop.product.product_id}", title="x")
    assert forged.headers["location"] == PAGE
    await give_passkey(shop, "clerk")
    assert (await clerk.get("/console/orders")).status_code == 200
    again = await (await visit()).sign_in(shop.email("clerk"))
    assert again.status_code == 401
    assert "Please sign in with your passkey." in again.text
    wrong = await (await visit()).sign_in(shop.email("clerk"), "wrong password")
    assert "Please sign in with your passkey." not in wrong.text, (
        "who does not know the password learns nothing"
    )
    assert (await owner.submit(SETTINGS, f"{SETTINGS}/passkeys")).status_code == 303
    assert (await (await visit()).sign_in(shop.email("clerk"))).status_code == 303


async def test_the_last_passkey_stays_while_they_are_required(
    visit: Visit, shop: Shop, registry: MerchantRegistry
) -> None:
    owner = await visit("owner")
    first, second = await give_passkey(shop, "owner"), await give_passkey(shop, "owner", "Phone")
    await require(owner, registry)
    foreign = await give_passkey(shop, "manager")
    for credential, left in ((foreign, 3), (first, 2), (second, 2)):
        code = base64.urlsafe_b64encode(credential).decode()
        assert (await owner.post_plain(f"{PAGE}/remove", passkey=code)).status_code == 303
        assert len(await shop.fetch("SELECT 1 FROM identity.passkey")) == left, credential
    assert "Make another one before this one goes." in (await owner.get(PAGE)).text


async def test_a_new_password_ends_the_passkeys_of_a_lost_device(visit: Visit, shop: Shop) -> None:
    owner = await visit("owner")
    await give_passkey(shop, "clerk")
    page = await owner.get("/console/staff")
    staff_id = (await shop.fetch("SELECT staff_id FROM identity.staff WHERE role = 'clerk'"))[0]["staff_id"]
    form = find_form(page, f"/console/staff/{staff_id}/password")
    assert (await owner.send(form)).status_code == 200
    assert not await shop.fetch("SELECT 1 FROM identity.passkey")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"challenge_id": "x", "credential": "{}"},
        {"challenge_id": "0192f0c4-0000-7000-8000-000000000000", "credential": "{}"},
        {"challenge_id": "0192f0c4-0000-7000-8000-000000000000", "credential": "x" * 17_000},
    ],
)
async def test_answers_that_no_authenticator_gives_open_and_keep_nothing(
    visit: Visit, shop: Shop, fields: dict[str, str]
) -> None:
    guest, clerk = await visit(), await visit("clerk")
    await guest.get("/console/sign-in")
    answer = await guest.post_plain("/console/passkey", **fields)
    assert answer.status_code in (401, 422)
    assert "console_session" not in answer.headers.get("set-cookie", "")
    kept = await clerk.post_plain(PAGE, **fields)
    assert (kept.status_code, kept.headers["location"]) == (303, PAGE)
    assert not await shop.fetch("SELECT 1 FROM identity.passkey")


async def test_only_owners_may_require_passkeys(visit: Visit, shop: Shop, db: Database) -> None:
    manager = await visit("manager")
    await give_passkey(shop, "manager")
    assert (await manager.post_plain(f"{SETTINGS}/passkeys", required="1", version="1")).status_code == 403
    assert (await (await visit()).sign_in(shop.email("manager"), PASSWORD)).status_code == 303
