"""What paying costs beside placing: orders that are placed, over orders that are placed, paid (their money held) and
captured, driven directly through the same lane. The provider is in memory, so only our own work counts."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal
from uuid import UUID

from serai.commerce.capture.api import capture_payment
from serai.commerce.checkout.api import draft_order, settle_payment, start_payment, submit_draft
from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms
from serai.commerce.order.types import Address, Contact
from serai.commerce.payment.api import intent_id_of
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce, PaymentRequest, ProviderEvent, ProviderPayment
from serai.foundation.errors import NotFound, _
from serai.foundation.ids import new_id
from serai.ledger.api import Lane
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Side, Turn, ratio
from serai.main.bench.orders import spread_latency
from serai.main.bench.shop import Shop, open_shop

PRODUCTS = 200
CALLERS = 16
NAME = "sandbox"

FIGURES = (
    ratio(
        "orders.paid_over_placed",
        "paid",
        "placed",
        "orders placed, paid and captured, over orders that are only placed, in one process",
    ),
)


class Bank:
    """A provider in memory that holds every payment and takes what it is told to."""

    name = NAME
    can_hold = True

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        """Opened at once."""
        return ProviderPayment(str(request.intent_id), "http://127.0.0.1/pay")

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        """Nobody asks."""
        return None

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        """Nobody asks."""

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Taken."""
        return "done"

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Nobody asks."""
        return "done"

    async def read_webhook(
        self, merchant_id: UUID, headers: Mapping[str, str], body: bytes
    ) -> ProviderEvent | None:
        """It sends none."""
        raise NotFound("webhook.unknown", _("There is no such payment provider."))


class Buyers:
    """Place orders of one line each, several at a time, and pay them when they are to."""

    def __init__(self, arena: Arena, shop: Shop, commerce: Commerce) -> None:
        self._arena = arena
        self._shop = shop
        self._commerce = commerce
        self._numbers = itertools.count()

    async def run(self, seconds: float, *, pays: bool) -> Turn:
        """One turn."""
        used = self._arena.read_cpu()
        began = time.perf_counter()
        times: list[float] = []

        async def buy_on() -> None:
            while time.perf_counter() < began + seconds:
                sent = time.perf_counter()
                await self._buy(pays=pays)
                times.append(time.perf_counter() - sent)

        await asyncio.gather(*(buy_on() for _ in range(CALLERS)))
        return Turn(len(times), time.perf_counter() - began, used(), None, 0, spread_latency(times))

    async def _buy(self, *, pays: bool) -> None:
        merchant_id, commerce = self._shop.merchant_id, self._commerce
        sku_id = self._shop.sku_ids[next(self._numbers) % len(self._shop.sku_ids)]
        async with commerce.db.transaction(merchant_id, "read") as tx:
            draft = await draft_order(
                tx,
                settings=commerce.settings,
                order_id=new_id(),
                wanted={sku_id: 1},
                contact=Contact("bench@serai.example", "Bench"),
                address=Address("US", "OH", "Cincinnati", "", "1 Vine Street", "", "45202"),
                delivery="ship",
                place_id=None,
                locale="en",
                note="",
            )
        placed = await submit_draft(commerce, merchant_id, draft)
        if not pays:
            return
        await start_payment(commerce, merchant_id, order_id=placed.order_id, base_url="http://127.0.0.1")
        intent_id = intent_id_of(placed.order_id, 1)
        event = ProviderEvent(
            NAME,
            f"held-{intent_id}",
            "authorised",
            intent_id,
            str(intent_id),
            placed.due_minor,
            placed.due_minor,
            placed.currency,
            {},
        )
        await settle_payment(commerce, merchant_id, event=event, source="webhook")
        await capture_payment(commerce, merchant_id, order_id=placed.order_id, by="bench", key="all")


@asynccontextmanager
async def open_paid(arena: Arena, _needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """Both sides in one process; at the end every invariant must hold."""
    shop = await open_shop(arena, "paid", products=PRODUCTS)
    lane = Lane(arena.db)
    lane.start()
    commerce = Commerce(arena.db, lane, {NAME: Bank()}, CommerceSettings(), b"bench")
    async with arena.db.transaction(shop.merchant_id) as tx:
        await save_method(tx, terms=MethodTerms("online", active=True, capture="manual"), by="bench")
    buyers = Buyers(arena, shop, commerce)
    try:
        for pays in (False, True):
            await buyers.run(0.2 if arena.quick else 1.0, pays=pays)
        await arena.gather_statistics()
        yield {
            "placed": Side(lambda s: buyers.run(s, pays=False), f"{CALLERS} at a time, one line each"),
            "paid": Side(lambda s: buyers.run(s, pays=True), "the same, held and captured"),
        }
    finally:
        await lane.stop()
    await arena.require_clean()


CONTESTS = (Contest("paid", FIGURES, open_paid),)
