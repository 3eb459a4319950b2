"""SQL of saved lines."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction


async def list_lines(tx: Transaction, owner: bytes) -> list[Any]:
    return await tx.fetch(
        "SELECT sku_id, quantity FROM commerce.saved_line WHERE merchant_id = $1 AND owner = $2"
        " ORDER BY saved_at DESC, sku_id",
        tx.merchant_id,
        owner,
    )


async def save_line(tx: Transaction, owner: bytes, sku_id: UUID, quantity: int, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.saved_line (merchant_id, owner, sku_id, quantity, saved_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (merchant_id, owner, sku_id) DO UPDATE SET quantity = excluded.quantity, saved_at = excluded.saved_at",
        tx.merchant_id,
        owner,
        sku_id,
        quantity,
        now,
    )


async def delete_line(tx: Transaction, owner: bytes, sku_id: UUID) -> int | None:
    """The quantity of the line that went, None when there was none."""
    quantity: int | None = await tx.fetchval(
        "DELETE FROM commerce.saved_line WHERE merchant_id = $1 AND owner = $2 AND sku_id = $3 RETURNING quantity",
        tx.merchant_id,
        owner,
        sku_id,
    )
    return quantity


async def delete_old(tx: Transaction, before: datetime) -> None:
    await tx.execute(
        "DELETE FROM commerce.saved_line WHERE merchant_id = $1 AND saved_at < $2", tx.merchant_id, before
    )
