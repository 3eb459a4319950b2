"""SQL of carts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

CART = "cart_id, version, place_id, details"


async def find_cart(tx: Transaction, owner: bytes, cart_id: UUID | None) -> Any:
    """The owner's newest open cart, or the given one of his."""
    return await tx.fetchrow(
        f"SELECT {CART} FROM commerce.cart WHERE merchant_id = $1 AND owner = $2 AND order_id IS NULL"
        " AND ($3::uuid IS NULL OR cart_id = $3) ORDER BY updated_at DESC LIMIT 1",
        tx.merchant_id,
        owner,
        cart_id,
    )


async def find_placed(tx: Transaction, owner: bytes, cart_id: UUID) -> UUID | None:
    """The order that a cart of this owner became."""
    found: UUID | None = await tx.fetchval(
        "SELECT order_id FROM commerce.cart WHERE merchant_id = $1 AND owner = $2 AND cart_id = $3",
        tx.merchant_id,
        owner,
        cart_id,
    )
    return found


async def lock_cart(tx: Transaction, owner: bytes, cart_id: UUID | None) -> Any:
    return await tx.fetchrow(
        f"SELECT {CART} FROM commerce.cart WHERE merchant_id = $1 AND owner = $2 AND order_id IS NULL"
        " AND ($3::uuid IS NULL OR cart_id = $3) ORDER BY updated_at DESC LIMIT 1 FOR NO KEY UPDATE",
        tx.merchant_id,
        owner,
        cart_id,
    )


async def lock_owner(tx: Transaction, number: int) -> None:
    """Two first clicks of one browser in the same moment must open one cart."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", number)


async def insert_cart(tx: Transaction, cart_id: UUID, owner: bytes, place_id: UUID) -> Any:
    return await tx.fetchrow(
        f"INSERT INTO commerce.cart (merchant_id, cart_id, owner, place_id) VALUES ($1, $2, $3, $4) RETURNING {CART}",
        tx.merchant_id,
        cart_id,
        owner,
        place_id,
    )


async def touch_cart(tx: Transaction, cart_id: UUID) -> None:
    await tx.execute(
        "UPDATE commerce.cart SET version = version + 1, updated_at = now() WHERE merchant_id = $1 AND cart_id = $2",
        tx.merchant_id,
        cart_id,
    )


async def update_place(tx: Transaction, cart_id: UUID, place_id: UUID) -> None:
    await tx.execute(
        "UPDATE commerce.cart SET place_id = $3 WHERE merchant_id = $1 AND cart_id = $2",
        tx.merchant_id,
        cart_id,
        place_id,
    )


async def update_details(tx: Transaction, cart_id: UUID, details: dict[str, Any]) -> None:
    await tx.execute(
        "UPDATE commerce.cart SET details = $3 WHERE merchant_id = $1 AND cart_id = $2",
        tx.merchant_id,
        cart_id,
        details,
    )


async def list_lines(tx: Transaction, cart_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT line_id, sku_id, quantity, seen_price_minor FROM commerce.cart_line"
        " WHERE merchant_id = $1 AND cart_id = $2 ORDER BY added_at, line_id",
        tx.merchant_id,
        cart_id,
    )


async def add_line(
    tx: Transaction, cart_id: UUID, line_id: UUID, sku_id: UUID, quantity: int, price_minor: int
) -> int:
    """Add to a line of the SKU, or make one. Returns the line's quantity now."""
    now: int = await tx.fetchval(
        "INSERT INTO commerce.cart_line AS l (merchant_id, cart_id, line_id, sku_id, quantity, seen_price_minor)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id, cart_id, sku_id)"
        " DO UPDATE SET quantity = l.quantity + excluded.quantity, seen_price_minor = excluded.seen_price_minor"
        " RETURNING quantity",
        tx.merchant_id,
        cart_id,
        line_id,
        sku_id,
        quantity,
        price_minor,
    )
    return now


async def update_line(tx: Transaction, cart_id: UUID, line_id: UUID, quantity: int) -> bool:
    done = await tx.execute(
        "UPDATE commerce.cart_line SET quantity = $4 WHERE merchant_id = $1 AND cart_id = $2 AND line_id = $3",
        tx.merchant_id,
        cart_id,
        line_id,
        quantity,
    )
    return bool(done.endswith("1"))


async def delete_line(tx: Transaction, cart_id: UUID, line_id: UUID) -> bool:
    done = await tx.execute(
        "DELETE FROM commerce.cart_line WHERE merchant_id = $1 AND cart_id = $2 AND line_id = $3",
        tx.merchant_id,
        cart_id,
        line_id,
    )
    return bool(done.endswith("1"))


async def see_prices(
    tx: Transaction, cart_id: UUID, sku_ids: Sequence[UUID], prices_minor: Sequence[int]
) -> None:
    """The shopper has seen these prices."""
    await tx.execute(
        "UPDATE commerce.cart_line l SET seen_price_minor = n.price_minor"
        " FROM unnest($3::uuid[], $4::bigint[]) n (sku_id, price_minor)"
        " WHERE l.merchant_id = $1 AND l.cart_id = $2 AND l.sku_id = n.sku_id",
        tx.merchant_id,
        cart_id,
        sku_ids,
        prices_minor,
    )


async def mark_placed(tx: Transaction, cart_ids: Sequence[UUID], order_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "UPDATE commerce.cart c SET order_id = p.order_id, updated_at = now()"
        " FROM unnest($2::uuid[], $3::uuid[]) p (cart_id, order_id)"
        " WHERE c.merchant_id = $1 AND c.cart_id = p.cart_id",
        tx.merchant_id,
        cart_ids,
        order_ids,
    )


async def delete_old(tx: Transaction, days: int) -> int:
    done = await tx.execute(
        "DELETE FROM commerce.cart WHERE merchant_id = $1 AND order_id IS NULL"
        " AND updated_at < now() - make_interval(days => $2)",
        tx.merchant_id,
        days,
    )
    return int(done.split()[-1])
