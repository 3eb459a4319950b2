"""Promotions of the market over the goods of several shops: exact shares, who bears them, and their counters."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from tests.journeys.steps import available
from tests.market.conftest import Market
from tests.market.test_price_basket import cross
from tests.promotion.conftest import Desk

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.market.api import load_checkout
from serai.commerce.market.jobs import lapse_checkouts
from serai.commerce.market.types import MarketCheckout, discount_recovered, promotion_expense
from serai.commerce.payment.types import psp_clearing
from serai.commerce.promotion.api import discount_by, discounted_sales
from serai.commerce.promotion.types import PercentOff, Promotion, Terms, Tier
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict

Clean = Callable[[], Awaitable[None]]


def desk_of(market: Market) -> Desk:
    return Desk(msgspec.structs.replace(market.shops[0], merchant_id=market.market_id))


async def order_over_both(
    market: Market, terms: Terms, prices: tuple[int, int] = (20_000, 10_000)
) -> tuple[MarketCheckout, Promotion]:
    """A checkout of one thing of each shop; both are delivered free."""
    promotion = await desk_of(market).go_live(terms)
    goods = [
        (shop, await shop.add_product(price_minor=price), 1)
        for shop, price in zip(market.shops, prices, strict=True)
    ]
    return await market.order(*goods), promotion


async def test_both_orders_carry_their_shares_and_the_market_pays_its_part(
    market: Market, assert_clean: Clean
) -> None:
    one, two = market.shops
    checkout, _promotion = await order_over_both(market, cross(30_000, 3_000, seller_percent=2_000))
    assert (checkout.total_minor, checkout.discount_minor) == (27_000, 3_000)
    first, second = await market.orders(checkout)
    assert (first.total_minor, second.total_minor) == (18_000, 9_000)
    assert [each.amount_minor for each in first.adjustments] == [2_000]
    assert [line.discount_minor for line in second.lines] == [1_000]
    await assert_clean()
    await market.pay(checkout)
    # The sellers bear a fifth of what falls on them; the commission of 10 % is of what they get.
    assert await market.balance(market.market_id, promotion_expense("USD")) == 1_600 + 800
    assert [await market.due(shop) for shop in (one, two)] == [18_000 + 1_600 - 1_960, 9_000 + 800 - 980]
    for shop, platform, seller in ((one, 1_600, 400), (two, 800, 200)):
        assert await market.balance(shop.merchant_id, psp_clearing("market", "USD")) == await market.due(shop)
        assert await market.balance(shop.merchant_id, discount_by("platform", "USD")) == 0
        assert await market.balance(shop.merchant_id, discount_by("seller", "USD")) == seller
        assert await market.balance(shop.merchant_id, discounted_sales("USD")) == platform + seller
    await assert_clean()


async def test_a_shops_own_promotion_comes_first_and_counts_less_towards_the_step(
    market: Market, assert_clean: Clean
) -> None:
    one, two = market.shops
    await Desk(one).go_live(cross(100, 1, layer=3, benefit=PercentOff((Tier(0, 1_000),)), funded_by="seller"))
    missed, _promotion = await order_over_both(market, cross(30_000, 3_000))
    assert (missed.total_minor, missed.discount_minor) == (28_000, 0)
    goods = [
        (one, await one.add_product(price_minor=20_000), 1),
        (two, await two.add_product(price_minor=12_000), 1),
    ]
    reached = await market.order(*goods)
    assert (reached.total_minor, reached.discount_minor) == (18_000 + 12_000 - 3_000, 3_000)
    await assert_clean()


async def test_quota_and_budget_move_with_the_checkout(
    market: Market, owner: Database, assert_clean: Clean
) -> None:
    checkout, promotion = await order_over_both(
        market, cross(30_000, 3_000, quota=5, budget_minor=10_000, cap_minor=3_000)
    )
    desk = desk_of(market)
    report = await desk.report(promotion)
    assert (report.quota, report.budget) == ((5, 0, 1, 4), (10_000, 0, 3_000, 7_000))
    await market.pay(checkout)
    report = await desk.report(promotion)
    assert (report.quota, report.budget) == ((5, 1, 0, 4), (10_000, 3_000, 0, 7_000))
    goods = [(shop, await shop.add_product(price_minor=20_000), 1) for shop in market.shops]
    lost = await market.order(*goods)
    assert (await desk.report(promotion)).budget == (10_000, 3_000, 3_000, 4_000)
    with clock.clock_shifted(timedelta(hours=1)):
        assert await lapse_checkouts(market.commerce, owner) >= 1
    assert (await desk.report(promotion)).budget == (10_000, 3_000, 0, 7_000)
    assert [order.state for order in await market.orders(lost)] == ["expired", "expired"]
    await assert_clean()


async def test_a_checkout_that_fails_holds_nothing_of_the_promotion(
    market: Market, assert_clean: Clean
) -> None:
    promotion = await desk_of(market).go_live(cross(30_000, 3_000, budget_minor=10_000, cap_minor=3_000))
    one, two = market.shops
    goods = [
        (one, await one.add_product(price_minor=20_000), 1),
        (two, await two.add_product(price_minor=20_000, stock=1), 2),
    ]
    with pytest.raises(Conflict) as refused:
        await market.order(*goods)
    assert refused.value.code == "checkout.short"
    assert (await desk_of(market).report(promotion)).budget == (10_000, 0, 0, 10_000)
    await assert_clean()


async def test_late_money_takes_the_promotion_again_or_goes_back(
    market: Market, owner: Database, assert_clean: Clean
) -> None:
    terms = cross(30_000, 3_000, budget_minor=3_000, cap_minor=3_000)
    late, promotion = await order_over_both(market, terms)
    url = await market.start(late)
    with clock.clock_shifted(timedelta(hours=1)):
        await lapse_checkouts(market.commerce, owner)
        assert (await desk_of(market).report(promotion)).budget == (3_000, 0, 0, 3_000)
        goods = [(shop, await shop.add_product(price_minor=20_000), 1) for shop in market.shops]
        other = await market.order(*goods)
        assert other.discount_minor == 3_000
        await market.pay(other)
        await market.tell(market.provider.capture(UUID(url.rsplit("/", 1)[1])))
    assert (await desk_of(market).report(promotion)).budget == (3_000, 3_000, 0, 0)
    # The goods were still there, the discount was not: nobody gets it twice, and the money is on its way back.
    assert [(o.state, o.refunded_minor) for o in await market.orders(late)] == [
        ("expired", 18_000),
        ("expired", 9_000),
    ]
    assert sum(market.provider.refunds.values()) == 27_000
    await assert_clean()


async def test_fifty_baskets_on_one_budget_never_spend_more_than_there_is(
    market: Market, assert_clean: Clean
) -> None:
    promotion = await desk_of(market).go_live(
        cross(1_000, 100, budget_minor=700, cap_minor=100, name="Seven of them")
    )
    one, two = market.shops
    tea, cup = (
        await one.add_product(price_minor=600, stock=100),
        await two.add_product(price_minor=600, stock=100),
    )
    answers = await asyncio.gather(
        *(market.order((one, tea, 1), (two, cup, 1)) for _ in range(50)), return_exceptions=True
    )
    placed = [each for each in answers if isinstance(each, MarketCheckout)]
    refused = [each for each in answers if isinstance(each, Conflict)]
    assert len(placed) + len(refused) == 50
    assert {error.code for error in refused} <= {"checkout.changed"}
    cheaper = [each for each in placed if each.discount_minor]
    assert len(cheaper) == 7
    assert (await desk_of(market).report(promotion)).budget == (700, 0, 700, 0)
    assert [await available(one, tea), await available(two, cup)] == [100 - len(placed)] * 2
    for checkout in cheaper[:3]:
        await market.pay(checkout)
    assert (await desk_of(market).report(promotion)).budget == (700, 300, 400, 0)
    await assert_clean()


async def cancel(market: Market, checkout: MarketCheckout, which: int) -> None:
    shop = market.shops[which]
    order = (await market.orders(checkout))[which]
    await cancel_order(market.commerce, shop.merchant_id, order_id=order.order_id, by="t")


@pytest.mark.parametrize(
    ("returns", "first", "second"),
    # 200 and 100 less 30: cancelled alone, the first gives 180 back, or 170 while the other keeps 10 it does not earn.
    [("keep", 18_000, 9_000), ("claw_back", 17_000, 10_000)],
)
async def test_cancelling_one_order_keeps_or_claws_back_and_everything_comes_to_what_was_paid(
    market: Market, assert_clean: Clean, returns: str, first: int, second: int
) -> None:
    checkout, promotion = await order_over_both(
        market, cross(30_000, 3_000, returns=returns, budget_minor=3_000, cap_minor=3_000, quota=1)
    )
    await market.pay(checkout)
    await cancel(market, checkout, 0)
    assert list(market.provider.refunds.values()) == [first]
    kept = await market.balance(market.market_id, discount_recovered("USD"))
    assert kept == 18_000 - first
    assert [await market.due(shop) for shop in market.shops] == [0, 9_000 + 1_000 - 1_000]
    report = await desk_of(market).report(promotion)
    assert (report.budget, report.quota) == ((3_000, 1_000, 0, 2_000), (1, 1, 0, 0))
    await assert_clean()
    await cancel(market, checkout, 1)
    assert sorted(market.provider.refunds.values()) == sorted([first, second])
    assert await market.balance(market.market_id, psp_clearing("sandbox", "USD")) == 0
    assert await market.balance(market.market_id, discount_recovered("USD")) == 0
    assert await market.balance(market.market_id, promotion_expense("USD")) == 0
    report = await desk_of(market).report(promotion)
    assert (report.budget, report.quota) == ((3_000, 0, 0, 3_000), (1, 0, 0, 1))
    await assert_clean()


async def test_a_part_of_an_order_gives_its_part_back(market: Market, assert_clean: Clean) -> None:
    one, two = market.shops
    checkout, _promotion = await order_over_both(market, cross(30_000, 3_000, returns="keep"))
    await market.pay(checkout)
    first, second = await market.orders(checkout)
    for shop, order, amount in ((one, first, 9_000), (two, second, 9_000), (one, first, 9_000)):
        await refund_order(
            market.commerce,
            shop.merchant_id,
            order_id=order.order_id,
            amount_minor=amount,
            reason="r",
            by="t",
            key=f"{amount}{len(market.provider.refunds)}",
        )
        await assert_clean()
    assert sum(market.provider.refunds.values()) == 27_000
    assert [await market.due(shop) for shop in market.shops] == [0, 0]
    assert await market.balance(market.market_id, promotion_expense("USD")) == 0


async def test_a_refund_that_failed_is_planned_anew(market: Market, assert_clean: Clean) -> None:
    one, _two = market.shops
    checkout, _promotion = await order_over_both(market, cross(30_000, 3_000))
    await market.pay(checkout)
    first, _second = await market.orders(checkout)
    for answer, key in (("failed", "a"), ("done", "b")):
        market.provider.refund_answer = answer  # type: ignore[assignment]  # one of its three answers
        await refund_order(
            market.commerce,
            one.merchant_id,
            order_id=first.order_id,
            amount_minor=18_000,
            reason="r",
            by="t",
            key=key,
        )
    assert list(market.provider.refunds.values()) == [17_000, 17_000]
    assert await market.due(one) == 0
    await assert_clean()


async def test_a_checkout_that_costs_nothing_is_settled_at_once(market: Market, assert_clean: Clean) -> None:
    terms = cross(0, 0, benefit=PercentOff((Tier(0, 10_000),)), budget_minor=50_000, cap_minor=50_000)
    checkout, promotion = await order_over_both(market, terms)
    assert checkout.total_minor == 0
    assert [order.state for order in await market.orders(checkout)] == ["paid", "paid"]
    assert [await market.due(shop) for shop in market.shops] == [18_000, 9_000]
    assert (await desk_of(market).report(promotion)).budget == (50_000, 30_000, 0, 20_000)
    async with market.commerce.db.transaction(market.market_id, "read") as tx:
        assert (await load_checkout(tx, checkout_id=checkout.checkout_id)).paid_at is not None
    await assert_clean()
