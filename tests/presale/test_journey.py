"""Presales from the deposit to the balance, and every way in which they may end."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.presale.conftest import BEGIN, CLOSING, END, OPENING, issue_coupon, sent_back
from tests.shop import Shop

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.checkout.fix_balance import use_coupon
from serai.commerce.order.api import fulfil_order
from serai.commerce.presale import api
from serai.commerce.presale.types import PresaleTier
from serai.commerce.tax.api import NewRate, add_rate, save_profile
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


async def test_the_price_falls_with_the_pieces_and_is_frozen(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    """The golden vector: 80 % from 50 pieces on leaves 1400 of 2000 to pay."""
    sale = await launch()
    with clock.clock_at(BEGIN + HOUR):
        many, one = await sale.buy(49), await sale.buy()
        waiting = await sale.place(40)
        assert (await sale.report()).count.sold == 50
    with clock.clock_at(CLOSING):
        await sale.work()
        presale = await sale.load()
        assert (presale.pieces, presale.percent) == (50, 8000)
        assert (await sale.order(waiting.order_id)).state == "expired"
        order = await sale.order(one.order_id)
        assert (order.due_minor, order.total_minor, order.discount_minor) == (140_000, 150_000, 50_000)
        assert [(a.kind, a.amount_minor) for a in order.adjustments] == [
            ("presale", 10_000),
            ("presale_tier", 40_000),
        ]
    with clock.clock_at(OPENING + HOUR):
        # Whoever steps back now does not make it dearer for the others.
        await cancel_order(
            shop.commerce, shop.merchant_id, order_id=many.order_id, by="shopper", by_buyer=True
        )
        await sale.work()
        assert (await sale.load()).percent == 8000
        paid = await sale.pay(one.order_id)
        assert (paid.state, paid.paid_minor) == ("paid", 150_000)
    await assert_clean()


async def test_a_coupon_is_tested_on_the_balance(shop: Shop, launch: Launch, assert_clean: Check) -> None:
    """The golden vector: at a balance of 1800, 满1800减200 leaves 1600; 满2000 is refused."""
    sale = await launch()
    small, large = await issue_coupon(shop, 180_000, 20_000), await issue_coupon(shop, 200_000, 20_000)
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
        with pytest.raises(Conflict) as early:
            await use_coupon(shop.commerce, shop.merchant_id, order_id=order.order_id, code=small)
        assert early.value.code == "order.balance_not_open"
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING + HOUR):
        old = await sale.start(order.order_id)
        with pytest.raises(Conflict) as refused:
            await use_coupon(shop.commerce, shop.merchant_id, order_id=order.order_id, code=large)
        assert (refused.value.code, refused.value.data["why"]) == ("coupon.not_applied", ["threshold"])
        assert (await sale.order(order.order_id)).due_minor == 180_000
        for _again in range(2):
            lower = await use_coupon(shop.commerce, shop.merchant_id, order_id=order.order_id, code=small)
            assert (lower.due_minor, lower.total_minor, lower.discount_minor) == (160_000, 170_000, 30_000)
        await assert_clean()
        with pytest.raises(Conflict) as second:
            await use_coupon(shop.commerce, shop.merchant_id, order_id=order.order_id, code=large)
        assert second.value.code == "presale.coupon_used"
        intent = await sale.start(order.order_id)
        assert intent != old
        await sale.settle(intent)
        assert (await sale.order(order.order_id)).state == "paid"
        # The old amount comes all the same: it goes back whole.
        await sale.settle(old, event_id="old")
        order = await sale.order(order.order_id)
        assert (order.state, order.paid_minor, order.refunded_minor) == ("paid", 350_000, 180_000)
    await assert_clean()


async def test_a_payment_of_the_old_balance_does_not_pay_the_new_one(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch()
    code = await issue_coupon(shop, 0, 20_000)
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        old = await sale.start(order.order_id)
        await use_coupon(shop.commerce, shop.merchant_id, order_id=order.order_id, code=code)
        await sale.settle(old)
        order = await sale.order(order.order_id)
        assert (order.state, order.due_minor, order.refunded_minor) == ("awaiting_balance", 160_000, 180_000)
        assert (await sale.pay(order.order_id)).state == "paid"
    await assert_clean()


async def test_a_coupon_for_all_of_the_balance_pays_it(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch()
    code = await issue_coupon(shop, 0, 180_000)
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        order = await use_coupon(shop.commerce, shop.merchant_id, order_id=order.order_id, code=code)
        assert (order.state, order.total_minor, order.paid_minor) == ("paid", 10_000, 10_000)
        order = await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="test")
        assert order.state == "fulfilled"
    await assert_clean()


@pytest.mark.parametrize(("missed", "kept", "refunded"), [("keep", 20_000, 0), ("refund", 0, 20_000)])
async def test_a_balance_that_does_not_come_ends_the_order_as_agreed(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check, missed: str, kept: int, refunded: int
) -> None:
    sale = await launch(missed=missed, quota=2, stock=2, tiers=())
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy(2)
    for moment in (CLOSING, OPENING, END - HOUR):
        with clock.clock_at(moment):
            await sale.work()
    names = [note.what for note in (await sale.order(order.order_id)).timeline]
    assert [n for n in names if n.startswith("Balance")] == [
        "BalanceFixed",
        "BalanceOpened",
        "BalanceReminded",
    ]
    for moment in (END, END + HOUR):
        with clock.clock_at(moment):
            await sale.work()
    order = await sale.order(order.order_id)
    assert (order.state, order.kept_minor, order.refunded_minor) == ("lapsed", kept, refunded)
    assert order.refundable_minor == 0
    assert sum(sent_back(provider, order)) == refunded
    report = await sale.report()
    assert (report.lapsed, report.kept_minor, report.count.left) == (1, kept, 2)
    # The goods are on the shelf again.
    assert (await shop.place((sale.sku_id, 2))).total_minor > 0
    await assert_clean()


@pytest.mark.parametrize(
    ("missed", "by_buyer", "kept"),
    [("keep", True, 10_000), ("keep", False, 0), ("refund", True, 0)],
)
async def test_stepping_back_before_the_balance_follows_the_policy(
    shop: Shop, launch: Launch, assert_clean: Check, missed: str, by_buyer: bool, kept: int
) -> None:
    """Only a buyer who steps back can lose the deposit; when the shop cancels, it goes back."""
    sale = await launch(missed=missed)
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
        for _again in range(2):
            order = await cancel_order(
                shop.commerce, shop.merchant_id, order_id=order.order_id, by="test", by_buyer=by_buyer
            )
        assert (order.state, order.kept_minor, order.refunded_minor) == ("cancelled", kept, 10_000 - kept)
        assert (await sale.report()).count.left == 120
    await assert_clean()


async def test_stepping_back_before_the_deposit_costs_nothing(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch()
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.place()
        order = await cancel_order(
            shop.commerce, shop.merchant_id, order_id=order.order_id, by="test", by_buyer=True
        )
        assert (order.state, order.kept_minor, order.paid_minor) == ("cancelled", 0, 0)
    await assert_clean()


@pytest.mark.parametrize("is_fulfilled", [False, True])
async def test_a_refund_of_everything_goes_back_over_both_payments(
    shop: Shop, launch: Launch, provider: Any, assert_clean: Check, is_fulfilled: bool
) -> None:
    sale = await launch()
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        order = await sale.pay(order.order_id)
        if is_fulfilled:
            await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="test")
        for _again in range(2):
            order = await refund_order(
                shop.commerce,
                shop.merchant_id,
                order_id=order.order_id,
                amount_minor=190_000,
                reason="returned",
                by="test",
                key="all",
            )
    assert sorted(refund.amount_minor for refund in order.refunds) == [10_000, 180_000]
    assert (order.refunded_minor, order.refundable_minor) == (190_000, 0)
    assert sent_back(provider, order) == [10_000, 180_000]
    await assert_clean()


async def test_cancelling_a_paid_order_gives_deposit_and_balance_back(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch(missed="keep")
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
    with clock.clock_at(CLOSING):
        await sale.work()
    with clock.clock_at(OPENING):
        await sale.pay(order.order_id)
        order = await cancel_order(
            shop.commerce, shop.merchant_id, order_id=order.order_id, by="shopper", by_buyer=True
        )
    assert (order.state, order.refunded_minor, order.kept_minor) == ("cancelled", 190_000, 0)
    await assert_clean()


async def test_a_presale_that_is_stopped_closes_with_what_was_paid(
    shop: Shop, launch: Launch, assert_clean: Check
) -> None:
    sale = await launch(tiers=())
    with clock.clock_at(BEGIN + HOUR):
        order, waiting = await sale.buy(), await sale.place()
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await api.stop_presale(tx, presale_id=sale.presale.presale_id, by="test")
        owner, _cart = await sale.fill()
        assert (await sale.quote(owner)).presale is None
        await sale.work()
        # An order that was placed before may still be paid in its time.
        assert (await sale.load()).state == "live"
        await sale.pay(waiting.order_id)
        await sale.work()
        presale = await sale.load()
        assert (presale.state, presale.pieces) == ("closed", 2)
        assert (await sale.order(order.order_id)).due_minor == 180_000
    await assert_clean()


@pytest.mark.parametrize("included", [True, False])
async def test_taxes_follow_the_balance(
    shop: Shop, launch: Launch, assert_clean: Check, included: bool
) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await save_profile(tx, country="US", region="OH", shipping_taxed=True, by="test")
        rate = NewRate(
            country="US", name="Tax", rate_ppm=100_000, included=included, valid_from=BEGIN - 9 * HOUR
        )
        await add_rate(tx, rate=rate, by="test")
    sale = await launch(tiers=(PresaleTier(1, 8000),))
    with clock.clock_at(BEGIN + HOUR):
        order = await sale.buy()
        assert order.total_minor == (190_000 if included else 209_000)
    with clock.clock_at(CLOSING):
        await sale.work()
        order = await sale.order(order.order_id)
        assert order.total_minor == (150_000 if included else 165_000)
        assert order.tax_minor + order.tax_included_minor == (13_636 if included else 15_000)
        assert order.due_minor == order.total_minor - 10_000
        await assert_clean()
    with clock.clock_at(OPENING):
        assert (await sale.pay(order.order_id)).state == "paid"
    await assert_clean()
