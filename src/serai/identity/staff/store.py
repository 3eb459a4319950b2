"""SQL of staff."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

COLUMNS = "staff_id, email, name, role, active, must_change_password, created_at, last_seen_at"


async def insert_staff(
    tx: Transaction, staff_id: UUID, email: str, name: str, role: str, password_hash: str, must_change: bool
) -> Any:
    return await tx.fetchrow(
        "INSERT INTO identity.staff (merchant_id, staff_id, email, name, role, password_hash, must_change_password)"
        f" VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING {COLUMNS}",
        tx.merchant_id,
        staff_id,
        email,
        name,
        role,
        password_hash,
        must_change,
    )


async def list_staff(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM identity.staff WHERE merchant_id = $1 ORDER BY active DESC, name, email",
        tx.merchant_id,
    )


async def find_by_id(tx: Transaction, staff_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM identity.staff WHERE merchant_id = $1 AND staff_id = $2",
        tx.merchant_id,
        staff_id,
    )


async def find_credentials(tx: Transaction, email: str) -> Any:
    return await tx.fetchrow(
        "SELECT staff_id, password_hash, active FROM identity.staff WHERE merchant_id = $1 AND email = $2",
        tx.merchant_id,
        email,
    )


async def find_hash(tx: Transaction, staff_id: UUID) -> str | None:
    found: str | None = await tx.fetchval(
        "SELECT password_hash FROM identity.staff WHERE merchant_id = $1 AND staff_id = $2",
        tx.merchant_id,
        staff_id,
    )
    return found


async def touch(tx: Transaction, staff_id: UUID) -> None:
    await tx.execute(
        "UPDATE identity.staff SET last_seen_at = now() WHERE merchant_id = $1 AND staff_id = $2",
        tx.merchant_id,
        staff_id,
    )


async def lock_all(tx: Transaction) -> list[Any]:
    """All staff under lock: the rule that an owner remains is checked against rows that nobody else changes."""
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM identity.staff WHERE merchant_id = $1 ORDER BY staff_id FOR NO KEY UPDATE",
        tx.merchant_id,
    )


async def update_staff(tx: Transaction, staff_id: UUID, role: str, active: bool) -> Any:
    return await tx.fetchrow(
        "UPDATE identity.staff SET role = $3, active = $4 WHERE merchant_id = $1 AND staff_id = $2"
        f" RETURNING {COLUMNS}",
        tx.merchant_id,
        staff_id,
        role,
        active,
    )


async def update_password(tx: Transaction, staff_id: UUID, password_hash: str, must_change: bool) -> None:
    await tx.execute(
        "UPDATE identity.staff SET password_hash = $3, must_change_password = $4"
        " WHERE merchant_id = $1 AND staff_id = $2",
        tx.merchant_id,
        staff_id,
        password_hash,
        must_change,
    )
