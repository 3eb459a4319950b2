"""SQL of retention."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

# Over, named, and nothing of it waits: its last moment decides. Money on its way back keeps the order as it is.
OVER = (
    " FROM commerce.sales_order o WHERE o.merchant_id = $1 AND (o.email <> '' OR o.name <> '' OR o.phone <> '' OR o.note <> '')"
    " AND o.state IN ('fulfilled', 'cancelled', 'expired', 'lapsed')"
    " AND greatest(o.placed_at, o.paid_at, o.fulfilled_at, o.cancelled_at, o.expired_at, o.lapsed_at)"
    "   < CASE WHEN o.paid_at IS NULL AND o.deposit_paid_at IS NULL THEN $3::timestamptz ELSE $2::timestamptz END"
    " AND o.placed_at < greatest($2, $3)"
    " AND NOT EXISTS (SELECT FROM commerce.refund r WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id"
    "   AND (greatest(r.requested_at, r.done_at, r.failed_at) >= $2 OR r.done_at IS NULL AND r.failed_at IS NULL))"
)


async def find_policy(tx: Transaction) -> Any:
    return await tx.fetchrow(
        "SELECT order_days, unpaid_days, member_days, version FROM commerce.retention_policy WHERE merchant_id = $1",
        tx.merchant_id,
    )


async def save_policy(
    tx: Transaction, days: tuple[int | None, int | None, int | None], version: int, by: str
) -> bool:
    """Keep a policy as the version after ``version``. False when somebody else was first."""
    done = await tx.execute(
        "INSERT INTO commerce.retention_policy AS p (merchant_id, order_days, unpaid_days, member_days, version, updated_by)"
        " VALUES ($1, $2, $3, $4, $5 + 1, $6) ON CONFLICT (merchant_id) DO UPDATE SET order_days = excluded.order_days,"
        "   unpaid_days = excluded.unpaid_days, member_days = excluded.member_days, version = excluded.version,"
        "   updated_by = excluded.updated_by, updated_at = now() WHERE p.version = $5",
        tx.merchant_id,
        *days,
        version,
        by,
    )
    return bool(done.endswith(" 1"))


async def count_over(tx: Transaction, paid_before: datetime, unpaid_before: datetime) -> int:
    return int(await tx.fetchval("SELECT count(*)" + OVER, tx.merchant_id, paid_before, unpaid_before))


async def list_over(
    tx: Transaction, paid_before: datetime, unpaid_before: datetime, limit: int
) -> list[UUID]:
    """Locked, so that two runs share the work instead of doing it twice."""
    rows = await tx.fetch(
        "SELECT o.order_id" + OVER + " ORDER BY o.placed_at LIMIT $4 FOR UPDATE OF o SKIP LOCKED",
        tx.merchant_id,
        paid_before,
        unpaid_before,
        limit,
    )
    return [row[0] for row in rows]


async def list_busy(tx: Transaction, member_ids: list[UUID], since: datetime) -> set[UUID]:
    """Which of some members have ordered since, or have an order that is under way."""
    rows = await tx.fetch(
        "SELECT DISTINCT member_id FROM commerce.sales_order WHERE merchant_id = $1 AND member_id = ANY($2)"
        " AND (placed_at >= $3 OR state NOT IN ('fulfilled', 'cancelled', 'expired', 'lapsed'))",
        tx.merchant_id,
        member_ids,
        since,
    )
    return {row[0] for row in rows}
