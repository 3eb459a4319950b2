"""SQL of presales and of what their orders agreed to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

PRESALE = (
    "presale_id, version, state, terms, stopped_at, closed_at, pieces, percent, created_by, created_at, changed_by,"
    " changed_at"
)
ORDER = (
    "order_id, presale_id, quantity, price_minor, deposit_minor, credit_minor, tiers, missed, deposit_until, balance_from,"
    " balance_until, pieces, percent, turn, fixed_at, opened_at, reminded_at, kept_at"
)


async def find_presale(tx: Transaction, presale_id: UUID, *, lock: bool = False) -> Any:
    return await tx.fetchrow(
        f"SELECT {PRESALE} FROM commerce.presale WHERE merchant_id = $1 AND presale_id = $2"
        + (" FOR NO KEY UPDATE" if lock else ""),
        tx.merchant_id,
        presale_id,
    )


async def list_presales(
    tx: Transaction, words: str, state: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Any]:
    return await tx.fetch(
        f"SELECT {PRESALE} FROM commerce.presale WHERE merchant_id = $1"
        " AND ($2 = '' OR lower(name) LIKE '%' || $2 || '%') AND ($3::text IS NULL OR state = $3)"
        " AND ($4::timestamptz IS NULL OR (changed_at, presale_id) < ($4, $5::uuid))"
        " ORDER BY changed_at DESC, presale_id DESC LIMIT $6",
        tx.merchant_id,
        words,
        state,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )


async def insert_presale(
    tx: Transaction, presale_id: UUID, terms: Any, until: tuple[datetime, datetime], by: str, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO commerce.presale (merchant_id, presale_id, state, name, terms, deposit_until, balance_until,"
        "   created_by, created_at, changed_by, changed_at) VALUES ($1, $2, 'draft', $3, $4, $5, $6, $7, $8, $7, $8)",
        tx.merchant_id,
        presale_id,
        terms.name.strip(),
        terms,
        *until,
        by,
        at,
    )


async def update_presale(
    tx: Transaction, presale_id: UUID, terms: Any, until: tuple[datetime, datetime], by: str, at: datetime
) -> None:
    """New terms of a draft."""
    await tx.execute(
        "UPDATE commerce.presale SET version = version + 1, name = $3, terms = $4, deposit_until = $5, balance_until = $6,"
        "   changed_by = $7, changed_at = $8 WHERE merchant_id = $1 AND presale_id = $2",
        tx.merchant_id,
        presale_id,
        terms.name.strip(),
        terms,
        *until,
        by,
        at,
    )


async def set_live(tx: Transaction, presale_ids: Sequence[UUID], by: Sequence[str], at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.presale p SET state = 'live', changed_by = n.by, changed_at = $4"
        " FROM unnest($2::uuid[], $3::text[]) n (id, by) WHERE p.merchant_id = $1 AND p.presale_id = n.id",
        tx.merchant_id,
        presale_ids,
        by,
        at,
    )


async def set_stopped(tx: Transaction, presale_id: UUID, by: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.presale SET stopped_at = $3, changed_by = $4, changed_at = $3"
        " WHERE merchant_id = $1 AND presale_id = $2",
        tx.merchant_id,
        presale_id,
        at,
        by,
    )


async def set_closed(tx: Transaction, presale_id: UUID, pieces: int, percent: int, at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.presale SET state = 'closed', closed_at = $3, pieces = $4, percent = $5"
        " WHERE merchant_id = $1 AND presale_id = $2",
        tx.merchant_id,
        presale_id,
        at,
        pieces,
        percent,
    )


async def take_skus(tx: Transaction, presale_id: UUID, sku_ids: Sequence[UUID]) -> list[Any]:
    """Bind SKUs to a presale; returns those that are bound to another one."""
    await tx.execute(
        "INSERT INTO commerce.presale_taken (merchant_id, sku_id, presale_id) SELECT $1, id, $3"
        " FROM unnest($2::uuid[]) id ON CONFLICT DO NOTHING",
        tx.merchant_id,
        sku_ids,
        presale_id,
    )
    return await tx.fetch(
        "SELECT sku_id, presale_id FROM commerce.presale_taken"
        " WHERE merchant_id = $1 AND sku_id = ANY($2) AND presale_id <> $3",
        tx.merchant_id,
        sku_ids,
        presale_id,
    )


async def free_skus(tx: Transaction, presale_id: UUID) -> None:
    await tx.execute(
        "DELETE FROM commerce.presale_taken WHERE merchant_id = $1 AND presale_id = $2",
        tx.merchant_id,
        presale_id,
    )


async def list_taken(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    """(SKU, presale row) of what is on presale or will be."""
    return await tx.fetch(
        f"SELECT t.sku_id, {', '.join('p.' + name.strip() for name in PRESALE.split(','))}"  # sql: a constant
        " FROM commerce.presale_taken t JOIN commerce.presale p ON p.merchant_id = t.merchant_id"
        "   AND p.presale_id = t.presale_id WHERE t.merchant_id = $1 AND t.sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )


async def list_to_close(owner: Database, now: datetime, limit: int) -> list[Any]:
    """(merchant, presale) of all merchants whose time for deposits is over (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, presale_id FROM commerce.presale WHERE state = 'live'"
        " AND (deposit_until <= $1 OR stopped_at IS NOT NULL) ORDER BY deposit_until LIMIT $2",
        now,
        limit,
    )


async def insert_orders(tx: Transaction, rows: Sequence[Any]) -> None:
    await tx.execute(
        "INSERT INTO commerce.presale_order (merchant_id, order_id, presale_id, quantity, price_minor, deposit_minor,"
        "   credit_minor, tiers, missed, deposit_until, balance_from, balance_until)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],"
        "   $8::jsonb[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])",
        tx.merchant_id,
        [row.order_id for row in rows],
        [row.presale_id for row in rows],
        [row.quantity for row in rows],
        [row.price_minor for row in rows],
        [row.deposit_minor for row in rows],
        [row.credit_minor for row in rows],
        # An object around the list: the driver takes a list inside a list of values for another dimension.
        [{"items": row.tiers} for row in rows],
        [row.missed for row in rows],
        [row.deposit_until for row in rows],
        [row.balance_from for row in rows],
        [row.balance_until for row in rows],
    )


async def find_order(tx: Transaction, order_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {ORDER} FROM commerce.presale_order WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
    )


async def mark_orders(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    """What happened to the orders: a None leaves a value as it is; ``turn`` counts on."""
    await tx.execute(
        "UPDATE commerce.presale_order o SET pieces = coalesce(m.pieces, o.pieces),"
        "   percent = coalesce(m.percent, o.percent), turn = o.turn + m.turn,"
        "   fixed_at = coalesce(o.fixed_at, m.fixed_at), kept_at = coalesce(o.kept_at, m.kept_at)"
        " FROM unnest($2::uuid[], $3::int[], $4::int[], $5::int[], $6::timestamptz[], $7::timestamptz[])"
        "   m (id, pieces, percent, turn, fixed_at, kept_at) WHERE o.merchant_id = $1 AND o.order_id = m.id",
        tx.merchant_id,
        *columns,
    )


async def mark_told(tx: Transaction, order_id: UUID, column: str, at: datetime) -> bool:
    """Note that a buyer was told; False when that had been noted before."""
    assert column in ("opened_at", "reminded_at")
    return bool(
        await tx.fetchval(
            f"UPDATE commerce.presale_order SET {column} = $3"  # sql: one of two constants
            f" WHERE merchant_id = $1 AND order_id = $2 AND {column} IS NULL RETURNING true",
            tx.merchant_id,
            order_id,
            at,
        )
    )


async def list_waiting(tx: Transaction, presale_id: UUID, since: datetime) -> list[Any]:
    """(order, state) of a presale that wait for a deposit, or expired since a moment without one."""
    return await tx.fetch(
        "SELECT order_id, state FROM commerce.sales_order WHERE merchant_id = $1 AND presale_id = $2"
        " AND (state = 'awaiting_deposit' OR (state = 'expired' AND expired_at >= $3)) ORDER BY order_id",
        tx.merchant_id,
        presale_id,
        since,
    )


async def list_due(owner: Database, what: str, moment: datetime, limit: int) -> list[Any]:
    """(merchant, order) of all merchants that something has to be done for (owner's role).

    ``what``: ``fix`` a balance, ``open`` it, ``remind`` of it, ``lapse`` the order, or ``return`` a deposit.
    """
    conditions = {
        "fix": "p.state = 'closed' AND o.state = 'awaiting_balance' AND r.fixed_at IS NULL AND $1::timestamptz IS NOT NULL",
        "open": "o.state = 'awaiting_balance' AND r.fixed_at IS NOT NULL AND r.opened_at IS NULL AND r.balance_from <= $1",
        "remind": "o.state = 'awaiting_balance' AND r.opened_at IS NOT NULL AND r.reminded_at IS NULL"
        " AND r.balance_until <= $1 AND r.balance_until - r.balance_from > interval '36 hours'",
        "lapse": "o.state = 'awaiting_balance' AND r.balance_until <= $1",
        "return": "o.state = 'lapsed' AND r.kept_at IS NULL AND o.lapsed_at <= $1 AND NOT EXISTS (SELECT"
        "   FROM commerce.refund f WHERE f.merchant_id = o.merchant_id AND f.order_id = o.order_id)",
    }
    return await owner.fetch(
        "SELECT o.merchant_id, o.order_id FROM commerce.presale_order r JOIN commerce.sales_order o"
        "   ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id JOIN commerce.presale p"
        f"   ON p.merchant_id = r.merchant_id AND p.presale_id = r.presale_id WHERE {conditions[what]}"  # sql: constants
        " ORDER BY r.balance_until, o.order_id LIMIT $2",
        moment,
        limit,
    )


async def load_report(tx: Transaction, presale_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT count(*) FILTER (WHERE o.state = 'awaiting_deposit')::int AS waiting,"
        "   count(o.deposit_paid_at)::int AS deposits,"
        "   coalesce(sum(o.deposit_minor) FILTER (WHERE o.deposit_paid_at IS NOT NULL), 0)::bigint AS deposits_minor,"
        "   count(*) FILTER (WHERE o.state = 'awaiting_balance')::int AS due,"
        "   coalesce(sum(o.total_minor - o.deposit_minor) FILTER (WHERE o.state = 'awaiting_balance'), 0)::bigint"
        "     AS due_minor,"
        "   count(*) FILTER (WHERE o.state IN ('paid', 'fulfilled'))::int AS paid,"
        "   coalesce(sum(o.total_minor - o.deposit_minor) FILTER (WHERE o.state IN ('paid', 'fulfilled')), 0)::bigint"
        "     AS paid_minor,"
        "   count(*) FILTER (WHERE o.state = 'lapsed')::int AS lapsed,"
        "   count(*) FILTER (WHERE o.state = 'cancelled')::int AS cancelled,"
        "   coalesce(sum(o.deposit_minor) FILTER (WHERE r.kept_at IS NOT NULL), 0)::bigint AS kept_minor"
        " FROM commerce.sales_order o JOIN commerce.presale_order r ON r.merchant_id = o.merchant_id"
        "   AND r.order_id = o.order_id WHERE o.merchant_id = $1 AND o.presale_id = $2",
        tx.merchant_id,
        presale_id,
    )
