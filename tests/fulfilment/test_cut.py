"""What does not come: short picks, weighed goods, the rest called off. Stock is free again and its share goes back."""

import asyncio

import pytest
from tests.fulfilment.desk import buy, earned, handling, on_hand, pack, ship, stand
from tests.journeys.steps import order_of

from serai.commerce.aftersale.api import refund_order
from serai.commerce.fulfilment.api import Content, Pick, cancel_rest, cut_goods, pick_goods
from serai.foundation.errors import Conflict


async def pick(shop, order, *picks, key="k1"):
    return await pick_goods(
        shop.commerce, shop.merchant_id, order_id=order.order_id, picks=picks, by="clerk", key=key
    )


async def cut(shop, order, *contents, key="c1", kind="short"):
    return await cut_goods(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        contents=[Content(*each) for each in contents],
        kind=kind,
        reason="broken",
        by="clerk",
        key=key,
    )


async def rest_off(shop, order):
    return await cancel_rest(shop.commerce, shop.merchant_id, order_id=order.order_id, by="clerk")


async def test_a_short_pick_gives_its_share_back_and_frees_the_goods(shop, provider, assert_clean):
    ice, milk = await shop.add_product(price_minor=349), await shop.add_product("Milk", price_minor=300)
    order = await buy(shop, provider, (ice, 3), (milk, 2))
    for _again in range(2):
        order = await pick(shop, order, Pick(1, 1, is_final=True), Pick(2, 2))
    assert order.refunded_minor == 2 * 349
    assert list(provider.refunds.values()) == [2 * 349]
    assert await stand(shop, order.order_id) == {1: (1, 0, 2), 2: (2, 0, 0)}
    assert await on_hand(shop, ice) == (10, 1)
    assert [(c.kind, c.quantity, c.amount_minor) for c in order.cuts] == [("short", 2, -698)]
    assert [goods.picked for goods in (await handling(shop, order.order_id)).goods] == [1, 2]
    await assert_clean()
    order = await ship(shop, await pack(shop, order.order_id))
    assert order.state == "fulfilled"
    now = await earned(shop, order.order_id)
    assert (now["deferred"], now["sales"]) == (0, 349 + 600)
    await assert_clean()


async def test_goods_by_weight_are_settled_to_what_was_picked(shop, provider, assert_clean):
    fish = await shop.add_product("Salmon", price_minor=1000, stock=1000)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute(
            "UPDATE commerce.variant SET scale = 2, increment = 1, unit = 'kg' WHERE merchant_id = $1 AND sku_id = $2",
            shop.merchant_id,
            fish,
        )
    order = await buy(shop, provider, (fish, 150))
    assert order.items_minor == 1500
    order = await pick(shop, order, Pick(1, 138, is_final=True))
    assert (order.refunded_minor, order.cuts[0].kind) == (120, "weighed")
    order = await ship(shop, await pack(shop, order.order_id))
    assert (order.state, await on_hand(shop, fish)) == ("fulfilled", (862, 0))
    assert (await earned(shop, order.order_id))["sales"] == 1380
    with pytest.raises(Conflict):
        await pick(shop, order, Pick(1, 160), key="k2")
    await assert_clean()


async def test_the_rest_of_an_order_is_called_off_and_the_order_is_over(shop, provider, assert_clean):
    ice, milk = await shop.add_product(price_minor=349), await shop.add_product("Milk", price_minor=300)
    order = await buy(shop, provider, (ice, 3), (milk, 2))
    await ship(shop, await pack(shop, order.order_id, [(1, 1)]))
    answers = await asyncio.gather(*(rest_off(shop, order) for _twin in range(4)), return_exceptions=True)
    assert any(not isinstance(each, BaseException) for each in answers)
    order = await order_of(shop, order.order_id)
    assert (order.state, order.refunded_minor) == ("fulfilled", 2 * 349 + 600)
    assert (await on_hand(shop, ice), await on_hand(shop, milk)) == ((9, 0), (10, 0))
    now = await earned(shop, order.order_id)
    assert (now["deferred"], now["sales"], now["shipping_income"]) == (0, 349, order.shipping_minor)
    assert sum(provider.refunds.values()) == 1298
    await assert_clean()


async def test_cutting_all_of_an_order_cancels_it_and_its_delivery_goes_back_too(
    shop, provider, assert_clean
):
    ice = await shop.add_product()
    order = await buy(shop, provider, (ice, 2))
    for _again in range(2):
        order = await cut(shop, order, (1, 2))
    assert (order.state, order.refunded_minor) == ("cancelled", order.total_minor)
    assert await on_hand(shop, ice) == (10, 0)
    await assert_clean()


async def test_money_given_back_before_is_borne_by_all_that_leaves(shop, provider, assert_clean):
    ice = await shop.add_product(price_minor=500)
    order = await buy(shop, provider, (ice, 4))
    refund = {"reason": "goodwill", "by": "t", "order_id": order.order_id}
    await refund_order(shop.commerce, shop.merchant_id, amount_minor=700, key="a", **refund)
    await ship(shop, await pack(shop, order.order_id, [(1, 2)]))
    now = await earned(shop, order.order_id)
    assert now["deferred"] + now["sales"] + now["shipping_income"] == order.total_minor - 700
    # More than is still deferred: the rest is taken from what was sold.
    more = now["deferred"] + 100
    await refund_order(shop.commerce, shop.merchant_id, amount_minor=more, key="b", **refund)
    now = await earned(shop, order.order_id)
    assert (now["deferred"], now["returned"]) == (0, 100)
    await assert_clean()
    order = await rest_off(shop, order)
    assert (order.state, order.refundable_minor) == ("fulfilled", max(0, order.refundable_minor))
    assert order.refunded_minor <= order.total_minor
    await assert_clean()


async def test_ship_cut_and_refund_at_once_keep_goods_and_money(shop, provider, assert_clean):
    for _round in range(4):
        ice = await shop.add_product(price_minor=500)
        order = await buy(shop, provider, (ice, 4))
        parcel = await pack(shop, order.order_id, [(1, 2)])
        await asyncio.gather(
            ship(shop, parcel),
            cut(shop, order, (1, 1)),
            cut(shop, order, (1, 1), key="c2"),
            refund_order(
                shop.commerce,
                shop.merchant_id,
                order_id=order.order_id,
                amount_minor=300,
                reason="r",
                by="t",
                key="r",
            ),
            ship(shop, parcel),
        )
        order = await order_of(shop, order.order_id)
        assert (order.state, order.refunded_minor) == ("fulfilled", 1300)
        assert await stand(shop, order.order_id) == {1: (0, 2, 2)}
        assert await on_hand(shop, ice) == (8, 0)
        now = await earned(shop, order.order_id)
        total = now["deferred"] + now["sales"] + now["shipping_income"] - now["returned"]
        assert total == order.total_minor - 1300
    await assert_clean()


@pytest.mark.parametrize(
    ("picks", "code"),
    [
        ((Pick(1, 3),), "pick.too_much"),
        ((Pick(4, 1),), "parcel.line_unknown"),
        ((Pick(1, 0),), "pick.packed"),
    ],
)
async def test_a_pick_that_cannot_be_is_refused(shop, provider, assert_clean, picks, code):
    order = await buy(shop, provider, (await shop.add_product(), 2))
    await pack(shop, order.order_id, [(1, 1)])
    before = (await handling(shop, order.order_id)).goods
    with pytest.raises(Exception) as refusal:
        await pick(shop, order, *picks)
    assert refusal.value.code == code
    assert (await handling(shop, order.order_id)).goods == before
    await assert_clean()


async def test_a_provider_that_refuses_the_refund_leaves_true_books(shop, provider, assert_clean):
    provider.refund_answer = "failed"
    ice = await shop.add_product(price_minor=500)
    order = await buy(shop, provider, (ice, 2))
    order = await cut(shop, order, (1, 1))
    assert order.refunds[0].state == "failed"
    order = await ship(shop, await pack(shop, order.order_id))
    assert (order.state, order.refundable_minor) == ("fulfilled", order.total_minor)
    await assert_clean()
