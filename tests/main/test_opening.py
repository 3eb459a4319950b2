"""Opening further shops, and lost passwords, from the command line's functions on a real database."""

import stat

import pytest

from serai.foundation.database import Database
from serai.foundation.errors import Invalid
from serai.foundation.ids import MerchantId, new_id
from serai.identity.staff.api import sign_in_staff
from serai.main.fault import Fault
from serai.main.installation import Installation
from serai.main.opening import list_shops, open_shop
from serai.main.platform import load_secrets
from serai.main.rescue import give_new_password


@pytest.fixture
def opening(database_url: str, tmp_path):
    installation = Installation.at(str(tmp_path))
    installation.secret_dir.mkdir()

    async def open_one(slug: str, **more):
        values = {
            "name": "Tea House",
            "hostnames": (f"{slug}.localhost",),
            "currency": "CNY",
            "email": "t@example.com",
        }
        return await open_shop(database_url, installation=installation, slug=slug, **(values | more))

    return open_one, installation


async def test_a_further_shop_has_its_owner_its_host_and_its_account(
    opening, database_url: str, db: Database, owner: Database
):
    open_one, installation = opening
    slug = f"tea-{new_id().hex[-10:]}"
    opened = await open_one(slug)
    shop = next(m for m in await list_shops(database_url) if m.slug == slug)
    assert (shop.currency, shop.hostnames) == ("CNY", (f"{slug}.localhost",))
    assert await sign_in_staff(
        db, MerchantId(shop.merchant_id), email="t@example.com", password=opened.owner_password
    )
    assert slug in {account.slug for account in (await load_secrets(owner)).pay_accounts}
    assert stat.S_IMODE(installation.sandbox_accounts.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "wrong", [{"slug": "Tea House"}, {"currency": "TEA"}, {"hostnames": ("http://x/",)}, {"email": "nobody"}]
)
async def test_what_cannot_be_used_is_told_and_opens_nothing(opening, database_url: str, wrong):
    open_one, _installation = opening
    before = len(await list_shops(database_url))
    values = {"slug": f"x-{new_id().hex[-10:]}"} | wrong
    with pytest.raises((Fault, Invalid)):
        await open_one(**values)
    assert len(await list_shops(database_url)) == before


async def test_names_and_hosts_are_taken_once(opening, database_url: str):
    open_one, _installation = opening
    slug = f"tea-{new_id().hex[-10:]}"
    await open_one(slug)
    with pytest.raises(Fault, match="already"):
        await open_one(slug, hostnames=("other.localhost",))
    with pytest.raises(Fault, match="already"):
        await open_one(f"x-{new_id().hex[-10:]}", hostnames=(f"{slug}.localhost",))


async def test_a_new_password_opens_and_the_old_one_does_not(opening, database_url: str, db: Database):
    open_one, _installation = opening
    slug = f"tea-{new_id().hex[-10:]}"
    opened = await open_one(slug)
    password = await give_new_password(database_url, email=" T@example.com", merchant=slug)
    shop = next(m for m in await list_shops(database_url) if m.slug == slug)
    merchant_id = MerchantId(shop.merchant_id)
    assert await sign_in_staff(db, merchant_id, email="t@example.com", password=password)
    with pytest.raises(Exception, match="sign_in"):
        await sign_in_staff(db, merchant_id, email="t@example.com", password=opened.owner_password)
    with pytest.raises(Fault, match="Nobody"):
        await give_new_password(database_url, email="who@example.com", merchant=slug)
