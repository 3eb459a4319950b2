"""Of a payment and a cancellation in the same moment one wins, and what the order took of promotions goes with it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.promotion.conftest import Desk
from tests.promotion.test_order import read, spend
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.checkout.api import settle_payment, start_payment

Check = Callable[[], Awaitable[None]]


async def test_a_payment_and_a_cancellation_at_once_leave_no_claim_behind(
    shop: Shop, desk: Desk, provider: Any, assert_clean: Check
) -> None:
    sku_id = await shop.add_product(price_minor=5000, stock=50)
    promotion = await desk.go_live(spend(1000, 400, quota=100))
    paid = 0
    for _ in range(12):
        placed = await shop.place((sku_id, 1))
        order_id = placed.order_id
        await start_payment(shop.commerce, shop.merchant_id, order_id=order_id, base_url="http://shop")
        event = provider.capture((await read(shop, order_id)).payments[-1].intent_id)
        await asyncio.gather(
            settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook"),
            cancel_order(shop.commerce, shop.merchant_id, order_id=order_id, by="test"),
            return_exceptions=True,
        )
        order = await read(shop, order_id)
        assert order.paid_minor == order.total_minor
        assert order.refunded_minor == (order.total_minor if order.state == "cancelled" else 0)
        paid += order.state == "paid"
    assert (await desk.report(promotion)).quota == (100, paid, 0, 100 - paid)
    await assert_clean()
