"""Prices of a test's shop in a few words."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.shop import Shop

from serai.commerce.cart.types import Cart
from serai.commerce.catalogue.api import set_price
from serai.commerce.checkout.api import quote_cart, settle_payment, start_payment
from serai.commerce.checkout.types import Quote
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.price.api import NewOffer, PriceOffer, add_offer, end_offer
from serai.foundation import clock

Plan = Callable[..., Any]


class Tag:
    """A hand that writes prices in a test's shop."""

    def __init__(self, shop: Shop, provider: Any) -> None:
        self.shop = shop
        self.provider = provider

    async def offer(self, sku_id: UUID, amount_minor: int, **terms: Any) -> PriceOffer:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id) as tx:
            return await add_offer(
                tx, offer=NewOffer(sku_id=sku_id, amount_minor=amount_minor, **terms), by="test"
            )

    async def end(self, offer: PriceOffer) -> PriceOffer:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id) as tx:
            return await end_offer(tx, offer_id=offer.offer_id, by="test")

    async def set(self, sku_id: UUID, amount_minor: int) -> None:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id) as tx:
            await set_price(tx, sku_id=sku_id, amount_minor=amount_minor, reason="test", by="test")

    async def cart(self, owner: str, do: Plan) -> Cart:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id) as tx:
            return await do(tx, owner=owner)

    async def quote(self, owner: str, **terms: Any) -> Quote:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await quote_cart(tx, settings=self.shop.commerce.settings, owner=owner, **terms)

    async def order(self, order_id: UUID) -> Order:
        async with self.shop.commerce.db.transaction(self.shop.merchant_id, "read") as tx:
            return await load_order(tx, order_id=order_id)

    async def pay(self, order_id: UUID) -> Order:
        """Start the order's payment and let the provider tell that it was captured."""
        shop = self.shop
        await start_payment(shop.commerce, shop.merchant_id, order_id=order_id, base_url="http://shop")
        order = await self.order(order_id)
        event = self.provider.capture(order.payments[-1].intent_id)
        await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
        return await self.order(order_id)


@pytest.fixture
def tag(shop: Shop, provider: Any) -> Tag:
    return Tag(shop, provider)


def later(**by: float) -> datetime:
    """A moment from now on."""
    return clock.now() + timedelta(**by)
