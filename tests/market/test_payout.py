"""Payouts: statements that are exact, posted once, called back by the opposite, agreeing in both sets of books."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.market.conftest import Market
from tests.market.test_cross_shop import cancel, order_over_both
from tests.market.test_price_basket import cross

from serai.commerce.aftersale.api import refund_order
from serai.commerce.market import pay_members as flow
from serai.commerce.market.api import Payout, pay_members, plan_payout, reverse_payout
from serai.commerce.market.jobs import finish_payouts
from serai.commerce.market.types import PayoutLine, bank
from serai.commerce.payment.types import psp_clearing
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, NotFound
from serai.foundation.ids import new_id

Clean = Callable[[], Awaitable[None]]


async def pay(market: Market) -> Payout:
    return await pay_members(market.commerce, market.market_id, currency="USD", by="t")


async def plan(market: Market) -> list[PayoutLine]:
    async with market.commerce.db.transaction(market.market_id, "read") as tx:
        lines = {line.member_id: line for line in await plan_payout(tx, currency="USD")}
    return [lines[shop.merchant_id] for shop in market.shops]


async def sell(market: Market, **terms: object) -> None:
    """Tea at 200.00 and a cup at 100.00, 30.00 off over both, of which the sellers bear a fifth."""
    checkout, _promotion = await order_over_both(market, cross(30_000, 3_000, seller_percent=2_000, **terms))
    await market.pay(checkout)


async def test_a_payout_states_what_it_is_made_of_and_empties_both_sides(
    market: Market, assert_clean: Clean
) -> None:
    await sell(market)
    first, second = await plan(market)
    assert (first.sales_minor, first.discounts_minor, first.commission_minor, first.refunds_minor) == (
        18_000,
        1_600,
        1_960,
        0,
    )
    assert second.net_minor == 9_000 + 800 - 980
    payout = await pay(market)
    assert (payout.payout_no, payout.net_minor) == (1, 17_640 + 8_820)
    for shop, net in zip(market.shops, (17_640, 8_820), strict=True):
        assert await market.due(shop) == 0
        assert await market.balance(shop.merchant_id, psp_clearing("market", "USD")) == 0
        assert await market.balance(shop.merchant_id, bank("USD")) == net
    assert [line.net_minor for line in await plan(market)] == [0, 0]
    with pytest.raises(Conflict) as nothing:
        await pay(market)
    assert nothing.value.code == "market.nothing_due"
    await assert_clean()


async def test_twenty_at_once_make_one_payout(market: Market, assert_clean: Clean) -> None:
    await sell(market)
    answers = await asyncio.gather(*(pay(market) for _ in range(20)), return_exceptions=True)
    paid = [each for each in answers if isinstance(each, Payout)]
    assert {each.payout_id for each in paid} == {paid[0].payout_id}
    assert all(isinstance(each, Payout | Conflict) for each in answers)
    assert await market.balance(market.shops[0].merchant_id, bank("USD")) == 17_640
    await assert_clean()


async def test_a_payout_called_back_is_owed_again_and_paid_by_the_next(
    market: Market, assert_clean: Clean
) -> None:
    await sell(market)
    payout = await pay(market)
    back = await reverse_payout(market.commerce, market.market_id, payout_id=payout.payout_id, by="t")
    assert back.reversed_by == "t"
    assert [await market.due(shop) for shop in market.shops] == [17_640, 8_820]
    assert await market.balance(market.shops[0].merchant_id, bank("USD")) == 0
    await assert_clean()
    with pytest.raises(Conflict) as twice:
        await reverse_payout(market.commerce, market.market_id, payout_id=payout.payout_id, by="t")
    assert twice.value.code == "market.payout_reversed"
    again = await pay(market)
    assert (again.payout_no, again.net_minor) == (2, payout.net_minor)
    with pytest.raises(NotFound):
        await reverse_payout(market.commerce, market.market_id, payout_id=new_id(), by="t")
    await assert_clean()


async def test_a_refund_after_the_payout_is_carried_to_the_next(market: Market, assert_clean: Clean) -> None:
    one, two = market.shops
    checkout, _promotion = await order_over_both(market, cross(30_000, 3_000, returns="keep"))
    await market.pay(checkout)
    await pay(market)
    await cancel(market, checkout, 0)
    line, _other = await plan(market)
    assert line.net_minor == -(18_000 + 2_000 - 2_000)
    assert await market.due(one) == line.net_minor
    with pytest.raises(Conflict):
        await pay(market)
    goods = [
        (one, await one.add_product(price_minor=90_000), 1),
        (two, await two.add_product(price_minor=90_000), 1),
    ]
    again = await market.order(*goods)
    await market.pay(again)
    payout = await pay(market)
    shares = {line.member_id: line for line in payout.lines}
    first = shares[one.merchant_id]
    assert first.refunds_minor == 18_000
    assert first.net_minor == await market.balance(one.merchant_id, bank("USD")) - 18_000
    assert [await market.due(shop) for shop in market.shops] == [0, 0]
    await assert_clean()


async def test_what_a_dead_process_left_unbooked_is_finished(
    market: Market, owner: Database, monkeypatch: pytest.MonkeyPatch, assert_clean: Clean
) -> None:
    await sell(market)
    finish = flow.finish_payout

    async def die(*_args: object, **_more: object) -> Payout:
        raise KeyboardInterrupt

    monkeypatch.setattr(flow, "finish_payout", die)
    with pytest.raises(KeyboardInterrupt):
        await pay(market)
    assert await market.due(market.shops[0]) == 0
    assert await market.balance(market.shops[0].merchant_id, bank("USD")) == 0
    monkeypatch.setattr(flow, "finish_payout", finish)
    assert await finish_payouts(market.commerce, owner) >= 1
    assert await market.balance(market.shops[0].merchant_id, bank("USD")) == 17_640
    await assert_clean()


async def test_partial_refunds_show_in_the_statement(market: Market, assert_clean: Clean) -> None:
    await sell(market, returns="keep")
    one = market.shops[0]
    async with market.commerce.db.transaction(one.merchant_id, "read") as tx:
        order_id = await tx.fetchval("SELECT order_id FROM commerce.sales_order")
    await refund_order(
        market.commerce, one.merchant_id, order_id=order_id, amount_minor=9_000, reason="r", by="t", key="k"
    )
    line, _other = await plan(market)
    assert (line.sales_minor, line.refunds_minor, line.discounts_minor, line.commission_minor) == (
        18_000,
        9_000,
        800,
        980,
    )
    assert line.net_minor == await market.due(one)
    await pay(market)
    await assert_clean()
