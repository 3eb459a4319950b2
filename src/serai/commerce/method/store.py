"""SQL of payment methods and credit terms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def list_methods(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        "SELECT code, active, capture, max_minor, countries, members_only FROM commerce.payment_method"
        " WHERE merchant_id = $1",
        tx.merchant_id,
    )


async def save_method(
    tx: Transaction,
    code: str,
    active: bool,
    capture: str,
    max_minor: int | None,
    countries: Sequence[str],
    members_only: bool,
    by: str,
    at: datetime,
) -> None:
    await tx.execute(
        "INSERT INTO commerce.payment_method (merchant_id, code, active, capture, max_minor, countries, members_only,"
        "   changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (merchant_id, code) DO UPDATE SET active = $3, capture = $4, max_minor = $5, countries = $6,"
        "   members_only = $7, changed_by = $8, changed_at = $9",
        tx.merchant_id,
        code,
        active,
        capture,
        max_minor,
        list(countries),
        members_only,
        by,
        at,
    )


CREDIT = "member_id, limit_minor, currency, days, active, version, changed_by, changed_at"


async def find_credit(tx: Transaction, member_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {CREDIT} FROM commerce.credit_terms WHERE merchant_id = $1 AND member_id = $2",
        tx.merchant_id,
        member_id,
    )


async def list_credits(tx: Transaction, after: UUID | None, limit: int) -> list[Any]:
    return await tx.fetch(
        f"SELECT {CREDIT} FROM commerce.credit_terms WHERE merchant_id = $1 AND ($2::uuid IS NULL OR member_id > $2)"
        " ORDER BY member_id LIMIT $3",
        tx.merchant_id,
        after,
        limit,
    )


async def save_credits(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.credit_terms (merchant_id, member_id, limit_minor, currency, days, active, version,"
        "   changed_by, changed_at) SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::int[], $6::bool[],"
        "   $7::int[], $8::text[], $9::timestamptz[])"
        " ON CONFLICT (merchant_id, member_id) DO UPDATE SET limit_minor = excluded.limit_minor, days = excluded.days,"
        "   active = excluded.active, version = excluded.version, changed_by = excluded.changed_by,"
        "   changed_at = excluded.changed_at",
        tx.merchant_id,
        *columns,
    )
