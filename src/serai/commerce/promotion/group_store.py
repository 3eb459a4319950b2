"""SQL of groups that buy together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction


async def insert_groups(tx: Transaction, rows: Sequence[Any]) -> None:
    await tx.execute(
        "INSERT INTO commerce.group_buy (merchant_id, group_id, promotion_id, people, opened_at, deadline, sku_id)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::uuid[])",
        tx.merchant_id,
        [row.group_id for row in rows],
        [row.promotion_id for row in rows],
        [row.people for row in rows],
        [row.opened_at for row in rows],
        [row.deadline for row in rows],
        [row.sku_id for row in rows],
    )


async def insert_group_orders(tx: Transaction, group_ids: Sequence[UUID], order_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "INSERT INTO commerce.group_order (merchant_id, group_id, order_id)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        group_ids,
        order_ids,
    )


GROUP = "g.group_id, g.promotion_id, g.people, g.opened_at, g.deadline, g.outcome, g.sku_id"


async def list_groups(tx: Transaction, group_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {GROUP} FROM commerce.group_buy g WHERE g.merchant_id = $1 AND g.group_id = ANY($2)",
        tx.merchant_id,
        group_ids,
    )


async def list_open_groups(tx: Transaction, promotion_id: UUID, now: datetime, limit: int) -> list[Any]:
    return await tx.fetch(
        f"SELECT {GROUP} FROM commerce.group_buy g WHERE g.merchant_id = $1 AND g.promotion_id = $2"
        " AND g.outcome IS NULL AND g.deadline > $3 ORDER BY g.deadline, g.group_id LIMIT $4",
        tx.merchant_id,
        promotion_id,
        now,
        limit,
    )


async def list_groups_of_order(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {GROUP} FROM commerce.group_order o JOIN commerce.group_buy g ON g.merchant_id = o.merchant_id"
        " AND g.group_id = o.group_id WHERE o.merchant_id = $1 AND o.order_id = $2",
        tx.merchant_id,
        order_id,
    )


async def end_groups(
    tx: Transaction, group_ids: Sequence[UUID], outcomes: Sequence[str], at: datetime
) -> list[Any]:
    """End groups that are not over yet. Returns which."""
    return await tx.fetch(
        "UPDATE commerce.group_buy g SET outcome = e.outcome, ended_at = $4"
        " FROM unnest($2::uuid[], $3::text[]) e (id, outcome)"
        " WHERE g.merchant_id = $1 AND g.group_id = e.id AND g.outcome IS NULL RETURNING g.group_id",
        tx.merchant_id,
        group_ids,
        outcomes,
        at,
    )


async def list_unsettled_groups(owner: Database, now: datetime, limit: int) -> list[Any]:
    """Open groups that somebody sits in or whose time is over, and failed ones with living orders (owner's role)."""
    return await owner.fetch(
        "SELECT g.merchant_id, g.group_id FROM commerce.group_buy g WHERE g.outcome IS NULL AND (g.deadline <= $1"
        "   OR EXISTS (SELECT FROM commerce.group_order o WHERE o.merchant_id = g.merchant_id"
        "     AND o.group_id = g.group_id))"
        " UNION SELECT g.merchant_id, g.group_id FROM commerce.group_buy g"
        " JOIN commerce.group_order o ON o.merchant_id = g.merchant_id AND o.group_id = g.group_id"
        " JOIN commerce.sales_order s ON s.merchant_id = o.merchant_id AND s.order_id = o.order_id"
        "   AND s.state IN ('awaiting_payment', 'paid')"
        " WHERE g.outcome = 'failed' LIMIT $2",
        now,
        limit,
    )


async def list_group_orders(tx: Transaction, group_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT s.order_id, s.state FROM commerce.group_order o JOIN commerce.sales_order s"
        "   ON s.merchant_id = o.merchant_id AND s.order_id = o.order_id"
        " WHERE o.merchant_id = $1 AND o.group_id = $2 ORDER BY s.placed_at, s.order_id",
        tx.merchant_id,
        group_id,
    )


async def list_members(tx: Transaction, group_ids: Sequence[UUID]) -> list[Any]:
    """Who sits in groups now: living orders, whoever has sat there longest first."""
    return await tx.fetch(
        "SELECT o.group_id, s.order_id, s.member_id, s.name, s.paid_at IS NOT NULL AS is_paid FROM commerce.group_order o"
        " JOIN commerce.sales_order s ON s.merchant_id = o.merchant_id AND s.order_id = o.order_id"
        " WHERE o.merchant_id = $1 AND o.group_id = ANY($2) AND s.state NOT IN ('cancelled', 'expired')"
        " ORDER BY o.group_id, s.placed_at, s.order_id",
        tx.merchant_id,
        group_ids,
    )


async def list_begun_groups(
    tx: Transaction, promotion_id: UUID, sku_id: UUID, now: datetime, limit: int
) -> list[Any]:
    """Groups of a promotion for some goods that are open and in which somebody sits, the one that ends first first."""
    return await tx.fetch(
        f"SELECT {GROUP} FROM commerce.group_buy g WHERE g.merchant_id = $1 AND g.promotion_id = $2"
        " AND (g.sku_id = $3 OR g.sku_id IS NULL) AND g.outcome IS NULL AND g.deadline > $4"
        " AND EXISTS (SELECT FROM commerce.group_order o JOIN commerce.sales_order s ON s.merchant_id = o.merchant_id"
        "   AND s.order_id = o.order_id AND s.paid_at IS NOT NULL AND s.state NOT IN ('cancelled', 'expired')"
        "   WHERE o.merchant_id = g.merchant_id AND o.group_id = g.group_id)"
        " ORDER BY g.deadline, g.group_id LIMIT $5",
        tx.merchant_id,
        promotion_id,
        sku_id,
        now,
        limit,
    )


async def list_member_groups(tx: Transaction, member_id: UUID, limit: int) -> list[Any]:
    """Groups in which a member has orders, with number, state and moment of each, the newest first."""
    return await tx.fetch(
        f"SELECT {GROUP}, s.number, s.state, s.placed_at FROM commerce.sales_order s"
        " JOIN commerce.group_order o ON o.merchant_id = s.merchant_id AND o.order_id = s.order_id"
        " JOIN commerce.group_buy g ON g.merchant_id = o.merchant_id AND g.group_id = o.group_id"
        " WHERE s.merchant_id = $1 AND s.member_id = $2 ORDER BY s.placed_at DESC, s.order_id LIMIT $3",
        tx.merchant_id,
        member_id,
        limit,
    )


async def list_waiting_orders(tx: Transaction, order_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT o.order_id FROM commerce.group_order o JOIN commerce.group_buy g ON g.merchant_id = o.merchant_id"
        " AND g.group_id = o.group_id WHERE o.merchant_id = $1 AND o.order_id = ANY($2)"
        " AND g.outcome IS DISTINCT FROM 'grouped'",
        tx.merchant_id,
        order_ids,
    )
