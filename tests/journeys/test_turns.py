"""Changes of one paid order take turns: whatever comes between the reading of an order and its change, nothing is taken
back twice and nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.journeys.steps import available, order_of, pay

from serai.commerce.aftersale.api import cancel_order, refund_order, settle_refund
from serai.commerce.aftersale.jobs import expire_orders
from serai.commerce.checkout.api import settle_payment, start_payment
from serai.commerce.checkout.jobs import check_payments
from serai.commerce.order.api import fulfil_order
from serai.commerce.order.types import Order
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, Refused
from serai.ledger.types import Group, Outcome

Act = Callable[[Any], Awaitable[Any]]


class Between:
    """A lane that lets somebody else act once, between the reading of an order and a change that is sent."""

    def __init__(self, lane: Any, act: Callable[[], Awaitable[Any]], sent: int = 0) -> None:
        self.lane = lane
        self.left = sent
        self.act: Callable[[], Awaitable[Any]] | None = act

    async def submit(self, merchant_id: Any, group: Group) -> Outcome:
        if self.act is not None and self.left == 0:
            act, self.act = self.act, None
            await act()
        self.left -= 1
        return await self.lane.submit(merchant_id, group)


async def paid_order(shop: Any, provider: Any) -> Order:
    sku_id = await shop.add_product(price_minor=2000)
    placed = await shop.place((sku_id, 2))
    return await pay(shop, provider, placed)


def cancel(order: Order) -> Callable[[Any, Any], Awaitable[Order]]:
    return lambda commerce, shop: cancel_order(commerce, shop.merchant_id, order_id=order.order_id, by="a")


def fulfil(order: Order) -> Callable[[Any, Any], Awaitable[Order]]:
    return lambda commerce, shop: fulfil_order(commerce, shop.merchant_id, order_id=order.order_id, by="b")


def refund(order: Order, minor: int, key: str = "k") -> Callable[[Any, Any], Awaitable[Order]]:
    return lambda commerce, shop: refund_order(
        commerce,
        shop.merchant_id,
        order_id=order.order_id,
        amount_minor=minor,
        reason="broken",
        by="c",
        key=key,
    )


async def interleave(shop: Any, late: Any, first: Any, *, sent: int = 0) -> Any:
    """Let ``late`` read the order (and send so many groups), then ``first`` change it, then ``late`` go on. Answers with
    what ``late`` got."""
    between = Between(shop.commerce.lane, lambda: first(shop.commerce, shop), sent)
    try:
        return await late(msgspec.structs.replace(shop.commerce, lane=between), shop)
    except Refused as refusal:
        return refusal
    finally:
        assert between.act is None, "nothing was sent, so nothing came between"


async def test_a_refund_that_was_read_before_a_cancellation_takes_no_sale_back_again(
    shop, provider, assert_clean
):
    order = await paid_order(shop, provider)
    answer = await interleave(shop, refund(order, 1000), cancel(order))
    assert isinstance(answer, Invalid)
    assert answer.code == "refund.amount_invalid"
    order = await order_of(shop, order.order_id)
    assert (order.state, order.refunded_minor) == ("cancelled", order.total_minor)
    assert sum(provider.refunds.values()) == order.total_minor
    await assert_clean()


async def test_a_cancellation_that_was_read_before_a_refund_returns_the_rest(shop, provider, assert_clean):
    order = await paid_order(shop, provider)
    order = await interleave(shop, cancel(order), refund(order, 1000))
    assert (order.state, order.refunded_minor) == ("cancelled", order.total_minor)
    assert sorted(provider.refunds.values()) == [1000, order.total_minor - 1000]
    await assert_clean()


async def test_goods_that_leave_while_a_refund_is_decided_are_returned_as_sold(shop, provider, assert_clean):
    order = await paid_order(shop, provider)
    order = await interleave(shop, refund(order, 1000), fulfil(order))
    assert (order.state, order.refunded_minor) == ("fulfilled", 1000)
    await assert_clean()


async def test_a_refund_that_comes_between_does_not_keep_goods_from_leaving(shop, provider, assert_clean):
    order = await paid_order(shop, provider)
    order = await interleave(shop, fulfil(order), refund(order, 1000))
    assert (order.state, order.refunded_minor) == ("fulfilled", 1000)
    await assert_clean()


@pytest.mark.parametrize("late", [cancel, fulfil])
async def test_of_cancelling_and_fulfilling_the_first_wins(shop, provider, assert_clean, late):
    order = await paid_order(shop, provider)
    first = fulfil if late is cancel else cancel
    answer = await interleave(shop, late(order), first(order))
    assert isinstance(answer, Conflict)
    state = (await order_of(shop, order.order_id)).state
    assert state == ("fulfilled" if first is fulfil else "cancelled")
    await assert_clean()


async def test_two_refunds_that_read_the_same_order_return_no_more_than_was_paid(
    shop, provider, assert_clean
):
    order = await paid_order(shop, provider)
    most = order.total_minor
    answer = await interleave(shop, refund(order, most, "a"), refund(order, most - 1, "b"))
    assert isinstance(answer, Invalid)
    assert (await order_of(shop, order.order_id)).refunded_minor == most - 1
    await assert_clean()


async def test_the_same_refund_twice_at_once_is_one(shop, provider, assert_clean):
    order = await paid_order(shop, provider)
    order = await interleave(shop, refund(order, 700), refund(order, 700))
    assert order.refunded_minor == 700
    assert list(provider.refunds.values()) == [700]
    await assert_clean()


async def pending_refund(shop: Any, provider: Any) -> tuple[Order, Any]:
    order = await paid_order(shop, provider)
    provider.refund_answer = "pending"
    order = await refund(order, 1000)(shop.commerce, shop)
    return order, order.refunds[0].refund_id


async def fail(shop: Any, refund_id: Any) -> None:
    await settle_refund(shop.commerce, shop.merchant_id, refund_id=refund_id, failure="account closed")


async def test_a_refund_that_fails_after_the_order_was_cancelled_is_owed_to_the_buyer(
    shop, provider, assert_clean
):
    order, refund_id = await pending_refund(shop, provider)
    provider.refund_answer = "done"
    await cancel(order)(shop.commerce, shop)
    await fail(shop, refund_id)
    await assert_clean()
    order = await order_of(shop, order.order_id)
    # The cancellation has asked for the pending one again, which the provider now paid: nothing is left to fail.
    left = order.refundable_minor
    if left:
        order = await refund(order, left, "again")(shop.commerce, shop)
    assert (order.state, order.refundable_minor) == ("cancelled", 0)
    assert order.refunded_minor == order.total_minor
    await assert_clean()


async def test_a_refund_refused_for_good_after_a_cancellation_can_be_given_again(
    shop, provider, assert_clean
):
    order, _refund_id = await pending_refund(shop, provider)
    await cancel(order)(shop.commerce, shop)
    for each in (await order_of(shop, order.order_id)).refunds:
        await fail(shop, each.refund_id)
    await assert_clean()
    order = await order_of(shop, order.order_id)
    assert (order.state, order.refunded_minor) == ("cancelled", 0)
    provider.refund_answer = "done"
    order = await refund(order, order.total_minor, "again")(shop.commerce, shop)
    assert order.refunded_minor == order.total_minor
    await assert_clean()


async def test_a_refund_that_fails_after_the_goods_left_is_a_sale_again(shop, provider, assert_clean):
    order, refund_id = await pending_refund(shop, provider)
    await fulfil(order)(shop.commerce, shop)
    await fail(shop, refund_id)
    order = await order_of(shop, order.order_id)
    assert (order.state, order.refunded_minor, order.refundable_minor) == ("fulfilled", 0, order.total_minor)
    await assert_clean()
    provider.refund_answer = "done"
    await refund(order, order.total_minor, "all")(shop.commerce, shop)
    await assert_clean()


async def test_everything_at_once_leaves_a_true_order(shop, provider, assert_clean):
    for turn in range(6):
        sku_id = await shop.add_product(price_minor=2000, stock=2)
        order = await pay(shop, provider, await shop.place((sku_id, 2)))
        provider.refund_answer = ("done", "pending", "failed")[turn % 3]
        acts = [refund(order, 300 + n, f"r{n}") for n in range(5)] + [cancel(order), fulfil(order)]
        if turn % 2:
            acts.reverse()
        answers = await asyncio.gather(*(act(shop.commerce, shop) for act in acts), return_exceptions=True)
        assert all(isinstance(each, Order | Refused) for each in answers), answers
        for each in (await order_of(shop, order.order_id)).refunds:
            if each.state == "pending":
                await settle_refund(
                    shop.commerce,
                    shop.merchant_id,
                    refund_id=each.refund_id,
                    failure="no" if turn == 4 else None,
                )
        order = await order_of(shop, order.order_id)
        assert order.state in ("cancelled", "fulfilled")
        assert order.refunded_minor <= order.total_minor
        assert await available(shop, sku_id) == (2 if order.state == "cancelled" else 0)
        await assert_clean()


async def expired_and_paid(shop: Any, owner: Any, provider: Any, stock: int = 2) -> tuple[Any, Any, Any]:
    """An order whose time was over when the shopper paid: (its SKU, the order, what the provider tells)."""
    sku_id = await shop.add_product(price_minor=2000, stock=stock)
    placed = await shop.place((sku_id, 2))
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    order = await order_of(shop, placed.order_id)
    event = provider.capture(order.payments[-1].intent_id)
    with clock.clock_shifted(timedelta(hours=1)):
        await expire_orders(shop.commerce, owner)
    return sku_id, placed, event


def settle(event: Any) -> Callable[[Any, Any], Awaitable[None]]:
    return lambda commerce, shop: settle_payment(commerce, shop.merchant_id, event=event, source="webhook")


class Dying(Between):
    """A lane whose process dies right after its first group has passed."""

    async def submit(self, merchant_id: Any, group: Group) -> Outcome:
        outcome = await self.lane.submit(merchant_id, group)
        if outcome.passed and self.act is not None:
            self.act = None
            raise ConnectionError("killed")
        return outcome


async def test_late_money_told_twice_at_once_revives_the_order_and_is_not_sent_back(
    shop, owner, provider, assert_clean
):
    _sku_id, placed, event = await expired_and_paid(shop, owner, provider)
    # The twin books and revives after this one has heard that the money is late, and before it books that.
    await interleave(shop, settle(event), settle(event), sent=1)
    order = await order_of(shop, placed.order_id)
    assert (order.state, order.paid_minor, order.refunded_minor) == ("paid", order.total_minor, 0)
    assert not provider.refunds
    await assert_clean()


@pytest.mark.parametrize("by_job", [False, True])
@pytest.mark.parametrize("gone", [False, True])
async def test_whoever_dies_after_booking_late_money_is_finished_by_the_next_message_or_the_worker(
    shop, owner, provider, assert_clean, gone, by_job
):
    sku_id, placed, event = await expired_and_paid(shop, owner, provider)
    if gone:
        await shop.place((sku_id, 2))
    dying = msgspec.structs.replace(shop.commerce, lane=Dying(shop.commerce.lane, order_of))
    with pytest.raises(ConnectionError):
        await settle(event)(dying, shop)
    for _twice in range(2):
        if by_job:
            with clock.clock_shifted(timedelta(minutes=2)):
                await check_payments(shop.commerce, owner)
        else:
            await settle(event)(shop.commerce, shop)
    order = await order_of(shop, placed.order_id)
    assert order.state == ("expired" if gone else "paid")
    assert order.refunded_minor == (order.total_minor if gone else 0)
    await assert_clean()


async def test_the_worker_leaves_the_orders_of_a_market_to_the_market(shop, owner, provider, assert_clean):
    _sku_id, placed, event = await expired_and_paid(shop, owner, provider)
    dying = msgspec.structs.replace(shop.commerce, lane=Dying(shop.commerce.lane, order_of))
    with pytest.raises(ConnectionError):
        await settle(event)(dying, shop)
    named = "UPDATE commerce.sales_order SET channel = $3 WHERE merchant_id = $1 AND order_id = $2"
    for channel, state in (("market", "expired"), ("web", "paid")):
        await owner.execute(named, shop.merchant_id, placed.order_id, channel)
        with clock.clock_shifted(timedelta(minutes=2)):
            await check_payments(shop.commerce, owner)
        assert (await order_of(shop, placed.order_id)).state == state
    await assert_clean()
