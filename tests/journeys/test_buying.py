"""Journeys of an order, from the cart to the money back, with the ledger checked after each."""

import asyncio
from datetime import timedelta

import pytest

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.aftersale.jobs import ask_refunds, expire_orders
from serai.commerce.catalogue.api import find_variant, publish_product, set_price
from serai.commerce.checkout.api import refresh_payment, settle_payment, start_payment
from serai.commerce.checkout.jobs import check_payments
from serai.commerce.order.api import fulfil_order, load_order
from serai.commerce.payment.api import intent_id_of
from serai.commerce.stock.api import list_levels, load_available
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, NotFound, Outside


async def order_of(shop, order_id):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


async def available(shop, sku_id, place=None):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        place_id = (place or shop.warehouse).place_id
        return (await load_available(tx, sku_ids=[sku_id], place_id=place_id))[sku_id]


async def pay(shop, provider, placed, **more):
    await start_payment(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, base_url="http://shop.localhost"
    )
    order = await order_of(shop, placed.order_id)
    event = provider.capture(order.payments[-1].intent_id, **more)
    await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
    return await order_of(shop, placed.order_id)


async def test_an_order_reserves_is_paid_and_fulfilled(shop, provider, assert_clean):
    ice, milk = (
        await shop.add_product(price_minor=349),
        await shop.add_product("Milk, 1 gal", price_minor=299),
    )
    placed = await shop.place((ice, 2), (milk, 3))
    order = await order_of(shop, placed.order_id)
    assert (order.state, order.items_minor, order.shipping_minor, order.total_minor) == (
        "awaiting_payment",
        2 * 349 + 3 * 299,
        599,
        2 * 349 + 3 * 299 + 599,
    )
    assert (await available(shop, ice), await available(shop, milk)) == (8, 7)
    assert (await pay(shop, provider, placed)).state == "paid"
    fulfilled = await fulfil_order(
        shop.commerce, shop.merchant_id, order_id=placed.order_id, by="t", tracking="Z1"
    )
    assert (fulfilled.state, fulfilled.tracking) == ("fulfilled", "Z1")
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        level = (await list_levels(tx, sku_id=ice))[0]
    assert (level.on_hand, level.reserved, level.available) == (8, 0, 8)
    assert [note.what for note in fulfilled.timeline] == ["OrderPlaced", "OrderPaid", "OrderFulfilled"]
    await assert_clean()


async def test_two_hundred_buyers_of_the_last_unit_get_one_order_and_polite_answers(shop, assert_clean):
    sku_id = await shop.add_product(stock=1)
    carts = [await shop.fill_cart((sku_id, 1)) for _ in range(200)]
    answers = await asyncio.gather(
        *(shop.place_cart(owner, cart_id) for owner, cart_id in carts), return_exceptions=True
    )
    won = [a for a in answers if not isinstance(a, BaseException)]
    lost = [a for a in answers if isinstance(a, Conflict) and a.code == "checkout.short"]
    assert (len(won), len(lost)) == (1, 199)
    assert await available(shop, sku_id) == 0
    await assert_clean()


async def test_a_cart_placed_many_times_at_once_is_one_order(shop, assert_clean):
    sku_id = await shop.add_product()
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    answers = await asyncio.gather(
        *(shop.place_cart(owner, cart_id, digest=None) for _ in range(8)), return_exceptions=True
    )
    placed = [a for a in answers if not isinstance(a, Exception)]
    assert placed
    assert len({a.order_id for a in placed}) == 1
    assert all(isinstance(a, NotFound) for a in answers if isinstance(a, Exception))
    assert await available(shop, sku_id) == 9
    await assert_clean()


async def test_a_changed_price_is_told_and_nothing_is_placed(shop, assert_clean):
    sku_id = await shop.add_product(price_minor=500)
    owner, cart_id = await shop.fill_cart((sku_id, 1))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=sku_id, amount_minor=700, reason="dearer", by="test")
    with pytest.raises(Conflict) as refused:
        await shop.place_cart(owner, cart_id)
    assert refused.value.code == "checkout.changed"
    assert refused.value.data["changes"][0]["before"] == 500
    assert refused.value.data["changes"][0]["now"] == 700
    assert await available(shop, sku_id) == 10
    await assert_clean()


async def test_a_product_taken_out_of_the_shop_is_told_at_checkout(shop):
    sku_id, other = await shop.add_product(), await shop.add_product("Milk")
    owner, cart_id = await shop.fill_cart((sku_id, 1), (other, 1))
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        variant = await find_variant(tx, sku_id=sku_id)
        await publish_product(tx, product_id=variant.product_id, by="test", published=False)
    with pytest.raises(Conflict) as refused:
        await shop.place_cart(owner, cart_id)
    assert refused.value.code == "checkout.changed"
    assert await available(shop, other) == 10


async def test_an_unpaid_order_is_cancelled_and_its_stock_is_free(shop, assert_clean):
    sku_id = await shop.add_product(stock=1)
    placed = await shop.place((sku_id, 1))
    order = await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="shopper")
    assert order.state == "cancelled"
    assert await available(shop, sku_id) == 1
    again = await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="shopper")
    assert again.state == "cancelled"
    await assert_clean()


async def test_a_paid_order_that_is_cancelled_is_refunded_once(shop, provider, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 1))
    await pay(shop, provider, placed)
    for _ in range(2):
        order = await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="staff")
    assert (order.state, order.refunded_minor) == ("cancelled", order.total_minor)
    assert [r.state for r in order.refunds] == ["done"]
    assert len(provider.refunds) == 1
    assert await available(shop, sku_id) == 10
    await assert_clean()


async def test_a_fulfilled_order_cannot_be_cancelled_but_refunded_in_parts_up_to_what_was_paid(
    shop, provider, assert_clean
):
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 4))
    await pay(shop, provider, placed)
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="staff")
    with pytest.raises(Conflict):
        await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="staff")

    async def refund(amount, key):
        return await refund_order(
            shop.commerce,
            shop.merchant_id,
            order_id=placed.order_id,
            amount_minor=amount,
            reason="broken",
            by="staff",
            key=key,
        )

    await refund(1000, "a")
    order = await refund(1000, "a")
    assert order.refunded_minor == 1000
    with pytest.raises(Invalid):
        await refund(3001, "b")
    order = await refund(3000, "b")
    assert order.refunded_minor == order.paid_minor == 4000
    await assert_clean()


async def test_refunds_raced_by_two_people_never_exceed_the_payment(shop, provider, assert_clean):
    sku_id = await shop.add_product(price_minor=5000)
    placed = await shop.place((sku_id, 1))
    await pay(shop, provider, placed)
    answers = await asyncio.gather(
        *(
            refund_order(
                shop.commerce,
                shop.merchant_id,
                order_id=placed.order_id,
                amount_minor=3000,
                reason="r",
                by="s",
                key=str(n),
            )
            for n in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(a, Exception) for a in answers) == 1
    assert all(isinstance(a, Invalid) for a in answers if isinstance(a, Exception))
    await assert_clean()


async def test_an_order_expires_and_frees_its_stock(shop, owner, assert_clean):
    sku_id = await shop.add_product()
    placed = await shop.place((sku_id, 3))
    with clock.clock_shifted(timedelta(minutes=31)):
        assert await expire_orders(shop.commerce, owner) >= 1
    assert (await order_of(shop, placed.order_id)).state == "expired"
    assert await available(shop, sku_id) == 10
    await assert_clean()


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


async def pay_late(shop, provider, placed):
    event = provider.capture(intent_id_of(placed.order_id, 1))
    await settle_payment(shop.commerce, shop.merchant_id, event=event, source="webhook")
    return await order_of(shop, placed.order_id)


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


async def test_stock_at_a_store_is_sold_for_pick_up_only(shop, assert_clean):
    sku_id = await shop.add_product(stock=1, store_stock=5)
    placed = await shop.place((sku_id, 1), delivery="pickup", place_id=shop.store.place_id)
    order = await order_of(shop, placed.order_id)
    assert (order.delivery, order.shipping_minor, order.address) == ("pickup", 0, None)
    assert (await available(shop, sku_id), await available(shop, sku_id, shop.store)) == (1, 4)
    await assert_clean()


async def test_free_goods_for_pick_up_are_paid_at_once(shop, assert_clean):
    sku_id = await shop.add_product(price_minor=0, store_stock=1)
    placed = await shop.place((sku_id, 1), delivery="pickup", place_id=shop.store.place_id)
    assert (await order_of(shop, placed.order_id)).state == "paid"
    await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="staff")
    await assert_clean()


async def test_a_partly_refunded_paid_order_is_fulfilled_and_its_books_close(shop, provider, assert_clean):
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 2))
    await pay(shop, provider, placed)
    await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=placed.order_id,
        amount_minor=700,
        reason="r",
        by="s",
        key="1",
    )
    assert (
        await fulfil_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="s")
    ).state == "fulfilled"
    await assert_clean()


async def test_a_partly_refunded_order_that_is_cancelled_gets_exactly_the_rest(shop, provider, assert_clean):
    sku_id = await shop.add_product(price_minor=1000)
    placed = await shop.place((sku_id, 2))
    await pay(shop, provider, placed)
    await refund_order(
        shop.commerce,
        shop.merchant_id,
        order_id=placed.order_id,
        amount_minor=700,
        reason="r",
        by="s",
        key="1",
    )
    order = await cancel_order(shop.commerce, shop.merchant_id, order_id=placed.order_id, by="s")
    assert (order.refunded_minor, order.refundable_minor) == (order.total_minor, 0)
    await assert_clean()
