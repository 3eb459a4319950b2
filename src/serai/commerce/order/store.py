"""SQL of orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.order.types import NewOrder, OrderAdjustment, OrderLine
from serai.commerce.tax.types import added_minor, included_minor
from serai.foundation.database import Database, Transaction

ORDER = (
    "order_id, number, cart_id, channel, member_id, placed_at, expires_at, paid_at, fulfilled_at, cancelled_at, expired_at,"
    " state, currency, items_minor, shipping_minor, total_minor, quantity, email, name, phone, address, delivery, place_id,"
    " locale, note, tracking, discount_minor, adjustment_count, tax_minor, tax_included_minor, tax_count,"
    " presale_id, deposit_minor, deposit_paid_at, lapsed_at, tender_minor, tender_count, award_points,"
    " part_shipped_at"
)
ADJUSTMENT = tuple(n for n in OrderAdjustment.__struct_fields__ if n not in ("claims", "shares"))
# The columns of a line that are written as they are; its parts are packed.
LINE = tuple(name for name in OrderLine.__struct_fields__ if name != "parts")
ROW = "order_id, number, state, placed_at, name, email, total_minor, currency, quantity, delivery"


# How an order travels and what it was promised, NULL where nothing was chosen.
SHIPPING = (
    "(SELECT to_jsonb(d) - 'merchant_id' - 'order_id' FROM commerce.order_delivery d"
    " WHERE d.merchant_id = sales_order.merchant_id AND d.order_id = sales_order.order_id) AS shipping"
)
# That an order sits in a buying group which is not complete.
IN_OPEN_GROUP = (
    "EXISTS (SELECT FROM commerce.group_order w JOIN commerce.group_buy g ON g.merchant_id = w.merchant_id"
    " AND g.group_id = w.group_id AND g.outcome IS DISTINCT FROM 'grouped'"
    " WHERE w.merchant_id = sales_order.merchant_id AND w.order_id = sales_order.order_id)"
)


# That an order should have left by a moment (it is paid, so it has not).
LATE = (
    "state = 'paid' AND EXISTS (SELECT FROM commerce.order_delivery d WHERE d.merchant_id = sales_order.merchant_id"
    " AND d.order_id = sales_order.order_id AND d.late_from <= ${n})"
)


async def insert_orders(tx: Transaction, orders: Sequence[NewOrder]) -> None:
    """Documents and lines of many orders, one statement."""
    lines = [(order.order_id, line) for order in orders for line in order.lines]
    await tx.execute(
        "WITH placed AS (INSERT INTO commerce.sales_order (merchant_id, order_id, number, cart_id, channel, member_id,"
        "   placed_at, expires_at, paid_at, currency, items_minor, shipping_minor, total_minor, quantity, email, name, phone,"
        "   address, delivery, place_id, locale, note, access_digest, discount_minor, adjustment_count, tax_minor,"
        "   tax_included_minor, tax_count, tender_minor, tender_count, award_points)"
        "  SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::timestamptz[],"
        "   $8::timestamptz[], $9::timestamptz[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::int[],"
        "   $15::text[], $16::text[], $17::text[], $18::jsonb[], $19::text[], $20::uuid[], $21::text[], $22::text[],"
        "   $23::bytea[], $24::bigint[], $25::smallint[], $39::bigint[], $40::bigint[], $41::smallint[],"
        "   $42::bigint[], $43::smallint[], $44::bigint[]))"
        " INSERT INTO commerce.order_line (merchant_id, order_id, line_no, sku_id, product_id, title, quantity, price_minor,"
        "   total_minor, discount_minor, extra, scale, unit, parts)"
        " SELECT $1, * FROM unnest($26::uuid[], $27::smallint[], $28::uuid[], $29::uuid[], $30::text[], $31::int[],"
        "   $32::bigint[], $33::bigint[], $34::bigint[], $35::text[], $36::smallint[],"
        "   $37::text[], $38::jsonb[])",
        tx.merchant_id,
        *_list_order_columns(orders),
        [order_id for order_id, _line in lines],
        *([getattr(line, name) for _order_id, line in lines] for name in LINE),
        [{"items": msgspec.to_builtins(line.parts)} for _order_id, line in lines],
        [added_minor(o.taxes) for o in orders],
        [included_minor(o.taxes) for o in orders],
        [len(o.taxes) for o in orders],
        [o.tender_minor for o in orders],
        [len(o.tenders) for o in orders],
        [o.award_points for o in orders],
    )
    adjusted = [(order.order_id, each) for order in orders for each in order.adjustments]
    if adjusted:
        await insert_adjustments(tx, adjusted)


def _list_order_columns(orders: Sequence[NewOrder]) -> list[list[Any]]:
    return [
        [o.order_id for o in orders],
        [o.number for o in orders],
        [o.cart_id for o in orders],
        [o.channel for o in orders],
        [o.member_id for o in orders],
        [o.placed_at for o in orders],
        [o.expires_at for o in orders],
        [o.paid_at for o in orders],
        [o.currency for o in orders],
        [o.items_minor for o in orders],
        [o.shipping_minor for o in orders],
        [o.total_minor for o in orders],
        [o.quantity for o in orders],
        [o.contact.email for o in orders],
        [o.contact.name for o in orders],
        [o.contact.phone for o in orders],
        [o.address for o in orders],
        [o.delivery for o in orders],
        [o.place_id for o in orders],
        [o.locale for o in orders],
        [o.note for o in orders],
        [o.access_digest for o in orders],
        [o.discount_minor for o in orders],
        [len(o.adjustments) for o in orders],
    ]


async def insert_adjustments(tx: Transaction, adjusted: Sequence[tuple[UUID, OrderAdjustment]]) -> None:
    """What promotions took off orders, each with its shares."""
    shares = [(order_id, each.adjustment_no, *share) for order_id, each in adjusted for share in each.shares]
    await tx.execute(
        "WITH written AS (INSERT INTO commerce.order_adjustment (merchant_id, order_id, adjustment_no, kind, layer,"
        "   promotion_id, version, source_id, coupon_id, name, translations, funded_by, returns, amount_minor, claims)"
        "  SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::smallint[], $6::uuid[], $7::int[],"
        "   $8::uuid[], $9::uuid[], $10::text[], $11::jsonb[], $12::text[], $13::text[], $14::bigint[], $15::jsonb[]))"
        " INSERT INTO commerce.order_adjustment_share (merchant_id, order_id, adjustment_no, line_no, amount_minor)"
        " SELECT $1, * FROM unnest($16::uuid[], $17::smallint[], $18::smallint[], $19::bigint[])",
        tx.merchant_id,
        [order_id for order_id, _each in adjusted],
        *([getattr(each, name) for _order_id, each in adjusted] for name in ADJUSTMENT),
        # An object around the list: the driver takes a list inside a list of values for another dimension.
        [{"items": each.claims} for _order_id, each in adjusted],
        *([share[column] for share in shares] for column in range(4)),
    )


async def list_adjustments(tx: Transaction, order_id: UUID) -> list[Any]:
    """What promotions took off an order, each with its shares as (line, minor)."""
    return await tx.fetch(
        "SELECT a.adjustment_no, a.kind, a.layer, a.promotion_id, a.version, a.source_id, a.coupon_id, a.name,"
        "   a.translations, a.funded_by, a.returns, a.amount_minor, a.claims, array_agg(s.line_no ORDER BY s.line_no)"
        "   FILTER (WHERE s.line_no IS NOT NULL) AS line_nos,"
        "   array_agg(s.amount_minor ORDER BY s.line_no) FILTER (WHERE s.line_no IS NOT NULL) AS amounts"
        " FROM commerce.order_adjustment a LEFT JOIN commerce.order_adjustment_share s ON s.merchant_id = a.merchant_id"
        "   AND s.order_id = a.order_id AND s.adjustment_no = a.adjustment_no"
        " WHERE a.merchant_id = $1 AND a.order_id = $2 GROUP BY a.merchant_id, a.order_id, a.adjustment_no"
        " ORDER BY a.adjustment_no",
        tx.merchant_id,
        order_id,
    )


async def revise_orders(
    tx: Transaction, sums: tuple[list[Any], ...], lines: tuple[list[Any], ...], taxes: tuple[list[Any], ...]
) -> None:
    """Other sums of orders, with the discounts of their lines and their taxes."""
    await tx.execute(
        "UPDATE commerce.sales_order o SET discount_minor = s.discount, adjustment_count = s.adjustments,"
        "   shipping_minor = s.shipping, tax_minor = s.tax, tax_included_minor = s.included, total_minor = s.total"
        " FROM unnest($2::uuid[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])"
        "   s (id, discount, adjustments, shipping, tax, included, total)"
        " WHERE o.merchant_id = $1 AND o.order_id = s.id",
        tx.merchant_id,
        *sums,
    )
    await tx.execute(
        "UPDATE commerce.order_line l SET discount_minor = n.discount"
        " FROM unnest($2::uuid[], $3::smallint[], $4::bigint[]) n (id, line_no, discount)"
        " WHERE l.merchant_id = $1 AND l.order_id = n.id AND l.line_no = n.line_no",
        tx.merchant_id,
        *lines,
    )
    if taxes[0]:
        await tx.execute(
            "UPDATE commerce.order_tax t SET base_minor = n.base, tax_minor = n.tax"
            " FROM unnest($2::uuid[], $3::smallint[], $4::bigint[], $5::bigint[]) n (id, line_no, base, tax)"
            " WHERE t.merchant_id = $1 AND t.order_id = n.id AND t.line_no = n.line_no",
            tx.merchant_id,
            *taxes,
        )


async def set_presales(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    """Say that new orders are of presales, and how large their deposits are."""
    await tx.execute(
        "UPDATE commerce.sales_order o SET presale_id = p.presale_id, deposit_minor = p.deposit"
        " FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) p (id, presale_id, deposit)"
        " WHERE o.merchant_id = $1 AND o.order_id = p.id",
        tx.merchant_id,
        *columns,
    )


async def stamp_orders(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    """Set the moments at which something happened; a None leaves a moment as it is, ``revived`` clears the expiry."""
    await tx.execute(
        "UPDATE commerce.sales_order o SET paid_at = coalesce(s.paid_at, o.paid_at),"
        "   fulfilled_at = coalesce(s.fulfilled_at, o.fulfilled_at),"
        "   cancelled_at = coalesce(s.cancelled_at, o.cancelled_at),"
        "   expired_at = CASE WHEN s.revived THEN NULL ELSE coalesce(s.expired_at, o.expired_at) END,"
        "   tracking = coalesce(s.tracking, o.tracking),"
        "   deposit_paid_at = coalesce(s.deposit_paid_at, o.deposit_paid_at),"
        "   lapsed_at = coalesce(s.lapsed_at, o.lapsed_at),"
        "   part_shipped_at = coalesce(o.part_shipped_at, s.part_shipped_at)"
        " FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::bool[],"
        "   $8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])"
        "   s (id, paid_at, fulfilled_at, cancelled_at, expired_at, revived, tracking, deposit_paid_at, lapsed_at,"
        "     part_shipped_at)"
        " WHERE o.merchant_id = $1 AND o.order_id = s.id",
        tx.merchant_id,
        *columns,
    )


async def find_order(
    tx: Transaction, order_id: UUID | None, number: str | None, access: bytes | None, member_id: UUID | None
) -> Any:
    """By id or number; where a guest's digest or a member is given, only what that shopper may see."""
    return await tx.fetchrow(
        f"SELECT {ORDER}, {SHIPPING} FROM commerce.sales_order WHERE merchant_id = $1"
        f" AND {'order_id = $2' if order_id is not None else 'number = $2'}"  # sql: one of two constants
        " AND ($3::bytea IS NULL OR access_digest = $3) AND ($4::uuid IS NULL OR member_id = $4) LIMIT 1",
        tx.merchant_id,
        order_id if order_id is not None else number,
        access,
        member_id,
    )


async def list_lines(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT line_no, sku_id, product_id, title, quantity, price_minor, total_minor, discount_minor, extra,"
        " scale, unit, parts FROM commerce.order_line"
        " WHERE merchant_id = $1 AND order_id = $2 ORDER BY line_no",
        tx.merchant_id,
        order_id,
    )


async def list_orders(
    tx: Transaction,
    *,
    number: str | None,
    words: str | None,
    state: str | None,
    awaits_group: bool | None,
    late_at: datetime | None,
    member_id: UUID | None,
    since: datetime | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Any]:
    conditions: list[str] = ["merchant_id = $1"]
    if awaits_group is not None:
        conditions.append(IN_OPEN_GROUP if awaits_group else f"NOT {IN_OPEN_GROUP}")
    args: list[Any] = []
    for value, condition in (
        (number, "number LIKE ${n} || '%'"),
        (words, "(email LIKE ${n} || '%' OR lower(name) LIKE '%' || ${n} || '%')"),
        (state, "state = ${n}"),
        (member_id, "member_id = ${n}"),
        (since, "placed_at >= ${n}"),
        (late_at, LATE),
    ):
        if value is not None:
            args.append(value)
            conditions.append(condition.format(n=len(args) + 1))
    if before is not None:
        args += before
        conditions.append(f"(placed_at, order_id) < (${len(args)}::timestamptz, ${len(args) + 1}::uuid)")
    args.append(limit)
    return await tx.fetch(
        f"SELECT {ROW} FROM commerce.sales_order WHERE {' AND '.join(conditions)}"  # sql: constants, values are numbered
        f" ORDER BY placed_at DESC, order_id DESC LIMIT ${len(args) + 1}",
        tx.merchant_id,
        *args,
    )


async def count_late(tx: Transaction, at: datetime) -> int:
    """From the few promises that are due, to their orders."""
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.order_delivery d JOIN commerce.sales_order o"
        " ON o.merchant_id = d.merchant_id AND o.order_id = d.order_id AND o.state = 'paid'"
        " WHERE d.merchant_id = $1 AND d.late_from <= $2",
        tx.merchant_id,
        at,
    )
    return count


async def count_awaiting_group(tx: Transaction) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.sales_order WHERE merchant_id = $1 AND state = 'paid'"
        f" AND {IN_OPEN_GROUP}",
        tx.merchant_id,
    )
    return count


async def count_by_state(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        "SELECT state, count(*)::int AS orders FROM commerce.sales_order WHERE merchant_id = $1 GROUP BY state",
        tx.merchant_id,
    )


async def list_sold(owner: Database, orders: Sequence[tuple[UUID, UUID]]) -> list[Any]:
    """SKUs, parts included, and products of orders of any merchant."""
    return await owner.fetch(
        "SELECT sku_id, product_id, jsonb_path_query_array(parts, '$.items[*].sku_id') AS parts"
        " FROM commerce.order_line JOIN unnest($1::uuid[], $2::uuid[]) o (merchant_id, order_id)"
        " USING (merchant_id, order_id)",
        [merchant_id for merchant_id, _order_id in orders],
        [order_id for _merchant_id, order_id in orders],
    )


async def list_expired(owner: Database, now: datetime, limit: int) -> list[Any]:
    """Unpaid orders of all merchants whose time is over (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, order_id FROM commerce.sales_order"
        " WHERE paid_at IS NULL AND cancelled_at IS NULL AND expired_at IS NULL AND deposit_paid_at IS NULL"
        "   AND expires_at < $1"
        " ORDER BY expires_at LIMIT $2",
        now,
        limit,
    )


async def load_totals(tx: Transaction, since: datetime) -> Any:
    return await tx.fetchrow(
        "SELECT count(*)::int AS orders, coalesce(sum(total_minor), 0)::bigint AS revenue,"
        "   coalesce(sum(quantity), 0)::int AS units FROM commerce.sales_order"
        " WHERE merchant_id = $1 AND placed_at >= $2 AND state NOT IN ('cancelled', 'expired')",
        tx.merchant_id,
        since,
    )


async def list_hours(tx: Transaction, since: datetime) -> list[Any]:
    return await tx.fetch(
        # Hours since midnight, which zones with half hours begin elsewhere than UTC does.
        "SELECT date_bin('1 hour', placed_at, $2) AS hour, count(*)::int, sum(total_minor)::bigint FROM commerce.sales_order"
        " WHERE merchant_id = $1 AND placed_at >= $2 AND state NOT IN ('cancelled', 'expired') GROUP BY 1 ORDER BY 1",
        tx.merchant_id,
        since,
    )


async def list_top_products(tx: Transaction, since: datetime, limit: int) -> list[Any]:
    return await tx.fetch(
        "SELECT l.product_id, min(l.title) AS title, sum(l.quantity)::int AS quantity,"
        "   sum(l.total_minor - l.discount_minor)::bigint"
        " FROM commerce.sales_order o JOIN commerce.order_line l ON l.merchant_id = o.merchant_id"
        "   AND l.order_id = o.order_id"
        " WHERE o.merchant_id = $1 AND o.placed_at >= $2 AND o.state NOT IN ('cancelled', 'expired')"
        " GROUP BY l.product_id ORDER BY quantity DESC, l.product_id LIMIT $3",
        tx.merchant_id,
        since,
        limit,
    )
