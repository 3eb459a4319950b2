"""Goods to hand over, parcels and cuts: lists, and the writers that put them beside groups of the lane."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.parcel import store
from serai.commerce.parcel.types import (
    Cut,
    Goods,
    GoodsRow,
    NewFulfilment,
    NewParcel,
    Parcel,
    ParcelLine,
    ParcelStamp,
    Substitute,
)
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _

__all__ = ["Cut", "Goods", "Parcel", "ParcelLine"]


async def list_goods(tx: Transaction, *, order_id: UUID) -> tuple[Goods, ...]:
    """What of an order is open, gone and cut at each place; nothing of an order that no place has been given yet."""
    return tuple(Goods(*row.values()) for row in await store.list_goods(tx, order_id))


async def list_parcels(tx: Transaction, *, order_id: UUID) -> tuple[Parcel, ...]:
    """The parcels of an order in the order of their numbers, unpacked ones too."""
    return await _fill(tx, await store.list_parcels(tx, order_id, None))


async def list_some_parcels(tx: Transaction, *, parcel_ids: Sequence[UUID]) -> tuple[Parcel, ...]:
    """Parcels by their ids, the one that was packed first first."""
    return await _fill(tx, await store.list_parcels(tx, None, parcel_ids))


async def load_parcel(tx: Transaction, *, parcel_id: UUID) -> Parcel:
    """A parcel. NotFound ``parcel.unknown``."""
    found = await list_some_parcels(tx, parcel_ids=[parcel_id])
    if not found:
        raise NotFound("parcel.unknown", _("There is no such parcel."))
    return found[0]


async def _fill(tx: Transaction, rows: Sequence[Any]) -> tuple[Parcel, ...]:
    if not rows:
        return ()
    lines: dict[UUID, list[ParcelLine]] = {}
    for row in await store.list_parcel_lines(tx, [each["parcel_id"] for each in rows]):
        lines.setdefault(row["parcel_id"], []).append(
            ParcelLine(row["line_no"], row["sku_id"], row["quantity"])
        )
    return tuple(Parcel(**dict(row), lines=tuple(lines.get(row["parcel_id"], ()))) for row in rows)


async def list_cuts(tx: Transaction, *, order_id: UUID) -> tuple[Cut, ...]:
    """What of an order will not come, in order of time."""
    return tuple(Cut(*row.values()) for row in await store.list_cuts(tx, order_id))


async def list_substitutes(tx: Transaction, *, order_id: UUID) -> tuple[Substitute, ...]:
    """What came instead of what was ordered, in order of time."""
    return tuple(Substitute(*row.values()) for row in await store.list_substitutes(tx, order_id))


async def write_goods(tx: Transaction, rows: Sequence[GoodsRow]) -> None:
    """Goods as they stand after a group; a writer for the lane's batches."""
    await store.write_goods(tx, rows)


async def insert_fulfilments(tx: Transaction, rows: Sequence[NewFulfilment]) -> None:
    """Work given to places; a writer for the lane's batches."""
    await store.insert_fulfilments(tx, rows)


async def insert_parcels(tx: Transaction, rows: Sequence[NewParcel]) -> None:
    """New parcels; a writer for the lane's batches."""
    await store.insert_parcels(tx, rows)


async def stamp_parcels(tx: Transaction, rows: Sequence[ParcelStamp]) -> None:
    """Moments of parcels; a writer for the lane's batches."""
    await store.stamp_parcels(tx, rows)


async def insert_substitutes(tx: Transaction, rows: Sequence[Substitute]) -> None:
    """What came instead; a writer for the lane's batches."""
    await store.insert_substitutes(tx, rows)


async def insert_cuts(tx: Transaction, rows: Sequence[Cut]) -> None:
    """What is cut of orders; a writer for the lane's batches."""
    await store.insert_cuts(tx, rows)
