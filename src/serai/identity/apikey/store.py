"""SQL of API keys."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

COLUMNS = "key_id, name, prefix, scopes, created_by, created_at, last_used_at, revoked_at"


async def insert_key(
    tx: Transaction, key_id: UUID, name: str, prefix: str, digest: bytes, scopes: list[str], by: str
) -> Any:
    return await tx.fetchrow(
        "INSERT INTO identity.api_key (merchant_id, key_id, name, prefix, secret_digest, scopes, created_by)"
        f" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {COLUMNS}",
        tx.merchant_id,
        key_id,
        name,
        prefix,
        digest,
        scopes,
        by,
    )


async def list_keys(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM identity.api_key WHERE merchant_id = $1 ORDER BY key_id DESC",
        tx.merchant_id,
    )


async def find_by_digest(tx: Transaction, digest: bytes) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM identity.api_key"
        " WHERE merchant_id = $1 AND secret_digest = $2 AND revoked_at IS NULL",
        tx.merchant_id,
        digest,
    )


async def touch(tx: Transaction, key_id: UUID) -> None:
    await tx.execute(
        "UPDATE identity.api_key SET last_used_at = now() WHERE merchant_id = $1 AND key_id = $2"
        " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
        tx.merchant_id,
        key_id,
    )


async def revoke(tx: Transaction, key_id: UUID) -> Any:
    return await tx.fetchrow(
        "UPDATE identity.api_key SET revoked_at = coalesce(revoked_at, now()) WHERE merchant_id = $1 AND key_id = $2"
        f" RETURNING {COLUMNS}",
        tx.merchant_id,
        key_id,
    )
