"""SQL of lots."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from serai.commerce.lot.types import Lot, LotRule, ParcelLot
from serai.foundation.database import Database, Transaction


async def list_rules(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT sku_id, rest_days FROM commerce.lot_rule WHERE merchant_id = $1 AND sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )


async def save_rule(tx: Transaction, rule: LotRule, by: str, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.lot_rule (merchant_id, sku_id, rest_days, updated_by, updated_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (merchant_id, sku_id) DO UPDATE SET rest_days = EXCLUDED.rest_days,"
        "   updated_by = EXCLUDED.updated_by, updated_at = EXCLUDED.updated_at",
        tx.merchant_id,
        rule.sku_id,
        rule.rest_days,
        by,
        now,
    )


async def delete_rule(tx: Transaction, sku_id: UUID) -> Any:
    """The SKU of the rule that was deleted; None when there was none."""
    return await tx.fetchval(
        "DELETE FROM commerce.lot_rule WHERE merchant_id = $1 AND sku_id = $2 RETURNING sku_id",
        tx.merchant_id,
        sku_id,
    )


async def list_all_rules(owner: Database) -> list[Any]:
    """(merchant, SKU) of all goods that are kept by lots, over all merchants."""
    return await owner.fetch("SELECT merchant_id, sku_id FROM commerce.lot_rule ORDER BY merchant_id, sku_id")


async def list_lots(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT lot_id, sku_id, code, best_before FROM commerce.lot WHERE merchant_id = $1 AND sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )


async def find_lot(tx: Transaction, lot_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT lot_id, sku_id, code, best_before FROM commerce.lot WHERE merchant_id = $1 AND lot_id = $2",
        tx.merchant_id,
        lot_id,
    )


async def list_dated(tx: Transaction, since: date, until: date, limit: int) -> list[Any]:
    """Lots with a date in a span, of goods that are kept by lots now; the earliest first."""
    return await tx.fetch(
        "SELECT l.lot_id, l.sku_id, l.code, l.best_before, r.rest_days, v.sku, p.title FROM commerce.lot l"
        " JOIN commerce.lot_rule r ON r.merchant_id = l.merchant_id AND r.sku_id = l.sku_id"
        " JOIN commerce.variant v ON v.merchant_id = l.merchant_id AND v.sku_id = l.sku_id"
        " JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        " WHERE l.merchant_id = $1 AND l.best_before BETWEEN $2 AND $3 ORDER BY l.best_before, l.lot_id LIMIT $4",
        tx.merchant_id,
        since,
        until,
        limit,
    )


async def list_orders(tx: Transaction, lot_id: UUID, limit: int) -> list[Any]:
    """Orders that got goods of a lot, the latest first."""
    return await tx.fetch(
        "SELECT o.order_id, o.number, p.parcel_id, p.parcel_no, w.line_no, w.quantity, p.shipped_at"
        " FROM commerce.parcel_lot w JOIN commerce.parcel p ON p.merchant_id = w.merchant_id AND p.parcel_id = w.parcel_id"
        " JOIN commerce.sales_order o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id"
        " WHERE w.merchant_id = $1 AND w.lot_id = $2 ORDER BY p.shipped_at DESC, o.order_id, w.line_no LIMIT $3",
        tx.merchant_id,
        lot_id,
        limit,
    )


async def insert_lots(tx: Transaction, rows: Sequence[Lot], now: datetime) -> None:
    """Lots; those that are known stay as they are."""
    await tx.execute(
        "INSERT INTO commerce.lot (merchant_id, lot_id, sku_id, code, best_before, created_at)"
        " SELECT $1, n.id, n.sku_id, n.code, n.best_before, $6"
        " FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::date[]) n (id, sku_id, code, best_before)"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in Lot.__struct_fields__),
        now,
    )


async def insert_parcel_lots(tx: Transaction, rows: Sequence[ParcelLot]) -> None:
    await tx.execute(
        "INSERT INTO commerce.parcel_lot (merchant_id, parcel_id, line_no, sku_id, lot_id, quantity)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::uuid[], $6::int[])",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in ParcelLot.__struct_fields__),
    )
