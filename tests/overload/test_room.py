"""Waiting rooms: one place per buyer, in turn, as much as there is, and the truth at once when there is no more."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.shop import Shop

from serai.commerce.checkout.types import PlacedOrder
from serai.commerce.stock.api import load_available
from serai.foundation.clock import clock_shifted
from serai.foundation.errors import Conflict, Invalid, NotFound, Refused
from serai.foundation.ids import new_id
from serai.overload.room import api
from serai.overload.room.logic import count_due
from serai.overload.room.types import Room, Standing

NOW = datetime(2026, 11, 11, tzinfo=UTC)


async def open_line(shop: Shop, sku_id: object, *, per_s: float = 1000, hold_s: int = 600) -> Room:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        return await api.open_room(tx, sku_id=sku_id, title="Rare", per_s=per_s, hold_s=hold_s)  # type: ignore[arg-type]  # an id


async def join(shop: Shop, room: Room, *buyers: str) -> None:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.join(tx, room_id=room.room_id, buyers=buyers)


async def look(shop: Shop, room: Room, *buyers: str) -> Standing:
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:

        async def available() -> int:
            place_id = shop.warehouse.place_id
            return (await load_available(tx, sku_ids=[room.sku_id], place_id=place_id))[room.sku_id]

        standing = await api.look(tx, room_id=room.room_id, buyers=buyers, available=available)
    assert standing is not None
    return standing


async def served_is_a_beginning(shop: Shop, room: Room) -> bool:
    """Whether nobody has come in before somebody who stood further ahead."""
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        states = await tx.fetch(
            "SELECT state = 'waiting' AS waits FROM overload.place WHERE merchant_id = $1 AND room_id = $2"
            " ORDER BY place_no",
            shop.merchant_id,
            room.room_id,
        )
    waits = [row["waits"] for row in states]
    return waits == sorted(waits)


async def test_two_hundred_buyers_with_many_tabs_get_fifty_in_turn(shop: Shop, assert_clean: object) -> None:
    """Each of the first fifty is served, in the order in which they came; exactly fifty are sold; the rest is told."""
    sku_id = await shop.add_product(stock=50)
    room = await open_line(shop, sku_id)
    names = [f"web:{new_id()}" for _ in range(200)]
    for name in names:
        await join(shop, room, name)
    # Three more tabs each, reloading all at once.
    await asyncio.gather(*(join(shop, room, name) for name in names * 3))
    bought: list[str] = []
    while True:
        tabs = await asyncio.gather(*(look(shop, room, name) for name in names + names[:100]))
        standings = tabs[: len(names)]
        assert await served_is_a_beginning(shop, room)
        inside = [name for name, each in zip(names, standings, strict=True) if each.told == "admitted"]
        if not inside:
            if all(each.told in ("bought", "sold_out") for each in standings):
                break
            continue
        carts = {name: await shop.fill_cart((sku_id, 1), owner=name) for name in inside}
        # Each of them presses the button in two tabs.
        placed = await asyncio.gather(
            *(shop.place_cart(name, cart_id) for name, (_owner, cart_id) in [*carts.items()] * 2)
        )
        assert len({each.order_id for each in placed}) == len(inside)
        bought += inside
    assert sorted(bought, key=names.index) == names[:50]
    assert [each.told for each in standings] == ["bought"] * 50 + ["sold_out"] * 150
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        left = await load_available(tx, sku_ids=[sku_id], place_id=shop.warehouse.place_id)
        counts = await api.count_room(tx, room_id=room.room_id)
    assert left[sku_id] == 0
    assert (counts.bought, counts.waiting, counts.admitted) == (50, 150, 0)
    await assert_clean()  # type: ignore[operator]  # the fixture's check


async def test_whoever_jumps_the_line_is_refused_and_nothing_is_taken(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=5)
    await open_line(shop, sku_id)
    with pytest.raises(Conflict) as refused:
        await shop.place((sku_id, 1))
    assert refused.value.code == "room.wait"
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        assert (await load_available(tx, sku_ids=[sku_id], place_id=shop.warehouse.place_id))[sku_id] == 5


async def test_one_turn_is_one_order(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=5)
    room = await open_line(shop, sku_id)
    owner, first = await shop.fill_cart((sku_id, 1))
    await join(shop, room, owner)
    assert (await look(shop, room, owner)).told == "admitted"
    await shop.place_cart(owner, first)
    _owner, second = await shop.fill_cart((sku_id, 1), owner=owner)
    with pytest.raises(Conflict, match=r"room\.wait"):
        await shop.place_cart(owner, second)
    await join(shop, room, owner)
    assert (await look(shop, room, owner)).told == "bought"


async def test_two_carts_at_once_use_up_one_turn(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=5)
    room = await open_line(shop, sku_id)
    owner, first = await shop.fill_cart((sku_id, 1))
    _owner, second = await shop.fill_cart((sku_id, 1), owner=owner)
    await join(shop, room, owner)
    await look(shop, room, owner)
    results = await asyncio.gather(
        shop.place_cart(owner, first), shop.place_cart(owner, second), return_exceptions=True
    )
    assert sum(isinstance(each, PlacedOrder) for each in results) == 1
    assert [each.code for each in results if isinstance(each, Refused)] in (["room.wait"], ["cart.unknown"])


async def test_more_than_ones_share_is_refused_and_the_turn_stays(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=5)
    room = await open_line(shop, sku_id)
    owner, cart_id = await shop.fill_cart((sku_id, 2))
    await join(shop, room, owner)
    await look(shop, room, owner)
    with pytest.raises(Conflict, match=r"room\.too_much"):
        await shop.place_cart(owner, cart_id)
    assert (await look(shop, room, owner)).told == "admitted"


async def test_a_turn_that_passes_goes_to_the_next_and_one_may_stand_in_line_again(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=1)
    room = await open_line(shop, sku_id, hold_s=60)
    await join(shop, room, "web:first")
    await join(shop, room, "web:second")
    assert (await look(shop, room, "web:first")).told == "admitted"
    assert (await look(shop, room, "web:second")).told == "spoken_for"
    with clock_shifted(timedelta(seconds=61)):
        assert (await look(shop, room, "web:second")).told == "admitted"
        assert (await look(shop, room, "web:first")).told == "lapsed"
        await join(shop, room, "web:first")
        standing = await look(shop, room, "web:first")
        assert (standing.told, standing.ahead) == ("spoken_for", 0)


async def test_reloading_and_other_devices_change_no_place(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=9)
    room = await open_line(shop, sku_id, per_s=0.001)
    await join(shop, room, "web:before")
    await join(shop, room, "member:1", "web:phone")
    await join(shop, room, "web:after")
    for _ in range(5):
        await join(shop, room, "member:1", "web:desk")
        await join(shop, room, "member:1", "web:phone")
    standings = [await look(shop, room, *names) for names in (["member:1", "web:desk"], ["web:after"])]
    assert [each.told for each in standings] == ["waiting", "waiting"]
    # Whoever was first has come in with the first look.
    assert [each.ahead for each in standings] == [0, 1]


async def test_a_closed_line_holds_nobody_back(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=5)
    room = await open_line(shop, sku_id, per_s=0.001)
    await join(shop, room, "web:a")
    await join(shop, room, "web:b")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.close_room(tx, room_id=room.room_id)
        with pytest.raises(NotFound):
            await api.close_room(tx, room_id=room.room_id)
        with pytest.raises(NotFound):
            await api.join(tx, room_id=room.room_id, buyers=["web:c"])
    assert (await look(shop, room, "web:b")).told == "closed"
    assert await shop.place((sku_id, 1))


async def test_there_is_one_line_before_one_thing(shop: Shop) -> None:
    sku_id = await shop.add_product(stock=5)
    await open_line(shop, sku_id)
    with pytest.raises(Conflict, match=r"room\.open_already"):
        await open_line(shop, sku_id)


@pytest.mark.parametrize(
    ("per_s", "hold_s"), [(0, 60), (-1, 60), (1e9, 60), (float("nan"), 60), (1, 1), (1, 10**6)]
)
async def test_lines_that_make_no_sense_are_refused(shop: Shop, per_s: float, hold_s: int) -> None:
    sku_id = await shop.add_product(stock=5)
    with pytest.raises(Invalid):
        await open_line(shop, sku_id, per_s=per_s, hold_s=hold_s)
    assert not api.has_room(shop.merchant_id, sku_id)


def test_the_rate_lets_in_so_many_a_second_and_no_crowd_after_a_pause() -> None:
    room = Room(new_id(), new_id(), "Rare", 10.0, 60, 1, NOW, NOW, None)
    assert count_due(room, NOW + timedelta(seconds=0.55))[0] == 5
    due, next_at = count_due(room, NOW + timedelta(hours=1))
    assert due == 10
    assert next_at == NOW + timedelta(hours=1)
    slow = Room(new_id(), new_id(), "Rare", 0.1, 60, 1, NOW, NOW, None)
    assert [count_due(slow, NOW + timedelta(seconds=s))[0] for s in (5, 9, 10, 3600)] == [0, 0, 1, 1]
