"""SQL of statements and their lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

STATEMENT = "statement_id, provider, format, file_name, lines, known, first_at, last_at, read_by, read_at"
LINE = (
    "l.provider, l.row_key, l.statement_id, l.kind, l.reference, l.payment_ref, l.refund_ref, l.amount_minor, l.fee_minor,"
    " l.currency, l.happened_at, l.verdict, l.part_id, l.order_id, l.intent_id, l.ours_minor, l.judged_at, l.resolution,"
    " l.resolved_by, l.resolved_at, l.note, coalesce(o.number, '') AS number"
)
OF_ORDERS = "LEFT JOIN commerce.sales_order o ON o.merchant_id = l.merchant_id AND o.order_id = l.order_id"
OPEN = (
    "l.resolved_at IS NULL AND l.verdict IN ('missing_here', 'missing_there', 'amount_differs', 'currency_differs',"
    " 'other')"
)


async def find_statement(tx: Transaction, statement_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {STATEMENT} FROM commerce.statement WHERE merchant_id = $1 AND statement_id = $2",
        tx.merchant_id,
        statement_id,
    )


async def list_statements(tx: Transaction, before: tuple[datetime, UUID] | None, limit: int) -> list[Any]:
    at, statement_id = before or (None, None)
    return await tx.fetch(
        f"SELECT {STATEMENT} FROM commerce.statement WHERE merchant_id = $1"
        " AND ($2::timestamptz IS NULL OR (read_at, statement_id) < ($2, $3::uuid))"
        " ORDER BY read_at DESC, statement_id DESC LIMIT $4",
        tx.merchant_id,
        at,
        statement_id,
        limit,
    )


async def count_lines(tx: Transaction, statement_ids: Sequence[UUID]) -> list[Any]:
    """(statement, verdict, lines, open ones)."""
    return await tx.fetch(
        f"SELECT l.statement_id, l.verdict, count(*)::int AS lines, count(*) FILTER (WHERE {OPEN})::int AS open"
        " FROM commerce.statement_line l WHERE l.merchant_id = $1 AND l.statement_id = ANY($2) GROUP BY 1, 2",
        tx.merchant_id,
        statement_ids,
    )


async def insert_statement(tx: Transaction, values: tuple[Any, ...]) -> bool:
    """False when this very file is there already."""
    return bool(
        await tx.fetchval(
            "INSERT INTO commerce.statement (merchant_id, statement_id, provider, format, file_name, lines, known, first_at,"
            "   last_at, read_by, read_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " ON CONFLICT DO NOTHING RETURNING true",
            tx.merchant_id,
            *values,
        )
    )


async def insert_lines(
    tx: Transaction, provider: str, statement_id: UUID, columns: tuple[list[Any], ...]
) -> int:
    """Keep lines that no earlier statement told. Returns how many are new."""
    rows = await tx.fetch(
        "INSERT INTO commerce.statement_line (merchant_id, provider, statement_id, row_key, kind, reference, payment_ref,"
        "   refund_ref, amount_minor, fee_minor, currency, happened_at)"
        " SELECT $1, $2, $3, * FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],"
        "   $10::bigint[], $11::text[], $12::timestamptz[]) ON CONFLICT DO NOTHING RETURNING row_key",
        tx.merchant_id,
        provider,
        statement_id,
        *columns,
    )
    return len(rows)


async def set_known(tx: Transaction, statement_id: UUID, known: int) -> None:
    await tx.execute(
        "UPDATE commerce.statement SET known = $3 WHERE merchant_id = $1 AND statement_id = $2",
        tx.merchant_id,
        statement_id,
        known,
    )


async def list_new(tx: Transaction, limit: int) -> list[Any]:
    """Lines without a verdict, refunds after what they refund."""
    return await tx.fetch(
        f"SELECT {LINE} FROM commerce.statement_line l {OF_ORDERS}"  # sql: constants
        " WHERE l.merchant_id = $1 AND l.verdict = 'new' ORDER BY l.happened_at, l.kind, l.row_key LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def find_line(tx: Transaction, provider: str, row_key: str) -> Any:
    return await tx.fetchrow(
        f"SELECT {LINE} FROM commerce.statement_line l {OF_ORDERS}"  # sql: constants
        " WHERE l.merchant_id = $1 AND l.provider = $2 AND l.row_key = $3",
        tx.merchant_id,
        provider,
        row_key,
    )


async def list_lines(
    tx: Transaction,
    statement_id: UUID | None,
    only_open: bool,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Any]:
    at, row_key = after or (None, None)
    return await tx.fetch(
        f"SELECT {LINE} FROM commerce.statement_line l {OF_ORDERS}"  # sql: constants
        " WHERE l.merchant_id = $1 AND ($2::uuid IS NULL OR l.statement_id = $2)"
        f"  AND (NOT $3 OR ({OPEN}))"
        "   AND ($4::timestamptz IS NULL OR (l.happened_at, l.row_key) < ($4, $5))"
        " ORDER BY l.happened_at DESC, l.row_key DESC LIMIT $6",
        tx.merchant_id,
        statement_id,
        only_open,
        at,
        row_key,
        limit,
    )


async def count_open(tx: Transaction) -> int:
    count: int = await tx.fetchval(
        f"SELECT count(*)::int FROM commerce.statement_line l WHERE l.merchant_id = $1 AND {OPEN}",
        tx.merchant_id,
    )
    return count


async def list_taken(tx: Transaction, provider: str, part_ids: Sequence[UUID]) -> list[Any]:
    """Which of these parts lines tell of already."""
    return await tx.fetch(
        "SELECT part_id FROM commerce.statement_line WHERE merchant_id = $1 AND provider = $2 AND part_id = ANY($3)"
        "   AND verdict <> 'missing_there'",
        tx.merchant_id,
        provider,
        part_ids,
    )


async def find_intent(tx: Transaction, provider: str, intent_id: UUID | None, payment_ref: str) -> Any:
    """The payment that a line names, by our own name of it or by the provider's."""
    return await tx.fetchval(
        "SELECT intent_id FROM commerce.payment_intent WHERE merchant_id = $1 AND provider = $2"
        "   AND (intent_id = $3 OR (provider_payment_id = $4 AND $4 <> '')) ORDER BY (intent_id = $3) DESC NULLS LAST LIMIT 1",
        tx.merchant_id,
        provider,
        intent_id,
        payment_ref,
    )


async def judge_lines(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "UPDATE commerce.statement_line l SET verdict = j.verdict, part_id = j.part_id, order_id = j.order_id,"
        "   intent_id = j.intent_id, ours_minor = j.ours, judged_at = j.at"
        " FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::bigint[],"
        "   $9::timestamptz[]) j (provider, row_key, verdict, part_id, order_id, intent_id, ours, at)"
        # A rival that judges the same line later sees its own part taken; the first verdict stands.
        " WHERE l.merchant_id = $1 AND l.provider = j.provider AND l.row_key = j.row_key AND l.verdict = 'new'",
        tx.merchant_id,
        *columns,
    )


async def resolve_lines(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "UPDATE commerce.statement_line l SET resolution = j.resolution, resolved_by = j.by, resolved_at = j.at, note = j.note"
        " FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])"
        "   j (provider, row_key, resolution, by, at, note)"
        " WHERE l.merchant_id = $1 AND l.provider = j.provider AND l.row_key = j.row_key AND l.resolved_at IS NULL",
        tx.merchant_id,
        *columns,
    )


async def find_gaps(
    tx: Transaction, provider: str, since: datetime, until: datetime, limit: int
) -> list[Any]:
    """Captures and refunds of ours within a time of which no line tells: (part, kind, intent, order, minor, currency, at).

    Of held money each part that was taken is one; of other payments the capture of all of it.
    """
    return await tx.fetch(
        "SELECT g.part_id, g.kind, i.intent_id, i.order_id, coalesce(i.provider_payment_id, '') AS payment_ref, g.minor,"
        "   i.currency, g.at"
        " FROM (SELECT s.step_id AS part_id, 'capture' AS kind, s.intent_id, s.amount_minor AS minor, s.done_at AS at"
        "     FROM commerce.pledge_step s WHERE s.merchant_id = $1 AND s.kind = 'capture' AND s.done_at >= $3"
        "       AND s.done_at < $4"
        "   UNION ALL SELECT e.intent_id, 'capture', e.intent_id, max(e.amount_minor), min(e.received_at)"
        "     FROM commerce.payment_event e WHERE e.merchant_id = $1 AND e.kind = 'captured' AND NOT EXISTS (SELECT"
        "       FROM commerce.pledge p WHERE p.merchant_id = $1 AND p.intent_id = e.intent_id)"
        "     GROUP BY e.intent_id HAVING min(e.received_at) >= $3 AND min(e.received_at) < $4"
        "   UNION ALL SELECT r.refund_id, 'refund', r.intent_id, r.amount_minor, r.done_at FROM commerce.refund r"
        "     WHERE r.merchant_id = $1 AND NOT r.by_hand AND r.done_at >= $3 AND r.done_at < $4) g"
        " JOIN commerce.payment_intent i ON i.merchant_id = $1 AND i.intent_id = g.intent_id AND i.provider = $2"
        " WHERE NOT EXISTS (SELECT FROM commerce.statement_line l WHERE l.merchant_id = $1 AND l.provider = $2"
        "   AND l.part_id = g.part_id) ORDER BY g.at LIMIT $5",
        tx.merchant_id,
        provider,
        since,
        until,
        limit,
    )


async def insert_gaps(
    tx: Transaction, provider: str, statement_id: UUID, at: datetime, columns: tuple[list[Any], ...]
) -> None:
    await tx.execute(
        "INSERT INTO commerce.statement_line (merchant_id, provider, statement_id, row_key, kind, reference, payment_ref,"
        "   refund_ref, amount_minor, fee_minor, currency, happened_at, verdict, part_id, order_id, intent_id, ours_minor,"
        "   judged_at) SELECT $1, $2, $3, g.row_key, g.kind, '', g.payment_ref, '', g.minor, 0, g.currency, g.at,"
        "   'missing_there', g.part_id, g.order_id, g.intent_id, g.minor, $4"
        " FROM unnest($5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::timestamptz[], $11::uuid[],"
        "   $12::uuid[], $13::uuid[]) g (row_key, kind, payment_ref, minor, currency, at, part_id, order_id, intent_id)"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        provider,
        statement_id,
        at,
        *columns,
    )


async def close_gaps(tx: Transaction, provider: str, part_ids: Sequence[UUID], at: datetime) -> None:
    """What was missing there has been told after all."""
    await tx.execute(
        "UPDATE commerce.statement_line SET resolution = 'found', resolved_by = 'system', resolved_at = $4"
        " WHERE merchant_id = $1 AND provider = $2 AND part_id = ANY($3) AND verdict = 'missing_there'"
        "   AND resolved_at IS NULL",
        tx.merchant_id,
        provider,
        part_ids,
        at,
    )


async def list_providers(tx: Transaction) -> list[Any]:
    """(provider, currency) of all payments there ever were."""
    return await tx.fetch(
        "SELECT DISTINCT provider, currency FROM commerce.payment_intent WHERE merchant_id = $1 ORDER BY 1, 2",
        tx.merchant_id,
    )


async def list_unfinished(owner: Database, limit: int) -> list[Any]:
    """Merchants with lines that nobody has judged (owner's role)."""
    return await owner.fetch(
        "SELECT DISTINCT merchant_id FROM commerce.statement_line WHERE verdict = 'new' LIMIT $1", limit
    )
