"""SQL of accounts at payment providers."""

from datetime import datetime
from typing import Any

from serai.foundation.database import Transaction

COLUMNS = "provider, sealed, is_enabled, revision, changed_at, changed_by"


async def list_accounts(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM commerce.pay_account WHERE merchant_id = $1 ORDER BY provider", tx.merchant_id
    )


async def find_account(tx: Transaction, provider: str) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM commerce.pay_account WHERE merchant_id = $1 AND provider = $2",
        tx.merchant_id,
        provider,
    )


async def upsert_account(
    tx: Transaction, provider: str, sealed: bytes, is_enabled: bool, at: datetime, by: str
) -> None:
    await tx.execute(
        "INSERT INTO commerce.pay_account AS a (merchant_id, provider, sealed, is_enabled, revision, changed_at, changed_by)"
        " VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT (merchant_id, provider) DO UPDATE SET sealed = excluded.sealed,"
        "   is_enabled = excluded.is_enabled, revision = a.revision + 1, changed_at = excluded.changed_at,"
        "   changed_by = excluded.changed_by",
        tx.merchant_id,
        provider,
        sealed,
        is_enabled,
        at,
        by,
    )
