"""SQL of the merchant registry."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

COLUMNS = (
    "merchant_id, slug, name, currency, locale, hostnames, support_email, is_default, kind, time_zone, staff_passkeys,"
    " version"
)


async def list_merchants(db: Database) -> list[Any]:
    return await db.fetch(
        f"SELECT {COLUMNS} FROM identity.merchant ORDER BY is_default DESC, created_at, slug"
    )


async def find_merchant(tx: Transaction) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM identity.merchant WHERE merchant_id = $1", tx.merchant_id
    )


async def lock_merchant(tx: Transaction) -> Any:
    """The merchant of the transaction, kept from changing until its end."""
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM identity.merchant WHERE merchant_id = $1 FOR NO KEY UPDATE", tx.merchant_id
    )


async def update_merchant(
    tx: Transaction, name: str, support_email: str, time_zone: str, staff_passkeys: bool
) -> None:
    await tx.execute(
        "UPDATE identity.merchant SET name = $2, support_email = $3, time_zone = $4, staff_passkeys = $5,"
        "   version = version + 1 WHERE merchant_id = $1",
        tx.merchant_id,
        name,
        support_email,
        time_zone,
        staff_passkeys,
    )


async def insert_merchant(
    owner: Database,
    merchant_id: UUID,
    slug: str,
    name: str,
    currency: str,
    locale: str,
    hostnames: list[str],
    support_email: str,
    kind: str,
) -> str:
    return await owner.execute(
        "INSERT INTO identity.merchant (merchant_id, slug, name, currency, locale, hostnames, support_email, kind,"
        "   is_default) SELECT $1, $2, $3, $4, $5, $6, $7, $8, NOT EXISTS (SELECT FROM identity.merchant WHERE is_default)"
        " ON CONFLICT (merchant_id) DO NOTHING",
        merchant_id,
        slug,
        name,
        currency,
        locale,
        hostnames,
        support_email,
        kind,
    )
