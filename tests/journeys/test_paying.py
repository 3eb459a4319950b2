"""Journeys of the money: late, doubled, wrong, silent and refused payments, with the ledger checked after each."""

import asyncio
from datetime import timedelta

import pytest
from tests.journeys.steps import available, order_of, pay, pay_late

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.aftersale.jobs import ask_refunds, expire_orders
from serai.commerce.checkout.api import refresh_payment, settle_payment, start_payment
from serai.commerce.checkout.jobs import check_payments
from serai.commerce.order.api import fulfil_order
from serai.commerce.payment.api import intent_id_of
from serai.foundation import clock
from serai.foundation.errors import Outside


async def test_a_payment_after_expiry_revives_the_order_when_the_goods_are_there(
    shop, owner, provider, assert_clean
):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 3))
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    with clock.clock_shifted(timedelta(minutes=31)):
        await expire_orders(shop.commerce, owner)
        order = await pay_late(shop, provider, placed)
    assert (order.state, order.due_minor) == ("paid", 0)
    assert await available(shop, sku_id) == 7
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="staff")
    await assert_clean()


async def test_a_payment_in_the_moment_of_expiry_before_the_sweep_is_kept(shop, provider, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 3))
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    with clock.clock_shifted(timedelta(minutes=31)):
        order = await pay_late(shop, provider, placed)
    assert order.state == "paid"
    await assert_clean()


async def test_a_payment_after_expiry_is_refunded_when_the_goods_are_gone(
    shop, owner, provider, assert_clean
):
    sku_id = await shop.add_product(stock=1)
    placed = await shop.place((sku_id, 1))
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    with clock.clock_shifted(timedelta(minutes=31)):
        await expire_orders(shop.commerce, owner)
        await shop.place((sku_id, 1))
        order = await pay_late(shop, provider, placed)
    assert order.state == "expired"
    assert (order.paid_minor, order.refunded_minor) == (order.total_minor, order.total_minor)
    await assert_clean()


async def test_a_payment_of_a_cancelled_order_is_refunded(shop, provider, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 1))
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="shopper")
    order = await pay_late(shop, provider, placed)
    assert (order.state, order.refunded_minor) == ("cancelled", order.total_minor)
    await assert_clean()


async def test_payment_cancellation_and_expiry_race_and_the_money_is_never_lost(
    shop, owner, provider, assert_clean
):
    sku_id = await shop.add_product(stock=40)
    for _ in range(8):
        placed = await shop.place((sku_id, 1))
        await start_payment(
            shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://s.localhost"
        )
        await asyncio.gather(
            pay_late(shop, provider, placed),
            cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="shopper"),
            return_exceptions=True,
        )
        order = await order_of(shop, placed.order_id)
        if order.state == "cancelled":
            assert order.refunded_minor == order.paid_minor == order.total_minor
        else:
            assert order.state == "paid"
    await assert_clean()


async def test_the_same_capture_told_many_times_at_once_counts_once(shop, provider, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 1))
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    intent_id = intent_id_of(placed.order_id, 1)
    events = [provider.capture(intent_id, event_id=name) for name in ("a", "b", "a", "c", "a")]
    await asyncio.gather(
        *(settle_payment(shop.commerce, shop.merchant_id, event=e, source="webhook") for e in events),
        refresh_payment(shop.commerce, shop.merchant_id, order_id=placed.order_id),
    )
    order = await order_of(shop, placed.order_id)
    assert (order.state, order.paid_minor, order.refunded_minor) == ("paid", order.total_minor, 0)
    await assert_clean()


async def test_a_wrong_amount_is_noted_and_books_nothing(shop, provider, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 1))
    order = await pay(shop, provider, placed, amount_minor=1)
    assert (order.state, order.paid_minor) == ("awaiting_payment", 0)
    assert "PaymentMismatch" in [note.what for note in order.timeline]
    await assert_clean()


async def test_a_provider_that_is_down_leaves_the_order_payable(shop, provider, owner, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 1))
    provider.down = True
    with pytest.raises(Outside):
        await start_payment(
            shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://s.localhost"
        )
    provider.down = False
    assert (await pay(shop, provider, placed)).state == "paid"
    await assert_clean()


async def test_a_silent_provider_is_asked_and_the_order_gets_paid(shop, provider, owner, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 1))
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    provider.capture(intent_id_of(placed.order_id, 1))
    with clock.clock_shifted(timedelta(seconds=60)):
        await check_payments(shop.commerce, owner)
    assert (await order_of(shop, placed.order_id)).state == "paid"
    await assert_clean()


async def test_an_unanswered_refund_is_asked_again_and_a_refused_one_is_taken_back(
    shop, provider, owner, assert_clean
):
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 4))
    await pay(shop, provider, placed)
    provider.down = True
    order = await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=placed.order_id,
        amount_minor=500,
        reason="r",
        by="s",
        key="1",
    )
    assert [r.state for r in order.refunds] == ["pending"]
    provider.down = False
    with clock.clock_shifted(timedelta(seconds=60)):
        await ask_refunds(shop.commerce, owner)
    assert [r.state for r in (await order_of(shop, placed.order_id)).refunds] == ["done"]
    provider.refund_answer = "failed"
    order = await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=placed.order_id,
        amount_minor=700,
        reason="r",
        by="s",
        key="2",
    )
    assert [r.state for r in order.refunds] == ["done", "failed"]
    assert order.refundable_minor == order.total_minor - 500
    await assert_clean()
