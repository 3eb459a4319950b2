"""SQL of pledges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

PLEDGE = (
    "p.intent_id, p.order_id, p.kind, p.amount_minor, p.currency, p.member_id, p.made_at, p.expires_at, p.due_at,"
    " p.reminded_at, p.reminders, p.settled_at, p.is_once"
)
STEP = "step_id, intent_id, kind, amount_minor, reason, by, at, turn, done_at, failed_at, failure"
# What of a pledge is neither taken nor let go.
OPEN = (
    "p.amount_minor - coalesce((SELECT sum(s.amount_minor) FROM commerce.pledge_step s"
    "   WHERE s.merchant_id = p.merchant_id AND s.intent_id = p.intent_id AND s.done_at IS NOT NULL), 0)::bigint"
)


async def insert_pledges(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.pledge (merchant_id, intent_id, order_id, kind, amount_minor, currency, member_id, made_at,"
        "   expires_at, due_at, is_once) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[],"
        "   $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bool[])",
        tx.merchant_id,
        *columns,
    )


async def insert_steps(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.pledge_step (merchant_id, step_id, intent_id, kind, amount_minor, reason, by, at, turn,"
        "   done_at) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[],"
        "   $8::timestamptz[], $9::int[], $10::timestamptz[])",
        tx.merchant_id,
        *columns,
    )


async def finish_steps(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "UPDATE commerce.pledge_step s SET done_at = f.done_at, failed_at = f.failed_at, failure = f.failure"
        " FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[]) f (id, done_at, failed_at, failure)"
        " WHERE s.merchant_id = $1 AND s.step_id = f.id",
        tx.merchant_id,
        *columns,
    )


async def settle_pledges(tx: Transaction, intent_ids: Sequence[UUID], at: datetime) -> None:
    """Mark those of these pledges of which nothing is open any more."""
    await tx.execute(
        f"UPDATE commerce.pledge p SET settled_at = $3, wanted_at = NULL WHERE p.merchant_id = $1"
        f" AND p.intent_id = ANY($2) AND p.settled_at IS NULL AND {OPEN} = 0",  # sql: a constant
        tx.merchant_id,
        intent_ids,
        at,
    )


async def list_pledges(tx: Transaction, intent_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {PLEDGE} FROM commerce.pledge p WHERE p.merchant_id = $1 AND p.intent_id = ANY($2)",
        tx.merchant_id,
        intent_ids,
    )


async def list_steps(tx: Transaction, intent_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {STEP} FROM commerce.pledge_step WHERE merchant_id = $1 AND intent_id = ANY($2) ORDER BY at, step_id",
        tx.merchant_id,
        intent_ids,
    )


async def want_orders(tx: Transaction, order_ids: Sequence[UUID], at: datetime) -> None:
    """Say that goods of these orders have left: what providers hold for them is to be taken."""
    await tx.execute(
        "UPDATE commerce.pledge SET wanted_at = $3 WHERE merchant_id = $1 AND order_id = ANY($2) AND settled_at IS NULL"
        " AND kind = 'authorised'",
        tx.merchant_id,
        order_ids,
        at,
    )


async def clear_wanted(tx: Transaction, intent_id: UUID, before: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.pledge SET wanted_at = NULL WHERE merchant_id = $1 AND intent_id = $2 AND wanted_at <= $3",
        tx.merchant_id,
        intent_id,
        before,
    )


async def list_wanted(owner: Database, limit: int) -> list[Any]:
    """Pledges of all merchants of which something is to be taken (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, intent_id, wanted_at FROM commerce.pledge WHERE wanted_at IS NOT NULL"
        " ORDER BY wanted_at LIMIT $1",
        limit,
    )


async def list_expiring(owner: Database, before: datetime, limit: int) -> list[Any]:
    """Pledges of all merchants that their provider will let go of before a moment (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, intent_id, expires_at FROM commerce.pledge"
        " WHERE settled_at IS NULL AND expires_at < $1 ORDER BY expires_at LIMIT $2",
        before,
        limit,
    )


async def list_open_steps(owner: Database, before: datetime, limit: int) -> list[Any]:
    """Captures of all merchants that nobody has answered (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, intent_id FROM commerce.pledge_step WHERE done_at IS NULL AND failed_at IS NULL"
        " AND at < $1 ORDER BY at LIMIT $2",
        before,
        limit,
    )


async def list_overdue(owner: Database, now: datetime, asked_before: datetime, limit: int) -> list[Any]:
    """Invoices of all merchants that are overdue and were not asked for since a moment (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, intent_id FROM commerce.pledge WHERE kind = 'invoice' AND settled_at IS NULL AND due_at < $1"
        " AND coalesce(reminded_at, '-infinity') < $2 ORDER BY due_at LIMIT $3",
        now,
        asked_before,
        limit,
    )


async def note_reminder(tx: Transaction, intent_id: UUID, at: datetime, asked_before: datetime) -> Any:
    return await tx.fetchval(
        "UPDATE commerce.pledge SET reminded_at = $3, reminders = reminders + 1 WHERE merchant_id = $1 AND intent_id = $2"
        " AND settled_at IS NULL AND coalesce(reminded_at, '-infinity') < $4 RETURNING reminders",
        tx.merchant_id,
        intent_id,
        at,
        asked_before,
    )


async def list_open(
    tx: Transaction,
    kinds: Sequence[str],
    overdue_at: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Any]:
    """Open pledges, the one that is due first before the others."""
    at, intent_id = after or (None, None)
    return await tx.fetch(
        "SELECT p.intent_id, p.order_id, o.number, p.kind, p.amount_minor,"
        f" {OPEN} AS open_minor, p.currency, o.name, o.email, p.member_id, p.made_at, p.due_at, p.reminded_at,"
        "   p.reminders, o.state AS order_state"
        " FROM commerce.pledge p JOIN commerce.sales_order o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id"
        " WHERE p.merchant_id = $1 AND p.settled_at IS NULL AND p.kind = ANY($2)"
        "   AND ($3::timestamptz IS NULL OR p.due_at < $3)"
        "   AND ($4::timestamptz IS NULL OR (coalesce(p.due_at, p.made_at), p.intent_id) > ($4, $5::uuid))"
        " ORDER BY coalesce(p.due_at, p.made_at), p.intent_id LIMIT $6",
        tx.merchant_id,
        list(kinds),
        overdue_at,
        at,
        intent_id,
        limit,
    )


async def sum_open(tx: Transaction, now: datetime) -> list[Any]:
    """What is open per kind: (kind, pledges, minor, overdue minor)."""
    return await tx.fetch(
        f"SELECT p.kind, count(*)::int AS pledges, sum({OPEN})::bigint AS minor,"
        f"  coalesce(sum({OPEN}) FILTER (WHERE p.due_at < $2), 0)::bigint AS overdue_minor"
        " FROM commerce.pledge p WHERE p.merchant_id = $1 AND p.settled_at IS NULL GROUP BY p.kind ORDER BY p.kind",
        tx.merchant_id,
        now,
    )
