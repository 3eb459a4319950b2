"""SQL of links."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def insert_link(
    tx: Transaction, digest: bytes, purpose: str, member_id: UUID, email: str, expires_at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO identity.link (merchant_id, token_digest, purpose, member_id, email, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        tx.merchant_id,
        digest,
        purpose,
        member_id,
        email,
        expires_at,
    )


async def delete_links(tx: Transaction, member_id: UUID, purpose: str | None) -> None:
    await tx.execute(
        "DELETE FROM identity.link WHERE merchant_id = $1 AND member_id = $2 AND ($3::text IS NULL OR purpose = $3)",
        tx.merchant_id,
        member_id,
        purpose,
    )


async def use_link(tx: Transaction, digest: bytes, purpose: str, now: datetime) -> Any:
    return await tx.fetchrow(
        "UPDATE identity.link SET used_at = $4 WHERE merchant_id = $1 AND token_digest = $2 AND purpose = $3"
        " AND used_at IS NULL AND expires_at > $4 RETURNING member_id, email",
        tx.merchant_id,
        digest,
        purpose,
        now,
    )


async def delete_expired(tx: Transaction, now: datetime) -> None:
    await tx.execute(
        "DELETE FROM identity.link WHERE merchant_id = $1 AND expires_at < $2", tx.merchant_id, now
    )
