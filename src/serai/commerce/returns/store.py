"""SQL of returns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

TERMS = (
    "window_days, send_days, reasons, excluded_category_ids, approve_minor, approve_days, approve_members_only,"
    " restocking_bp, postage_minor, exchanges, version"
)
MUTABLE = (
    ("turn", "int"),
    ("announced_turn", "int"),
    ("approved_at", "timestamptz"),
    ("declined_at", "timestamptz"),
    ("answer", "text"),
    ("withdrawn_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("expired_at", "timestamptz"),
    ("sent_at", "timestamptz"),
    ("carrier", "text"),
    ("tracking", "text"),
    ("received_at", "timestamptz"),
    ("place_id", "uuid"),
    ("settled_at", "timestamptz"),
    ("outcome", "text"),
    ("goods_minor", "bigint"),
    ("kept_minor", "bigint"),
    ("fee_minor", "bigint"),
    ("postage_minor", "bigint"),
    ("refund_minor", "bigint"),
    ("credit_minor", "bigint"),
    ("refund_id", "uuid"),
    ("exchange_order_id", "uuid"),
    ("undone_at", "timestamptz"),
    ("former_minor", "bigint"),
    ("former_refund_id", "uuid"),
)
RETURN = (
    "r.return_id, r.order_id, r.number, r.turn, r.announced_turn, r.wish, r.words, r.requested_by, r.requested_at,"
    " r.approved_at, r.declined_at, r.answer, r.withdrawn_at, r.expires_at, r.expired_at, r.sent_at, r.carrier, r.tracking,"
    " r.received_at, r.place_id, r.settled_at, r.outcome, r.goods_minor, r.kept_minor, r.fee_minor, r.postage_minor,"
    " r.refund_minor, r.credit_minor, r.refund_id, r.exchange_order_id, r.undone_at, r.former_minor, r.former_refund_id,"
    " r.state, o.number AS order_number, o.currency"
)
FROM = (
    " FROM commerce.goods_return r JOIN commerce.sales_order o"
    " ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id"
)


async def find_terms(tx: Transaction) -> Any:
    return await tx.fetchrow(
        f"SELECT {TERMS} FROM commerce.return_terms WHERE merchant_id = $1", tx.merchant_id
    )


async def save_terms(tx: Transaction, values: Sequence[Any], version: int, by: str, now: datetime) -> bool:
    """Keep terms as the version after ``version``. False when somebody else was first."""
    done = await tx.execute(
        "INSERT INTO commerce.return_terms AS t (merchant_id, window_days, send_days, reasons, excluded_category_ids,"
        "   approve_minor, approve_days, approve_members_only, restocking_bp, postage_minor, exchanges, version,"
        "   updated_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 + 1, $13, $14)"
        " ON CONFLICT (merchant_id) DO UPDATE SET window_days = excluded.window_days, send_days = excluded.send_days,"
        "   reasons = excluded.reasons, excluded_category_ids = excluded.excluded_category_ids,"
        "   approve_minor = excluded.approve_minor, approve_days = excluded.approve_days,"
        "   approve_members_only = excluded.approve_members_only, restocking_bp = excluded.restocking_bp,"
        "   postage_minor = excluded.postage_minor, exchanges = excluded.exchanges, version = excluded.version,"
        "   updated_by = excluded.updated_by, updated_at = excluded.updated_at WHERE t.version = $12",
        tx.merchant_id, *values, version, by, now,
    )  # fmt: skip
    return bool(done.endswith(" 1"))


async def list_returns_of(tx: Transaction, return_ids: Sequence[UUID], order_id: UUID | None) -> list[Any]:
    """Returns by their ids, or all of an order, the oldest first."""
    return await tx.fetch(
        f"SELECT {RETURN}{FROM} WHERE r.merchant_id = $1 AND (r.return_id = ANY($2) OR r.order_id = $3)"
        " ORDER BY r.requested_at, r.return_id",
        tx.merchant_id,
        return_ids,
        order_id,
    )


async def list_lines(tx: Transaction, return_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT l.return_id, l.line_no, s.sku_id, s.product_id, s.title, s.scale, s.unit, s.quantity AS sold, l.quantity,"
        "   l.reason, l.by_fault, l.sellable, l.damaged, l.unusable, l.share_minor, l.charged_minor,"
        "   l.replacement_sku_id, l.replacement_title, l.replacement_price_minor"
        " FROM commerce.goods_return_line l JOIN commerce.order_line s ON s.merchant_id = l.merchant_id"
        "   AND s.order_id = l.order_id AND s.line_no = l.line_no"
        " WHERE l.merchant_id = $1 AND l.return_id = ANY($2) ORDER BY l.return_id, l.line_no",
        tx.merchant_id,
        return_ids,
    )


async def find_exchange(tx: Transaction, exchange_order_id: UUID) -> UUID | None:
    """The return whose exchange an order is."""
    found: UUID | None = await tx.fetchval(
        "SELECT return_id FROM commerce.goods_return WHERE merchant_id = $1 AND exchange_order_id = $2",
        tx.merchant_id,
        exchange_order_id,
    )
    return found


async def list_rows(
    tx: Transaction,
    *,
    states: Sequence[str] | None,
    words: str,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Any]:
    """Rows of a list, the newest first. ``words``: the beginning of a return's or its order's number."""
    return await tx.fetch(
        "SELECT r.return_id, r.number, r.order_id, o.number AS order_number, o.name, r.wish, r.state, r.requested_at,"
        "   r.approved_at, r.sent_at, r.received_at, l.pieces, r.refund_minor, o.currency, l.first_title"
        f"{FROM} CROSS JOIN LATERAL (SELECT count(*)::int AS pieces, min(s.title) AS first_title"
        "   FROM commerce.goods_return_line g JOIN commerce.order_line s ON s.merchant_id = g.merchant_id"
        "     AND s.order_id = g.order_id AND s.line_no = g.line_no"
        "   WHERE g.merchant_id = r.merchant_id AND g.return_id = r.return_id) l"
        " WHERE r.merchant_id = $1 AND ($2::text[] IS NULL OR r.state = ANY($2))"
        "   AND ($3 = '' OR r.number LIKE $3 || '%' OR o.number LIKE $3 || '%')"
        "   AND ($4::timestamptz IS NULL OR (r.requested_at, r.return_id) < ($4, $5::uuid))"
        " ORDER BY r.requested_at DESC, r.return_id DESC LIMIT $6",
        tx.merchant_id,
        states,
        words,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )


async def count_by_state(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        "SELECT state, count(*)::int AS count FROM commerce.goods_return WHERE merchant_id = $1 GROUP BY state",
        tx.merchant_id,
    )


async def insert_returns(tx: Transaction, columns: Sequence[Sequence[Any]]) -> None:
    await tx.execute(
        "INSERT INTO commerce.goods_return (merchant_id, return_id, order_id, number, wish, words, requested_by,"
        "   requested_at, place_id) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],"
        "   $7::text[], $8::timestamptz[], $9::uuid[])",
        tx.merchant_id,
        *columns,
    )


async def insert_lines(tx: Transaction, columns: Sequence[Sequence[Any]]) -> None:
    await tx.execute(
        "INSERT INTO commerce.goods_return_line (merchant_id, return_id, line_no, order_id, quantity, reason, by_fault,"
        "   replacement_sku_id, replacement_title, replacement_price_minor)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::int[], $6::text[], $7::bool[], $8::uuid[],"
        "   $9::text[], $10::bigint[])",
        tx.merchant_id,
        *columns,
    )


async def save_returns(tx: Transaction, return_ids: Sequence[UUID], columns: Sequence[Sequence[Any]]) -> None:
    """Write everything of returns that moves."""
    names = [name for name, _kind in MUTABLE]
    await tx.execute(
        "UPDATE commerce.goods_return r SET "  # sql: constants
        + ", ".join(f"{name} = v.{name}" for name in names)
        + " FROM unnest($2::uuid[], "
        + ", ".join(f"${number}::{kind}[]" for number, (_name, kind) in enumerate(MUTABLE, 3))
        + ") AS v (return_id, "
        + ", ".join(names)
        + ") WHERE r.merchant_id = $1 AND r.return_id = v.return_id",
        tx.merchant_id,
        return_ids,
        *columns,
    )


async def save_lines(tx: Transaction, columns: Sequence[Sequence[Any]]) -> None:
    await tx.execute(
        "UPDATE commerce.goods_return_line l SET sellable = v.sellable, damaged = v.damaged, unusable = v.unusable,"
        "   share_minor = v.share_minor, charged_minor = v.charged_minor"
        " FROM unnest($2::uuid[], $3::smallint[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::bigint[])"
        "   AS v (return_id, line_no, sellable, damaged, unusable, share_minor, charged_minor)"
        " WHERE l.merchant_id = $1 AND l.return_id = v.return_id AND l.line_no = v.line_no",
        tx.merchant_id,
        *columns,
    )


async def blank_returns(tx: Transaction, order_ids: Sequence[UUID]) -> None:
    """Take away what buyers wrote and what they were told, and the numbers of their parcels."""
    await tx.execute(
        "UPDATE commerce.goods_return SET words = '', answer = '', carrier = '', tracking = ''"
        " WHERE merchant_id = $1 AND order_id = ANY($2)",
        tx.merchant_id,
        order_ids,
    )


async def list_expired(owner: Database, now: datetime, limit: int) -> list[Any]:
    """Approved returns of all merchants that were not sent in time (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, return_id FROM commerce.goods_return WHERE state = 'approved' AND expires_at <= $1"
        " ORDER BY expires_at LIMIT $2",
        now,
        limit,
    )


async def list_to_undo(owner: Database, limit: int) -> list[Any]:
    """Exchanges of all merchants whose order has ended without leaving, and whose credit is not given back (owner's role)."""
    return await owner.fetch(
        "SELECT r.merchant_id, r.return_id FROM commerce.goods_return r JOIN commerce.sales_order o"
        "   ON o.merchant_id = r.merchant_id AND o.order_id = r.exchange_order_id"
        " WHERE r.exchange_order_id IS NOT NULL AND r.undone_at IS NULL AND r.credit_minor > 0"
        "   AND o.state IN ('cancelled', 'expired') ORDER BY r.settled_at LIMIT $1",
        limit,
    )


async def list_unpaid(owner: Database, limit: int) -> list[Any]:
    """Returns of all merchants whose money has not been asked for yet: of an exchange the rest, of an exchange that came
    back itself what the order before had paid (owner's role)."""
    return await owner.fetch(
        "SELECT r.merchant_id, r.return_id FROM commerce.goods_return r WHERE r.settled_at IS NOT NULL"
        "   AND ((r.outcome = 'exchanged' AND r.refund_minor > 0 AND NOT EXISTS (SELECT FROM commerce.refund f"
        "     WHERE f.merchant_id = r.merchant_id AND f.refund_id = r.refund_id)"
        "     AND NOT EXISTS (SELECT FROM commerce.tender_refund t WHERE t.merchant_id = r.merchant_id"
        "       AND t.refund_id = r.refund_id))"
        "   OR (r.former_minor > 0 AND NOT EXISTS (SELECT FROM commerce.refund f WHERE f.merchant_id = r.merchant_id"
        "     AND f.refund_id = r.former_refund_id) AND NOT EXISTS (SELECT FROM commerce.tender_refund t"
        "     WHERE t.merchant_id = r.merchant_id AND t.refund_id = r.former_refund_id)))"
        " ORDER BY r.settled_at LIMIT $1",
        limit,
    )
