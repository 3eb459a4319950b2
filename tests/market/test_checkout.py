"""A checkout over two merchants: both orders stand, or none; one payment; refunds and commission settled in both books."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given
from tests.journeys.steps import available
from tests.market.conftest import Market

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.aftersale.jobs import expire_orders
from serai.commerce.checkout import api as checkout_api
from serai.commerce.market import place_checkout as flow
from serai.commerce.market.api import add_member, find_checkout, list_settlements
from serai.commerce.market.jobs import check_checkout_payments, end_stuck_checkouts
from serai.commerce.market.logic import commission_back, commission_of
from serai.commerce.market.types import MarketCheckout, commission_cost
from serai.commerce.order.api import fulfil_order
from serai.commerce.payment.types import psp_clearing
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.foundation.ids import new_id

Clean = Callable[[], Awaitable[None]]


async def test_two_merchants_one_checkout_one_payment(market: Market, assert_clean: Clean) -> None:
    one, two = market.shops
    tea, cup = await one.add_product("Tea", price_minor=1000), await two.add_product("Cup", price_minor=2000)
    checkout = await market.order((one, tea, 2), (two, cup, 1))
    first, second = await market.orders(checkout)
    assert (first.state, second.state) == ("awaiting_payment", "awaiting_payment")
    assert checkout.total_minor == (2000 + 599) + (2000 + 599) == first.total_minor + second.total_minor
    assert (await available(one, tea), await available(two, cup)) == (8, 9)
    await market.pay(checkout)
    first, second = await market.orders(checkout)
    assert (first.state, second.state) == ("paid", "paid")
    assert len(market.provider.payments) == 1
    # 10 % of the goods of each, not of the delivery.
    assert await market.income() == 400
    assert [await market.due(shop) for shop in market.shops] == [2399, 2399]
    assert await market.balance(one.merchant_id, psp_clearing("market", "USD")) == 2399
    assert await market.balance(one.merchant_id, commission_cost("USD")) == 200
    fulfilled = await fulfil_order(market.commerce, one.merchant_id, order_id=first.order_id, by="t")
    assert fulfilled.state == "fulfilled"
    async with market.commerce.db.transaction(market.market_id, "read") as tx:
        rows = await list_settlements(tx, currency="USD")
    assert [(row.orders, row.sold_minor, row.due_minor) for row in rows] == [(1, 2599, 2399)] * 2
    await assert_clean()


async def test_if_one_merchant_is_short_no_order_stands_and_nothing_is_held(
    market: Market, assert_clean: Clean
) -> None:
    one, two = market.shops
    goods = {shop.merchant_id: await shop.add_product(stock=5) for shop in market.shops}
    # The merchant that is reserved last is the one that is short, so the first one has to be called off.
    last = max(market.shops, key=lambda shop: shop.merchant_id)
    other = one if last is two else two
    key = new_id()
    with pytest.raises(Conflict) as refused:
        await market.order((other, goods[other.merchant_id], 2), (last, goods[last.merchant_id], 6), key=key)
    assert refused.value.code == "checkout.short"
    assert [await available(shop, goods[shop.merchant_id]) for shop in market.shops] == [5, 5]
    async with market.commerce.db.transaction(market.market_id, "read") as tx:
        checkout = await find_checkout(tx, checkout_id=key)
    assert checkout is not None
    assert (checkout.placed_at, checkout.ended_at is None) == (None, False)
    [order] = [order for shop in [other] for order in await orders_of(market, checkout, shop.merchant_id)]
    assert order.state == "cancelled"
    with pytest.raises(Conflict) as again:
        await market.order((other, goods[other.merchant_id], 1), key=key)
    assert again.value.code == "market.ended"
    with pytest.raises(Conflict):
        await market.start(checkout)
    await assert_clean()


async def orders_of(market: Market, checkout: MarketCheckout, member_id: object) -> list[object]:
    part = msgspec.structs.replace(
        checkout, orders=tuple(order for order in checkout.orders if order.member_id == member_id)
    )
    return list(await market.orders(part))


async def test_the_last_piece_is_sold_to_one_of_many_checkouts_at_once(
    market: Market, assert_clean: Clean
) -> None:
    one, two = market.shops
    rare, common = await one.add_product(stock=1), await two.add_product(stock=20)
    answers = await asyncio.gather(
        *(market.order((one, rare, 1), (two, common, 1)) for _ in range(12)), return_exceptions=True
    )
    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    lost = [a for a in answers if isinstance(a, Conflict) and a.code == "checkout.short"]
    assert (len(won), len(lost)) == (1, 11)
    assert (await available(one, rare), await available(two, common)) == (0, 19)
    await assert_clean()


async def test_the_same_checkout_again_is_the_same_orders_and_the_same_event_changes_nothing(
    market: Market, assert_clean: Clean
) -> None:
    one, two = market.shops
    tea, cup = await one.add_product(), await two.add_product()
    key = new_id()
    first = await market.order((one, tea, 1), (two, cup, 1), key=key)
    again = await market.order((one, tea, 1), (two, cup, 1), key=key)
    assert again == first
    event = await market.pay(first)
    for _ in range(3):
        await market.tell(event)
    assert await market.income() == 2 * 35
    assert [await available(shop, sku) for shop, sku in ((one, tea), (two, cup))] == [9, 9]
    await assert_clean()


async def test_an_order_is_cancelled_alone_and_its_part_goes_back_with_the_commission(
    market: Market, assert_clean: Clean
) -> None:
    one, two = market.shops
    tea, cup = await one.add_product(price_minor=1000), await two.add_product(price_minor=2000)
    checkout = await market.order((one, tea, 1), (two, cup, 1))
    await market.pay(checkout)
    first, second = await market.orders(checkout)
    await cancel_order(market.commerce, one.merchant_id, order_id=first.order_id, by="t")
    first, second = await market.orders(checkout)
    assert (first.state, first.refunded_minor, second.state) == ("cancelled", 1599, "paid")
    assert list(market.provider.refunds.values()) == [1599]
    assert [await market.due(shop) for shop in market.shops] == [0, 2599 - 200]
    assert await market.income() == 200
    assert await market.balance(one.merchant_id, commission_cost("USD")) == 0
    for amount, key in ((1000, "a"), (1599, "b")):
        await refund_order(
            market.commerce,
            two.merchant_id,
            order_id=second.order_id,
            amount_minor=amount,
            reason="r",
            by="t",
            key=key,
        )
    assert await market.due(two) == 0
    assert await market.income() == 0
    await assert_clean()


async def test_money_that_comes_after_expiry_revives_what_is_there_and_refunds_the_rest(
    market: Market, owner: Database, assert_clean: Clean
) -> None:
    one, two = market.shops
    tea, cup = await one.add_product(price_minor=1000, stock=1), await two.add_product(price_minor=2000)
    checkout = await market.order((one, tea, 1), (two, cup, 1))
    url = await market.start(checkout)
    with clock.clock_shifted(timedelta(hours=1)):
        await expire_orders(market.commerce, owner)
        await one.place((tea, 1))
        event = market.provider.capture(market_payment_id(url))
        await market.tell(event)
    first, second = await market.orders(checkout)
    assert (first.state, first.refunded_minor, second.state) == ("expired", 1599, "paid")
    assert [await market.due(shop) for shop in market.shops] == [0, 2399]
    await assert_clean()


def market_payment_id(url: str) -> UUID:
    return UUID(url.rsplit("/", 1)[1])


async def test_what_a_dead_process_left_is_called_off(
    market: Market, owner: Database, monkeypatch: pytest.MonkeyPatch, assert_clean: Clean
) -> None:
    goods = [(shop, await shop.add_product(stock=3), 1) for shop in market.shops]
    calls = 0
    submit = flow.submit_draft

    async def die(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return await submit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(flow, "submit_draft", die)
    with pytest.raises(KeyboardInterrupt):
        await market.order(*goods)
    assert sorted([await available(shop, sku) for shop, sku, _n in goods]) == [2, 3]
    assert await end_stuck_checkouts(market.commerce, owner) == 0
    with clock.clock_shifted(timedelta(minutes=3)):
        assert await end_stuck_checkouts(market.commerce, owner) >= 1
    assert [await available(shop, sku) for shop, sku, _n in goods] == [3, 3]
    await assert_clean()


async def test_a_payment_that_nobody_told_of_is_asked_for(
    market: Market, owner: Database, assert_clean: Clean
) -> None:
    checkout = await market.order(*[(shop, await shop.add_product(), 1) for shop in market.shops])
    market.provider.capture(market_payment_id(await market.start(checkout)))
    assert [order.state for order in await market.orders(checkout)] == ["awaiting_payment"] * 2
    with clock.clock_shifted(timedelta(seconds=20)):
        assert await check_checkout_payments(market.commerce, owner) >= 1
    assert [order.state for order in await market.orders(checkout)] == ["paid"] * 2
    await assert_clean()


async def test_another_amount_than_was_asked_for_pays_nothing(market: Market, assert_clean: Clean) -> None:
    one, _two = market.shops
    checkout = await market.order((one, await one.add_product(), 1))
    url = await market.start(checkout)
    await market.tell(market.provider.capture(market_payment_id(url), amount_minor=1))
    [order] = await market.orders(checkout)
    assert order.state == "awaiting_payment"
    assert await market.due(one) == 0
    await assert_clean()


async def test_only_members_sell_and_an_order_is_not_paid_past_the_market(market: Market) -> None:
    one, two = market.shops
    tea = await one.add_product()
    with pytest.raises(NotFound) as stranger:
        await market.order((msgspec.structs.replace(one, merchant_id=new_id()), tea, 1))
    assert stranger.value.code == "market.member_unknown"
    with pytest.raises(Invalid):
        await market.order((two, tea, 1))
    checkout = await market.order((one, tea, 1))
    with pytest.raises(Conflict) as refused:
        await checkout_api.start_payment(
            market.commerce, one.merchant_id, order_id=checkout.orders[0].order_id, base_url="http://x"
        )
    assert refused.value.code == "order.paid_at_market"
    with pytest.raises(Conflict) as twice:
        async with market.commerce.db.transaction(market.market_id) as tx:
            await add_member(tx, member_id=one.merchant_id, commission_ppm=1, by="t")
    assert twice.value.code == "market.member_twice"


@given(
    st.integers(min_value=1, max_value=10**9),
    st.integers(min_value=0, max_value=1_000_000),
    st.lists(st.integers(min_value=1, max_value=10**8), max_size=10),
)
def test_commission_goes_back_in_step_and_never_more_than_there_was(
    total: int, ppm: int, refunds: list[int]
) -> None:
    commission = commission_of(total, ppm)
    assert 0 <= commission <= total
    before = back = 0
    for refund in [*refunds, total]:
        refund = min(refund, total - before)
        part = commission_back(commission, total, before, refund)
        assert part >= 0
        back, before = back + part, before + refund
        assert back == commission * before // total
    assert back == commission
