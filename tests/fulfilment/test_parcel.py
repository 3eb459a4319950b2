"""Several parcels of one order: what each takes of stock and earns, and who may do what when."""

import asyncio

import pytest
from tests.fulfilment.desk import buy, earned, handling, on_hand, pack, ship, stand
from tests.journeys.steps import order_of

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.fulfilment.api import unpack_parcel
from serai.commerce.order.api import fulfil_order
from serai.foundation.errors import Conflict, Invalid, NotFound
from serai.foundation.ids import new_id


async def test_two_parcels_earn_their_parts_and_the_last_one_fulfils(shop, provider, assert_clean):
    ice, milk = await shop.add_product(price_minor=349), await shop.add_product("Milk", price_minor=300)
    order = await buy(shop, provider, (ice, 3), (milk, 2))
    first = await pack(shop, order.order_id, [(1, 1), (2, 2)])
    assert (first.parcel_no, first.state) == (1, "packed")
    assert await on_hand(shop, ice) == (10, 3)
    order = await ship(shop, first, tracking="T1")
    assert (order.state, order.is_part_shipped, order.tracking) == ("paid", True, "T1")
    assert await stand(shop, order.order_id) == {1: (2, 1, 0), 2: (0, 2, 0)}
    assert (await on_hand(shop, ice), await on_hand(shop, milk)) == ((9, 2), (8, 0))
    shipping = order.shipping_minor
    assert await earned(shop, order.order_id) == {
        "deferred": 698,
        "sales": 949,
        "shipping_income": shipping,
        "tax_payable": 0,
        "returned": 0,
    }
    await assert_clean()
    order = await ship(shop, await pack(shop, order.order_id, key="p2"), tracking="T2")
    assert (order.state, order.is_part_shipped) == ("fulfilled", False)
    assert await stand(shop, order.order_id) == {1: (0, 3, 0), 2: (0, 2, 0)}
    now = await earned(shop, order.order_id)
    assert (now["deferred"], now["sales"]) == (0, 1647)
    assert [note.what for note in order.timeline][-3:] == ["OrderShipped", "OrderShipped", "OrderFulfilled"]
    assert [parcel.tracking for parcel in order.parcels] == ["T1", "T2"]
    await assert_clean()


async def test_fulfilling_lets_packed_parcels_and_the_rest_leave_at_once(shop, provider, assert_clean):
    ice, milk = await shop.add_product(), await shop.add_product("Milk")
    order = await buy(shop, provider, (ice, 3), (milk, 2))
    await pack(shop, order.order_id, [(1, 2)])
    for _again in range(2):
        order = await fulfil_order(
            shop.commerce, shop.merchant_id, order_id=order.order_id, by="clerk", tracking="Z"
        )
    assert order.state == "fulfilled"
    assert [(p.parcel_no, p.state, sum(line.quantity for line in p.lines)) for p in order.parcels] == [
        (1, "shipped", 2),
        (2, "shipped", 3),
    ]
    assert await on_hand(shop, ice) == (7, 0)
    await assert_clean()


async def test_many_clerks_pack_and_ship_one_line_and_none_is_sent_twice(shop, provider, assert_clean):
    ice = await shop.add_product(stock=10)
    order = await buy(shop, provider, (ice, 4))
    answers = await asyncio.gather(
        *(pack(shop, order.order_id, [(1, 1)], key=f"k{n}") for n in range(7)), return_exceptions=True
    )
    packed = [each for each in answers if not isinstance(each, BaseException)]
    assert len(packed) == 4
    assert {each.code for each in answers if isinstance(each, Conflict)} == {"parcel.too_much"}
    assert sorted(each.parcel_no for each in packed) == [1, 2, 3, 4]
    await asyncio.gather(*(ship(shop, each) for each in packed for _twin in range(3)))
    assert (await order_of(shop, order.order_id)).state == "fulfilled"
    assert await on_hand(shop, ice) == (6, 0)
    now = await earned(shop, order.order_id)
    assert (now["deferred"], now["sales"] + now["shipping_income"]) == (0, order.total_minor)
    await assert_clean()


async def test_whoever_ships_and_whoever_cancels_at_once_one_of_them_wins(shop, provider, assert_clean):
    outcomes = set()
    for _round in range(6):
        ice = await shop.add_product(stock=5)
        order = await buy(shop, provider, (ice, 2))
        parcel = await pack(shop, order.order_id, [(1, 1)])
        await asyncio.gather(
            ship(shop, parcel),
            cancel_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="t"),
            return_exceptions=True,
        )
        order = await order_of(shop, order.order_id)
        outcomes.add(order.state)
        if order.state == "cancelled":
            assert await on_hand(shop, ice) == (5, 0)
            assert order.refunded_minor == order.total_minor
        else:
            assert (order.state, order.is_part_shipped, order.refunded_minor) == ("paid", True, 0)
            assert await on_hand(shop, ice) == (4, 1)
    assert outcomes <= {"cancelled", "paid"}
    await assert_clean()


async def test_an_order_of_which_a_part_has_left_cannot_be_cancelled_whole(shop, provider, assert_clean):
    ice = await shop.add_product()
    order = await buy(shop, provider, (ice, 2))
    await ship(shop, await pack(shop, order.order_id, [(1, 1)]))
    with pytest.raises(Conflict) as refusal:
        await cancel_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="t")
    assert refusal.value.code == "order.part_shipped"
    assert await on_hand(shop, ice) == (9, 1)
    await assert_clean()


async def test_an_unpacked_parcel_gives_its_goods_to_the_next(shop, provider, assert_clean):
    ice = await shop.add_product()
    order = await buy(shop, provider, (ice, 2))
    parcel = await pack(shop, order.order_id)
    for _again in range(2):
        unpacked = await unpack_parcel(
            shop.commerce, shop.merchant_id, order_id=order.order_id, parcel_id=parcel.parcel_id, by="clerk"
        )
        assert unpacked.state == "unpacked"
    with pytest.raises(Conflict) as refusal:
        await ship(shop, parcel)
    assert refusal.value.code == "parcel.unpacked"
    (goods,) = (await handling(shop, order.order_id)).goods
    assert (goods.open, goods.picked, goods.packed) == (2, 2, 0)
    again = await pack(shop, order.order_id, key="p2")
    assert again.parcel_no == 2
    await ship(shop, again)
    with pytest.raises(Conflict) as refusal:
        await unpack_parcel(
            shop.commerce, shop.merchant_id, order_id=order.order_id, parcel_id=again.parcel_id, by="clerk"
        )
    assert refusal.value.code in ("parcel.has_left", "order.cannot_fulfil")
    await assert_clean()


@pytest.mark.parametrize(
    ("contents", "code"),
    [([(1, 3)], "parcel.too_much"), ([(9, 1)], "parcel.line_unknown"), ([(1, 1), (1, 2)], "parcel.too_much")],
)
async def test_more_than_is_open_is_refused_and_nothing_is_packed(
    shop, provider, assert_clean, contents, code
):
    ice = await shop.add_product()
    order = await buy(shop, provider, (ice, 2))
    with pytest.raises((Conflict, Invalid)) as refusal:
        await pack(shop, order.order_id, contents)
    assert refusal.value.code == code
    assert (await handling(shop, order.order_id)).parcels == ()
    await assert_clean()


async def test_what_is_not_paid_or_unknown_is_not_packed(shop, assert_clean):
    placed = await shop.place((await shop.add_product(), 1))
    with pytest.raises(Conflict) as refusal:
        await pack(shop, placed.order_id)
    assert refusal.value.code == "order.cannot_fulfil"
    with pytest.raises(NotFound):
        await pack(shop, new_id())
    await assert_clean()
