"""SQL of members."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

COLUMNS = "member_id, number, email, name, created_at, email_verified_at, level"


async def insert_member(
    tx: Transaction, member_id: UUID, number: str, email: str | None, password_hash: str | None, name: str
) -> Any:
    return await tx.fetchrow(
        "INSERT INTO identity.member (merchant_id, member_id, number, email, password_hash, name)"
        f" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING {COLUMNS}",
        tx.merchant_id,
        member_id,
        number,
        email,
        password_hash,
        name,
    )


async def insert_members(
    tx: Transaction, member_ids: list[UUID], numbers: list[str], names: list[str]
) -> None:
    await tx.execute(
        "INSERT INTO identity.member (merchant_id, member_id, number, name)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        member_ids,
        numbers,
        names,
    )


async def find_by_id(tx: Transaction, member_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM identity.member WHERE merchant_id = $1 AND member_id = $2",
        tx.merchant_id,
        member_id,
    )


async def find_by_email(tx: Transaction, email: str) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM identity.member WHERE merchant_id = $1 AND email = $2", tx.merchant_id, email
    )


async def list_members(tx: Transaction, words: str, before: UUID | None, limit: int) -> list[Any]:
    """By the beginning of an address or number or a part of a name (a LIKE pattern's inside), the newest first."""
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM identity.member WHERE merchant_id = $1 AND erased_at IS NULL AND email IS NOT NULL"
        " AND ($2 = '' OR email LIKE $2 || '%' OR lower(number) LIKE $2 || '%' OR lower(name) LIKE '%' || $2 || '%')"
        " AND ($3::uuid IS NULL OR member_id < $3) ORDER BY member_id DESC LIMIT $4",
        tx.merchant_id,
        words,
        before,
        limit,
    )


async def find_password(tx: Transaction, member_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT email, password_hash FROM identity.member WHERE merchant_id = $1 AND member_id = $2",
        tx.merchant_id,
        member_id,
    )


async def set_password(tx: Transaction, member_id: UUID, password_hash: str) -> None:
    await tx.execute(
        "UPDATE identity.member SET password_hash = $3 WHERE merchant_id = $1 AND member_id = $2",
        tx.merchant_id,
        member_id,
        password_hash,
    )


async def verify_email(tx: Transaction, member_id: UUID, email: str, now: datetime) -> Any:
    return await tx.fetchrow(
        "UPDATE identity.member SET email_verified_at = coalesce(email_verified_at, $4)"
        f" WHERE merchant_id = $1 AND member_id = $2 AND email = $3 RETURNING {COLUMNS}",
        tx.merchant_id,
        member_id,
        email,
        now,
    )


async def set_level(tx: Transaction, member_id: UUID, level: str) -> Any:
    return await tx.fetchrow(
        f"UPDATE identity.member SET level = $3 WHERE merchant_id = $1 AND member_id = $2 RETURNING {COLUMNS}",
        tx.merchant_id,
        member_id,
        level,
    )


async def blank_member(tx: Transaction, member_id: UUID, now: datetime) -> bool:
    done: str = await tx.execute(
        "UPDATE identity.member SET email = NULL, password_hash = NULL, name = '', level = '', email_verified_at = NULL,"
        "   erased_at = $3 WHERE merchant_id = $1 AND member_id = $2 AND erased_at IS NULL",
        tx.merchant_id,
        member_id,
        now,
    )
    return done.endswith(" 1")


async def find_credentials(tx: Transaction, email: str) -> Any:
    return await tx.fetchrow(
        "SELECT member_id, password_hash FROM identity.member WHERE merchant_id = $1 AND email = $2",
        tx.merchant_id,
        email,
    )


async def update_name(tx: Transaction, member_id: UUID, name: str) -> Any:
    return await tx.fetchrow(
        f"UPDATE identity.member SET name = $3 WHERE merchant_id = $1 AND member_id = $2 RETURNING {COLUMNS}",
        tx.merchant_id,
        member_id,
        name,
    )


async def list_idle_members(
    tx: Transaction, before: datetime, after: UUID | None, only: UUID | None, limit: int
) -> list[Any]:
    """Sessions outlive their last use by their whole length, so a live one counts as use."""
    return await tx.fetch(
        "SELECT m.member_id FROM identity.member m WHERE m.merchant_id = $1 AND m.erased_at IS NULL AND m.email IS NOT NULL"
        " AND m.created_at < $2 AND ($3::uuid IS NULL OR m.member_id > $3) AND ($4::uuid IS NULL OR m.member_id = $4)"
        " AND NOT EXISTS (SELECT FROM identity.session s WHERE s.merchant_id = m.merchant_id AND s.kind = 'member'"
        "   AND s.subject_id = m.member_id AND (s.created_at >= $2 OR s.expires_at > now()))"
        " AND NOT EXISTS (SELECT FROM identity.passkey p WHERE p.merchant_id = m.merchant_id AND p.kind = 'member'"
        "   AND p.subject_id = m.member_id AND coalesce(p.used_at, p.made_at) >= $2)"
        " ORDER BY m.member_id LIMIT $5",
        tx.merchant_id,
        before,
        after,
        only,
        limit,
    )
