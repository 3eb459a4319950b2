"""SQL of markets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.market.types import MarketOrder
from serai.foundation.database import Database, Transaction

MEMBER = "member_id, commission_ppm, joined_at, joined_by, left_at"
CHECKOUT = "checkout_id, currency, total_minor, email, locale, begun_at, placed_at, ended_at, paid_at"
PAYMENT = (
    "payment_id, checkout_id, attempt, provider, amount_minor, currency, provider_payment_id, pay_url, created_at,"
    " captured_at, failed_at"
)


async def insert_member(tx: Transaction, member_id: UUID, commission_ppm: int, at: datetime, by: str) -> Any:
    """None when it sells in this or another market already."""
    return await tx.fetchval(
        "INSERT INTO commerce.market_member (merchant_id, member_id, commission_ppm, joined_at, joined_by)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING member_id",
        tx.merchant_id,
        member_id,
        commission_ppm,
        at,
        by,
    )


async def list_members(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        f"SELECT {MEMBER} FROM commerce.market_member WHERE merchant_id = $1 ORDER BY joined_at, member_id",
        tx.merchant_id,
    )


async def insert_checkout(
    tx: Transaction, checkout_id: UUID, currency: str, total_minor: int, email: str, locale: str, at: datetime
) -> Any:
    """None when it has begun already."""
    return await tx.fetchval(
        "INSERT INTO commerce.market_checkout (merchant_id, checkout_id, currency, total_minor, email, locale, begun_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING checkout_id",
        tx.merchant_id,
        checkout_id,
        currency,
        total_minor,
        email,
        locale,
        at,
    )


async def insert_orders(tx: Transaction, checkout_id: UUID, orders: Sequence[MarketOrder]) -> None:
    await tx.execute(
        "INSERT INTO commerce.market_order (merchant_id, checkout_id, member_id, order_id, total_minor, commission_minor)"
        " SELECT $1, $2, * FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[])",
        tx.merchant_id,
        checkout_id,
        *([getattr(order, name) for order in orders] for name in MarketOrder.__struct_fields__),
    )


async def find_checkout(tx: Transaction, checkout_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {CHECKOUT} FROM commerce.market_checkout WHERE merchant_id = $1 AND checkout_id = $2",
        tx.merchant_id,
        checkout_id,
    )


async def list_orders(tx: Transaction, checkout_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT member_id, order_id, total_minor, commission_minor FROM commerce.market_order"
        " WHERE merchant_id = $1 AND checkout_id = $2 ORDER BY member_id",
        tx.merchant_id,
        checkout_id,
    )


async def find_order(tx: Transaction, order_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT member_id, order_id, total_minor, commission_minor FROM commerce.market_order"
        " WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
    )


async def stamp_placed(tx: Transaction, checkout_id: UUID, at: datetime) -> Any:
    """None when it has ended meanwhile."""
    return await tx.fetchval(
        "UPDATE commerce.market_checkout SET placed_at = coalesce(placed_at, $3)"
        " WHERE merchant_id = $1 AND checkout_id = $2 AND ended_at IS NULL RETURNING placed_at",
        tx.merchant_id,
        checkout_id,
        at,
    )


async def stamp_ended(tx: Transaction, checkout_id: UUID, at: datetime) -> Any:
    """None when it stands."""
    return await tx.fetchval(
        "UPDATE commerce.market_checkout SET ended_at = coalesce(ended_at, $3)"
        " WHERE merchant_id = $1 AND checkout_id = $2 AND placed_at IS NULL RETURNING ended_at",
        tx.merchant_id,
        checkout_id,
        at,
    )


async def stamp_paid(tx: Transaction, checkout_id: UUID, at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.market_checkout SET paid_at = coalesce(paid_at, $3)"
        " WHERE merchant_id = $1 AND checkout_id = $2",
        tx.merchant_id,
        checkout_id,
        at,
    )


async def list_stuck(owner: Database, before: datetime, limit: int) -> list[Any]:
    """Checkouts of all markets that began and neither stand nor ended (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, checkout_id FROM commerce.market_checkout"
        " WHERE placed_at IS NULL AND ended_at IS NULL AND begun_at < $1 ORDER BY begun_at LIMIT $2",
        before,
        limit,
    )


async def insert_payment(tx: Transaction, values: tuple[Any, ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.market_payment (merchant_id, payment_id, checkout_id, attempt, provider, amount_minor,"
        "   currency, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *values,
    )


async def update_payment(
    tx: Transaction, payment_id: UUID, provider_payment_id: str, pay_url: str | None
) -> None:
    await tx.execute(
        "UPDATE commerce.market_payment SET provider_payment_id = $3, pay_url = coalesce($4, pay_url)"
        " WHERE merchant_id = $1 AND payment_id = $2",
        tx.merchant_id,
        payment_id,
        provider_payment_id,
        pay_url,
    )


async def end_payment(tx: Transaction, payment_id: UUID, captured: bool, at: datetime) -> None:
    column = "captured_at" if captured else "failed_at"
    await tx.execute(
        f"UPDATE commerce.market_payment SET {column} = coalesce({column}, $3)"  # sql: one of two constants
        " WHERE merchant_id = $1 AND payment_id = $2",
        tx.merchant_id,
        payment_id,
        at,
    )


async def find_payment(tx: Transaction, payment_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {PAYMENT} FROM commerce.market_payment WHERE merchant_id = $1 AND payment_id = $2",
        tx.merchant_id,
        payment_id,
    )


async def find_last_payment(tx: Transaction, checkout_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {PAYMENT} FROM commerce.market_payment WHERE merchant_id = $1 AND checkout_id = $2"
        " ORDER BY attempt DESC LIMIT 1",
        tx.merchant_id,
        checkout_id,
    )


async def list_open_payments(owner: Database, after: datetime, before: datetime, limit: int) -> list[Any]:
    """Payments of all markets whose end nobody has told (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, payment_id, provider FROM commerce.market_payment"
        " WHERE captured_at IS NULL AND failed_at IS NULL AND created_at BETWEEN $1 AND $2"
        " ORDER BY created_at LIMIT $3",
        after,
        before,
        limit,
    )


async def sum_orders(tx: Transaction) -> list[Any]:
    """Per member how many orders of paid checkouts there were, and what they came to."""
    return await tx.fetch(
        "SELECT o.member_id, count(*)::int AS orders, sum(o.total_minor)::bigint AS sold FROM commerce.market_order o"
        " JOIN commerce.market_checkout c ON c.merchant_id = o.merchant_id AND c.checkout_id = o.checkout_id"
        " WHERE o.merchant_id = $1 AND c.paid_at IS NOT NULL GROUP BY o.member_id",
        tx.merchant_id,
    )
