"""The tools of one process put together: database pools, lane, merchants, keys, payment providers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.carrier.caravan import CaravanAccount, CaravanCarrier
from serai.commerce.market.api import MarketProvider
from serai.commerce.market.types import MARKET
from serai.commerce.media.api import FolderStore
from serai.commerce.payment.sandbox import SandboxAccount, SandboxProvider
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce, NoBlobs
from serai.foundation.database import Database, open_database
from serai.foundation.secret import ensure_secret, find_secret, save_secret
from serai.foundation.shelf import Shelf, Watch
from serai.identity.apikey.api import KeyRing
from serai.identity.merchant.api import MerchantRegistry, list_merchants
from serai.ledger.api import Lane
from serai.main.adapters import make_providers, make_vault
from serai.main.installation import Installation
from serai.main.settings import HouseSettings

POOL_SIZE = 12
PAY_ACCOUNTS = "pay_accounts"


class Secrets(msgspec.Struct, frozen=True):
    """Keys that the installation made for itself; they lie in the database, where only the owner's role reads them."""

    csrf: str
    order_link: str
    pay_accounts: tuple[SandboxAccount, ...]


class Platform:
    """Everything that a web worker or a worker needs. Open with :func:`open_platform`, close with :meth:`close`."""

    def __init__(self, db: Database, owner: Database, secret: Secrets, settings: CommerceSettings) -> None:
        self.db = db
        self.owner = owner
        self.secret = secret
        self.lane = Lane(db)
        self.merchants = MerchantRegistry(db)
        self.keys = KeyRing(db)
        self._settings = settings
        self._provider: SandboxProvider | None = None
        self._carrier: CaravanCarrier | None = None
        self.vault = make_vault(settings, secret.order_link)
        self._accounts = make_providers(db, self.vault, settings)
        self.commerce: Commerce

    async def start(self) -> None:
        """Connect the parts. Must run inside the process's event loop."""
        ids = {merchant.slug: merchant.merchant_id for merchant in await list_merchants(self.db)}
        accounts: Mapping[UUID, SandboxAccount] = {
            ids[account.slug]: account for account in self.secret.pay_accounts if account.slug in ids
        }
        self._provider = SandboxProvider(
            self._settings.sandbox_url, accounts, self._settings.provider_timeout_s
        )
        self.commerce = Commerce(
            self.db,
            self.lane,
            {
                self._provider.name: self._provider,
                **self._accounts,
                MARKET: MarketProvider(self.db, self.lane, {self._provider.name: self._provider}),
            },
            self._settings,
            self.secret.order_link.encode(),
            blobs=FolderStore(Path(self._settings.media_dir)) if self._settings.media_dir else NoBlobs(),
        )
        if self._settings.carrier_url:
            account = CaravanAccount(self._settings.carrier_secret, self._settings.carrier_webhook_secret)
            self._carrier = CaravanCarrier(
                self._settings.carrier_url, account, self._settings.provider_timeout_s
            )
            self.commerce = msgspec.structs.replace(
                self.commerce, carriers={self._carrier.name: self._carrier}
            )
        self.lane.start()
        await self.merchants.start()

    def keep_in_memory(self) -> None:
        """Read slow-moving tables once, and again when they have changed: for a process that serves."""
        self.db.watch = Watch(Shelf(), self.owner)

    async def close(self) -> None:
        """Let the lane finish what waits, then let go of everything."""
        await self.lane.stop()
        await self.merchants.stop()
        if self._provider:
            await self._provider.close()
        if self._carrier:
            await self._carrier.close()
        for provider in self._accounts.values():
            await provider.close()
        await self.db.close()
        await self.owner.close()


async def open_platform(url: str, settings: CommerceSettings) -> Platform:
    """Open the pools and read the installation's secrets. DatabaseUnreachable when there is no database."""
    owner = await open_database(url, role=None, size=2)
    db = await open_database(url, size=POOL_SIZE)
    platform = Platform(db, owner, await load_secrets(owner), settings)
    await platform.start()
    return platform


async def load_secrets(owner: Database) -> Secrets:
    """The installation's keys, made where they are missing."""
    accounts = msgspec.json.decode(
        await find_secret(owner, PAY_ACCOUNTS) or "[]", type=tuple[SandboxAccount, ...]
    )
    return Secrets(await ensure_secret(owner, "csrf"), await ensure_secret(owner, "order_link"), accounts)


async def save_pay_accounts(owner: Database, accounts: tuple[SandboxAccount, ...]) -> None:
    """Keep the merchants' accounts at the payment sandbox."""
    await save_secret(owner, PAY_ACCOUNTS, msgspec.json.encode(accounts).decode())


async def open_configured_platform(url: str, settings: dict[str, Any]) -> Platform:
    """The platform with what the processes' settings decide for commerce where its own are empty."""
    house: HouseSettings = settings["foundation"]
    commerce = settings["commerce"]
    if not commerce.sandbox_url:
        commerce = msgspec.structs.replace(commerce, sandbox_url=f"http://127.0.0.1:{house.sandbox_port}")
    if not commerce.web_url:
        commerce = msgspec.structs.replace(commerce, web_url=house.web_url())
    if not commerce.public_url and house.public_url:
        commerce = msgspec.structs.replace(commerce, public_url=house.public_url)
    if not commerce.media_dir:
        folder = Installation.at(house.data_dir).data_dir / "media"
        commerce = msgspec.structs.replace(commerce, media_dir=str(folder))
    return await open_platform(url, commerce)
