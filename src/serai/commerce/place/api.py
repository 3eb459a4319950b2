"""Places: list, find, add."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.place import store
from serai.commerce.place.types import Place
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _

__all__ = ["Place", "add_places", "default_place", "find_place", "list_places", "load_place"]


async def list_places(tx: Transaction, *, kind: str | None = None) -> list[Place]:
    """Active places, warehouses first, then stores in the merchant's order."""
    return [Place(*row.values()) for row in await store.list_places(tx, kind)]


async def find_place(
    tx: Transaction, *, place_id: UUID | None = None, code: str | None = None
) -> Place | None:
    """One place by id or code."""
    if place_id is None and code is None:
        return None

    async def load(missing: list[tuple[UUID | None, str | None]]) -> dict[Any, tuple[Place, tuple[()]]]:
        rows = {key: await store.find_place(tx, *key) for key in missing}
        return {key: (Place(*row.values()), ()) for key, row in rows.items() if row}

    key = (place_id, code)
    return (await tx.keep("place", [key], load)).get(key)


async def load_place(tx: Transaction, *, place_id: UUID) -> Place:
    """One place. NotFound ``place.unknown``."""
    place = await find_place(tx, place_id=place_id)
    if place is None:
        raise NotFound("place.unknown", _("There is no such store."))
    return place


async def default_place(tx: Transaction) -> Place:
    """Where parcels leave from. NotFound ``place.none`` when the merchant has no such place yet."""

    async def load(_missing: list[str]) -> dict[str, tuple[Place, tuple[()]]]:
        row = await store.find_online_place(tx)
        return {"": (Place(*row.values()), ())} if row else {}

    place = (await tx.keep("online place", [""], load)).get("")
    if place is None:
        raise NotFound("place.none", _("This shop has no warehouse yet, so nothing can be ordered."))
    return place


async def add_places(tx: Transaction, *, places: Sequence[Place]) -> None:
    """Add places in the given order; those that exist stay as they are."""
    await store.insert_places(
        tx,
        (
            [p.place_id for p in places],
            [p.code for p in places],
            [p.name for p in places],
            [p.kind for p in places],
            [p.sells_online for p in places],
            list(range(len(places))),
        ),
    )
