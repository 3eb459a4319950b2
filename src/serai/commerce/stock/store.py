"""SQL of stock lists; the levels themselves come from the ledger."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def list_titles(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT v.sku_id, v.sku, v.product_id, p.slug, p.title FROM commerce.variant v"
        " JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        " WHERE v.merchant_id = $1 AND v.sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )


async def list_matching(tx: Transaction, query: str, after: UUID | None, limit: int) -> list[Any]:
    """Variants in order of their ids, those of products that match a tsquery."""
    return await tx.fetch(
        "SELECT v.sku_id, v.sku, v.product_id, p.slug, p.title FROM commerce.variant v"
        " JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        " WHERE v.merchant_id = $1 AND p.product_id IN (SELECT commerce.match_products($2, 1000000))"
        " AND ($3::uuid IS NULL OR v.sku_id > $3) ORDER BY v.sku_id LIMIT $4",
        tx.merchant_id,
        query,
        after,
        limit,
    )
