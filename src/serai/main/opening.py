"""Open further merchants in an installation."""

import re
from typing import Literal

from serai.commerce.market.api import add_member
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.foundation.database import open_database
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.foundation.money import minor_digits
from serai.identity.merchant.api import Merchant, add_merchant, list_merchants
from serai.identity.session.api import normalise_email
from serai.identity.staff.api import invite_staff
from serai.main.fault import Fault
from serai.main.installation import FirstRun, Installation
from serai.main.setup import ensure_pay_accounts

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?")


async def list_shops(url: str) -> list[Merchant]:
    """The merchants of the installation, the default one first."""
    db = await open_database(url, size=1)
    try:
        return await list_merchants(db)
    finally:
        await db.close()


async def open_shop(
    url: str,
    *,
    installation: Installation,
    slug: str,
    name: str,
    hostnames: tuple[str, ...],
    currency: str,
    email: str,
    kind: Literal["shop", "market"] = "shop",
) -> FirstRun:
    """Add a merchant with a warehouse, an account at the payment sandbox and an owner.

    Returns the owner's address and generated password.

    Raises:
        Fault: a name, host or currency that cannot be used; nothing was added then.
        Refused: the e-mail address is none.
    """
    hosts = tuple(host.lower() for host in hostnames)
    owner = await open_database(url, role=None, size=1)
    db = await open_database(url, size=1)
    try:
        _check(await list_merchants(db), slug, hosts, currency)
        email = normalise_email(email)
        merchant_id = MerchantId(new_id())
        await add_merchant(
            owner,
            merchant_id=merchant_id,
            slug=slug,
            name=" ".join(name.split()) or slug,
            currency=currency,
            hostnames=hosts,
            support_email=email,
            kind=kind,
        )
        await ensure_pay_accounts(owner, installation)
        place = Place(
            derive_id("place", merchant_id, "online"), "online", "Warehouse", "warehouse", True, True
        )
        async with db.transaction(merchant_id) as tx:
            await add_places(tx, places=[place])
            staff, password = await invite_staff(
                tx, email=email, name="Owner", role="owner", by="set-up", must_change=False
            )
        return FirstRun(owner_email=staff.email, owner_password=password)
    finally:
        await db.close()
        await owner.close()


async def join_market(url: str, *, market: str, member: str, commission_percent: float) -> None:
    """Let a shop sell in a market, both by their short names.

    Raises:
        Fault: one of the two does not exist or is of the wrong kind. Refused: the shop sells in a market already.
    """
    db = await open_database(url, size=1)
    try:
        by_slug = {merchant.slug: merchant for merchant in await list_merchants(db)}
        for slug, kind in ((market, "market"), (member, "shop")):
            if slug not in by_slug or by_slug[slug].kind != kind:
                raise Fault(f"There is no {kind} {slug!r}.", "See `serai merchant list`.")
        async with db.transaction(MerchantId(by_slug[market].merchant_id)) as tx:
            await add_member(
                tx,
                member_id=by_slug[member].merchant_id,
                commission_ppm=round(commission_percent * 10_000),
                by="command line",
            )
    finally:
        await db.close()


def _check(merchants: list[Merchant], slug: str, hosts: tuple[str, ...], currency: str) -> None:
    if not SLUG.fullmatch(slug):
        raise Fault(
            f"{slug!r} cannot be a short name.", "Use small letters, digits and hyphens, at most 39 of them."
        )
    if any(m.slug == slug for m in merchants):
        raise Fault(f"There is a merchant {slug!r} already.", "See `serai merchant list`.")
    for host in hosts:
        if not HOST.fullmatch(host):
            raise Fault(f"{host!r} cannot be a host name.", "Give it without http:// and without a port.")
        holder = next((m for m in merchants if host in m.hostnames), None)
        if holder:
            raise Fault(f"{host} is the address of {holder.name} already.", "Choose another host name.")
    try:
        minor_digits(currency)
    except ValueError as error:
        raise Fault(
            f"{currency!r} is no currency.", "Give its ISO 4217 code, such as USD, CNY or JPY."
        ) from error
