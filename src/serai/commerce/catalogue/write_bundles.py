"""SQL of bundles."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def list_parts(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT b.sku_id, b.part_sku_id, b.quantity, v.price_minor, v.scale FROM commerce.bundle_part b"
        " JOIN commerce.variant v ON v.merchant_id = b.merchant_id AND v.sku_id = b.part_sku_id"
        " WHERE b.merchant_id = $1 AND b.sku_id = ANY($2) ORDER BY b.sku_id, b.position, b.part_sku_id",
        tx.merchant_id,
        sku_ids,
    )


async def list_bundles_of(tx: Transaction, part_sku_ids: Sequence[UUID]) -> list[Any]:
    """Bundles whose price follows that of their parts, of which one is among these."""
    return await tx.fetch(
        "SELECT b.sku_id, b.discount_bp FROM commerce.bundle b WHERE b.merchant_id = $1 AND b.pricing = 'sum'"
        " AND EXISTS (SELECT 1 FROM commerce.bundle_part p WHERE p.merchant_id = $1 AND p.sku_id = b.sku_id"
        "   AND p.part_sku_id = ANY($2)) ORDER BY b.sku_id",
        tx.merchant_id,
        part_sku_ids,
    )


async def find_bundle(tx: Transaction, sku_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT pricing, discount_bp FROM commerce.bundle WHERE merchant_id = $1 AND sku_id = $2",
        tx.merchant_id,
        sku_id,
    )


async def is_in_bundle(tx: Transaction, sku_id: UUID) -> bool:
    found = await tx.fetchval(
        "SELECT 1 FROM commerce.bundle_part WHERE merchant_id = $1 AND part_sku_id = $2 LIMIT 1",
        tx.merchant_id,
        sku_id,
    )
    return found is not None


async def lock_variants(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    """Some variants in the order of their ids, kept from becoming bundles or going until the end."""
    return await tx.fetch(
        "SELECT sku_id, price_minor, scale, currency FROM commerce.variant"
        " WHERE merchant_id = $1 AND sku_id = ANY($2) ORDER BY sku_id FOR NO KEY UPDATE",
        tx.merchant_id,
        sku_ids,
    )


async def replace_bundle(
    tx: Transaction, sku_id: UUID, pricing: str, discount_bp: int, parts: Sequence[tuple[UUID, int]]
) -> None:
    """A bundle as it is now; without parts it is none any more."""
    await tx.execute(
        "DELETE FROM commerce.bundle WHERE merchant_id = $1 AND sku_id = $2", tx.merchant_id, sku_id
    )
    if not parts:
        return
    await tx.execute(
        "INSERT INTO commerce.bundle (merchant_id, sku_id, pricing, discount_bp) VALUES ($1, $2, $3, $4)",
        tx.merchant_id,
        sku_id,
        pricing,
        discount_bp,
    )
    await tx.execute(
        "INSERT INTO commerce.bundle_part (merchant_id, sku_id, part_sku_id, quantity, position)"
        " SELECT $1, $2, n.part, n.quantity, n.place"
        " FROM unnest($3::uuid[], $4::int[]) WITH ORDINALITY n (part, quantity, place)",
        tx.merchant_id,
        sku_id,
        [part for part, _quantity in parts],
        [quantity for _part, quantity in parts],
    )
