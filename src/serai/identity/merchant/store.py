"""SQL of the merchant registry."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Database

COLUMNS = "merchant_id, slug, name, currency, locale, hostnames, support_email, is_default, kind"


async def list_merchants(db: Database) -> list[Any]:
    return await db.fetch(
        f"SELECT {COLUMNS} FROM identity.merchant ORDER BY is_default DESC, created_at, slug"
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
