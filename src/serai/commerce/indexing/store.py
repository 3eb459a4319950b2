"""SQL of keeping search entries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction


async def lock_entries(tx: Transaction, product_ids: Sequence[UUID]) -> list[UUID]:
    """Those of some products (in the order of their ids) that have entries, locked until the transaction ends."""
    rows = await tx.fetch(
        "SELECT product_id FROM commerce.search_entry WHERE merchant_id = $1 AND product_id = ANY($2)"
        " ORDER BY product_id FOR NO KEY UPDATE",
        tx.merchant_id,
        product_ids,
        timeout=60,
    )
    return [row["product_id"] for row in rows]


async def list_active_variants(tx: Transaction, product_ids: Sequence[UUID]) -> list[Any]:
    """(product_id, sku_id, increment) of what is sold of some products, product by product in the variants' order."""
    return await tx.fetch(
        "SELECT product_id, sku_id, increment FROM commerce.variant WHERE merchant_id = $1 AND product_id = ANY($2)"
        " AND active ORDER BY product_id, position, sku_id",
        tx.merchant_id,
        product_ids,
        timeout=60,
    )


async def refresh_entries(
    tx: Transaction,
    product_ids: Sequence[UUID],
    prices: Sequence[int | None],
    discounts: Sequence[int],
    sold_outs: Sequence[bool],
) -> None:
    """Write what is beside the words, where it differs; category, brand and attributes come from the products' rows."""
    await tx.execute(
        "SELECT commerce.refresh_entries($1, $2, $3, $4)",
        product_ids,
        prices,
        discounts,
        sold_outs,
        timeout=60,
    )


async def list_products_of(tx: Transaction, sku_ids: Sequence[UUID], order_ids: Sequence[UUID]) -> list[UUID]:
    """Products that have some variants, or that some orders are about; and the bundles that contain what those sell."""
    rows = await tx.fetch(
        "WITH sold AS (SELECT unnest($2::uuid[]) AS sku_id UNION SELECT l.sku_id FROM commerce.order_line l"
        "   WHERE l.merchant_id = $1 AND l.order_id = ANY($3)),"
        " part AS (SELECT sku_id FROM sold UNION SELECT p.part_sku_id FROM commerce.bundle_part p JOIN sold s"
        "   ON p.merchant_id = $1 AND p.sku_id = s.sku_id),"
        " touched AS (SELECT sku_id FROM part UNION SELECT p.sku_id FROM commerce.bundle_part p JOIN part"
        "   ON p.merchant_id = $1 AND p.part_sku_id = part.sku_id)"
        " SELECT DISTINCT v.product_id FROM commerce.variant v JOIN touched t ON v.merchant_id = $1 AND v.sku_id = t.sku_id",
        tx.merchant_id,
        sku_ids,
        order_ids,
    )
    return [row["product_id"] for row in rows]


async def list_stale(tx: Transaction, limit: int) -> list[Any]:
    """(stale_id, product_ids, is_reworded) of the oldest notes."""
    return await tx.fetch(
        "SELECT stale_id, product_ids, is_reworded FROM commerce.search_stale WHERE merchant_id = $1"
        " ORDER BY stale_id LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def delete_stale(tx: Transaction, stale_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "DELETE FROM commerce.search_stale WHERE merchant_id = $1 AND stale_id = ANY($2)",
        tx.merchant_id,
        stale_ids,
    )


async def list_merchants_with_stale(owner: Database) -> list[UUID]:
    rows = await owner.fetch("SELECT DISTINCT merchant_id FROM commerce.search_stale ORDER BY 1")
    return [row["merchant_id"] for row in rows]


async def list_turned_offers(owner: Database, now: datetime, days: int) -> list[Any]:
    """(merchant_id, sku_ids) of offers that began or ended since each merchant was last seen to, at most so many days
    back."""
    return await owner.fetch(
        "WITH turned AS (SELECT merchant_id, sku_id, valid_from AS at FROM commerce.price_offer"
        "     WHERE valid_from > $1::timestamptz - make_interval(days => $2) AND valid_from <= $1"
        "   UNION ALL SELECT merchant_id, sku_id, valid_to FROM commerce.price_offer"
        "     WHERE valid_to > $1::timestamptz - make_interval(days => $2) AND valid_to <= $1)"
        " SELECT t.merchant_id, array_agg(DISTINCT t.sku_id) AS sku_ids FROM turned t"
        " LEFT JOIN commerce.search_state s ON s.merchant_id = t.merchant_id"
        " WHERE s.offers_at IS NULL OR t.at > s.offers_at GROUP BY t.merchant_id ORDER BY t.merchant_id",
        now,
        days,
    )


async def note_offers(tx: Transaction, at: datetime, make: int) -> None:
    """Offers that began or ended until a moment have been seen to."""
    await tx.execute(
        "INSERT INTO commerce.search_state (merchant_id, make, rebuilt_at, offers_at) VALUES ($1, $3, now(), $2)"
        " ON CONFLICT (merchant_id) DO UPDATE SET offers_at = greatest(search_state.offers_at, excluded.offers_at)",
        tx.merchant_id,
        at,
        make,
    )
