"""SQL of passkeys and challenges."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def insert_challenge(
    tx: Transaction, challenge_id: UUID, kind: str, subject_id: UUID | None, challenge: bytes, ends: datetime
) -> None:
    await tx.execute(
        "INSERT INTO identity.challenge (merchant_id, challenge_id, kind, subject_id, challenge, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        tx.merchant_id,
        challenge_id,
        kind,
        subject_id,
        challenge,
        ends,
    )


async def take_challenge(
    tx: Transaction, challenge_id: UUID, kind: str, subject_id: UUID | None, now: datetime
) -> bytes | None:
    found: bytes | None = await tx.fetchval(
        "DELETE FROM identity.challenge WHERE merchant_id = $1 AND challenge_id = $2 AND kind = $3"
        " AND subject_id IS NOT DISTINCT FROM $4 AND expires_at > $5 RETURNING challenge",
        tx.merchant_id,
        challenge_id,
        kind,
        subject_id,
        now,
    )
    return found


async def delete_expired(tx: Transaction, now: datetime) -> None:
    await tx.execute(
        "DELETE FROM identity.challenge WHERE merchant_id = $1 AND expires_at < $2", tx.merchant_id, now
    )


async def insert_passkey(
    tx: Transaction,
    credential_id: bytes,
    kind: str,
    subject_id: UUID,
    public_key: bytes,
    sign_count: int,
    name: str,
    now: datetime,
) -> bool:
    done: str = await tx.execute(
        "INSERT INTO identity.passkey (merchant_id, credential_id, kind, subject_id, public_key, sign_count, name, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        credential_id,
        kind,
        subject_id,
        public_key,
        sign_count,
        name,
        now,
    )
    return done.endswith(" 1")


async def list_passkeys(tx: Transaction, kind: str, subject_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT credential_id, name, made_at, used_at FROM identity.passkey"
        " WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3 ORDER BY made_at, credential_id",
        tx.merchant_id,
        kind,
        subject_id,
    )


async def find_passkey(tx: Transaction, kind: str, credential_id: bytes) -> Any:
    return await tx.fetchrow(
        "SELECT subject_id, public_key, sign_count FROM identity.passkey"
        " WHERE merchant_id = $1 AND kind = $2 AND credential_id = $3",
        tx.merchant_id,
        kind,
        credential_id,
    )


async def use_passkey(
    tx: Transaction, credential_id: bytes, seen_count: int, sign_count: int, now: datetime
) -> bool:
    done: str = await tx.execute(
        "UPDATE identity.passkey SET sign_count = $4, used_at = $5"
        " WHERE merchant_id = $1 AND credential_id = $2 AND sign_count = $3",
        tx.merchant_id,
        credential_id,
        seen_count,
        sign_count,
        now,
    )
    return done.endswith(" 1")


async def delete_passkey(tx: Transaction, kind: str, subject_id: UUID, credential_id: bytes) -> bool:
    done: str = await tx.execute(
        "DELETE FROM identity.passkey WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3 AND credential_id = $4",
        tx.merchant_id,
        kind,
        subject_id,
        credential_id,
    )
    return done.endswith(" 1")


async def delete_passkeys_of(tx: Transaction, kind: str, subject_id: UUID) -> None:
    await tx.execute(
        "DELETE FROM identity.passkey WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3",
        tx.merchant_id,
        kind,
        subject_id,
    )
