"""A whole installation by `serai up` on a folder of its own, its processes there to be killed, with buyers in the shop."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psutil
from tests.durability.running import describe_order, find_breaches, wait_for
from tests.main.trial import Trial, clean_environ, find_free_port
from tests.shop import Shop

from serai.commerce.catalogue.api import Category, add_categories
from serai.commerce.order.api import load_order
from serai.commerce.place.api import default_place
from serai.commerce.stock.api import load_available
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.identity.merchant.api import list_merchants
from serai.main.installation import DATABASE_NAME
from serai.main.platform import Platform, open_configured_platform
from serai.main.settings import load_settings

CALL_TIMEOUT_S = 20
PATIENCE_S = 90
RETRY_S = 0.1
# What a caller may be told while something is being replaced; all of it means: send it again.
AGAIN = {409: "idempotency.in_flight", 429: "ledger.busy", 502: "outside.sandbox", 503: "service.unavailable"}


class Premises(Trial):
    """`serai up --no-demo` as an operator runs it: supervisor, embedded PostgreSQL with fsync, web, worker, sandbox."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, sandbox_port=str(find_free_port()))
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> "Premises":
        with self.output_path.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "serai.main.cli", "up", "--no-demo", *arguments],
                env=clean_environ(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def run_again(self) -> None:
        """Start after the supervisor was killed, and wait for the start screen of this second run."""
        before = self.output.count("Serai is open")
        self.start()
        deadline = time.monotonic() + PATIENCE_S
        while self.output.count("Serai is open") == before:
            assert not self.has_ended, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)

    def kill(self, name: str) -> int:
        """SIGKILL to a child of the supervisor; returns the pid that is gone."""
        pid = self.find_children()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_backend(self, rng: random.Random) -> None:
        """SIGKILL to one connection's process, as the kernel does when memory runs out: all others must restart too."""
        server = psutil.Process(self.find_children()["postgres"])
        backends = [p for p in server.children() if " serai " in " ".join(p.cmdline())]
        rng.choice(backends).kill()

    def kill_server_whole(self) -> int:
        """SIGKILL to PostgreSQL and every process of it at the same moment, as when the power fails."""
        pid = self.find_children()["postgres"]
        for process in [psutil.Process(pid), *psutil.Process(pid).children()]:
            process.kill()
        return pid

    async def wait_replaced(self, name: str, old_pid: int) -> None:
        async def look() -> bool:
            assert not self.has_ended, self.output
            return self.find_children().get(name, old_pid) != old_pid

        await wait_for(look, f"another {name}", seconds=PATIENCE_S)

    @property
    def environ(self) -> dict[str, str]:
        url = f"postgresql://postgres@/{DATABASE_NAME}?host={self.installation.pgdata}"
        return {f"SERAI_{k.upper()}": v for k, v in self.settings.items()} | {"SERAI_DATABASE_URL": url}

    async def open_tools(self) -> tuple[Platform, Shop]:
        """The house's tools in this process, and its one merchant's shop with a shelf to put products on."""
        environ = self.environ
        platform = await open_configured_platform(environ["SERAI_DATABASE_URL"], load_settings(environ))
        merchant_id = MerchantId((await list_merchants(platform.db))[0].merchant_id)
        shelf = Category(derive_id(merchant_id, "shelf"), None, "shelf", "Shelf", {}, "jar", 0, True)
        async with platform.db.transaction(merchant_id) as tx:
            await add_categories(tx, categories=[shelf])
            warehouse = await default_place(tx)
        return platform, Shop(merchant_id, "127.0.0.1", platform.commerce, warehouse, warehouse, shelf)


class Purchase(msgspec.Struct):
    """One order that a buyer wants: the key of the call, and every order id that was ever answered to it."""

    key: str
    body: dict[str, Any]
    quantity: int
    pays: bool
    order_ids: set[UUID] = msgspec.field(default_factory=set)
    is_paid: bool = False


class Buyers:
    """A bounded stream of orders over HTTP. A call without an answer is sent again with its key, until there is one."""

    def __init__(self, premises: Premises, shop: Shop, key: str, sku_id: UUID, *, seed: int) -> None:
        self.premises = premises
        self.shop = shop
        self.sku_id = sku_id
        self.tag = f"run {seed} {new_id()}"
        self.purchases: list[Purchase] = []
        self.under_way = 0
        self.unanswered = 0
        self.told: Counter[str] = Counter()
        self.done = asyncio.Event()
        self._rng = random.Random(seed)
        self._client = httpx.AsyncClient(
            base_url=premises.url,
            headers={"authorization": f"Bearer {key}"},
            timeout=CALL_TIMEOUT_S,
            trust_env=False,
        )
        accounts = msgspec.json.decode(premises.installation.sandbox_accounts.read_bytes())
        self._provider = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{premises.settings['sandbox_port']}",
            headers={"authorization": f"Bearer {accounts[0]['secret']}"},
            timeout=CALL_TIMEOUT_S,
            trust_env=False,
        )

    async def buy(self, *, buyers: int, limit: int, pause_s: float) -> None:
        """Buy with several buyers at once until ``done`` is set or ``limit`` orders are wanted."""

        async def go_on() -> None:
            while not self.done.is_set() and len(self.purchases) < limit:
                purchase = self._want()
                await self.place(purchase)
                if purchase.pays:
                    await self._pay(purchase)
                await asyncio.sleep(self._rng.uniform(0, 2 * pause_s))

        await asyncio.gather(*(go_on() for _ in range(buyers)))

    def _want(self) -> Purchase:
        quantity = self._rng.randint(1, 3)
        body = describe_order((self.sku_id, quantity)) | {"note": self.tag}
        purchase = Purchase(f"{self.tag} {len(self.purchases)}", body, quantity, self._rng.random() < 0.3)
        self.purchases.append(purchase)
        return purchase

    async def place(self, purchase: Purchase) -> None:
        """Send the order until it is answered, and note the answer."""
        content = await self._insist("/api/v1/orders", purchase.body, purchase.key, 201)
        purchase.order_ids.add(UUID(content["order_id"]))

    async def _insist(self, path: str, body: Any, key: str, status: int) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert time.monotonic() < deadline, f"{path} was not answered within {PATIENCE_S} s"
            self.under_way += 1
            try:
                answer = await self._client.post(path, json=body, headers={"idempotency-key": key})
            except httpx.TransportError:
                self.unanswered += 1
            else:
                content: dict[str, Any] = answer.json()
                if answer.status_code == status:
                    return content
                assert AGAIN.get(answer.status_code) == content["code"], answer.text
                self.told[content["code"]] += 1
            finally:
                self.under_way -= 1
            await asyncio.sleep(RETRY_S)

    async def _pay(self, purchase: Purchase) -> None:
        [order_id] = purchase.order_ids
        started = await self._insist(f"/api/v1/orders/{order_id}/payment", None, purchase.key, 200)
        payment_id = started["pay_url"].rsplit("/", 1)[1]
        while not purchase.is_paid:
            try:
                answer = await self._provider.post(f"/v1/test/pay/{payment_id}", json={"outcome": "paid"})
            except httpx.TransportError:
                await asyncio.sleep(RETRY_S)
                continue
            # 409: an earlier press whose answer was lost has paid it.
            assert answer.status_code in (200, 409), answer.text
            purchase.is_paid = True

    async def close(self) -> None:
        await self._client.aclose()
        await self._provider.aclose()

    async def assert_whole(self, platform: Platform, stock_before: int) -> None:
        """Every acknowledged order is there once, repeats find it, what was paid is paid, and all invariants hold."""
        for purchase in self.purchases:
            await self.place(purchase)
        twice = [p.key for p in self.purchases if len(p.order_ids) != 1]
        assert not twice, f"calls with one key were answered with several orders: {twice}"
        acknowledged = [order_id for p in self.purchases for order_id in p.order_ids]
        rows = await platform.owner.fetch(
            "SELECT order_id FROM commerce.sales_order WHERE merchant_id = $1 AND note = $2",
            self.shop.merchant_id,
            self.tag,
        )
        found = [row["order_id"] for row in rows]
        assert sorted(found) == sorted(acknowledged)
        for purchase in self.purchases:
            if purchase.is_paid:
                await self._wait_paid(platform, purchase)
        async with platform.db.transaction(self.shop.merchant_id, "read") as tx:
            left = await load_available(tx, sku_ids=[self.sku_id], place_id=self.shop.warehouse.place_id)
        assert left[self.sku_id] == stock_before - sum(p.quantity for p in self.purchases)
        assert not await find_breaches(platform.owner)

    async def _wait_paid(self, platform: Platform, purchase: Purchase) -> None:
        [order_id] = purchase.order_ids

        async def look() -> bool:
            async with platform.db.transaction(self.shop.merchant_id, "read") as tx:
                order = await load_order(tx, order_id=order_id)
            return order.state == "paid" and order.paid_minor == order.total_minor

        await wait_for(look, f"order {order_id} to be paid", seconds=PATIENCE_S)
