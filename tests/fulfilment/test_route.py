"""Which place sends what: chosen by parcels, distance and load with its reasons kept, and moved on with its reservation."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tests.fulfilment.desk import buy, handling, on_hand, pack, ship, stand
from tests.journeys.steps import order_of
from tests.shop import Shop

from serai.commerce.fulfilment.api import (
    Pick,
    Profile,
    accept_fulfilment,
    count_fulfilments,
    list_fulfilments,
    list_picks,
    move_order,
    pick_goods,
    route_order,
    save_profile,
)
from serai.commerce.fulfilment.jobs import reroute_orders, route_orders
from serai.commerce.fulfilment.logic import Candidate, choose_route, measure_nearness
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.commerce.stock.api import receive_stock
from serai.foundation import clock
from serai.foundation.errors import Conflict
from serai.foundation.ids import derive_id, new_id

A, B, C = new_id(), new_id(), new_id()
ICE, MILK = new_id(), new_id()


def place(place_id: UUID, near: int = 3, load: int = 0, here: bool = False, **held: int) -> Candidate:
    return Candidate(
        place_id, place_id.hex[-4:], near, load, {ICE: held.get("ice", 0), MILK: held.get("milk", 0)}, here
    )


def losers(route) -> dict[str, str]:
    return {each["place_id"]: each["why"] for each in route.choice["losers"]}


def test_one_parcel_beats_two_that_are_nearer():
    route = choose_route(
        {ICE: 2, MILK: 2},
        [place(A, 0, ice=2), place(B, 0, milk=2), place(C, 4, ice=5, milk=5, here=True)],
    )
    assert route.shares == {C: {ICE: 2, MILK: 2}}
    assert losers(route) == {str(A): "short", str(B): "short"}


def test_of_those_that_have_all_the_nearest_then_the_least_busy_sends():
    full = {"ice": 9, "milk": 9}
    route = choose_route(
        {ICE: 1}, [place(A, 3, here=True, **full), place(B, 1, 5, **full), place(C, 1, 2, **full)]
    )
    assert list(route.shares) == [C]
    assert losers(route) == {str(A): "farther", str(B): "busier"}


def test_what_no_place_has_alone_is_split_over_the_fewest():
    route = choose_route(
        {ICE: 5, MILK: 1}, [place(A, 1, ice=3), place(B, 2, ice=3, milk=1), place(C, 0, milk=1)]
    )
    assert route.shares == {A: {ICE: 3}, B: {ICE: 2, MILK: 1}}
    assert losers(route) == {str(C): "short"}
    assert choose_route({ICE: 7}, [place(A, ice=3), place(B, ice=3)]) is None


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (("US", "OH", "Cincinnati", "45202"), 0),
        (("us", "oh", "cincinnati ", "1"), 1),
        (("US", "OH", "Dayton", ""), 2),
        (("US", "", "", ""), 3),
        (("CN", "OH", "Cincinnati", "45202"), 4),
        (("", "", "", ""), 4),
    ],
)
def test_nearness_follows_from_what_both_addresses_tell(where, index):
    assert measure_nearness(where, ("US", "OH", "Cincinnati", "45202")) == index


async def near_store(shop: Shop, sku_id: UUID, quantity: int, *, code: str = "near") -> Place:
    """A store around the corner of the test's buyer that sends parcels and has some of a SKU."""
    store = Place(derive_id(shop.merchant_id, code), code, code.title(), "store", False, True)
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await add_places(tx, places=[store])
        profile = Profile(store.place_id, True, "US", "OH", "Cincinnati", "45202", accept_minutes=20)
        await save_profile(tx, profile=profile, by="test")
    if quantity:
        await receive_stock(
            shop.commerce,
            shop.merchant_id,
            sku_id=sku_id,
            place_id=store.place_id,
            quantity=quantity,
            reason="opening",
            by="test",
            key="opening",
        )
    return store


async def work(shop: Shop, order_id: UUID | None = None):
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return (await list_fulfilments(tx, order_id=order_id)).items


async def test_a_near_store_gets_the_order_accepts_and_sends_it(shop, provider, owner, assert_clean):
    ice = await shop.add_product(stock=10)
    store = await near_store(shop, ice, 5)
    order = await buy(shop, provider, (ice, 2))
    assert await on_hand(shop, ice) == (10, 2)
    await route_orders(shop.commerce, owner)
    assert (await on_hand(shop, ice), await on_hand(shop, ice, store)) == ((10, 0), (5, 2))
    (found,) = await work(shop)
    assert (found.place_id, found.stage, found.to_pick) == (store.place_id, "accept", 2)
    assert [(each["name"], each["why"]) for each in found.choice["losers"]] == [("Warehouse", "farther")]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        for _again in range(2):
            await accept_fulfilment(tx, fulfilment_id=found.fulfilment_id, by="clerk")
        assert (await count_fulfilments(tx))["pick"] == 1
        (row,) = await list_picks(tx, place_id=store.place_id)
        assert (row.number, row.open, row.picked, row.aisle) == (order.number, 2, 0, "Pantry")
    order = await ship(shop, await pack(shop, order.order_id))
    assert (order.state, await on_hand(shop, ice, store)) == ("fulfilled", (3, 0))
    assert await work(shop) == ()
    await route_orders(shop.commerce, owner)
    await assert_clean()


async def test_who_does_not_accept_in_time_loses_the_order_to_the_next(
    shop, provider, owner, assert_clean, monkeypatch
):
    ice = await shop.add_product(stock=10)
    store = await near_store(shop, ice, 5)
    order = await buy(shop, provider, (ice, 2))
    await route_orders(shop.commerce, owner)
    await reroute_orders(shop.commerce, owner)
    assert await on_hand(shop, ice, store) == (5, 2)
    later = clock.now() + timedelta(minutes=21)
    monkeypatch.setattr(clock, "now", lambda: later)
    await reroute_orders(shop.commerce, owner)
    assert (await on_hand(shop, ice), await on_hand(shop, ice, store)) == ((10, 2), (5, 0))
    (found,) = await work(shop, order.order_id)
    assert (found.place_name, found.stage) == ("Warehouse", "pick")
    assert [each["why"] for each in found.choice["losers"]] == ["excluded"]
    await assert_clean()


async def test_goods_move_between_places_without_a_moment_of_being_free(shop, provider, assert_clean):
    ice = await shop.add_product(stock=2)
    store = await near_store(shop, ice, 1)
    order = await buy(shop, provider, (ice, 2))
    move = {
        "order_id": order.order_id,
        "from_place_id": shop.warehouse.place_id,
        "to_place_id": store.place_id,
        "by": "clerk",
    }
    with pytest.raises(Conflict) as refusal:
        await move_order(shop.commerce, shop.merchant_id, **move)
    assert refusal.value.code == "stock.short_there"
    assert (await on_hand(shop, ice), await on_hand(shop, ice, store)) == ((2, 2), (1, 0))
    await receive_stock(
        shop.commerce,
        shop.merchant_id,
        sku_id=ice,
        place_id=store.place_id,
        quantity=1,
        reason="r",
        by="t",
        key="more",
    )
    # What is picked stays where it lies; twins move it once.
    await pick_goods(
        shop.commerce,
        shop.merchant_id,
        order_id=order.order_id,
        picks=[Pick(1, 1)],
        by="clerk",
        key="k",
    )
    await asyncio.gather(*(move_order(shop.commerce, shop.merchant_id, **move) for _twin in range(4)))
    assert (await on_hand(shop, ice), await on_hand(shop, ice, store)) == ((2, 1), (2, 1))
    await assert_clean()
    first = await pack(shop, order.order_id, place_id=shop.warehouse.place_id)
    second = await pack(shop, order.order_id, key="p2", place_id=store.place_id)
    await asyncio.gather(ship(shop, first), ship(shop, second))
    order = await order_of(shop, order.order_id)
    assert (order.state, [p.place_id for p in order.parcels]) == (
        "fulfilled",
        [shop.warehouse.place_id, store.place_id],
    )
    assert await stand(shop, order.order_id) == {1: (0, 2, 0)}
    await assert_clean()


async def test_goods_that_went_and_came_back_are_held_once(shop, provider, assert_clean):
    ice = await shop.add_product(stock=5)
    store = await near_store(shop, ice, 5)
    order = await buy(shop, provider, (ice, 2))
    here, there = shop.warehouse.place_id, store.place_id
    for source, goal in ((here, there), (there, here), (here, there)):
        await move_order(
            shop.commerce,
            shop.merchant_id,
            order_id=order.order_id,
            from_place_id=source,
            to_place_id=goal,
            by="t",
        )
        await assert_clean()
    assert (await on_hand(shop, ice), await on_hand(shop, ice, store)) == ((5, 0), (5, 2))
    await route_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
    assert sum(each.open for each in (await handling(shop, order.order_id)).goods) == 2
    await assert_clean()
