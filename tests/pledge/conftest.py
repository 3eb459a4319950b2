"""A shop that holds money instead of taking it, with a few words for what happens to it."""

from typing import Any
from uuid import UUID

import pytest
from tests.journeys.steps import order_of
from tests.shop import Shop

from serai.commerce.capture.api import capture_payment
from serai.commerce.checkout.api import settle_payment, start_payment
from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms
from serai.commerce.order.types import Order
from serai.commerce.types import ProviderEvent


class Holder:
    """What tests do with held money of one shop."""

    def __init__(self, shop: Shop, provider: Any) -> None:
        self.shop = shop
        self.provider = provider
        self.commerce = shop.commerce
        self.merchant_id = shop.merchant_id

    async def offer(self, code: Any, **terms: Any) -> None:
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            await save_method(tx, terms=MethodTerms(code, active=True, **terms), by="test")

    async def place(self, price_minor: int = 5000, quantity: int = 2, stock: int = 10) -> Order:
        """An order whose payment was begun: 2 x 50.00, delivered for nothing."""
        sku_id = await self.shop.add_product(price_minor=price_minor, stock=stock)
        placed = await self.shop.place((sku_id, quantity))
        await start_payment(
            self.commerce, self.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
        )
        return await order_of(self.shop, placed.order_id)

    async def settle(self, event: ProviderEvent, source: str = "webhook") -> None:
        await settle_payment(self.commerce, self.merchant_id, event=event, source=source)

    async def tell(self, order: Order, kind: Any, amount_minor: int | None = None, **more: Any) -> Order:
        """The provider says something about the order's last payment."""
        event = self.provider.tell(order.payments[-1].intent_id, kind, amount_minor, **more)
        await self.settle(event)
        return await self.load(order)

    async def hold(self, **more: Any) -> Order:
        """An order whose money is held."""
        return await self.tell(await self.place(**more), "authorised")

    async def capture(self, order: Order, amount_minor: int | None = None, key: str = "k") -> Order:
        return await capture_payment(
            self.commerce,
            self.merchant_id,
            order_id=order.order_id,
            amount_minor=amount_minor,
            by="staff",
            key=key,
        )

    async def load(self, order: Order | UUID) -> Order:
        return await order_of(self.shop, order if isinstance(order, UUID) else order.order_id)


@pytest.fixture
async def holder(shop: Shop, provider: Any) -> Holder:
    holder = Holder(shop, provider)
    await holder.offer("online", capture="manual")
    return holder
