"""Which categories a variant stands in, from its own upwards: what rules over categories ask."""

from collections.abc import Sequence
from uuid import UUID

from serai.foundation.database import Transaction

MAX_DEPTH = 20


async def list_category_chains(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Per SKU its product's category and all that lie above it, the nearest first. Unknown SKUs are left out."""
    rows = await tx.fetch(
        "WITH RECURSIVE up AS ("
        "  SELECT v.sku_id, p.category_id, 1 AS depth FROM commerce.variant v JOIN commerce.product p"
        "    ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        "  WHERE v.merchant_id = $1 AND v.sku_id = ANY($2)"
        "  UNION ALL SELECT up.sku_id, c.parent_id, up.depth + 1 FROM up JOIN commerce.category c"
        "    ON c.merchant_id = $1 AND c.category_id = up.category_id WHERE c.parent_id IS NOT NULL AND up.depth < $3)"
        " SELECT sku_id, array_agg(category_id ORDER BY depth) FROM up GROUP BY sku_id",
        tx.merchant_id,
        sku_ids,
        MAX_DEPTH,
    )
    return {sku_id: tuple(chain) for sku_id, chain in rows}
