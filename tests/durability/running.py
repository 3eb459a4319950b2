"""A shop as it runs in earnest: web workers and the payment sandbox as processes of their own, on an own database.

The test's process has the same tools beside them (``shop``, ``platform``), to prepare goods, to run jobs at a chosen
time, and to look at what is left.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import msgspec
from tests.conftest import make_database
from tests.sandbox.provider import Provider
from tests.shop import ADDRESS, CONTACT, Shop, open_shop

from serai.commerce.aftersale.jobs import ask_refunds, expire_orders
from serai.commerce.checkout.jobs import check_payments
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.payment.sandbox import SandboxAccount
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database, open_database
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.invariant import check_invariants
from serai.foundation.migration import apply_migrations
from serai.ledger.api import Lane
from serai.main.check import list_invariants
from serai.main.platform import Platform, open_configured_platform, save_pay_accounts
from serai.main.settings import load_settings
from serai.main.systems import SYSTEMS

T = TypeVar("T")
CLIENT_TIMEOUT_S = 30
START_TIMEOUT_S = 60
PROVIDER_TIMEOUT_S = 1.0
SLUG = "corner"


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def wait_for(look: Callable[[], Awaitable[T]], what: str, *, seconds: float = 30.0) -> T:
    """Look until something true comes; a generous limit, since the machine may be busy with other tests."""
    deadline = time.monotonic() + seconds
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        await asyncio.sleep(0.05)


async def find_breaches(owner: Database) -> list[Any]:
    """The invariants of the house that do not hold, with the first rows that break them."""
    verdicts = await check_invariants(owner, list_invariants())
    return [(v.invariant.name, v.offending[:2]) for v in verdicts if not v.holds]


def describe_order(*lines: tuple[UUID, int]) -> dict[str, Any]:
    """The body of an order in one call."""
    return {
        "lines": [{"sku_id": str(sku_id), "quantity": quantity} for sku_id, quantity in lines],
        "contact": msgspec.to_builtins(CONTACT),
        "address": msgspec.to_builtins(ADDRESS),
    }


class WebWorkers:
    """`serai web` on a port of its own."""

    def __init__(self, port: int, workers: int, environ: dict[str, str], log_path: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log_path = log_path
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "serai.main.cli",
                    "web",
                    "--port",
                    str(port),
                    "--workers",
                    str(workers),
                ],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def wait_ready(self) -> None:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:

            async def answers() -> bool:
                assert self._process.poll() is None, f"the web workers ended:\n{self.log}"
                try:
                    return (await client.get(f"{self.url}/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await wait_for(answers, "the web workers to answer", seconds=START_TIMEOUT_S)

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)


class RunningShop:
    """A merchant's shop, served, with its account at a payment sandbox that runs. Open with :func:`open_running_shop`."""

    def __init__(
        self,
        shop: Shop,
        platform: Platform,
        web: WebWorkers,
        sandbox: Provider,
        key: str,
        pay_secret: str,
        environ: dict[str, str],
    ) -> None:
        self.shop = shop
        self.environ = environ
        self.platform = platform
        self.web = web
        self.sandbox = sandbox
        self.api = self.open_client(authorization=f"Bearer {key}")
        self.provider = httpx.AsyncClient(
            base_url=sandbox.url,
            headers={"authorization": f"Bearer {pay_secret}"},
            timeout=CLIENT_TIMEOUT_S,
            trust_env=False,
        )

    def open_client(self, **headers: str) -> httpx.AsyncClient:
        """A client of the web workers; every call gets an idempotency key unless it brings one."""

        async def add_key(request: httpx.Request) -> None:
            request.headers.setdefault("idempotency-key", str(new_id()))

        return httpx.AsyncClient(
            base_url=self.web.url,
            headers=headers,
            timeout=CLIENT_TIMEOUT_S,
            trust_env=False,
            event_hooks={"request": [add_key]},
        )

    async def place(self, *lines: tuple[UUID, int]) -> UUID:
        """Place an order through the API."""
        answer = await self.api.post("/api/v1/orders", json=describe_order(*lines))
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["order_id"])

    async def start_payment(self, order_id: UUID) -> str:
        """Start (or go on with) the payment through the API and return the provider's id of it."""
        answer = await self.api.post(f"/api/v1/orders/{order_id}/payment")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["pay_url"]).rsplit("/", 1)[1]

    async def decide(self, payment_id: str, outcome: str = "paid", *faults: dict[str, Any]) -> Any:
        """The shopper decides on the provider's page: paid, declined or cancelled."""
        answer = await self.provider.post(
            f"/v1/test/pay/{payment_id}", json={"outcome": outcome, "faults": list(faults)}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def order_fault(self, fault: str, scope: str, **more: Any) -> None:
        """Let the provider misbehave. ``scope`` is ``payment:ID`` or ``reference:R``."""
        answer = await self.provider.post("/v1/faults", json={"fault": fault, "scope": scope, **more})
        assert answer.status_code == 201, answer.text

    async def load_order(self, order_id: UUID) -> Order:
        async with self.platform.db.transaction(self.shop.merchant_id, "read") as tx:
            return await load_order(tx, order_id=order_id)

    async def wait_for_state(self, order_id: UUID, state: str) -> Order:
        async def look() -> Order | None:
            order = await self.load_order(order_id)
            return order if order.state == state else None

        found = await wait_for(look, f"order {order_id} to be {state}")
        assert found is not None
        return found

    async def list_provider_payments(self, order_id: UUID) -> list[dict[str, Any]]:
        """All payments of an order as the provider has them."""
        payments: list[dict[str, Any]] = []
        for attempt in (await self.load_order(order_id)).payments:
            answer = await self.provider.get("/v1/payments", params={"reference": str(attempt.intent_id)})
            payments += answer.json()["payments"]
        return payments

    async def wait_for_quiet(self, payment_id: str) -> list[dict[str, Any]]:
        """The provider's messages about a payment, once none of them waits any more."""

        async def look() -> list[dict[str, Any]]:
            answer = await self.provider.get(f"/v1/test/deliveries/{payment_id}")
            deliveries: list[dict[str, Any]] = answer.json()["deliveries"]
            return deliveries if all(d["state"] not in ("waiting", "held") for d in deliveries) else []

        return await wait_for(look, f"all messages about {payment_id} to be delivered")

    async def run_jobs(self, *, minutes: float = 1) -> None:
        """What the worker does when so much time has passed."""
        commerce, owner = self.platform.commerce, self.platform.owner
        with clock.clock_shifted(timedelta(minutes=minutes)):
            await check_payments(commerce, owner)
            await ask_refunds(commerce, owner)
            await expire_orders(commerce, owner)

    async def assert_true(self, order_id: UUID, state: str) -> Order:
        """The order is in this state, its books say what the provider's say, and all invariants hold."""
        order = await self.load_order(order_id)
        assert order.state == state
        payments = await self.list_provider_payments(order_id)
        assert order.paid_minor == sum(p["captured_minor"] for p in payments)
        assert order.refunded_minor == sum(p["refunded_minor"] for p in payments)
        assert not await find_breaches(self.platform.owner)
        return order

    async def close(self) -> None:
        self.web.stop()
        await self.api.aclose()
        await self.provider.aclose()
        await self.platform.close()
        self.sandbox.stop()
        assert "Traceback" not in self.web.log, self.web.log


async def open_running_shop(server_url: str, folder: Path, *, workers: int) -> RunningShop:
    """Make a database with a merchant on a server, start the processes, and wait until they answer."""
    url = await make_database(server_url, f"serai_run_{uuid4().hex[:12]}")
    await apply_migrations(url, SYSTEMS)
    sandbox = Provider(folder, "--webhook-backoff-ms", "100")
    account = sandbox.add_account(SLUG)
    shop = await _register(url, account)
    key = await shop.make_key()
    await shop.commerce.db.close()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SERAI_")} | {
        "SERAI_DATA_DIR": str(folder),
        "SERAI_DATABASE_URL": url,
        "SERAI_COMMERCE_SANDBOX_URL": sandbox.url,
        "SERAI_COMMERCE_PROVIDER_TIMEOUT_S": str(PROVIDER_TIMEOUT_S),
        "COLUMNS": "160",
    }
    sandbox.start()
    web = WebWorkers(find_free_port(), workers, environ, folder / "web.log")
    platform = await open_configured_platform(url, load_settings(environ))
    await web.wait_ready()
    served = msgspec.structs.replace(shop, commerce=platform.commerce)
    return RunningShop(served, platform, web, sandbox, key, account["secret"], environ)


async def _register(url: str, account: dict[str, str]) -> Shop:
    """The merchant has to be there before the processes start: they read accounts and merchants once."""
    owner = await open_database(url, role=None, size=1)
    db = await open_database(url, size=2)
    try:
        bare = Commerce(db, Lane(db), {}, CommerceSettings(), b"not used")
        shop = await open_shop(owner, bare, MerchantId(new_id()), SLUG)
        known = SandboxAccount(SLUG, account["secret"], account["webhook_secret"], account["name"])
        await save_pay_accounts(owner, (known,))
        return shop
    finally:
        await owner.close()
