"""SQL of baskets at a market."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

Row = Any
BASKET = "basket_id, coupon_ids, checkout_id"


async def find_basket(tx: Transaction, owner: bytes) -> Row | None:
    return await tx.fetchrow(
        f"SELECT {BASKET} FROM commerce.market_basket"
        " WHERE merchant_id = $1 AND owner_digest = $2 AND checkout_id IS NULL",
        tx.merchant_id,
        owner,
    )


async def find_any_basket(tx: Transaction, owner: bytes, basket_id: UUID) -> Row | None:
    return await tx.fetchrow(
        f"SELECT {BASKET} FROM commerce.market_basket"
        " WHERE merchant_id = $1 AND owner_digest = $2 AND basket_id = $3",
        tx.merchant_id,
        owner,
        basket_id,
    )


async def open_basket(tx: Transaction, basket_id: UUID, owner: bytes, at: datetime) -> Row:
    """The owner's open basket, made when there is none; two at once make one."""
    await tx.execute(
        "INSERT INTO commerce.market_basket (merchant_id, basket_id, owner_digest, opened_at, touched_at)"
        " VALUES ($1, $2, $3, $4, $4) ON CONFLICT (merchant_id, owner_digest) WHERE checkout_id IS NULL DO NOTHING",
        tx.merchant_id,
        basket_id,
        owner,
        at,
    )
    row = await find_basket(tx, owner)
    assert row is not None
    return row


async def list_parts(tx: Transaction, basket_id: UUID) -> list[Row]:
    return await tx.fetch(
        "SELECT member_id, quantity FROM commerce.market_basket_part WHERE merchant_id = $1 AND basket_id = $2",
        tx.merchant_id,
        basket_id,
    )


async def note_part(tx: Transaction, basket_id: UUID, member_id: UUID, quantity: int, at: datetime) -> None:
    await tx.execute(
        "WITH touched AS (UPDATE commerce.market_basket SET touched_at = $5 WHERE merchant_id = $1 AND basket_id = $2)"
        " INSERT INTO commerce.market_basket_part (merchant_id, basket_id, member_id, quantity) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (merchant_id, basket_id, member_id) DO UPDATE SET quantity = EXCLUDED.quantity",
        tx.merchant_id,
        basket_id,
        member_id,
        quantity,
        at,
    )


async def set_basket_coupons(tx: Transaction, basket_id: UUID, coupon_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "UPDATE commerce.market_basket SET coupon_ids = $3 WHERE merchant_id = $1 AND basket_id = $2",
        tx.merchant_id,
        basket_id,
        coupon_ids,
    )


async def close_basket(tx: Transaction, checkout_id: UUID) -> None:
    """The basket that a checkout came from was ordered."""
    await tx.execute(
        "UPDATE commerce.market_basket b SET checkout_id = c.checkout_id FROM commerce.market_checkout c"
        " WHERE b.merchant_id = $1 AND c.merchant_id = $1 AND c.checkout_id = $2 AND b.basket_id = c.basket_id",
        tx.merchant_id,
        checkout_id,
    )
