"""Journeys of an order, from the cart to the money back, with the ledger checked after each."""

import asyncio
from datetime import timedelta

import pytest
from tests.journeys.steps import available, order_of, pay

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.aftersale.jobs import expire_orders
from serai.commerce.catalogue.api import find_variant, publish_product, set_price
from serai.commerce.checkout.api import quote_cart
from serai.commerce.order.api import fulfil_order
from serai.commerce.stock.api import list_levels
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid


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
    assert [note.what for note in fulfilled.timeline] == [
        "OrderPlaced",
        "OrderPaid",
        "OrderShipped",
        "OrderFulfilled",
    ]
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


async def test_a_cart_placed_many_times_at_once_is_one_order_for_every_caller(shop, assert_clean):
    for _ in range(5):
        sku_id = await shop.add_product(stock=1)
        owner, cart_id = await shop.fill_cart((sku_id, 1))
        async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
            quote = await quote_cart(tx, settings=shop.commerce.settings, owner=owner, cart_id=cart_id)
        placed = await asyncio.gather(
            *(shop.place_cart(owner, cart_id, digest=quote.digest) for _ in range(8))
        )
        assert len({order.order_id for order in placed}) == 1
        assert await available(shop, sku_id) == 0
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
