"""Presales from the deposit to the balance, and every way in which they may end."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.presale.conftest import BEGIN, CLOSING, END, OPENING, issue_coupon
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.checkout.fix_balance import use_coupon
from serai.commerce.order.api import fulfil_order
from serai.foundation import clock
from serai.foundation.errors import Conflict

Check = Callable[[], Awaitable[None]]
Launch = Callable[..., Awaitable[Any]]
HOUR = timedelta(hours=1)


async def test_a_deposit_then_a_balance_make_an_order(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check
) -> None:
    sale = await launch()
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.place()
        assert (order.state, order.due_minor, order.total_minor) == ("awaiting_deposit", 10_000, 190_000)
        await assert_clean()
        order = await sale.pay(order.order_id)
        assert (order.state, order.due_minor, order.paid_minor) == ("awaiting_balance", 0, 10_000)
        await assert_clean()
        with pytest.raises(Conflict) as refused:
            await sale.start(order.order_id)
        assert refused.value.code == "order.balance_not_open"
    with clock.clock_at(CLOSING):
        await sale.work()
        presale = await sale.load()
        assert (presale.state, presale.pieces, presale.percent) == ("closed", 1, 10_000)
        order = await sale.order(order.order_id)
        assert (order.state, order.due_minor) == ("awaiting_balance", 180_000)
        await assert_clean()
    with clock.clock_at(OPENING + HOUR):
        await sale.work()
        order = await sale.pay(order.order_id)
        assert (order.state, order.paid_minor, order.total_minor) == ("paid", 190_000, 190_000)
        assert [p.purpose for p in order.payments] == ["deposit", "balance"]
        await assert_clean()
        order = await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="test")
        assert order.state == "fulfilled"
    await assert_clean()
