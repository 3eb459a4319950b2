"""How many may come in now, and what the others are told."""

from datetime import datetime, timedelta
from math import ceil, floor

from serai.overload.room.types import PlaceState, Room, Standing, Told


def count_due(room: Room, now: datetime) -> tuple[int, datetime]:
    """How many the rate lets in now, and the moment from which it counts on if all of them come.

    What was not used is saved for a second at most, so that a line that starts again does not let in a crowd.
    """
    saved_s = max(1.0, 1 / room.per_s)
    since = max(room.next_at, now - timedelta(seconds=saved_s))
    due = max(0, floor((now - since).total_seconds() * room.per_s + 1e-6))
    return due, since + timedelta(seconds=due / room.per_s)


def count_free(room: Room, available: int, held: int) -> int:
    """For how many more there is something, given what those hold who are inside already."""
    return max(0, available // room.units_each - held)


def tell(
    room: Room,
    state: PlaceState,
    until: datetime | None,
    *,
    ahead: int,
    available: int,
    held: int,
    now: datetime,
) -> Standing:
    """What somebody is told. ``available``: units that may still be reserved; ``held``: people inside."""
    is_inside = state in ("admitted", "taken") and until is not None and until > now
    if state == "bought":
        return Standing("bought")
    if is_inside:
        return Standing("admitted", until=until)
    if room.closed_at is not None:
        return Standing("closed")
    if available < room.units_each and not held:
        return Standing("sold_out")
    if state != "waiting":
        return Standing("lapsed")
    told: Told = "waiting" if ahead < count_free(room, available, held) else "spoken_for"
    return Standing(told, ahead, ceil((ahead + 1) / room.per_s) if told == "waiting" else None)
