"""SQL of wish lists."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

LIST = (
    "list_id, name, share_token, (SELECT count(*)::int FROM commerce.wish_item i"
    " WHERE i.merchant_id = l.merchant_id AND i.list_id = l.list_id) AS item_count"
)


async def list_lists(tx: Transaction, member_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {LIST} FROM commerce.wish_list l WHERE merchant_id = $1 AND member_id = $2 ORDER BY made_at, list_id",
        tx.merchant_id,
        member_id,
    )


async def find_shared(tx: Transaction, share_token: str) -> Any:
    return await tx.fetchrow(
        f"SELECT {LIST} FROM commerce.wish_list l WHERE merchant_id = $1 AND share_token = $2",
        tx.merchant_id,
        share_token,
    )


async def lock_member(tx: Transaction, key: int) -> None:
    await tx.execute("SELECT pg_advisory_xact_lock($1)", key)


async def insert_list(tx: Transaction, list_id: UUID, member_id: UUID, name: str, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.wish_list (merchant_id, list_id, member_id, name, made_at) VALUES ($1, $2, $3, $4, $5)",
        tx.merchant_id,
        list_id,
        member_id,
        name,
        now,
    )


async def update_list(
    tx: Transaction, list_id: UUID, member_id: UUID, name: str, share_token: str | None
) -> None:
    await tx.execute(
        "UPDATE commerce.wish_list SET name = $4, share_token = $5"
        " WHERE merchant_id = $1 AND list_id = $2 AND member_id = $3",
        tx.merchant_id,
        list_id,
        member_id,
        name,
        share_token,
    )


async def delete_list(tx: Transaction, list_id: UUID, member_id: UUID) -> bool:
    done: str = await tx.execute(
        "DELETE FROM commerce.wish_list WHERE merchant_id = $1 AND list_id = $2 AND member_id = $3",
        tx.merchant_id,
        list_id,
        member_id,
    )
    return done.endswith(" 1")


async def delete_lists_of(tx: Transaction, member_id: UUID) -> None:
    await tx.execute(
        "DELETE FROM commerce.wish_list WHERE merchant_id = $1 AND member_id = $2", tx.merchant_id, member_id
    )


async def insert_item(tx: Transaction, list_id: UUID, sku_id: UUID, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.wish_item (merchant_id, list_id, sku_id, added_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        list_id,
        sku_id,
        now,
    )


async def delete_item(tx: Transaction, list_id: UUID, sku_id: UUID) -> None:
    await tx.execute(
        "DELETE FROM commerce.wish_item WHERE merchant_id = $1 AND list_id = $2 AND sku_id = $3",
        tx.merchant_id,
        list_id,
        sku_id,
    )


async def list_skus(tx: Transaction, list_id: UUID) -> list[UUID]:
    rows = await tx.fetch(
        "SELECT sku_id FROM commerce.wish_item WHERE merchant_id = $1 AND list_id = $2 ORDER BY added_at DESC, sku_id",
        tx.merchant_id,
        list_id,
    )
    return [row["sku_id"] for row in rows]
