"""SQL of the audit log."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

COLUMNS = "audit_id, at, actor, action, subject_kind, subject_id, before, after"


async def insert_entries(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO identity.audit (merchant_id, audit_id, actor, action, subject_kind, subject_id, before, after)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[])",
        tx.merchant_id,
        *columns,
    )


async def list_entries(
    tx: Transaction,
    subject_id: str | None,
    actor: str | None,
    action: str | None,
    before: UUID | None,
    limit: int,
) -> list[Any]:
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM identity.audit WHERE merchant_id = $1"
        " AND ($2::text IS NULL OR subject_id = $2) AND ($3::text IS NULL OR actor = $3)"
        " AND ($4::text IS NULL OR action LIKE $4 || '%') AND ($5::uuid IS NULL OR audit_id < $5)"
        " ORDER BY audit_id DESC LIMIT $6",
        tx.merchant_id,
        subject_id,
        actor,
        action,
        before,
        limit,
    )
