"""Which merchants there are, and whose shop a request's host name means."""

import asyncio
import logging
from functools import cache
from typing import Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

import msgspec

from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Outside, _
from serai.foundation.mail import ADDRESS
from serai.foundation.money import minor_digits
from serai.identity.audit import api as audit
from serai.identity.merchant import store
from serai.identity.merchant.types import Merchant

__all__ = [
    "Merchant",
    "MerchantRegistry",
    "add_merchant",
    "edit_merchant",
    "list_merchants",
    "list_time_zones",
    "load_merchant",
    "requires_passkeys",
]

log = logging.getLogger("serai.identity")

SETTINGS = ("name", "support_email", "time_zone", "staff_passkeys")


async def list_merchants(db: Database) -> list[Merchant]:
    """All merchants, the default one first."""
    return [_build(row) for row in await store.list_merchants(db)]


def _build(row: Any) -> Merchant:
    return Merchant(*(*row[:5], tuple(row["hostnames"]), *row[6:]))


async def load_merchant(tx: Transaction) -> Merchant:
    """The merchant of the transaction as the database has it, which may be newer than what the registry tells."""
    row = await store.find_merchant(tx)
    if row is None:
        raise NotFound("merchant.none", _("No shop has been opened at this address yet."))
    return _build(row)


async def requires_passkeys(tx: Transaction) -> bool:
    """Whether the merchant of the transaction lets its staff in with passkeys only."""
    row = await store.find_merchant(tx)
    return bool(row and row["staff_passkeys"])


async def edit_merchant(
    tx: Transaction,
    *,
    version: int,
    by: str,
    name: str | None = None,
    support_email: str | None = None,
    time_zone: str | None = None,
    staff_passkeys: bool | None = None,
) -> Merchant:
    """Change what is given of the merchant (None leaves it), if nobody did since ``version``.

    Raises:
        Conflict: ``merchant.edited_meanwhile`` with the present ``version``.
        Invalid: ``merchant.name_invalid``, ``email.invalid``, ``merchant.time_zone_unknown``.
    """
    row = await store.lock_merchant(tx)
    if row is None:
        raise NotFound("merchant.none", _("No shop has been opened at this address yet."))
    before = _build(row)
    if before.version != version:
        raise Conflict(
            "merchant.edited_meanwhile",
            _("Somebody else has changed the settings meanwhile. Please look at them again."),
            version=before.version,
        )
    after = msgspec.structs.replace(
        before,
        name=before.name if name is None else " ".join(name.split()),
        support_email=before.support_email if support_email is None else support_email.strip(),
        time_zone=before.time_zone if time_zone is None else time_zone,
        staff_passkeys=before.staff_passkeys if staff_passkeys is None else staff_passkeys,
        version=before.version + 1,
    )
    _check(after)
    changed = [n for n in SETTINGS if getattr(before, n) != getattr(after, n)]
    if not changed:
        return before
    await store.update_merchant(tx, after.name, after.support_email, after.time_zone, after.staff_passkeys)
    await audit.record(
        tx,
        actor=by,
        action="merchant.changed",
        subject_kind="merchant",
        subject_id=before.merchant_id,
        before={n: getattr(before, n) for n in changed},
        after={n: getattr(after, n) for n in changed},
    )
    return after


def _check(merchant: Merchant) -> None:
    if not 1 <= len(merchant.name) <= 80 or not merchant.name.isprintable():
        raise Invalid(
            "merchant.name_invalid", _("Please give a name of at most 80 characters."), field="name"
        )
    if not ADDRESS.fullmatch(merchant.support_email) or len(merchant.support_email) > 200:
        raise Invalid("email.invalid", _("Please give a valid e-mail address."), field="support_email")
    if merchant.time_zone not in list_time_zones():
        raise Invalid("merchant.time_zone_unknown", _("There is no such time zone."), field="time_zone")


@cache
def list_time_zones() -> tuple[str, ...]:
    """Names of places in the IANA database, and UTC first; old and technical names are left out."""
    areas = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(areas)))


async def add_merchant(
    owner: Database,
    *,
    merchant_id: UUID,
    slug: str,
    name: str,
    currency: str,
    locale: str = "en",
    hostnames: tuple[str, ...] = (),
    support_email: str,
    kind: Literal["shop", "market"] = "shop",
) -> bool:
    """Register a merchant (owner's role). The first one becomes the default. False when it was there already."""
    minor_digits(currency)
    done = await store.insert_merchant(
        owner, merchant_id, slug, name, currency, locale, [h.lower() for h in hostnames], support_email, kind
    )
    return done.endswith("1")


class MerchantRegistry:
    """The merchants in memory, refreshed from time to time: every request asks for one."""

    def __init__(self, db: Database, *, refresh_s: float = 5.0) -> None:
        self._db = db
        self._refresh_s = refresh_s
        self._by_host: dict[str, Merchant] = {}
        self._by_id: dict[UUID, Merchant] = {}
        self._default: Merchant | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the registry once and keep it fresh in the background."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh(), name="merchant registry")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def refresh(self) -> None:
        merchants = await list_merchants(self._db)
        self._by_host = {host: merchant for merchant in merchants for host in merchant.hostnames}
        self._by_id = {merchant.merchant_id: merchant for merchant in merchants}
        self._default = next((m for m in merchants if m.is_default), None)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._refresh_s)
            try:
                await self.refresh()
            except (Outside, OSError, Exception) as error:  # noqa: BLE001 - a stale registry serves better than none
                log.warning("the merchant registry could not be refreshed: %s", error)

    def find(self, merchant_id: UUID) -> Merchant | None:
        """A merchant by id, None before the registry has heard of it."""
        return self._by_id.get(merchant_id)

    def resolve(self, host: str) -> Merchant:
        """The merchant whose shop this host name is. NotFound when there is none."""
        name = host.rsplit(":", 1)[0].lower() if not host.startswith("[") else host.split("]")[0] + "]"
        merchant = self._by_host.get(name) or self._default
        if merchant is None:
            raise NotFound("merchant.none", _("No shop has been opened at this address yet."))
        return merchant
