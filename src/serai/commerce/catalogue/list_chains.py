"""Which categories a variant stands in, from its own upwards: what rules over categories ask."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from serai.foundation.database import Transaction

MAX_DEPTH = 20


async def list_category_chains(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Per SKU its product's category and all that lie above it, the nearest first. Unknown SKUs are left out."""
    return await tx.keep("category chain", sku_ids, partial(_load_chains, tx))


async def _load_chains(
    tx: Transaction, sku_ids: list[UUID]
) -> dict[UUID, tuple[tuple[UUID, ...], tuple[UUID, UUID]]]:
    rows = await tx.fetch(
        "WITH RECURSIVE up AS ("
        "  SELECT v.sku_id, p.product_id, p.category_id, 1 AS depth FROM commerce.variant v JOIN commerce.product p"
        "    ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        "  WHERE v.merchant_id = $1 AND v.sku_id = ANY($2)"
        "  UNION ALL SELECT up.sku_id, up.product_id, c.parent_id, up.depth + 1 FROM up JOIN commerce.category c"
        "    ON c.merchant_id = $1 AND c.category_id = up.category_id WHERE c.parent_id IS NOT NULL AND up.depth < $3)"
        " SELECT sku_id, product_id, array_agg(category_id ORDER BY depth) FROM up GROUP BY sku_id, product_id",
        tx.merchant_id,
        sku_ids,
        MAX_DEPTH,
    )
    return {sku_id: (tuple(chain), (sku_id, product_id)) for sku_id, product_id, chain in rows}
