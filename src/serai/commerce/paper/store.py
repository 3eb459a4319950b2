"""SQL of papers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Rows, Transaction

PAPER = (
    "paper_id, order_id, kind, series, serial, number, issued_at, issued_by, locale, currency, total_minor, tax_minor,"
    " corrects_id, source_id"
)
EXPORT = "export_id, month, papers, done, digest, bytes, asked_by, asked_at, ended_at"


async def find_seller(tx: Transaction) -> Any:
    return await tx.fetchrow(
        "SELECT version, terms FROM commerce.paper_seller WHERE merchant_id = $1", tx.merchant_id
    )


async def save_seller(tx: Transaction, version: int, terms: Any, by: str, at: datetime) -> Any:
    """Version the terms up by one; no row when somebody else did meanwhile."""
    return await tx.fetchval(
        "INSERT INTO commerce.paper_seller AS s (merchant_id, version, terms, changed_by, changed_at)"
        " VALUES ($1, $2 + 1, $3, $4, $5) ON CONFLICT (merchant_id) DO UPDATE SET version = excluded.version,"
        "   terms = excluded.terms, changed_by = excluded.changed_by, changed_at = excluded.changed_at"
        " WHERE s.version = $2 RETURNING version",
        tx.merchant_id,
        version,
        terms,
        by,
        at,
    )


async def find_buyer(tx: Transaction, order_id: UUID) -> Any:
    return await tx.fetchval(
        "SELECT details FROM commerce.paper_buyer WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
    )


async def save_buyer(tx: Transaction, order_id: UUID, details: Any, by: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.paper_buyer (merchant_id, order_id, details, changed_by, changed_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (merchant_id, order_id) DO UPDATE SET details = excluded.details,"
        "   changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        tx.merchant_id,
        order_id,
        details,
        by,
        at,
    )


async def delete_buyers(tx: Transaction, order_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "DELETE FROM commerce.paper_buyer WHERE merchant_id = $1 AND order_id = ANY ($2)",
        tx.merchant_id,
        list(order_ids),
    )


async def lock_order(tx: Transaction, order_id: UUID) -> None:
    """One issuer of an order's papers at a time; whoever waits sees what the other has written."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('paper:' || $1::text || ':' || $2::text, 0))",
        str(tx.merchant_id),
        str(order_id),
    )


async def take_number(tx: Transaction, series: str, at: datetime) -> Any:
    """The next number of a series and its moment; the series stays locked until the transaction ends."""
    return await tx.fetchrow(
        "INSERT INTO commerce.paper_series AS s (merchant_id, series, last, last_at) VALUES ($1, $2, 1, $3)"
        " ON CONFLICT (merchant_id, series) DO UPDATE SET last = s.last + 1,"
        "   last_at = greatest(s.last_at, excluded.last_at) RETURNING last, last_at",
        tx.merchant_id,
        series,
        at,
    )


async def insert_paper(tx: Transaction, row: tuple[Any, ...], content: str, digest: bytes) -> None:
    await tx.execute(
        f"INSERT INTO commerce.paper (merchant_id, {PAPER}, content, digest)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        tx.merchant_id,
        *row,
        content,
        digest,
    )


async def find_paper(tx: Transaction, paper_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {PAPER} FROM commerce.paper WHERE merchant_id = $1 AND paper_id = $2",
        tx.merchant_id,
        paper_id,
    )


async def find_by_number(tx: Transaction, number: str) -> Any:
    return await tx.fetchrow(
        f"SELECT {PAPER} FROM commerce.paper WHERE merchant_id = $1 AND number = $2", tx.merchant_id, number
    )


async def find_content(tx: Transaction, paper_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT content, digest FROM commerce.paper WHERE merchant_id = $1 AND paper_id = $2",
        tx.merchant_id,
        paper_id,
    )


async def list_of_order(tx: Transaction, order_id: UUID) -> Rows:
    return await tx.fetch(
        f"SELECT {PAPER} FROM commerce.paper WHERE merchant_id = $1 AND order_id = $2 ORDER BY issued_at, paper_id",
        tx.merchant_id,
        order_id,
    )


async def list_papers(
    tx: Transaction,
    since: datetime | None,
    until: datetime | None,
    words: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Rows:
    """The newest first."""
    return await tx.fetch(
        f"SELECT {PAPER} FROM commerce.paper WHERE merchant_id = $1 AND ($2::timestamptz IS NULL OR issued_at >= $2)"
        " AND ($3::timestamptz IS NULL OR issued_at < $3) AND ($4::text IS NULL OR number ILIKE $4 || '%')"
        " AND ($5::timestamptz IS NULL OR (issued_at, paper_id) < ($5, $6::uuid))"
        " ORDER BY issued_at DESC, paper_id DESC LIMIT $7",
        tx.merchant_id,
        since,
        until,
        words,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )


async def count_papers(tx: Transaction, since: datetime, until: datetime) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.paper WHERE merchant_id = $1 AND issued_at >= $2 AND issued_at < $3",
        tx.merchant_id,
        since,
        until,
    )
    return count


async def find_file(tx: Transaction, paper_id: UUID) -> Any:
    """The digest of the file that was made first: what has been handed out stays what it is."""
    return await tx.fetchval(
        "SELECT digest FROM commerce.paper_file WHERE merchant_id = $1 AND paper_id = $2 ORDER BY made_at, digest LIMIT 1",
        tx.merchant_id,
        paper_id,
    )


async def insert_file(tx: Transaction, paper_id: UUID, digest: str, size: int, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.paper_file (merchant_id, paper_id, digest, bytes, made_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        paper_id,
        digest,
        size,
        at,
    )


async def insert_export(
    tx: Transaction, export_id: UUID, month: date, papers: int, by: str, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO commerce.paper_export (merchant_id, export_id, month, papers, asked_by, asked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        tx.merchant_id,
        export_id,
        month,
        papers,
        by,
        at,
    )


async def find_export(tx: Transaction, export_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {EXPORT} FROM commerce.paper_export WHERE merchant_id = $1 AND export_id = $2",
        tx.merchant_id,
        export_id,
    )


async def list_exports(tx: Transaction, limit: int) -> Rows:
    return await tx.fetch(
        f"SELECT {EXPORT} FROM commerce.paper_export WHERE merchant_id = $1 ORDER BY asked_at DESC LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def set_progress(tx: Transaction, export_id: UUID, done: int) -> None:
    await tx.execute(
        "UPDATE commerce.paper_export SET done = $3 WHERE merchant_id = $1 AND export_id = $2 AND ended_at IS NULL",
        tx.merchant_id,
        export_id,
        done,
    )


async def end_export(tx: Transaction, export_id: UUID, digest: str, size: int, at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.paper_export SET done = papers, digest = $3, bytes = $4, ended_at = $5"
        " WHERE merchant_id = $1 AND export_id = $2 AND ended_at IS NULL",
        tx.merchant_id,
        export_id,
        digest,
        size,
        at,
    )
