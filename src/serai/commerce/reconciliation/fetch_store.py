"""SQL of statements that are to be fetched."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

FETCH = "provider, day, attempts, failure, tried_at, next_at, done_at, statement_id"


async def insert_fetches(tx: Transaction, provider: str, days: Sequence[date], at: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.statement_fetch (merchant_id, provider, day, next_at)"
        " SELECT $1, $2, d, $4 FROM unnest($3::date[]) d ON CONFLICT DO NOTHING",
        tx.merchant_id,
        provider,
        days,
        at,
    )


async def list_due(owner: Database, now: datetime, oldest: date, limit: int) -> list[Any]:
    """(merchant, provider, day) of all merchants that are to be asked for now (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, provider, day FROM commerce.statement_fetch WHERE done_at IS NULL AND next_at <= $1"
        " AND day >= $2 ORDER BY next_at LIMIT $3",
        now,
        oldest,
        limit,
    )


async def claim_fetch(tx: Transaction, provider: str, day: date, now: datetime, next_at: datetime) -> Any:
    """Count an attempt; None when a rival has just begun one, or it is done."""
    return await tx.fetchval(
        "UPDATE commerce.statement_fetch SET attempts = attempts + 1, tried_at = $4, next_at = $5 WHERE merchant_id = $1"
        " AND provider = $2 AND day = $3 AND done_at IS NULL AND next_at <= $4 RETURNING attempts",
        tx.merchant_id,
        provider,
        day,
        now,
        next_at,
    )


async def note_failure(tx: Transaction, provider: str, day: date, failure: str, next_at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.statement_fetch SET failure = $4, next_at = $5 WHERE merchant_id = $1 AND provider = $2"
        " AND day = $3 AND done_at IS NULL",
        tx.merchant_id,
        provider,
        day,
        failure,
        next_at,
    )


async def note_done(tx: Transaction, provider: str, day: date, at: datetime, statement_id: UUID) -> None:
    await tx.execute(
        "INSERT INTO commerce.statement_fetch AS f (merchant_id, provider, day, attempts, tried_at, next_at, done_at,"
        "   statement_id) VALUES ($1, $2, $3, 1, $4, $4, $4, $5) ON CONFLICT (merchant_id, provider, day)"
        " DO UPDATE SET done_at = $4, statement_id = $5, failure = ''",
        tx.merchant_id,
        provider,
        day,
        at,
        statement_id,
    )


async def list_open(tx: Transaction, oldest: date, limit: int) -> list[Any]:
    """Days whose statement was asked for in vain, the newest first."""
    return await tx.fetch(
        f"SELECT {FETCH} FROM commerce.statement_fetch WHERE merchant_id = $1 AND done_at IS NULL AND attempts > 0"
        " AND day >= $2 ORDER BY day DESC, provider LIMIT $3",
        tx.merchant_id,
        oldest,
        limit,
    )
