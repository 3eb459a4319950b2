"""Providers' webhooks settled per second: signed messages over HTTP, each of which pays an order.

Orders and their payments stand before the clock starts. A message is then checked, settled in the ledger and acknowledged;
it counts once it is answered 200. One in five comes twice, as it does in life, and pays nothing more.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import msgspec

from serai.commerce.order.api import count_by_state
from serai.commerce.payment.api import open_intent
from serai.commerce.payment.sandbox import SandboxAccount
from serai.foundation.ids import MerchantId
from serai.ledger.api import Lane
from serai.main.bench.arena import ADDRESS, Arena
from serai.main.bench.figure import Contest, Figure, Side, Turn
from serai.main.bench.orders import OrderBook, spread_latency
from serai.main.bench.shop import CURRENCY, Shop, load_items, open_shop
from serai.main.fault import Fault
from serai.main.platform import save_pay_accounts

PRODUCTS = 500
SENDERS = 16
# Far more than one machine settles, so that no turn runs dry.
ORDERS_PER_S = 450
FIRST_ORDERS = 300
TWICE = 5

FIGURES = (
    Figure(
        name="payments.webhooks_per_s",
        unit="per second",
        meaning="signed webhooks over HTTP that each pay an order, with one web worker",
        sides=("webhooks",),
        of_turns=lambda turns: turns["webhooks"].rate,
    ),
)


class Cashier:
    """Lets orders be placed, and then tells the shop that they were paid."""

    def __init__(self, arena: Arena, shop: Shop, book: OrderBook, lane: Lane, port: int, secret: str) -> None:
        self.paid = 0
        self._arena = arena
        self._shop = shop
        self._book = book
        self._lane = lane
        self._secret = secret
        self._client = httpx.AsyncClient(
            base_url=f"http://{ADDRESS}:{port}",
            trust_env=False,
            timeout=30,
            limits=httpx.Limits(max_connections=SENDERS),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def run(self, seconds: float) -> Turn:
        """Messages for some seconds, all acknowledged."""
        waiting = await self._place(max(50, int(seconds * ORDERS_PER_S)))
        used = self._arena.read_cpu()
        began = time.perf_counter()
        times: list[float] = []
        settled = 0

        async def tell() -> None:
            nonlocal settled
            while waiting and time.perf_counter() < began + seconds:
                body = waiting.pop()
                for _copy in range(2 if len(waiting) % TWICE == 0 else 1):
                    sent = time.perf_counter()
                    await self._send(body)
                    times.append(time.perf_counter() - sent)
                settled += 1

        await asyncio.gather(*(tell() for _ in range(SENDERS)))
        wall_s, cpu_s = time.perf_counter() - began, used()
        if not waiting:
            raise Fault("The bench ran out of orders before its time was over.")
        self.paid += settled
        return Turn(settled, wall_s, cpu_s, None, 0, spread_latency(times))

    async def _place(self, count: int) -> list[bytes]:
        """Orders with an open payment each, and the message that will pay it."""
        bodies: list[bytes] = []
        groups = await self._book.make_groups(count, budget=False)
        for outcome in await asyncio.gather(
            *(self._lane.submit(self._shop.merchant_id, group) for group in groups)
        ):
            if not outcome.passed:
                raise Fault("An order of the bench could not be placed.")
        async with self._arena.db.transaction(MerchantId(self._shop.merchant_id)) as tx:
            for group in groups:
                assert group.document_id is not None
                due = next(t.amount for t in group.transfers if t.reason == "payment expected")
                intent = await open_intent(
                    tx,
                    order_id=group.document_id,
                    provider="sandbox",
                    amount_minor=due,
                    currency=CURRENCY,
                    attempt=1,
                )
                bodies.append(_write(str(intent.intent_id), due))
        return bodies

    async def _send(self, body: bytes) -> None:
        at = str(int(time.time()))
        mac = hmac.new(self._secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        answer = await self._client.post(
            f"/webhooks/sandbox/{self._shop.merchant_id}",
            content=body,
            headers={"sandbox-signature": f"t={at},v1={mac}", "content-type": "application/json"},
        )
        if answer.status_code != 200:
            raise Fault(f"A webhook was answered {answer.status_code}.", answer.text[:400])

    async def require_paid(self) -> None:
        """Exactly the orders that were told of are paid. Fault when they are not."""
        async with self._arena.db.transaction(self._shop.merchant_id, "read") as tx:
            states = await count_by_state(tx)
        if states.get("paid", 0) != self.paid:
            raise Fault(f"{self.paid} orders were paid by webhooks, the shop knows of {states}.")


def _write(reference: str, amount: int) -> bytes:
    payment = {
        "payment_id": f"p-{reference}",
        "reference": reference,
        "status": "captured",
        "amount_minor": amount,
        "authorised_minor": amount,
        "captured_minor": amount,
        "refunded_minor": 0,
        "currency": CURRENCY,
    }
    return msgspec.json.encode(
        {"event_id": f"e-{reference}", "type": "payment.captured", "sequence": 2, "payment": payment}
    )


@asynccontextmanager
async def open_webhooks(arena: Arena, _needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """One web worker and nothing else: the messages come from this process."""
    shop = await open_shop(arena, "webhooks", products=PRODUCTS)
    account = SandboxAccount("webhooks", secrets.token_hex(24), secrets.token_hex(24), "Webhooks")
    await save_pay_accounts(arena.owner, (account,))
    lane = Lane(arena.db)
    lane.start()
    book = OrderBook(arena, shop, await load_items(arena, shop), lines=1)
    async with arena.run_web({}) as port:
        cashier = Cashier(arena, shop, book, lane, port, account.webhook_secret)
        try:
            while cashier.paid < (2 if arena.quick else FIRST_ORDERS):
                await cashier.run(0.5)
            await arena.gather_statistics()
            note = f"{SENDERS} at a time, one in {TWICE} twice"
            yield {"webhooks": Side(cashier.run, note, "web")}
            await cashier.require_paid()
        finally:
            await cashier.close()
            await lane.stop()
    await arena.require_clean()


CONTESTS = (Contest("webhooks", FIGURES, open_webhooks),)
