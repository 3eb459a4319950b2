"""A presale of one SKU with the figures of the golden vector, and the way through it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.shop import ADDRESS, CONTACT, Shop

from serai.commerce.checkout.api import (
    PlacedOrder,
    Quote,
    place_order,
    quote_cart,
    settle_payment,
    start_payment,
)
from serai.commerce.checkout.jobs import close_presales, tend_balances
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.presale import api
from serai.commerce.presale.types import Presale, PresaleReport, PresaleTerms, PresaleTier
from serai.commerce.promotion import api as promotion_api
from serai.commerce.promotion.types import AmountOff, Terms, Tier
from serai.commerce.tax.types import TaxPlace
from serai.foundation import clock
from serai.foundation.database import Database

# Deposits for two days, then three days for the balances.
BEGIN = datetime(2027, 3, 1, 8, tzinfo=UTC)
CLOSING = BEGIN + timedelta(days=2)
OPENING = BEGIN + timedelta(days=3)
END = BEGIN + timedelta(days=6)


def make_terms(sku_id: UUID, **terms: Any) -> PresaleTerms:
    """D=100, X=200, P=2000; 80 % from 50 pieces on, 70 % from 100."""
    given: dict[str, Any] = {
        "name": "Winter coat",
        "sku_ids": (sku_id,),
        "price_minor": 200_000,
        "deposit_minor": 10_000,
        "credit_minor": 20_000,
        "tiers": (PresaleTier(50, 8000), PresaleTier(100, 7000)),
        "deposit_from": BEGIN,
        "deposit_until": CLOSING,
        "balance_from": OPENING,
        "balance_until": END,
        "quota": 120,
    }
    return PresaleTerms(**{**given, **terms})


class Campaign:
    """A presale that is live, and all that buyers and time do to it."""

    def __init__(self, shop: Shop, provider: Any, owner: Database, presale: Presale, sku_id: UUID) -> None:
        self.shop, self.provider, self.owner = shop, provider, owner
        self.presale, self.sku_id = presale, sku_id

    async def load(self) -> Presale:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await api.load_presale(tx, presale_id=self.presale.presale_id)

    async def report(self) -> PresaleReport:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await api.load_report(tx, presale_id=self.presale.presale_id)

    async def order(self, order_id: UUID) -> Order:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await load_order(tx, order_id=order_id)

    async def quote(self, owner: str, member_id: UUID | None = None) -> Quote:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await quote_cart(
                tx,
                settings=self.shop.commerce.settings,
                owner=owner,
                member_id=member_id,
                destination=TaxPlace(ADDRESS.country, ADDRESS.region),
            )

    async def fill(self, quantity: int = 1) -> tuple[str, UUID]:
        return await self.shop.fill_cart((self.sku_id, quantity))

    async def place_cart(
        self, cart: tuple[str, UUID], digest: str, *, member_id: UUID | None = None, agreed: bool = True
    ) -> PlacedOrder:
        return await place_order(
            self.shop.commerce,
            self.shop.merchant_id,
            owner=cart[0],
            cart_id=cart[1],
            contact=CONTACT,
            address=ADDRESS,
            delivery="ship",
            place_id=None,
            expected_digest=digest,
            member_id=member_id,
            locale="en",
            presale_agreed=agreed,
        )

    async def place(self, quantity: int = 1, member_id: UUID | None = None) -> Order:
        cart = await self.fill(quantity)
        digest = (await self.quote(cart[0], member_id)).digest
        placed = await self.place_cart(cart, digest, member_id=member_id)
        return await self.order(placed.order_id)

    async def start(self, order_id: UUID) -> UUID:
        """Begin a payment: the id of its intent."""
        await start_payment(
            self.shop.commerce, self.shop.merchant_id, order_id=order_id, base_url="http://shop"
        )
        return (await self.order(order_id)).payments[-1].intent_id

    async def settle(self, intent_id: UUID, **how: Any) -> None:
        event = self.provider.capture(intent_id, **how)
        await settle_payment(self.shop.commerce, self.shop.merchant_id, event=event, source="webhook")

    async def pay(self, order_id: UUID) -> Order:
        """Pay what is due now."""
        await self.settle(await self.start(order_id))
        return await self.order(order_id)

    async def buy(self, quantity: int = 1) -> Order:
        """Place an order and pay its deposit."""
        return await self.pay((await self.place(quantity)).order_id)

    async def work(self) -> None:
        """What the worker does by itself."""
        await close_presales(self.shop.commerce, self.owner)
        await tend_balances(self.shop.commerce, self.owner)


@pytest.fixture
def launch(shop: Shop, provider: Any, owner: Database) -> Callable[..., Any]:
    """Make a presale and put it on sale; its goods are in stock unless said otherwise."""

    async def run(
        *,
        stock: int = 200,
        price_minor: int = 220_000,
        published_at: datetime = BEGIN - timedelta(hours=1),
        **terms: Any,
    ) -> Campaign:
        sku_id = await shop.add_product("Winter coat", price_minor=price_minor, stock=stock)
        with clock.clock_at(published_at):
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                draft = await api.create_presale(tx, terms=make_terms(sku_id, **terms), by="test")
            presale = await api.publish_presale(
                shop.commerce, shop.merchant_id, presale_id=draft.presale_id, version=1, by="test"
            )
        return Campaign(shop, provider, owner, presale, sku_id)

    return run


def sent_back(provider: Any, order: Order) -> list[int]:
    """What the provider was asked to give back of an order, smallest first; other tests' orders may be asked for too."""
    return sorted(
        provider.refunds[refund.refund_id] for refund in order.refunds if refund.refund_id in provider.refunds
    )


async def issue_coupon(shop: Shop, least: int, off: int) -> str:
    """A live coupon promotion (so much off from so much on) with one code."""
    terms = Terms(name=f"{off} off", layer=4, benefit=AmountOff((Tier(least, off),)), coupon=True)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        promotion = await promotion_api.create_promotion(tx, terms=terms, by="test")
    await promotion_api.publish_promotion(
        shop.commerce,
        shop.merchant_id,
        promotion_id=promotion.promotion_id,
        version=promotion.version,
        currency="USD",
        by="test",
    )
    (coupon,) = await promotion_api.issue_coupons(
        shop.commerce, shop.merchant_id, promotion_id=promotion.promotion_id, by="test"
    )
    return coupon.code
