"""Lots: what expires first leaves first, nothing too old leaves, and whoever got a lot is known."""

import asyncio
from datetime import timedelta

import pytest
from tests.fulfilment.desk import buy, handling, on_hand, pack, ship
from tests.fulfilment.test_route import near_store
from tests.shop import api_client

from serai.commerce.fulfilment.api import route_order
from serai.commerce.lot import store as lot_store
from serai.commerce.lot.api import (
    align_lots,
    keep_lots,
    list_expiring,
    list_levels,
    list_lot_orders,
    plan_alignment,
)
from serai.commerce.lot.jobs import align_all
from serai.commerce.lot.logic import take_first
from serai.commerce.lot.types import LotLevel, LotMark, LotRule, make_lot
from serai.commerce.order.api import fulfil_order
from serai.commerce.stock.api import adjust_stock, receive_stock, transfer_stock
from serai.commerce.stock.types import stock_account, supplier_account
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid
from serai.foundation.ids import derive_id, new_id
from serai.ledger.types import Group, posted


def day(days: int):
    return clock.now().date() + timedelta(days=days)


def mark(code: str, days: int | None) -> LotMark:
    return LotMark(code, day(days) if days is not None else None)


async def receive(shop, sku_id, quantity, lot, *, place=None, key=None):
    return await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=sku_id,
        place_id=(place or shop.warehouse).place_id,
        quantity=quantity,
        reason="delivery",
        by="clerk",
        key=key or new_id(),
        lot=lot,
    )


async def keep(shop, sku_id, rest_days=0):
    await keep_lots(shop.commerce, shop.merchant_id, sku_id=sku_id, rest_days=rest_days, by="clerk")


async def kept(shop, *lots, rest_days=0):
    """A SKU of which only these lots are there."""
    sku_id = await shop.add_product("Milk", price_minor=300, stock=0)
    await keep(shop, sku_id, rest_days)
    for lot, count in lots:
        await receive(shop, sku_id, count, lot)
    return sku_id


async def lots(shop, sku_id, place=None):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        levels = await list_levels(tx, sku_ids=[sku_id])
    wanted = (place or shop.warehouse).place_id
    return [(each.code, each.on_hand) for each in levels if each.place_id == wanted]


def test_what_has_no_date_is_taken_last():
    here = new_id()
    levels = [LotLevel(new_id(), here, code, best, here, 2) for code, best in
              (("open", None), ("late", day(9)), ("soon", day(1)))]  # fmt: skip
    taken, missing = take_first(levels, 5)
    assert ([(each.code, count) for each, count in taken], missing) == (
        [("soon", 2), ("late", 2), ("open", 1)],
        0,
    )
    assert take_first(levels, 9)[1] == 3


async def test_what_expires_first_leaves_first_and_who_got_it_is_known(shop, provider, assert_clean):
    milk = await kept(shop, (mark("L2", 30), 3), (mark("L1", 10), 2))
    order = await buy(shop, provider, (milk, 4))
    assert await lots(shop, milk) == [("L1", 2), ("L2", 3)]
    order = await ship(shop, await pack(shop, order.order_id))
    assert await lots(shop, milk) == [("L2", 1)]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        got = await list_lot_orders(tx, lot_id=make_lot(milk, mark("L1", 10)).lot_id)
    assert [(each.number, each.quantity) for each in got] == [(order.number, 2)]
    await assert_clean()
    # Shipping it again takes nothing.
    await ship(shop, order.parcels[0])
    assert await lots(shop, milk) == [("L2", 1)]
    await assert_clean()


async def test_nothing_too_old_leaves(shop, provider, assert_clean):
    milk = await kept(shop, (mark("OLD", -1), 2), (mark("NEAR", 2), 2), (mark("GOOD", 9), 1), rest_days=3)
    order = await buy(shop, provider, (milk, 2))
    parcel = await pack(shop, order.order_id)
    for _again in range(2):
        with pytest.raises(Conflict) as refusal:
            await ship(shop, parcel)
        assert (refusal.value.code, refusal.value.data["left"]) == ("lot.expired", 1)
    with pytest.raises(Conflict):
        await fulfil_order(shop.commerce, shop.merchant_id, order_id=order.order_id, by="clerk")
    assert await on_hand(shop, milk) == (5, 2)
    assert (await handling(shop, order.order_id)).parcels[0].is_here
    await assert_clean()
    await keep(shop, milk, 2)
    assert (await ship(shop, parcel)).state == "fulfilled"
    assert await lots(shop, milk) == [("OLD", 2), ("GOOD", 1)]
    await assert_clean()


async def test_the_day_itself_is_still_good(shop, provider, assert_clean):
    milk = await kept(shop, (mark("TODAY", 0), 1))
    order = await buy(shop, provider, (milk, 1))
    assert (await ship(shop, await pack(shop, order.order_id))).state == "fulfilled"
    await assert_clean()


async def test_two_orders_at_once_share_lots_without_taking_one_twice(shop, provider, assert_clean):
    milk = await kept(shop, (mark("L1", 5), 3), (mark("L2", 9), 5))
    parcels = []
    for _order in range(4):
        order = await buy(shop, provider, (milk, 2))
        parcels.append(await pack(shop, order.order_id))
    orders = await asyncio.gather(*(ship(shop, parcel) for parcel in (*parcels, *parcels)))
    assert {order.state for order in orders} == {"fulfilled"}
    assert await lots(shop, milk) == []
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        got = [
            sum(e.quantity for e in await list_lot_orders(tx, lot_id=make_lot(milk, each).lot_id))
            for each in (mark("L1", 5), mark("L2", 9))
        ]
    assert got == [3, 5]
    await assert_clean()


async def test_movements_move_lots(shop, assert_clean):
    milk = await kept(shop, (mark("L1", 5), 3), (mark("L2", 9), 5))
    more = {"sku_id": milk, "reason": "r", "by": "clerk"}
    here, there = shop.warehouse.place_id, shop.store.place_id
    for _again in range(2):
        await transfer_stock(
            shop.commerce,
            shop.merchant_id,
            from_place_id=here,
            to_place_id=there,
            quantity=4,
            key="t",
            **more,
        )
        await adjust_stock(shop.commerce, shop.merchant_id, place_id=here, delta=-1, key="a", **more)
        await adjust_stock(shop.commerce, shop.merchant_id, place_id=here, delta=2, key="b", **more)
    assert await lots(shop, milk) == [("L2", 3), ("", 2)]
    assert await lots(shop, milk, shop.store) == [("L1", 3), ("L2", 1)]
    await assert_clean()
    with pytest.raises(Conflict):
        await adjust_stock(shop.commerce, shop.merchant_id, place_id=here, delta=-6, key="c", **more)
    await asyncio.gather(
        *(
            adjust_stock(shop.commerce, shop.merchant_id, place_id=here, delta=-1, key=f"d{n}", **more)
            for n in range(5)
        )
    )
    assert await lots(shop, milk) == []
    await assert_clean()


async def test_goods_that_were_there_before_get_the_lot_without_a_code(shop, owner, provider, assert_clean):
    milk = await shop.add_product("Milk", price_minor=300, stock=6, store_stock=2)
    await asyncio.gather(*(keep(shop, milk) for _twin in range(3)))
    assert await lots(shop, milk) == [("", 6)]
    assert await lots(shop, milk, shop.store) == [("", 2)]
    assert not await align_lots(shop.commerce, shop.merchant_id, sku_id=milk)
    await assert_clean()
    await keep(shop, milk, None)
    await receive(shop, milk, 3, None)
    await keep(shop, milk, 1)
    await align_all(shop.commerce, owner)
    assert await lots(shop, milk) == [("", 9)]
    with pytest.raises(Invalid):
        await receive(shop, milk, 1, None)
    with pytest.raises(Invalid):
        await receive(shop, milk, 1, LotMark("x" * 41))
    with pytest.raises(Invalid):
        await keep(shop, milk, -1)
    assert await on_hand(shop, milk) == (9, 0)
    await assert_clean()


async def test_a_place_with_old_goods_is_not_chosen_and_the_reason_is_kept(shop, provider, assert_clean):
    milk = await kept(shop, (mark("GOOD", 30), 5), rest_days=3)
    store = await near_store(shop, milk, 0)
    await receive(shop, milk, 5, mark("NEAR", 1), place=store)
    order = await buy(shop, provider, (milk, 2))
    standing = await route_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
    assert {each.place_id for each in standing.goods if each.open} == {shop.warehouse.place_id}
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        choice = await tx.fetchval(
            "SELECT choice FROM commerce.fulfilment WHERE merchant_id = $1 AND order_id = $2",
            shop.merchant_id,
            order.order_id,
        )
    assert {each["place_id"]: each["why"] for each in choice["losers"]} == {str(store.place_id): "expiring"}
    await assert_clean()


async def test_what_is_near_its_date_is_listed(shop):
    milk = await kept(shop, (mark("OLD", -2), 1), (mark("NEAR", 3), 2), (mark("FAR", 90), 1), rest_days=5)
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        found = await list_expiring(tx, until=day(14))
    assert [(e.level.code, e.days_left, e.is_sent, e.level.sku_id) for e in found] == [
        ("OLD", -2, False, milk),
        ("NEAR", 3, False, milk),
    ]


async def test_a_program_keeps_lots_receives_and_recalls(transport, shop, provider, assert_clean):
    milk = await shop.add_product("Milk", price_minor=300, stock=0)
    async with api_client(transport, shop, await shop.make_key()) as client:
        kept_now = await client.post(f"/api/v1/lots/rules/{milk}", json={"rest_days": 2})
        assert (kept_now.status_code, kept_now.json()["rest_days"]) == (200, 2)
        body = {"sku_id": str(milk), "place_id": str(shop.warehouse.place_id), "quantity": 5}
        assert (await client.post("/api/v1/stock/receipts", json=body)).json()["code"] == "lot.code_missing"
        lot = {"lot": {"code": "L7", "best_before": day(20).isoformat()}}
        assert (await client.post("/api/v1/stock/receipts", json=body | lot)).status_code == 201
        for wrong in (
            {"code": "x" * 41},
            {"code": "a", "best_before": "2026-02-30"},
            {"code": 1},
            {"n": "a"},
        ):
            bad = await client.post("/api/v1/stock/receipts", json=body | {"lot": wrong})
            assert bad.status_code in (400, 422)
        (level,) = (await client.get(f"/api/v1/lots/levels/{milk}")).json()["items"]
        assert (level["code"], level["on_hand"]) == ("L7", 5)
        order = await buy(shop, provider, (milk, 1))
        await ship(shop, await pack(shop, order.order_id))
        got = (await client.get(f"/api/v1/lots/{level['lot_id']}/orders")).json()
        assert [each["number"] for each in got["items"]] == [order.number]
        near = (await client.get("/api/v1/lots/expiring", params={"days": 30})).json()["items"]
        assert [each["days_left"] for each in near] == [20]
        assert (await client.get(f"/api/v1/lots/{new_id()}/orders")).status_code == 404
        assert (await client.post(f"/api/v1/lots/rules/{milk}", json={"rest_days": -1})).status_code == 400
        assert (await client.post(f"/api/v1/lots/rules/{new_id()}", json={"rest_days": 1})).status_code == 404
    await assert_clean()


async def test_alignments_that_read_different_sums_never_add_up(shop, assert_clean):
    milk = await shop.add_product("Milk", price_minor=300, stock=6)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await lot_store.save_rule(tx, LotRule(milk, 0), "test", clock.now())
    plans = []
    for number in range(3):
        async with shop.commerce.db.transaction(shop.merchant_id, "snapshot") as tx:
            plans.append(await plan_alignment(tx, milk))
        # Goods that come by a way that knows no lots: the next one reads another sum.
        come = posted(
            derive_id(milk, "come", number),
            stock_account(milk, shop.warehouse.place_id),
            supplier_account(milk),
            1,
            "test",
        )
        await shop.commerce.lane.submit(shop.merchant_id, Group(derive_id(milk, number), (come,)))
    for plan in plans:
        await shop.commerce.lane.submit(shop.merchant_id, plan)
    assert await lots(shop, milk) == [("", 6)]
    await assert_clean()
    assert await align_lots(shop.commerce, shop.merchant_id, sku_id=milk)
    assert await lots(shop, milk) == [("", 9)]
    assert not await align_lots(shop.commerce, shop.merchant_id, sku_id=milk)
    await assert_clean()
