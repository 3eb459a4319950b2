"""Goods that come back become other goods: kept aside, placed, paid for by what came back; money that differs goes its way."""

import asyncio
from datetime import timedelta

import pytest
from tests.journeys.steps import order_of, pay

from serai.commerce.aftersale.api import cancel_order, expire_order, refund_order
from serai.commerce.returns import api
from serai.commerce.returns.jobs import expire_returns, pay_returns
from serai.commerce.returns.types import WantedLine
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, Refused
from serai.foundation.ids import new_id


async def ask(counter, order, sku_id, quantity=1, line_no=1):
    return await api.request_return(
        counter.commerce,
        counter.merchant_id,
        order_id=order.order_id,
        lines=[WantedLine(line_no, quantity, "fit", sku_id)],
        wish="exchange",
        by="shopper",
        key=str(new_id()),
    )


async def exchange(counter, order, sku_id, quantity=1):
    found = await counter.do("approve", await ask(counter, order, sku_id, quantity))
    return await counter.do("exchange", await counter.do("receive", found))


async def exchanged_order(counter, found):

    return await order_of(counter.shop, found.exchange_order_id)


async def test_an_even_exchange_moves_goods_and_no_money(shop, counter, provider, assert_clean):
    small, large = await shop.add_product("S", price_minor=500), await shop.add_product("L", price_minor=500)
    order = await counter.sell((small, 1))
    approved = await counter.do("approve", await ask(counter, order, large))
    assert (await counter.available(small), await counter.available(large)) == (9, 9)
    await assert_clean()
    found = await counter.do("exchange", await counter.do("receive", approved))
    assert (found.state, found.credit_minor, found.refund_minor) == ("exchanged", 500, 0)
    new = await exchanged_order(counter, found)
    assert (new.state, new.total_minor, new.lines[0].sku_id) == ("paid", 0, large)
    assert (await counter.available(small), await counter.available(large)) == (10, 9)
    assert (await counter.hand_over(new.order_id)).state == "fulfilled"
    await assert_clean()


async def test_cheaper_goods_give_the_rest_back(shop, counter, provider, owner, assert_clean):
    one, two = await shop.add_product(price_minor=500), await shop.add_product(price_minor=300)
    order = await counter.sell((one, 2))
    found = await exchange(counter, order, two)
    assert (found.credit_minor, found.refund_minor) == (300, 200)
    assert sum(provider.refunds.values()) == 200
    await pay_returns(counter.commerce, owner)
    assert sum(provider.refunds.values()) == 200
    await assert_clean()


async def test_dearer_goods_are_paid_for_and_leave_then(shop, counter, provider, assert_clean):
    one, two = await shop.add_product(price_minor=500), await shop.add_product(price_minor=800)
    order = await counter.sell((one, 2))
    found = await exchange(counter, order, two)
    new = await exchanged_order(counter, found)
    assert (new.state, new.due_minor, found.credit_minor, found.refund_minor) == (
        "awaiting_payment", 300, 500, 0,
    )  # fmt: skip
    assert new.expires_at > clock.now() + timedelta(days=6)
    paid = await pay(shop, provider, new, event_id="more")
    assert paid.state == "paid"
    await assert_clean()


async def test_a_rest_that_nobody_pays_ends_the_exchange_and_the_credit_goes_back(
    shop, counter, provider, owner, monkeypatch, assert_clean
):
    one, two = await shop.add_product(price_minor=500), await shop.add_product(price_minor=800)
    order = await counter.sell((one, 2))
    found = await exchange(counter, order, two)
    new = await exchanged_order(counter, found)
    with monkeypatch.context() as later:
        moment = new.expires_at + timedelta(seconds=1)
        later.setattr(clock, "now", lambda: moment)
        assert await expire_order(counter.commerce, counter.merchant_id, order_id=new.order_id)
    for _ in range(2):
        await pay_returns(counter.commerce, owner)
    assert sum(provider.refunds.values()) == 500
    assert (await counter.load(found)).undone_at is not None
    assert await counter.available(two) == 10
    await assert_clean()


async def test_an_exchange_that_is_cancelled_before_it_leaves_gives_the_money_back_once(
    shop, counter, provider, owner, assert_clean
):
    one, two = await shop.add_product(price_minor=500), await shop.add_product(price_minor=500)
    order = await counter.sell((one, 2))
    found = await exchange(counter, order, two)
    await cancel_order(counter.commerce, counter.merchant_id, order_id=found.exchange_order_id, by="shopper")
    await asyncio.gather(*(pay_returns(counter.commerce, owner) for _ in range(4)))
    assert sum(provider.refunds.values()) == 500
    await assert_clean()


async def test_goods_of_an_exchange_that_come_back_give_what_the_order_before_had_paid(
    shop, counter, provider, owner, assert_clean
):
    one, two = await shop.add_product(price_minor=500), await shop.add_product(price_minor=800)
    order = await counter.sell((one, 3))
    found = await exchange(counter, order, two, 2)
    new = await exchanged_order(counter, found)
    await pay(shop, provider, new, event_id="more")
    new = await counter.hand_over(new.order_id)
    first = await counter.give_back(new, (1, 1))
    assert (first.refund_minor, first.former_minor) == (300, 500)
    last = await counter.give_back(new, (1, 1))
    assert (last.refund_minor, last.former_minor) == (300, 500)
    await pay_returns(counter.commerce, owner)
    assert sum(provider.refunds.values()) == 1600
    with pytest.raises(Conflict) as once:
        await ask(counter, new, one)
    assert once.value.code in ("return.no_exchange", "return.nothing_left")
    await assert_clean()


async def test_what_became_goods_cannot_be_refunded_beside(shop, counter, provider, assert_clean):
    one, two = await shop.add_product(price_minor=500), await shop.add_product(price_minor=500)
    order = await counter.sell((one, 2))
    await exchange(counter, order, two)
    with pytest.raises(Invalid) as refused:
        await refund_order(
            counter.commerce, counter.merchant_id, order_id=order.order_id,
            amount_minor=order.total_minor, reason="all", by="t", key="all",
        )  # fmt: skip
    assert refused.value.code == "refund.amount_invalid"
    rest = order.total_minor - 500
    await refund_order(
        counter.commerce, counter.merchant_id, order_id=order.order_id,
        amount_minor=rest, reason="rest", by="t", key="rest",
    )  # fmt: skip
    assert sum(provider.refunds.values()) == rest
    await assert_clean()


async def test_exchange_and_refund_at_once_are_one_of_the_two(shop, counter, provider, assert_clean):
    for _ in range(5):
        provider.refunds.clear()
        one, two = await shop.add_product(price_minor=500), await shop.add_product(price_minor=500)
        order = await counter.sell((one, 2))
        found = await counter.do("approve", await ask(counter, order, two))
        found = await counter.do("receive", found)
        answers = await asyncio.gather(
            *(counter.do(move, found) for move in ("exchange", "refund", "exchange", "refund")),
            return_exceptions=True,
        )
        assert all(not isinstance(a, BaseException) or isinstance(a, Refused) for a in answers)
        after = await counter.load(found)
        assert after.state in ("exchanged", "refunded")
        assert sum(provider.refunds.values()) == (500 if after.state == "refunded" else 0)
        assert await counter.available(two) == (10 if after.state == "refunded" else 9)
    await assert_clean()


async def test_what_is_kept_aside_is_free_again_when_the_goods_do_not_come(
    shop, counter, owner, monkeypatch, assert_clean
):
    one, two = await shop.add_product(), await shop.add_product(stock=1)
    order = await counter.sell((one, 2))
    found = await counter.do("approve", await ask(counter, order, two))
    assert await counter.available(two) == 0
    with pytest.raises(Conflict) as short:
        await shop.place((two, 1))
    assert short.value.code == "cart.short"
    with monkeypatch.context() as later:
        moment = found.expires_at + timedelta(seconds=1)
        later.setattr(clock, "now", lambda: moment)
        await expire_returns(counter.commerce, owner)
    assert await counter.available(two) == 1
    withdrawn = await counter.do("approve", await ask(counter, order, two))
    await counter.do("withdraw", withdrawn)
    assert await counter.available(two) == 1
    await assert_clean()


async def test_what_is_sold_out_cannot_be_kept_aside_but_the_return_stays(shop, counter, assert_clean):
    one, two = await shop.add_product(), await shop.add_product(stock=1)
    order = await counter.sell((one, 1))
    found = await ask(counter, order, two)
    await shop.place((two, 1))
    with pytest.raises(Conflict) as short:
        await counter.do("approve", found)
    assert short.value.code == "return.replacement_short"
    assert (await counter.load(found)).state == "requested"
    await assert_clean()


@pytest.mark.parametrize("sku_id", [None, new_id()])
async def test_a_wish_for_nothing_is_refused(shop, counter, sku_id):
    order = await counter.sell((await shop.add_product(), 1))
    with pytest.raises(Invalid) as refused:
        await ask(counter, order, sku_id)
    assert refused.value.code == "return.replacement_invalid"
