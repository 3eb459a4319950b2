"""Sums of returns, exchanges and refunds that went wrong once, step by step."""

import pytest
from tests.journeys.steps import order_of

from serai.commerce.aftersale.api import refund_order
from serai.commerce.capture.api import capture_payment
from serai.commerce.checkout.api import accept_promise, settle_payment, start_payment
from serai.commerce.method.api import save_method
from serai.commerce.method.types import MethodTerms
from serai.commerce.order.api import fulfil_order
from serai.commerce.returns import api
from serai.commerce.returns.types import WantedLine
from serai.foundation.errors import Conflict
from serai.foundation.ids import new_id


async def offer(shop, code, **terms):
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await save_method(tx, terms=MethodTerms(code, active=True, **terms), by="test")


async def promise(counter, *lines, method="cash_on_delivery"):
    """An order that was handed over and is paid on delivery."""
    await offer(counter.shop, method)
    placed = await counter.shop.place(*lines)
    await accept_promise(
        counter.commerce, counter.merchant_id, order_id=placed.order_id, method=method, by="shopper"
    )
    return await counter.hand_over(placed.order_id)


async def collect(counter, order, minor=None, key="courier"):
    return await capture_payment(
        counter.commerce,
        counter.merchant_id,
        order_id=order.order_id,
        amount_minor=minor,
        by="courier",
        key=key,
    )


async def exchange(counter, order, sku_id):
    found = await api.request_return(
        counter.commerce,
        counter.merchant_id,
        order_id=order.order_id,
        lines=[WantedLine(1, 1, "fit", sku_id)],
        wish="exchange",
        by="shopper",
        key=str(new_id()),
    )
    return await counter.do("receive", await counter.do("approve", found))


async def test_pieces_of_two_lines_in_one_return_leave_the_rest_of_both_lines_what_they_cost(
    shop, counter, assert_clean
):
    small, large = await shop.add_product("S", price_minor=300), await shop.add_product("L", price_minor=1000)
    order = await counter.sell((small, 3), (large, 2))
    first = await counter.give_back(order, (1, 1), (2, 1))
    assert first.refund_minor == 1300
    assert {line.line_no: line.charged_minor for line in first.lines} == {1: 300, 2: 1000}
    second = await counter.give_back(order, (1, 1))
    assert second.refund_minor == 300
    third = await counter.give_back(order, (2, 1))
    assert third.refund_minor == 1000
    await assert_clean()


async def test_what_was_promised_and_not_paid_is_let_go_for_goods_that_came_back(counter, assert_clean):
    shop = counter.shop
    order = await promise(counter, (await shop.add_product(price_minor=2500), 2))
    found = await counter.give_back(order, (1, 1))
    after = await counter.order(order)
    assert (found.refund_minor, after.released_minor, after.refunds) == (2500, 2500, ())
    await assert_clean()
    await collect(counter, order)
    last = await counter.give_back(order, (1, 1))
    after = await counter.order(order)
    assert last.refund_minor == after.refunds[0].amount_minor == order.total_minor - 2500
    await assert_clean()


async def test_goods_become_other_goods_only_once_they_are_paid_for(counter, assert_clean):
    shop = counter.shop
    one, two = await shop.add_product(price_minor=2500), await shop.add_product(price_minor=2500)
    order = await promise(counter, (one, 1))
    found = await exchange(counter, order, two)
    with pytest.raises(Conflict) as refused:
        await counter.do("exchange", found)
    assert refused.value.code == "return.not_paid"
    assert (await counter.load(found)).state == "received"
    await collect(counter, order)
    found = await counter.do("exchange", found)
    assert (found.state, found.credit_minor) == ("exchanged", 2500)
    await assert_clean()


async def test_a_return_of_goods_that_are_not_paid_for_may_become_money_instead_of_goods(
    counter, assert_clean
):
    shop = counter.shop
    one, two = await shop.add_product(price_minor=2500), await shop.add_product(price_minor=2500)
    order = await promise(counter, (one, 2))
    found = await counter.do("refund", await exchange(counter, order, two))
    assert (found.state, (await counter.order(order)).released_minor) == ("refunded", 2500)
    assert await counter.available(two) == 10
    await assert_clean()


async def test_a_refund_while_held_money_is_being_taken_is_whole_or_refused(shop, provider, assert_clean):
    await offer(shop, "online", capture="manual")
    placed = await shop.place((await shop.add_product(price_minor=5000), 2))
    tools = {"merchant_id": shop.merchant_id, "order_id": placed.order_id}
    await start_payment(shop.commerce, **tools, base_url="http://shop.localhost")
    intent_id = (await order_of(shop, placed.order_id)).payments[-1].intent_id
    held = provider.tell(intent_id, "authorised")
    await settle_payment(shop.commerce, shop.merchant_id, event=held, source="webhook")
    await fulfil_order(shop.commerce, **tools, by="staff")
    provider.down = True
    order = await capture_payment(shop.commerce, **tools, amount_minor=4000, by="staff", key="a")
    assert order.payments[0].pledge.pending.amount_minor == 4000
    with pytest.raises(Conflict) as refused:
        await refund_order(shop.commerce, **tools, amount_minor=8000, reason="broken", by="staff", key="r")
    assert refused.value.code == "capture.under_way"
    assert (await order_of(shop, placed.order_id)).refunded_minor == 0
    provider.down = False
    order = await refund_order(
        shop.commerce, **tools, amount_minor=8000, reason="broken", by="staff", key="r"
    )
    assert order.refunded_minor == 8000
    await assert_clean()
