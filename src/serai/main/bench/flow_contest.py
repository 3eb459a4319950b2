"""Server CPU of one order through its whole life at checkout, as an API client drives it.

Open a cart, put a line in, say whom to reach and where to deliver, choose the delivery, ask for the quote, complete, start
the payment at the sandbox, let the shopper pay there, take the webhooks in: an order counts once it is paid. What web
worker, worker and database use is counted; the sandbox and the client stand for the outside world and are not.
"""

import asyncio
import itertools
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import msgspec

from serai.commerce.order.api import count_by_state
from serai.commerce.payment.sandbox import SandboxAccount
from serai.foundation.ids import new_id
from serai.main.bench.arena import ADDRESS, Arena, find_free_port
from serai.main.bench.figure import Contest, Side, Turn, cpu_per_unit
from serai.main.bench.orders import ADDRESS as HOME
from serai.main.bench.orders import CONTACT, spread_latency
from serai.main.bench.shop import Shop, open_shop
from serai.main.fault import Fault
from serai.main.platform import save_pay_accounts

PRODUCTS = 500
SHOPPERS = 8
PAID_WITHIN_S = 30
# Fewer would leave tables of one page each, and plans that read them whole for as long as a connection lives.
FIRST_ORDERS = 150
API = "/api/v1"

FIGURES = (
    cpu_per_unit(
        "orders.full_flow_cpu_ms",
        "full_flow",
        ("web", "worker", "database"),
        "server CPU of one order from the cart to the paid order, over the API",
        unit="ms",
        must=4,
    ),
)


class Shopper:
    """Drives orders through the API, several at a time."""

    def __init__(
        self, arena: Arena, shop: Shop, port: int, sandbox_url: str, account: SandboxAccount
    ) -> None:
        self.paid = 0
        self._arena = arena
        self._shop = shop
        self._sandbox_url = sandbox_url
        self._account = account
        self._numbers = itertools.count()
        self._client = httpx.AsyncClient(
            base_url=f"http://{ADDRESS}:{port}",
            # The provider calls back to the host that the client asked for.
            headers={"authorization": f"Bearer {shop.secret}", "host": f"{shop.host}:{port}"},
            trust_env=False,
            timeout=30,
        )
        self._bank = httpx.AsyncClient(
            base_url=sandbox_url,
            headers={"authorization": f"Bearer {account.secret}"},
            trust_env=False,
            timeout=30,
        )

    async def close(self) -> None:
        await self._client.aclose()
        await self._bank.aclose()

    async def run(self, seconds: float) -> Turn:
        """Shop for some seconds, then wait until everything bought is paid."""
        used, log_end = self._arena.read_cpu(), await self._arena.read_wal_bytes()
        began = time.perf_counter()
        times: list[float] = []

        async def shop_on() -> None:
            while time.perf_counter() < began + seconds:
                sent = time.perf_counter()
                await self.buy()
                times.append(time.perf_counter() - sent)

        await asyncio.gather(*(shop_on() for _ in range(SHOPPERS)))
        self.paid += len(times)
        await self.wait_paid(self.paid)
        wall_s, cpu_s = time.perf_counter() - began, used()
        written = await self._arena.read_wal_bytes() - log_end
        return Turn(len(times), wall_s, cpu_s, None, written, spread_latency(times))

    async def buy(self) -> None:
        """One order, up to the shopper's press of the button."""
        sku_id = self._shop.sku_ids[next(self._numbers) % len(self._shop.sku_ids)]
        cart_id = (await self._send("POST", "/carts", {}))["cart_id"]
        cart = f"/carts/{cart_id}"
        await self._send("POST", f"{cart}/lines", {"sku_id": sku_id, "quantity": 1})
        await self._send("PUT", f"{cart}/contact", CONTACT)
        await self._send("PUT", f"{cart}/address", HOME)
        await self._send("PUT", f"{cart}/delivery", {"delivery": "ship"})
        quote = await self._send("GET", f"{cart}/quote")
        placed = await self._send("POST", f"{cart}/complete", {"digest": quote["digest"]})
        payment = await self._send("POST", f"/orders/{UUID(placed['order_id'])}/payment", {})
        payment_id = httpx.URL(payment["pay_url"]).path.rsplit("/", 1)[1]
        answer = await self._bank.post(f"/v1/test/pay/{payment_id}", json={"outcome": "paid"})
        _require_done(answer)

    async def _send(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"idempotency-key": str(new_id())} if body is not None else {}
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["content-type"] = "application/json"
        answer = await self._client.request(method, f"{API}{path}", content=content, headers=headers)
        _require_done(answer)
        return msgspec.json.decode(answer.content)

    async def wait_paid(self, count: int) -> None:
        """Wait until exactly so many orders are paid. Fault when they are not in time."""
        deadline = time.perf_counter() + PAID_WITHIN_S
        while True:
            async with self._arena.db.transaction(self._shop.merchant_id, "read") as tx:
                states = await count_by_state(tx)
            if states.get("paid", 0) == count and sum(states.values()) == count:
                return
            if time.perf_counter() > deadline:
                raise Fault(f"{count} orders were bought and paid, the shop knows of {states}.")
            await asyncio.sleep(0.05)


def _require_done(answer: httpx.Response) -> None:
    if answer.status_code not in (200, 201):
        raise Fault(
            f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}.",
            answer.text[:400],
        )


@asynccontextmanager
async def open_flow(arena: Arena, _needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """Web worker, worker and sandbox, as `serai up` runs them."""
    shop = await open_shop(arena, "flow", products=PRODUCTS)
    account = SandboxAccount("flow", secrets.token_hex(24), secrets.token_hex(24), "Flow")
    await save_pay_accounts(arena.owner, (account,))
    sandbox_port = find_free_port()
    sandbox_url = f"http://{ADDRESS}:{sandbox_port}"
    environ = {"SERAI_COMMERCE_SANDBOX_URL": sandbox_url}
    accounts = {"SERAI_SANDBOX_ACCOUNTS": msgspec.json.encode([account]).decode()}
    provider = [sys.executable, "-m", "serai_sandbox.pay", "--port", str(sandbox_port)]
    provider += ["--data", str(arena.folder / "sandbox")]
    worker = [sys.executable, "-m", "serai.main.cli", "worker"]
    async with (
        arena.run_process("sandbox", provider, accounts) as sandbox,
        arena.run_process("worker", worker, environ),
        arena.run_web(environ) as port,
    ):
        await arena.wait_ready(sandbox, "sandbox", sandbox_port)
        shopper = Shopper(arena, shop, port, sandbox_url, account)
        try:
            while shopper.paid < (2 if arena.quick else FIRST_ORDERS):
                await shopper.run(0.5)
            await arena.gather_statistics()
            yield {
                "full_flow": Side(
                    shopper.run, f"{SHOPPERS} shoppers, one line each, to the paid order", "web"
                )
            }
        finally:
            await shopper.close()
    await arena.require_clean()


CONTESTS = (Contest("flow", FIGURES, open_flow),)
