"""SQL of deliveries and their attempts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.webhook.types import Outcome
from serai.foundation.database import Database, Rows, Transaction

DELIVERY = (
    "delivery_id, endpoint_id, event_id, event, object_kind, object_id, sequence, body, state, attempts, tries, due_at,"
    " leased_until, made_at, done_at, last_status, last_reason"
)
ATTEMPT = "attempt_no, started_at, ended_at, status, reason, request_headers, response_body"


async def advance_sequences(
    tx: Transaction, endpoint_ids: list[UUID], object_ids: list[UUID], counts: list[int]
) -> Rows:
    """Take ``count`` numbers for each (endpoint, object); gives the last one taken. Rows in key order: no deadlock."""
    return await tx.fetch(
        "INSERT INTO commerce.webhook_sequence AS s (merchant_id, endpoint_id, object_id, last)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS n (endpoint_id, object_id, taken)"
        " ORDER BY endpoint_id, object_id"
        " ON CONFLICT (merchant_id, endpoint_id, object_id) DO UPDATE SET last = s.last + excluded.last"
        " RETURNING endpoint_id, object_id, last",
        tx.merchant_id,
        endpoint_ids,
        object_ids,
        counts,
    )


async def insert_deliveries(tx: Transaction, columns: tuple[list[Any], ...], now: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.webhook_delivery (merchant_id, due_at, made_at, delivery_id, endpoint_id, event_id, event,"
        "   object_kind, object_id, sequence, body) SELECT $1, $2, $2, * FROM unnest($3::uuid[], $4::uuid[], $5::uuid[],"
        "   $6::text[], $7::text[], $8::uuid[], $9::bigint[], $10::text[])",
        tx.merchant_id,
        now,
        *columns,
    )


async def list_due_endpoints(owner: Database, now: datetime, limit: int) -> Rows:
    return await owner.fetch(
        "SELECT e.merchant_id, e.endpoint_id FROM commerce.webhook_endpoint e"
        " WHERE e.state = 'active' AND (e.held_until IS NULL OR e.held_until <= $1) AND EXISTS ("
        "   SELECT FROM commerce.webhook_delivery d WHERE d.merchant_id = e.merchant_id AND d.endpoint_id = e.endpoint_id"
        "     AND d.state = 'waiting' AND d.due_at <= $1 AND (d.leased_until IS NULL OR d.leased_until <= $1))"
        " ORDER BY random() LIMIT $2",
        now,
        limit,
    )


async def count_leased(tx: Transaction, endpoint_id: UUID, now: datetime) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.webhook_delivery"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND state = 'waiting' AND leased_until > $3",
        tx.merchant_id,
        endpoint_id,
        now,
    )
    return count


async def lease_heads(tx: Transaction, endpoint_id: UUID, now: datetime, until: datetime, limit: int) -> Rows:
    """Take due deliveries that are the first waiting ones of their objects."""
    return await tx.fetch(
        "UPDATE commerce.webhook_delivery SET leased_until = $4, attempts = attempts + 1, tries = tries + 1"
        " WHERE merchant_id = $1 AND delivery_id IN ("
        "   SELECT delivery_id FROM commerce.webhook_delivery d WHERE merchant_id = $1 AND endpoint_id = $2"
        "     AND state = 'waiting' AND due_at <= $3 AND (leased_until IS NULL OR leased_until <= $3)"
        "     AND NOT EXISTS (SELECT FROM commerce.webhook_delivery a WHERE a.merchant_id = $1 AND a.endpoint_id = $2"
        "       AND a.object_id = d.object_id AND a.state = 'waiting' AND a.sequence < d.sequence)"
        f"   ORDER BY due_at, delivery_id LIMIT $5) RETURNING {DELIVERY}",
        tx.merchant_id,
        endpoint_id,
        now,
        until,
        limit,
    )


async def insert_attempts(
    tx: Transaction, delivery_ids: list[UUID], numbers: list[int], now: datetime
) -> None:
    await tx.execute(
        "INSERT INTO commerce.webhook_attempt (merchant_id, started_at, delivery_id, attempt_no)"
        " SELECT $1, $2, * FROM unnest($3::uuid[], $4::int[])",
        tx.merchant_id,
        now,
        delivery_ids,
        numbers,
    )


async def end_attempt(
    tx: Transaction,
    delivery_id: UUID,
    attempt_no: int,
    outcome: Outcome,
    headers: dict[str, str],
    now: datetime,
) -> None:
    await tx.execute(
        "UPDATE commerce.webhook_attempt SET ended_at = $4, status = $5, reason = $6, response_body = $7,"
        "   request_headers = $8 WHERE merchant_id = $1 AND delivery_id = $2 AND attempt_no = $3",
        tx.merchant_id,
        delivery_id,
        attempt_no,
        now,
        outcome.status,
        outcome.reason,
        outcome.body,
        headers,
    )


async def end_try(
    tx: Transaction,
    delivery_id: UUID,
    attempt_no: int,
    state: str,
    outcome: Outcome,
    due_at: datetime,
    now: datetime,
) -> bool:
    """Note what came of the delivery's newest attempt; one that was overtaken changes nothing. Whether it counted."""
    row = await tx.fetchrow(
        "UPDATE commerce.webhook_delivery SET state = $4, leased_until = NULL, due_at = $5, last_status = $6,"
        "   last_reason = $7, done_at = CASE WHEN $4 = 'waiting' THEN NULL ELSE $8::timestamptz END"
        " WHERE merchant_id = $1 AND delivery_id = $2 AND attempts = $3 AND state = 'waiting' RETURNING 1",
        tx.merchant_id,
        delivery_id,
        attempt_no,
        state,
        due_at,
        outcome.status,
        outcome.reason,
        now,
    )
    return row is not None


async def park_waiting(tx: Transaction, endpoint_id: UUID, reason: str, now: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.webhook_delivery SET state = 'parked', leased_until = NULL, done_at = $4, last_reason = $3"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND state = 'waiting'",
        tx.merchant_id,
        endpoint_id,
        reason,
        now,
    )


async def requeue(tx: Transaction, delivery_id: UUID, now: datetime) -> Any:
    return await tx.fetchrow(
        "UPDATE commerce.webhook_delivery SET state = 'waiting', tries = 0, due_at = $3, done_at = NULL"
        " WHERE merchant_id = $1 AND delivery_id = $2 AND (leased_until IS NULL OR leased_until <= $3)"
        f" RETURNING {DELIVERY}",
        tx.merchant_id,
        delivery_id,
        now,
    )


async def requeue_parked(tx: Transaction, endpoint_id: UUID, now: datetime) -> int:
    rows = await tx.fetch(
        "UPDATE commerce.webhook_delivery SET state = 'waiting', tries = 0, due_at = $3, done_at = NULL"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND state = 'parked' RETURNING 1",
        tx.merchant_id,
        endpoint_id,
        now,
    )
    return len(rows)


async def find_delivery(tx: Transaction, delivery_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {DELIVERY} FROM commerce.webhook_delivery WHERE merchant_id = $1 AND delivery_id = $2",
        tx.merchant_id,
        delivery_id,
    )


async def list_deliveries(
    tx: Transaction,
    endpoint_id: UUID | None,
    state: str | None,
    event: str | None,
    object_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Rows:
    return await tx.fetch(
        f"SELECT {DELIVERY} FROM commerce.webhook_delivery WHERE merchant_id = $1"
        " AND ($2::uuid IS NULL OR endpoint_id = $2) AND ($3::text IS NULL OR state = $3)"
        " AND ($4::text IS NULL OR event = $4) AND ($5::uuid IS NULL OR object_id = $5)"
        " AND ($6::uuid IS NULL OR delivery_id < $6) ORDER BY delivery_id DESC LIMIT $7",
        tx.merchant_id,
        endpoint_id,
        state,
        event,
        object_id,
        before,
        limit,
    )


async def count_deliveries(tx: Transaction) -> Rows:
    return await tx.fetch(
        "SELECT endpoint_id, count(*) FILTER (WHERE state = 'waiting')::int AS waiting,"
        "   count(*) FILTER (WHERE state = 'delivered')::int AS delivered,"
        "   count(*) FILTER (WHERE state = 'parked')::int AS parked"
        " FROM commerce.webhook_delivery WHERE merchant_id = $1 GROUP BY endpoint_id",
        tx.merchant_id,
    )


async def list_attempts(tx: Transaction, delivery_id: UUID) -> Rows:
    return await tx.fetch(
        f"SELECT {ATTEMPT} FROM commerce.webhook_attempt WHERE merchant_id = $1 AND delivery_id = $2"
        " ORDER BY attempt_no DESC LIMIT 50",
        tx.merchant_id,
        delivery_id,
    )


async def delete_old(tx: Transaction, before: datetime, limit: int) -> int:
    rows = await tx.fetch(
        "DELETE FROM commerce.webhook_delivery WHERE merchant_id = $1 AND delivery_id IN ("
        "   SELECT delivery_id FROM commerce.webhook_delivery WHERE merchant_id = $1 AND made_at < $2"
        "   ORDER BY made_at, endpoint_id, object_id, sequence LIMIT $3) RETURNING 1",
        tx.merchant_id,
        before,
        limit,
    )
    return len(rows)
