"""The first run: a merchant, its owner, its account at the payment sandbox, and the demo's goods."""

import os
import secrets
from typing import Any

import msgspec

from serai.commerce.payment.sandbox import SandboxAccount
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.foundation.database import Database, open_database
from serai.foundation.ids import MerchantId, derive_id
from serai.foundation.secret import find_secret, save_secret
from serai.identity.merchant.api import add_merchant, list_merchants
from serai.identity.staff.api import invite_staff, list_staff
from serai.main.installation import FirstRun, Installation
from serai.main.platform import load_secrets, save_pay_accounts
from serai.main.screen import Report

OWNER_EMAIL = "owner@serai.example"
SLUG = "serai"
DEMO_MARK = "demo"


async def first_run(
    url: str, *, installation: Installation, demo: bool, full: bool, progress: Report
) -> FirstRun:
    """Set an installation up; whatever is there already is kept, so an interrupted set-up is simply repeated.

    Returns the owner's address and, when the owner was made just now, the generated password.
    """
    owner = await open_database(url, role=None, size=2, statement_timeout_ms=300_000)
    db = await open_database(url, size=4, statement_timeout_ms=300_000)
    try:
        await load_secrets(owner)
        merchant_id = await _ensure_merchant(owner, demo)
        await ensure_pay_accounts(owner, installation)
        if await find_secret(owner, DEMO_MARK) == "loading":
            # Only here: the demo needs numpy and pyarrow, an empty shop does not.
            from serai.main.demo.deliver import offer_delivery
            from serai.main.demo.load import load_demo
            from serai.main.demo.promote import promote_demo

            await load_demo(db, merchant_id, full=full, progress=progress)
            await promote_demo(db, merchant_id, currency="USD")
            await offer_delivery(db, merchant_id)
            await save_secret(owner, DEMO_MARK, "done")
        else:
            await _ensure_warehouse(db, merchant_id)
        return await _ensure_owner(db, merchant_id)
    finally:
        await db.close()
        await owner.close()


async def _ensure_merchant(owner: Database, demo: bool) -> MerchantId:
    merchants = await list_merchants(owner)
    if merchants:
        return MerchantId(merchants[0].merchant_id)
    merchant_id = MerchantId(derive_id("merchant", SLUG))
    if demo:
        # Kept before the merchant is: a load that is interrupted goes on at the next start, and a shop that was
        # there before (another data directory, a restored database) never gets the demo poured into it.
        await save_secret(owner, DEMO_MARK, "loading")
    await add_merchant(
        owner,
        merchant_id=merchant_id,
        slug=SLUG,
        name="Serai Market" if demo else "My shop",
        currency="USD",
        support_email="help@serai.example",
    )
    return merchant_id


async def ensure_pay_accounts(owner: Database, installation: Installation) -> None:
    """Every merchant gets an account at the sandbox; its file is for the sandbox process, the database for ours."""
    known = {account.slug: account for account in (await load_secrets(owner)).pay_accounts}
    for merchant in await list_merchants(owner):
        if merchant.slug not in known:
            known[merchant.slug] = SandboxAccount(
                merchant.slug, secrets.token_hex(24), secrets.token_hex(24), merchant.name
            )
    await save_pay_accounts(owner, tuple(known.values()))
    write_private(installation.sandbox_accounts, msgspec.json.encode(list(known.values())))


def write_private(path: Any, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_suffix(".part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    os.replace(draft, path)


async def _ensure_warehouse(db: Database, merchant_id: MerchantId) -> None:
    place = Place(derive_id("place", merchant_id, "online"), "online", "Warehouse", "warehouse", True, True)
    async with db.transaction(merchant_id) as tx:
        await add_places(tx, places=[place])


async def _ensure_owner(db: Database, merchant_id: MerchantId) -> FirstRun:
    async with db.transaction(merchant_id) as tx:
        owners = [staff for staff in await list_staff(tx) if staff.role == "owner"]
        if owners:
            return FirstRun(owner_email=owners[0].email)
        staff, password = await invite_staff(
            tx, email=OWNER_EMAIL, name="Owner", role="owner", by="set-up", must_change=False
        )
    return FirstRun(owner_email=staff.email, owner_password=password)
