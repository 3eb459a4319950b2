"""Which merchants there are, and whose shop a request's host name means."""

import asyncio
import logging
from typing import Literal
from uuid import UUID

from serai.foundation.database import Database
from serai.foundation.errors import NotFound, Outside, _
from serai.foundation.money import minor_digits
from serai.identity.merchant import store
from serai.identity.merchant.types import Merchant

__all__ = ["Merchant", "MerchantRegistry", "add_merchant", "list_merchants"]

log = logging.getLogger("serai.identity")


async def list_merchants(db: Database) -> list[Merchant]:
    """All merchants, the default one first."""
    return [
        Merchant(*(*row[:5], tuple(row["hostnames"]), *row[6:])) for row in await store.list_merchants(db)
    ]


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
