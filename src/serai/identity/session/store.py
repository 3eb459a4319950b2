"""SQL of sessions and sign-in failures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def insert_session(
    tx: Transaction, digest: bytes, kind: str, subject_id: UUID, expires_at: datetime, ip: str, agent: str
) -> None:
    await tx.execute(
        "INSERT INTO identity.session (merchant_id, token_digest, kind, subject_id, expires_at, ip, agent)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tx.merchant_id,
        digest,
        kind,
        subject_id,
        expires_at,
        ip[:64],
        agent[:200],
    )


async def find_subject(tx: Transaction, digest: bytes, kind: str, now: datetime) -> UUID | None:
    found: UUID | None = await tx.fetchval(
        "SELECT subject_id FROM identity.session"
        " WHERE merchant_id = $1 AND token_digest = $2 AND kind = $3 AND expires_at > $4",
        tx.merchant_id,
        digest,
        kind,
        now,
    )
    return found


async def delete_session(tx: Transaction, digest: bytes) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE merchant_id = $1 AND token_digest = $2", tx.merchant_id, digest
    )


async def delete_sessions_of(tx: Transaction, kind: str, subject_id: UUID, keep: bytes | None) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3"
        " AND token_digest IS DISTINCT FROM $4",
        tx.merchant_id,
        kind,
        subject_id,
        keep,
    )


async def list_sessions(tx: Transaction, kind: str, subject_id: UUID, now: datetime) -> list[Any]:
    return await tx.fetch(
        "SELECT token_digest, created_at, ip, agent FROM identity.session"
        " WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3 AND expires_at > $4 ORDER BY created_at DESC LIMIT 100",
        tx.merchant_id,
        kind,
        subject_id,
        now,
    )


async def delete_session_of(tx: Transaction, kind: str, subject_id: UUID, digest: bytes) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3 AND token_digest = $4",
        tx.merchant_id,
        kind,
        subject_id,
        digest,
    )


async def find_failure(tx: Transaction, kind: str, email: str) -> Any:
    return await tx.fetchrow(
        "SELECT failures, last_at FROM identity.sign_in_failure WHERE merchant_id = $1 AND kind = $2 AND email = $3",
        tx.merchant_id,
        kind,
        email,
    )


async def count_failure(
    tx: Transaction, kind: str, email: str, now: datetime, forget_before: datetime
) -> int:
    count: int = await tx.fetchval(
        "INSERT INTO identity.sign_in_failure AS f (merchant_id, kind, email, failures, last_at)"
        " VALUES ($1, $2, $3, 1, $4) ON CONFLICT (merchant_id, kind, email) DO UPDATE"
        " SET failures = CASE WHEN f.last_at <= $5 THEN 1 ELSE f.failures + 1 END, last_at = $4 RETURNING failures",
        tx.merchant_id,
        kind,
        email,
        now,
        forget_before,
    )
    return count


async def clear_failures(tx: Transaction, kind: str, email: str) -> None:
    await tx.execute(
        "DELETE FROM identity.sign_in_failure WHERE merchant_id = $1 AND kind = $2 AND email = $3",
        tx.merchant_id,
        kind,
        email,
    )


async def delete_expired(tx: Transaction, now: datetime) -> None:
    await tx.execute(
        "DELETE FROM identity.session WHERE merchant_id = $1 AND expires_at < $2", tx.merchant_id, now
    )
