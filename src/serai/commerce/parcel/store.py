"""SQL of goods to hand over, parcels and cuts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.parcel.types import Cut, GoodsRow, NewFulfilment, NewParcel, ParcelStamp, Substitute
from serai.foundation.database import Transaction

GOODS = "place_id, line_no, sku_id, hold_id, open, picked, packed, shipped, cut"
PARCEL = (
    "parcel_id, order_id, place_id, parcel_no, state, packed_at, packed_by, weight_g, length_mm, width_mm, height_mm,"
    " carrier, service, tracking, ready_at, collect_by, shipped_at, delivered_at, lost_at, returned_at"
)
# Columns of a new parcel with their types, in the order of the Struct without its lines.
NEW_PARCEL = tuple(name for name in NewParcel.__struct_fields__ if name != "lines")
CUT = tuple(Cut.__struct_fields__)
SUBSTITUTE = tuple(Substitute.__struct_fields__)


async def list_goods(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {GOODS} FROM commerce.order_goods WHERE merchant_id = $1 AND order_id = $2"
        " ORDER BY line_no, sku_id, place_id",
        tx.merchant_id,
        order_id,
    )


async def write_goods(tx: Transaction, rows: Sequence[GoodsRow]) -> None:
    """Goods as they stand now; those that are known are replaced."""
    await tx.execute(
        f"INSERT INTO commerce.order_goods (merchant_id, order_id, {GOODS})"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::uuid[], $6::uuid[], $7::int[], $8::int[],"
        "   $9::int[], $10::int[], $11::int[])"
        " ON CONFLICT (merchant_id, order_id, place_id, line_no, sku_id) DO UPDATE SET hold_id = EXCLUDED.hold_id,"
        "   open = EXCLUDED.open, picked = EXCLUDED.picked, packed = EXCLUDED.packed, shipped = EXCLUDED.shipped,"
        "   cut = EXCLUDED.cut",
        tx.merchant_id,
        [row.order_id for row in rows],
        *([getattr(row.goods, name) for row in rows] for name in GOODS.split(", ")),
    )


async def insert_fulfilments(tx: Transaction, rows: Sequence[NewFulfilment]) -> None:
    """Work for places. Where a place had been chosen before, it is asked anew."""
    await tx.execute(
        "INSERT INTO commerce.fulfilment (merchant_id, order_id, place_id, fulfilment_id, planned_at, accept_by, accepted_at,"
        "   accepted_by, choice)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[],"
        "   $7::timestamptz[], $8::text[], $9::jsonb[])"
        " ON CONFLICT (merchant_id, order_id, place_id) DO UPDATE SET planned_at = EXCLUDED.planned_at,"
        "   accept_by = EXCLUDED.accept_by, accepted_at = EXCLUDED.accepted_at, accepted_by = EXCLUDED.accepted_by,"
        "   choice = EXCLUDED.choice",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in NewFulfilment.__struct_fields__),
    )


async def insert_parcels(tx: Transaction, rows: Sequence[NewParcel]) -> None:
    """Parcels and what lies in them."""
    await tx.execute(
        f"INSERT INTO commerce.parcel (merchant_id, {', '.join(NEW_PARCEL)})"  # sql: names of our own Struct
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::text[], $7::timestamptz[],"
        "   $8::int[], $9::int[], $10::int[], $11::int[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],"
        "   $16::timestamptz[])",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in NEW_PARCEL),
    )
    lines = [(row.parcel_id, line.line_no, line.sku_id, line.quantity) for row in rows for line in row.lines]
    await tx.execute(
        "INSERT INTO commerce.parcel_line (merchant_id, parcel_id, line_no, sku_id, quantity)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::int[])",
        tx.merchant_id,
        *([line[column] for line in lines] for column in range(4)),
    )


async def stamp_parcels(tx: Transaction, rows: Sequence[ParcelStamp]) -> None:
    """Set moments and texts; None and the empty text leave what is there."""
    await tx.execute(
        "UPDATE commerce.parcel p SET ready_at = coalesce(s.ready_at, p.ready_at),"
        "   collect_by = coalesce(s.collect_by, p.collect_by),"
        "   collect_digest = coalesce(s.collect_digest, p.collect_digest),"
        "   shipped_at = coalesce(p.shipped_at, s.shipped_at),"
        "   delivered_at = coalesce(p.delivered_at, s.delivered_at), lost_at = coalesce(p.lost_at, s.lost_at),"
        "   returned_at = coalesce(p.returned_at, s.returned_at), unpacked_at = coalesce(p.unpacked_at, s.unpacked_at),"
        "   carrier = coalesce(nullif(s.carrier, ''), p.carrier), service = coalesce(nullif(s.service, ''), p.service),"
        "   tracking = coalesce(nullif(s.tracking, ''), p.tracking)"
        " FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::bytea[], $6::timestamptz[], $7::timestamptz[],"
        "   $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[])"
        "   s (id, ready_at, collect_by, collect_digest, shipped_at, delivered_at, lost_at, returned_at, unpacked_at,"
        "     carrier, service, tracking)"
        " WHERE p.merchant_id = $1 AND p.parcel_id = s.id",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in ParcelStamp.__struct_fields__),
    )


async def insert_cuts(tx: Transaction, rows: Sequence[Cut]) -> None:
    await tx.execute(
        f"INSERT INTO commerce.order_cut (merchant_id, {', '.join(CUT)})"  # sql: names of our own Struct
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::uuid[], $7::int[], $8::text[],"
        "   $9::bigint[], $10::uuid[], $11::text[], $12::text[], $13::timestamptz[])",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in CUT),
    )


async def list_cuts(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {', '.join(CUT)} FROM commerce.order_cut"  # sql: names of our own Struct
        " WHERE merchant_id = $1 AND order_id = $2 ORDER BY at, cut_id",
        tx.merchant_id,
        order_id,
    )


async def insert_substitutes(tx: Transaction, rows: Sequence[Substitute]) -> None:
    await tx.execute(
        f"INSERT INTO commerce.order_substitute (merchant_id, {', '.join(SUBSTITUTE)})"  # sql: names of our own Struct
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::uuid[], $7::int[], $8::uuid[],"
        "   $9::int[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::smallint[], $15::text[], $16::text[],"
        "   $17::text[], $18::timestamptz[])",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in SUBSTITUTE),
    )


async def list_substitutes(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {', '.join(SUBSTITUTE)} FROM commerce.order_substitute"  # sql: names of our own Struct
        " WHERE merchant_id = $1 AND order_id = $2 ORDER BY at, substitute_id",
        tx.merchant_id,
        order_id,
    )


async def list_parcels(
    tx: Transaction, order_id: UUID | None, parcel_ids: Sequence[UUID] | None
) -> list[Any]:
    """Parcels of an order, or those named, by their numbers."""
    return await tx.fetch(
        f"SELECT {PARCEL} FROM commerce.parcel WHERE merchant_id = $1"
        f" AND {'order_id = $2' if parcel_ids is None else 'parcel_id = ANY($2)'}"  # sql: one of two constants
        " ORDER BY packed_at, order_id, parcel_no",
        tx.merchant_id,
        order_id if parcel_ids is None else parcel_ids,
    )


async def list_parcel_lines(tx: Transaction, parcel_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT parcel_id, line_no, sku_id, quantity FROM commerce.parcel_line"
        " WHERE merchant_id = $1 AND parcel_id = ANY($2) ORDER BY parcel_id, line_no, sku_id",
        tx.merchant_id,
        parcel_ids,
    )
