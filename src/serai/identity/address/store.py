"""SQL of addresses."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.foundation.database import Transaction
from serai.identity.address.types import AddressFields

COLUMNS = (
    "label, name, phone, country, region, city, district, line1, line2, postcode, address_id, is_default"
)


async def list_addresses(tx: Transaction, member_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM identity.address WHERE merchant_id = $1 AND member_id = $2"
        " ORDER BY is_default DESC, made_at, address_id",
        tx.merchant_id,
        member_id,
    )


async def lock_member(tx: Transaction, member_id: UUID) -> Any:
    """Addresses of one member change one after the other, so that exactly one is the default."""
    return await tx.fetchval(
        "SELECT member_id FROM identity.member WHERE merchant_id = $1 AND member_id = $2 AND erased_at IS NULL"
        " FOR NO KEY UPDATE",
        tx.merchant_id,
        member_id,
    )


async def insert_address(
    tx: Transaction, address_id: UUID, member_id: UUID, fields: AddressFields, is_default: bool, now: datetime
) -> None:
    await tx.execute(
        "INSERT INTO identity.address (merchant_id, address_id, member_id, is_default, made_at, label, name, phone, country,"
        "   region, city, district, line1, line2, postcode)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        tx.merchant_id,
        address_id,
        member_id,
        is_default,
        now,
        *msgspec.structs.astuple(fields),
    )


async def update_address(tx: Transaction, address_id: UUID, member_id: UUID, fields: AddressFields) -> bool:
    done: str = await tx.execute(
        "UPDATE identity.address SET label = $4, name = $5, phone = $6, country = $7, region = $8, city = $9, district = $10,"
        "   line1 = $11, line2 = $12, postcode = $13"
        " WHERE merchant_id = $1 AND address_id = $2 AND member_id = $3",
        tx.merchant_id,
        address_id,
        member_id,
        *msgspec.structs.astuple(fields),
    )
    return done.endswith(" 1")


async def clear_default(tx: Transaction, member_id: UUID) -> None:
    await tx.execute(
        "UPDATE identity.address SET is_default = false WHERE merchant_id = $1 AND member_id = $2 AND is_default",
        tx.merchant_id,
        member_id,
    )


async def set_default(tx: Transaction, address_id: UUID, member_id: UUID) -> bool:
    done: str = await tx.execute(
        "UPDATE identity.address SET is_default = true WHERE merchant_id = $1 AND address_id = $2 AND member_id = $3",
        tx.merchant_id,
        address_id,
        member_id,
    )
    return done.endswith(" 1")


async def delete_address(tx: Transaction, address_id: UUID, member_id: UUID) -> bool | None:
    """Whether the one that went was the default; None when there was none."""
    was_default: bool | None = await tx.fetchval(
        "DELETE FROM identity.address WHERE merchant_id = $1 AND address_id = $2 AND member_id = $3 RETURNING is_default",
        tx.merchant_id,
        address_id,
        member_id,
    )
    return was_default


async def delete_addresses_of(tx: Transaction, member_id: UUID) -> None:
    await tx.execute(
        "DELETE FROM identity.address WHERE merchant_id = $1 AND member_id = $2", tx.merchant_id, member_id
    )
