"""SQL of gifts."""

from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def insert_gifts(
    tx: Transaction, order_ids: list[UUID], messages: list[str], senders: list[str]
) -> None:
    await tx.execute(
        "INSERT INTO commerce.order_gift (merchant_id, order_id, message, sender)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        order_ids,
        messages,
        senders,
    )


async def find_gift(tx: Transaction, order_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT order_id, message, sender FROM commerce.order_gift WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
    )


async def blank_gifts(tx: Transaction, order_ids: list[UUID]) -> None:
    await tx.execute(
        "UPDATE commerce.order_gift SET message = '', sender = '' WHERE merchant_id = $1 AND order_id = ANY ($2)",
        tx.merchant_id,
        order_ids,
    )
