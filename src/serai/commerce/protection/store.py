"""SQL of price protection."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

CLAIM = (
    "c.claim_id, c.order_id, o.number, c.line_no, c.window_no, c.sku_id, l.title, c.quantity, c.paid_minor, c.now_minor,"
    " c.amount_minor, c.currency, c.claimed_by, c.claimed_at,"
    " CASE WHEN r.failed_at IS NOT NULL THEN 'failed' WHEN r.done_at IS NOT NULL THEN 'done' ELSE 'pending' END AS state"
)
CLAIM_FROM = (
    " FROM commerce.price_claim c"
    " JOIN commerce.sales_order o ON o.merchant_id = c.merchant_id AND o.order_id = c.order_id"
    " JOIN commerce.order_line l ON l.merchant_id = c.merchant_id AND l.order_id = c.order_id AND l.line_no = c.line_no"
    " LEFT JOIN commerce.refund r ON r.merchant_id = c.merchant_id AND r.refund_id = c.claim_id"
)


async def insert_claims(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.price_claim (merchant_id, claim_id, order_id, line_no, window_no, sku_id, quantity,"
        "   paid_minor, now_minor, amount_minor, currency, claimed_by, claimed_at)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::int[], $6::uuid[], $7::int[],"
        "   $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::timestamptz[])",
        tx.merchant_id,
        *columns,
    )


async def list_order_claims(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {CLAIM}{CLAIM_FROM} WHERE c.merchant_id = $1 AND c.order_id = $2 ORDER BY c.line_no, c.window_no",
        tx.merchant_id,
        order_id,
    )


async def list_claims(tx: Transaction, before: tuple[datetime, UUID] | None, limit: int) -> list[Any]:
    """Claims of all orders, the newest first."""
    at, claim_id = before or (None, None)
    return await tx.fetch(
        f"SELECT {CLAIM}{CLAIM_FROM} WHERE c.merchant_id = $1"
        " AND ($2::timestamptz IS NULL OR (c.claimed_at, c.claim_id) < ($2, $3::uuid))"
        " ORDER BY c.claimed_at DESC, c.claim_id DESC LIMIT $4",
        tx.merchant_id,
        at,
        claim_id,
        limit,
    )
