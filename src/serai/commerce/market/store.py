"""SQL of markets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.market.types import (
    DiscountShare,
    MarketCheckout,
    MarketDiscount,
    MarketOrder,
    MarketRefund,
)
from serai.foundation.database import Database, Transaction

MEMBER = "member_id, commission_ppm, joined_at, joined_by, left_at"
CHECKOUT = ", ".join(n for n in MarketCheckout.__struct_fields__ if n not in ("orders", "discounts"))
ORDER = ", ".join(MarketOrder.__struct_fields__)
NEW_CHECKOUT = (
    "checkout_id",
    "currency",
    "total_minor",
    "email",
    "locale",
    "begun_at",
    "member_id",
    "name",
    "quantity",
    "discount_minor",
    "expires_at",
    "basket_id",
)
DISCOUNT_FIELDS = tuple(name for name in MarketDiscount.__struct_fields__ if name != "shares")
REFUND = ", ".join(MarketRefund.__struct_fields__)
DISCOUNT = ", ".join(DISCOUNT_FIELDS)
SHARE = ", ".join(DiscountShare.__struct_fields__)
PAYMENT = (
    "payment_id, checkout_id, attempt, provider, amount_minor, currency, provider_payment_id, pay_url, created_at,"
    " captured_at, failed_at"
)


Row = Any


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


async def insert_checkouts(tx: Transaction, checkouts: Sequence[MarketCheckout]) -> list[UUID]:
    """Write checkouts with their orders and discounts. Returns the ids of those that had not begun before."""
    rows = await tx.fetch(
        "INSERT INTO commerce.market_checkout (merchant_id, checkout_id, currency, total_minor, email, locale, begun_at,"
        "   member_id, name, quantity, discount_minor, expires_at, basket_id)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[],"
        "   $8::uuid[], $9::text[], $10::int[], $11::bigint[], $12::timestamptz[], $13::uuid[])"
        " ON CONFLICT DO NOTHING RETURNING checkout_id",
        tx.merchant_id,
        *([getattr(each, name) for each in checkouts] for name in NEW_CHECKOUT),
    )
    begun = {row["checkout_id"] for row in rows}
    new = [each for each in checkouts if each.checkout_id in begun]
    orders = [(each.checkout_id, order) for each in new for order in each.orders]
    await tx.execute(
        f"INSERT INTO commerce.market_order (merchant_id, checkout_id, {ORDER})"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],"
        "   $8::bigint[])",
        tx.merchant_id,
        [checkout_id for checkout_id, _order in orders],
        *([getattr(order, name) for _id, order in orders] for name in MarketOrder.__struct_fields__),
    )
    await _insert_discounts(tx, new)
    return list(begun)


async def _insert_discounts(tx: Transaction, checkouts: Sequence[MarketCheckout]) -> None:
    discounts = [(each.checkout_id, discount) for each in checkouts for discount in each.discounts]
    if not discounts:
        return
    await tx.execute(
        f"INSERT INTO commerce.market_discount (merchant_id, checkout_id, {DISCOUNT})"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::uuid[], $6::int[], $7::uuid[],"
        "   $8::text[], $9::jsonb[], $10::text[], $11::bigint[], $12::jsonb[])",
        tx.merchant_id,
        [checkout_id for checkout_id, _discount in discounts],
        *([getattr(discount, name) for _id, discount in discounts] for name in DISCOUNT_FIELDS[:-1]),
        # An object around the list: the driver takes a list inside a list of values for another dimension.
        [{"items": discount.claims} for _id, discount in discounts],
    )
    shares = [
        (checkout_id, each.discount_no, share) for checkout_id, each in discounts for share in each.shares
    ]
    await tx.execute(
        f"INSERT INTO commerce.market_discount_share (merchant_id, checkout_id, discount_no, {SHARE})"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[])",
        tx.merchant_id,
        [checkout_id for checkout_id, _no, _share in shares],
        [number for _id, number, _share in shares],
        *([getattr(share, name) for _id, _no, share in shares] for name in DiscountShare.__struct_fields__),
    )


async def list_discounts(tx: Transaction, checkout_id: UUID) -> list[Any]:
    """What the market's promotions took off a checkout, one row per member's share."""
    return await tx.fetch(
        "SELECT d.*, s.member_id, s.basis_minor, s.amount_minor AS share_minor, s.platform_minor"
        " FROM commerce.market_discount d"
        " JOIN commerce.market_discount_share s ON s.merchant_id = d.merchant_id AND s.checkout_id = d.checkout_id"
        "   AND s.discount_no = d.discount_no"
        " WHERE d.merchant_id = $1 AND d.checkout_id = $2 ORDER BY d.discount_no, s.member_id",
        tx.merchant_id,
        checkout_id,
    )


async def find_checkout(tx: Transaction, checkout_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {CHECKOUT} FROM commerce.market_checkout WHERE merchant_id = $1 AND checkout_id = $2",
        tx.merchant_id,
        checkout_id,
    )


async def list_orders(tx: Transaction, checkout_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {ORDER} FROM commerce.market_order WHERE merchant_id = $1 AND checkout_id = $2 ORDER BY member_id",
        tx.merchant_id,
        checkout_id,
    )


async def find_order(tx: Transaction, order_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {ORDER}, checkout_id FROM commerce.market_order WHERE merchant_id = $1 AND order_id = $2",
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


async def lock_checkout(tx: Transaction, checkout_id: UUID) -> None:
    await tx.execute(
        "SELECT FROM commerce.market_checkout WHERE merchant_id = $1 AND checkout_id = $2 FOR NO KEY UPDATE",
        tx.merchant_id,
        checkout_id,
    )


async def insert_refund(tx: Transaction, refund: MarketRefund) -> None:
    await tx.execute(
        f"INSERT INTO commerce.market_refund (merchant_id, {REFUND})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tx.merchant_id,
        *(getattr(refund, name) for name in MarketRefund.__struct_fields__),
    )


async def list_refunds(tx: Transaction, checkout_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {REFUND} FROM commerce.market_refund WHERE merchant_id = $1 AND checkout_id = $2"
        " ORDER BY planned_at, refund_id",
        tx.merchant_id,
        checkout_id,
    )


async def find_refund(tx: Transaction, refund_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {REFUND} FROM commerce.market_refund WHERE merchant_id = $1 AND refund_id = $2",
        tx.merchant_id,
        refund_id,
    )


async def stamp_refunds(tx: Transaction, rows: Sequence[tuple[UUID, datetime]]) -> None:
    """Refunds that ended well; a writer for the lane's batches."""
    await tx.execute(
        "UPDATE commerce.market_refund r SET done_at = coalesce(r.done_at, s.at), failed_at = NULL"
        " FROM unnest($2::uuid[], $3::timestamptz[]) s (id, at) WHERE r.merchant_id = $1 AND r.refund_id = s.id",
        tx.merchant_id,
        [refund_id for refund_id, _at in rows],
        [at for _id, at in rows],
    )


async def fail_refund(tx: Transaction, refund_id: UUID, at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.market_refund SET failed_at = coalesce(failed_at, $3)"
        " WHERE merchant_id = $1 AND refund_id = $2 AND done_at IS NULL",
        tx.merchant_id,
        refund_id,
        at,
    )


async def stamp_lapsed(tx: Transaction, checkout_id: UUID, at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.market_checkout SET lapsed_at = coalesce(lapsed_at, $3)"
        " WHERE merchant_id = $1 AND checkout_id = $2 AND paid_at IS NULL",
        tx.merchant_id,
        checkout_id,
        at,
    )


async def list_unpaid(owner: Database, before: datetime, limit: int) -> list[Any]:
    """Checkouts of all markets that stand, were not paid in time and have not lapsed yet (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, checkout_id FROM commerce.market_checkout"
        " WHERE placed_at IS NOT NULL AND paid_at IS NULL AND lapsed_at IS NULL AND expires_at < $1"
        " ORDER BY expires_at LIMIT $2",
        before,
        limit,
    )


async def count_ended(tx: Transaction, basket_id: UUID) -> int:
    """How often a checkout of a basket failed."""
    found = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.market_checkout"
        " WHERE merchant_id = $1 AND basket_id = $2 AND ended_at IS NOT NULL",
        tx.merchant_id,
        basket_id,
    )
    return int(found)


async def list_member_checkouts(
    tx: Transaction, member_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """Checkouts of a member of the market that stand, the newest first."""
    return await tx.fetch(
        f"SELECT {CHECKOUT} FROM commerce.market_checkout WHERE merchant_id = $1 AND member_id = $2"
        "   AND placed_at IS NOT NULL AND ($3::timestamptz IS NULL OR (begun_at, checkout_id) < ($3, $4::uuid))"
        " ORDER BY begun_at DESC, checkout_id DESC LIMIT $5",
        tx.merchant_id,
        member_id,
        *(before or (None, None)),
        limit,
    )
