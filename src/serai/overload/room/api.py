"""Lines before scarce goods: opened by staff, joined by buyers, passed with an order.

join ── place at the end ── look, again and again ── admitted while stock and rate allow ── order ── bought
                                  │                         └─ until the time is over ── lapsed
                                  └─ nothing left and nobody inside ── sold out, at once

Whoever looks lets in the next ones, so a line needs no process of its own and survives every restart.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import MerchantId, new_id
from serai.overload.room import store
from serai.overload.room.logic import count_due, count_free, tell
from serai.overload.room.types import Room, RoomCount, Standing

__all__ = [
    "Room",
    "RoomCount",
    "Standing",
    "close_room",
    "count_room",
    "find_room",
    "find_room_of",
    "has_room",
    "join",
    "list_rooms",
    "load_room",
    "look",
    "open_room",
    "pass_rooms",
    "refresh_rooms",
    "set_rate",
]

MOST_PER_S = 1_000.0
MOST_HOLD_S = 3_600
# Which SKUs have a line, by merchant, as this process knows it: an order of other goods asks nobody.
_open: dict[UUID, dict[UUID, UUID]] = {}


async def refresh_rooms(owner: Database) -> None:
    """Learn which lines are open (owner's role)."""
    found: dict[UUID, dict[UUID, UUID]] = {}
    for row in await store.list_all_open(owner):
        found.setdefault(row["merchant_id"], {})[row["sku_id"]] = row["room_id"]
    _open.clear()
    _open.update(found)


def has_room(merchant_id: UUID, sku_id: UUID) -> bool:
    """Whether there is a line before a SKU, as far as this process knows."""
    return sku_id in _open.get(merchant_id, ())


def digest_buyer(name: str) -> bytes:
    """How a buyer stands in the table: nobody can read from it who that is."""
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


async def open_room(
    tx: Transaction, *, sku_id: UUID, title: str, per_s: float, hold_s: int, units_each: int = 1
) -> Room:
    """Open a line before a SKU.

    Args:
        per_s: buyers let in a second, at most.
        hold_s: seconds that each of them has to order.
        units_each: steps of the SKU that each may buy.

    Raises:
        Invalid: ``room.rate_invalid``, ``room.hold_invalid``.
        Conflict: ``room.open_already``.
    """
    _check_rate(per_s)
    if not 30 <= hold_s <= MOST_HOLD_S or units_each < 1:
        raise Invalid("room.hold_invalid", _("Please give buyers between half a minute and an hour."))
    room_id = new_id()
    if not await store.insert_room(tx, room_id, sku_id, title, per_s, hold_s, units_each, clock.now()):
        raise Conflict("room.open_already", _("There is a line before this already."))
    _open.setdefault(tx.merchant_id, {})[sku_id] = room_id
    return await load_room(tx, room_id=room_id)


def _check_rate(per_s: float) -> None:
    if not 0 < per_s <= MOST_PER_S:
        raise Invalid("room.rate_invalid", _("Please give a rate above 0, and at most 1,000 a second."))


async def close_room(tx: Transaction, *, room_id: UUID) -> None:
    """End a line: everybody may buy again. NotFound ``room.unknown`` when there is none that is open."""
    if not await store.close_room(tx, room_id, clock.now()):
        raise _unknown()
    for sku_id, each in tuple(_open.get(tx.merchant_id, {}).items()):
        if each == room_id:
            del _open[tx.merchant_id][sku_id]


async def set_rate(tx: Transaction, *, room_id: UUID, per_s: float) -> None:
    """Let in more or fewer a second. Invalid ``room.rate_invalid``; NotFound ``room.unknown``."""
    _check_rate(per_s)
    if not await store.set_rate(tx, room_id, per_s):
        raise _unknown()


async def find_room(tx: Transaction, *, room_id: UUID) -> Room | None:
    row = await store.find_room(tx, room_id)
    return Room(*row.values()) if row else None


async def load_room(tx: Transaction, *, room_id: UUID) -> Room:
    """NotFound ``room.unknown``."""
    room = await find_room(tx, room_id=room_id)
    if room is None:
        raise _unknown()
    return room


async def find_room_of(tx: Transaction, *, sku_id: UUID) -> Room | None:
    """The open line before a SKU."""
    row = await store.find_open(tx, sku_id)
    return Room(*row.values()) if row else None


async def list_rooms(tx: Transaction, *, limit: int = 50) -> list[tuple[Room, RoomCount]]:
    """Lines with their counts, the open ones first."""
    found = []
    for row in await store.list_rooms(tx, min(limit, 100)):
        counts = await store.count_places(tx, row["room_id"], clock.now())
        found.append((Room(*row.values()), RoomCount(*counts.values())))
    return found


async def count_room(tx: Transaction, *, room_id: UUID) -> RoomCount:
    """How many stand where."""
    return RoomCount(*(await store.count_places(tx, room_id, clock.now())).values())


async def join(tx: Transaction, *, room_id: UUID, buyers: Sequence[str]) -> None:
    """Stand in line. However often and from however many tabs, a buyer has one place and keeps it.

    ``buyers``: the names that this buyer goes by (the member's, the browser's); the first one is written down.

    Raises:
        NotFound: ``room.unknown``, also when the line was closed.
    """
    names = [digest_buyer(name) for name in buyers]
    place = await store.find_place(tx, room_id, names)
    now = clock.now()
    if place and place["state"] != "lapsed" and (place["until"] is None or place["until"] > now):
        return
    if place and place["state"] == "bought":
        return
    number = await store.take_number(tx, room_id)
    if number is None:
        raise _unknown()
    await store.put_place(tx, room_id, place["buyer"] if place else names[0], number, now)


async def look(
    tx: Transaction, *, room_id: UUID, buyers: Sequence[str], available: Callable[[], Awaitable[int]]
) -> Standing | None:
    """Let in whoever may come in, then tell a buyer how it stands. None for somebody who is not in line.

    ``available`` reads the units of the SKU that can still be reserved. It is asked after the people inside were counted:
    whoever orders in between then counts twice for a moment, rather than not at all.
    """
    now = clock.now()
    room = await store.seize_room(tx, room_id)
    if room is not None:
        await _advance(tx, Room(*room.values()), available)
    current = await load_room(tx, room_id=room_id)
    place = await store.find_place(tx, room_id, [digest_buyer(name) for name in buyers])
    if place is None:
        return None
    held = await store.count_held(tx, room_id, now)
    left = await available()
    ahead = await store.count_ahead(tx, room_id, place["place_no"]) if place["state"] == "waiting" else 0
    return tell(current, place["state"], place["until"], ahead=ahead, available=left, held=held, now=now)


async def _advance(tx: Transaction, room: Room, available: Callable[[], Awaitable[int]]) -> None:
    now = clock.now()
    due, next_at = count_due(room, now)
    if not due:
        return
    await store.lapse_places(tx, room.room_id, now)
    held = await store.count_held(tx, room.room_id, now)
    free = count_free(room, await available(), held)
    if not free:
        return
    many = min(due, free)
    admitted = await store.admit_places(tx, room.room_id, many, now + timedelta(seconds=room.hold_s))
    if admitted:
        await store.note_admitted(
            tx, room.room_id, next_at - timedelta(seconds=(due - admitted) / room.per_s)
        )


@asynccontextmanager
async def pass_rooms(
    db: Database,
    merchant_id: MerchantId,
    *,
    quantities: Mapping[UUID, int],
    buyers: Sequence[str],
    cart_id: UUID,
) -> AsyncIterator[None]:
    """Pass the lines before what a cart holds while its order is placed: each admission is used up by one order.

    When the order is refused, the admission is the buyer's again; when the process dies, it lapses with its time.

    Raises:
        Conflict: ``room.wait`` with ``room_id``, ``room.too_much`` with ``most``. Nothing was placed.
    """
    known = _open.get(merchant_id)
    rooms = [known[sku_id] for sku_id in quantities if sku_id in known] if known else []
    if not rooms:
        yield
        return
    await _take(db, merchant_id, rooms, quantities, [digest_buyer(name) for name in buyers], cart_id)
    state = "admitted"
    try:
        yield
        state = "bought"
    finally:
        async with db.transaction(merchant_id) as tx:
            for room_id in rooms:
                await store.end_taking(tx, room_id, cart_id, state)


async def _take(
    db: Database,
    merchant_id: MerchantId,
    rooms: Sequence[UUID],
    quantities: Mapping[UUID, int],
    buyers: Sequence[bytes],
    cart_id: UUID,
) -> None:
    now = clock.now()
    async with db.transaction(merchant_id) as tx:
        for room_id in sorted(rooms):
            room = await load_room(tx, room_id=room_id)
            if room.closed_at is not None:
                continue
            if quantities[room.sku_id] > room.units_each:
                raise Conflict(
                    "room.too_much", _("Each buyer may have %(most)s of this."), most=room.units_each
                )
            if not await store.take_place(tx, room_id, buyers, cart_id, now):
                raise Conflict(
                    "room.wait",
                    _("Many want this at once, so it is sold in turn. Please stand in line."),
                    room_id=str(room_id),
                )


def _unknown() -> NotFound:
    return NotFound("room.unknown", _("There is no such line (any more)."))
