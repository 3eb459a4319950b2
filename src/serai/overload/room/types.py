"""A waiting room, a buyer's place in its line, and what the buyer is told."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

# waiting: somebody is ahead; spoken_for: all that is left is held by people ahead; admitted: may buy until a moment;
# bought: has bought; sold_out: nothing is left and nobody holds any; lapsed: let the turn pass; closed: no line any more.
Told = Literal["waiting", "spoken_for", "admitted", "bought", "sold_out", "lapsed", "closed"]
PlaceState = Literal["waiting", "admitted", "taken", "bought", "lapsed"]


class Room(msgspec.Struct, frozen=True):
    """A line before one SKU. ``per_s`` buyers a second are let in; each has ``hold_s`` seconds and ``units_each`` units."""

    room_id: UUID
    sku_id: UUID
    title: str
    per_s: float
    hold_s: int
    units_each: int
    next_at: datetime
    opened_at: datetime
    closed_at: datetime | None


class RoomCount(msgspec.Struct, frozen=True):
    """How many stand where in a line."""

    waiting: int = 0
    admitted: int = 0
    bought: int = 0
    lapsed: int = 0


class Standing(msgspec.Struct, frozen=True):
    """What a buyer is told: ``ahead`` people come first, and it takes about ``wait_s`` (None: nobody can say)."""

    told: Told
    ahead: int = 0
    wait_s: int | None = None
    until: datetime | None = None
