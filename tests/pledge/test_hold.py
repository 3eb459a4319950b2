"""Money that a provider holds: the order may leave, what is taken never passes what is held, and the rest is let go."""

import asyncio
from datetime import timedelta

import pytest
from tests.journeys.steps import available

from serai.commerce.aftersale.api import cancel_order, expire_order, refund_order
from serai.commerce.capture.api import ask_capture
from serai.commerce.checkout.api import start_payment
from serai.commerce.checkout.jobs import tend_pledges
from serai.commerce.order.api import fulfil_order
from serai.commerce.pledge.api import want_orders
from serai.foundation import clock
from serai.foundation.clock import clock_shifted
from serai.foundation.errors import Conflict, Invalid, Refused


def figures(order):
    """(captured, open, let go) of an order's only pledge."""
    pledge = order.payments[-1].pledge
    return order.payments[-1].captured_minor, pledge.open_minor, pledge.released_minor


async def cancel(holder, order):
    return await cancel_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")


async def refund(holder, order, amount_minor, key="r"):
    return await refund_order(
        holder.commerce,
        holder.merchant_id,
        order_id=order.order_id,
        amount_minor=amount_minor,
        reason="broken",
        by="staff",
        key=key,
    )


async def test_held_money_secures_the_order_and_nothing_is_taken(holder, assert_clean):
    order = await holder.hold()
    assert (order.state, order.secured, order.paid_minor, order.pledged_minor) == (
        "paid",
        "authorised",
        0,
        order.total_minor,
    )
    assert order.due_minor == 0
    assert holder.provider.payments[order.payments[0].intent_id].capture == "manual"
    await assert_clean()


async def test_held_money_is_taken_in_parts_and_never_more_than_is_held(holder, assert_clean):
    order = await holder.hold()
    order = await holder.capture(order, 3000, "a")
    assert figures(order) == (3000, 7000, 0)
    order = await holder.capture(order, 3000, "a")
    assert figures(order) == (3000, 7000, 0)
    with pytest.raises(Invalid) as refusal:
        await holder.capture(order, 7001, "b")
    assert (refusal.value.code, refusal.value.data["left"]) == ("capture.amount_invalid", 7000)
    order = await holder.capture(order, None, "c")
    assert figures(order) == (10000, 0, 0)
    assert order.payments[0].pledge.settled_at is not None
    with pytest.raises(Conflict) as conflict:
        await holder.capture(order, 1, "d")
    assert conflict.value.code == "capture.nothing_pledged"
    assert sorted(holder.provider.captures.values()) == [3000, 7000]
    await assert_clean()


@pytest.mark.parametrize("amount", [0, -1, True])
async def test_a_capture_of_no_amount_is_refused_and_changes_nothing(holder, amount):
    order = await holder.hold()
    with pytest.raises(Invalid):
        await holder.capture(order, amount)
    assert figures(await holder.load(order)) == (0, 10000, 0)
    assert not holder.provider.captures


async def test_captures_at_the_same_time_take_one_after_the_other(holder, assert_clean):
    order = await holder.hold()
    answers = await asyncio.gather(
        *(holder.capture(order, 4000, f"k{n}") for n in range(6)), return_exceptions=True
    )
    order = await holder.load(order)
    taken = sum(holder.provider.captures.values())
    assert order.paid_minor == taken <= 10000
    assert taken in (4000, 8000)
    assert all(isinstance(answer, Refused) for answer in answers if isinstance(answer, Exception))
    await assert_clean()


async def test_the_provider_may_tell_a_capture_before_it_answers_and_again(holder, assert_clean):
    order = await holder.hold()
    holder.provider.capture_answer = "pending"
    order = await holder.capture(order, 4000)
    assert figures(order) == (0, 10000, 0)
    order = await holder.tell(order, "captured", 4000)
    order = await holder.tell(order, "captured", 4000, event_id="again")
    assert figures(order) == (4000, 6000, 0)
    holder.provider.capture_answer = "done"
    await ask_capture(
        holder.commerce,
        holder.merchant_id,
        order_id=order.order_id,
        intent_id=order.payments[0].intent_id,
    )
    assert figures(await holder.load(order)) == (4000, 6000, 0)
    await assert_clean()


async def test_captures_told_out_of_order_count_once(holder, assert_clean):
    order = await holder.hold()
    events = [holder.provider.tell(order.payments[0].intent_id, "captured", n) for n in (7000, 3000, 10000)]
    for event in events:
        await holder.settle(event)
    assert figures(await holder.load(order)) == (10000, 0, 0)
    await assert_clean()


async def test_totals_told_at_the_same_moment_count_once(holder, assert_clean):
    order = await holder.hold()
    intent_id = order.payments[0].intent_id
    totals = (1000, 3000, 5000, 7000, 9000, 7000)
    events = [holder.provider.tell(intent_id, "captured", n, event_id=f"e{i}") for i, n in enumerate(totals)]
    await asyncio.gather(*(holder.settle(event) for event in events))
    assert figures(await holder.load(order)) == (9000, 1000, 0)
    await assert_clean()


async def test_a_capture_told_before_the_authorisation_secures_the_order_first(holder, assert_clean):
    order = await holder.place()
    order = await holder.tell(order, "captured", 2500)
    assert (order.state, *figures(order)) == ("paid", 2500, 7500, 0)
    order = await holder.tell(order, "authorised")
    assert figures(order) == (2500, 7500, 0)
    await assert_clean()


async def test_a_part_larger_than_what_was_asked_for_is_noted_and_booked_nowhere(holder, assert_clean):
    order = await holder.hold()
    order = await holder.tell(order, "captured", 10001)
    assert figures(order) == (0, 10000, 0)
    assert "PaymentMismatch" in [note.what for note in order.timeline]
    await assert_clean()


async def test_a_lost_answer_is_asked_again_and_taken_once(holder, assert_clean):
    order = await holder.hold()
    holder.provider.down = True
    order = await holder.capture(order, 4000)
    assert order.payments[0].pledge.pending.amount_minor == 4000
    with pytest.raises(Conflict) as refusal:
        await holder.capture(order, 1000, "other")
    assert refusal.value.code == "capture.under_way"
    with pytest.raises(Conflict) as refusal:
        await cancel(holder, order)
    assert refusal.value.code == "capture.under_way"
    holder.provider.down = False
    order = await holder.capture(order, 4000)
    assert figures(order) == (4000, 6000, 0)
    assert list(holder.provider.captures.values()) == [4000]
    await assert_clean()


async def test_a_refused_capture_leaves_the_money_held(holder, assert_clean):
    order = await holder.hold()
    holder.provider.capture_answer = "failed"
    order = await holder.capture(order, 4000)
    assert figures(order) == (0, 10000, 0)
    assert "CaptureFailed" in [note.what for note in order.timeline]
    holder.provider.capture_answer = "done"
    assert figures(await holder.capture(order, 4000, "again")) == (4000, 6000, 0)
    await assert_clean()


async def test_cancelling_lets_go_of_what_is_held_and_refunds_what_was_taken(holder, assert_clean):
    order = await holder.hold()
    sku_id = order.lines[0].sku_id
    order = await holder.capture(order, 4000)
    order = await cancel(holder, order)
    assert (order.state, *figures(order)) == ("cancelled", 4000, 0, 6000)
    assert list(holder.provider.refunds.values()) == [4000]
    assert holder.provider.voided == [order.payments[0].provider_payment_id]
    assert await available(holder.shop, sku_id) == 10
    await assert_clean()


async def test_cancelling_what_was_only_held_moves_no_money(holder, assert_clean):
    order = await cancel(holder, await holder.hold())
    assert (order.state, *figures(order)) == ("cancelled", 0, 0, 10000)
    assert (order.refunds, holder.provider.refunds) == ((), {})
    order = await holder.tell(order, "voided")
    assert order.state == "cancelled"
    await assert_clean()


async def test_a_refund_lets_go_of_what_is_held_before_money_goes_back(holder, assert_clean):
    order = await holder.capture(await holder.hold(), 4000)
    order = await refund(holder, order, 1500, "a")
    assert figures(order) == (4000, 4500, 1500)
    order = await refund(holder, order, 1500, "a")
    assert (figures(order), order.refunded_minor) == ((4000, 4500, 1500), 1500)
    order = await refund(holder, order, 5000, "b")
    assert (figures(order), list(holder.provider.refunds.values())) == ((4000, 0, 6000), [500])
    with pytest.raises(Invalid):
        await refund(holder, order, 3501, "c")
    order = await refund(holder, order, 3500, "d")
    assert order.refunded_minor == order.total_minor
    await assert_clean()


async def test_an_order_leaves_on_held_money_and_is_taken_afterwards(holder, assert_clean):
    order = await holder.hold()
    order = await fulfil_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")
    assert (order.state, order.pledged_minor) == ("fulfilled", 10000)
    await assert_clean()
    order = await holder.capture(order)
    assert figures(order) == (10000, 0, 0)
    await assert_clean()


async def test_held_money_for_an_order_that_has_ended_is_let_go(holder, assert_clean):
    order = await holder.place()
    order = await cancel(holder, order)
    order = await holder.tell(order, "authorised")
    assert (order.state, order.pledged_minor, order.paid_minor) == ("cancelled", 0, 0)
    assert order.payments[0].provider_payment_id in holder.provider.voided
    await assert_clean()


async def test_money_taken_for_an_order_that_has_ended_goes_back(holder, assert_clean):
    order = await cancel(holder, await holder.hold())
    order = await holder.tell(order, "captured", 2000)
    order = await holder.tell(order, "captured", 5000)
    order = await holder.tell(order, "captured", 2000, event_id="again")
    assert sorted(holder.provider.refunds.values()) == [2000, 3000]
    assert (order.paid_minor, order.refunded_minor - order.released_minor) == (5000, 5000)
    await assert_clean()


async def test_a_second_payment_that_is_held_too_is_let_go(holder, assert_clean):
    order = await holder.place()
    first = order.payments[0].intent_id
    await holder.tell(order, "failed")
    await holder.settle(holder.provider.tell(first, "failed"))
    await start_payment(
        holder.commerce, holder.merchant_id, order_id=order.order_id, base_url="http://shop.localhost"
    )
    order = await holder.load(order)
    second = order.payments[1].intent_id
    await holder.settle(holder.provider.tell(second, "authorised"))
    await holder.settle(holder.provider.tell(first, "authorised"))
    order = await holder.load(order)
    assert [paid.open_minor for paid in order.payments] == [0, 10000]
    assert holder.provider.voided == [order.payments[0].provider_payment_id]
    await assert_clean()


async def test_a_hold_that_ends_before_the_goods_left_calls_the_order_off(holder, assert_clean):
    order = await holder.hold()
    order = await holder.tell(order, "expired")
    assert (order.state, order.pledged_minor) == ("cancelled", 0)
    assert await available(holder.shop, order.lines[0].sku_id) == 10
    await assert_clean()


async def test_a_hold_that_ends_after_the_goods_left_is_a_loss_that_staff_see(holder, assert_clean):
    order = await holder.capture(await holder.hold(), 4000)
    await fulfil_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")
    order = await holder.tell(order, "voided")
    assert (order.state, order.pledged_minor, order.payments[0].pledge.lost_minor) == ("fulfilled", 0, 6000)
    assert "PledgeLost" in [note.what for note in order.timeline]
    assert order.refundable_minor == 4000
    await assert_clean()


async def test_of_capture_cancellation_refund_and_end_whatever_comes_first_wins(holder, assert_clean):
    for _round in range(4):
        order = await holder.hold()
        intent_id = order.payments[0].intent_id
        await asyncio.gather(
            holder.capture(order, 6000, "a"),
            holder.capture(order, 6000, "b"),
            cancel(holder, order),
            refund(holder, order, 2000),
            holder.settle(holder.provider.tell(intent_id, "voided")),
            return_exceptions=True,
        )
        order = await holder.load(order)
        pledge = order.payments[0].pledge
        assert pledge.open_minor == 0 or order.state == "paid"
        assert order.paid_minor <= order.total_minor
    await assert_clean()


async def test_of_holding_and_expiry_one_wins(holder, assert_clean):
    for _round in range(4):
        order = await holder.place()
        event = holder.provider.tell(order.payments[0].intent_id, "authorised")
        with clock_shifted(timedelta(minutes=31)):
            await asyncio.gather(
                expire_order(holder.commerce, holder.merchant_id, order_id=order.order_id),
                holder.settle(event),
            )
        order = await holder.load(order)
        assert (order.state, order.pledged_minor) in (("paid", 10000), ("expired", 0))
    await assert_clean()


async def test_held_money_is_taken_by_the_job_once_goods_have_left(holder, owner, assert_clean):
    order, other = await holder.hold(), await holder.hold()
    await fulfil_order(holder.commerce, holder.merchant_id, order_id=order.order_id, by="staff")
    async with holder.commerce.db.transaction(holder.merchant_id) as tx:
        await want_orders(tx, order_ids=[order.order_id, other.order_id])
    await asyncio.gather(*(tend_pledges(holder.commerce, owner) for _ in range(3)))
    assert figures(await holder.load(order)) == (10000, 0, 0)
    # Nothing of the other order has left, so nothing of it is taken.
    assert figures(await holder.load(other)) == (0, 10000, 0)
    assert list(holder.provider.captures.values()) == [10000]
    await assert_clean()


async def test_held_money_is_taken_before_the_provider_lets_go_of_it(holder, owner, assert_clean):
    order = await holder.place()
    end = clock.now() + timedelta(days=7)
    order = await holder.tell(order, "authorised", expires_at=end)
    await tend_pledges(holder.commerce, owner)
    assert figures(await holder.load(order)) == (0, 10000, 0)
    with clock_shifted(timedelta(days=6, hours=1)):
        await tend_pledges(holder.commerce, owner)
    assert figures(await holder.load(order)) == (10000, 0, 0)
    await assert_clean()


async def test_a_capture_without_an_answer_is_asked_again_by_the_job(holder, owner, assert_clean):
    order = await holder.hold()
    holder.provider.down = True
    await holder.capture(order, 4000)
    holder.provider.down = False
    with clock_shifted(timedelta(minutes=1)):
        await tend_pledges(holder.commerce, owner)
    assert figures(await holder.load(order)) == (4000, 6000, 0)
    await assert_clean()
