"""SQL of tenders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.tender.types import OrderTender, TenderRefund, TenderTerms
from serai.foundation.database import Database, Transaction

CARD = (
    "card_id, code_end, currency, amount_minor, note, issued_by, issued_at, expires_at, blocked_at, ended_at,"
    " expired_minor"
)
TERMS = "points_block, block_minor, cap_percent, earn_points, points_days, card_days"


async def find_terms(tx: Transaction) -> Any:
    return await tx.fetchrow(
        f"SELECT {TERMS} FROM commerce.tender_terms WHERE merchant_id = $1", tx.merchant_id
    )


async def save_terms(tx: Transaction, terms: TenderTerms, by: str, at: datetime) -> None:
    await tx.execute(
        f"INSERT INTO commerce.tender_terms (merchant_id, {TERMS}, changed_by, changed_at)"  # sql: a constant
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (merchant_id) DO UPDATE SET points_block = $2, block_minor = $3, cap_percent = $4,"
        "   earn_points = $5, points_days = $6, card_days = $7, changed_by = $8, changed_at = $9",
        tx.merchant_id,
        terms.points_block,
        terms.block_minor,
        terms.cap_percent,
        terms.earn_points,
        terms.points_days,
        terms.card_days,
        by,
        at,
    )


async def insert_cards(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.gift_card (merchant_id, card_id, digest, code_end, currency, amount_minor, note, issued_by,"
        "   issued_at, expires_at) SELECT $1, * FROM unnest($2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::bigint[],"
        "   $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[])",
        tx.merchant_id,
        *columns,
    )


async def find_card(tx: Transaction, digest: bytes) -> Any:
    return await tx.fetchrow(
        f"SELECT {CARD} FROM commerce.gift_card WHERE merchant_id = $1 AND digest = $2",
        tx.merchant_id,
        digest,
    )


async def list_cards(
    tx: Transaction,
    *,
    card_ids: Sequence[UUID] | None = None,
    code_end: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Any]:
    """Cards by id, by the end of their code or all of them, the newest first."""
    return await tx.fetch(
        f"SELECT {CARD} FROM commerce.gift_card c WHERE merchant_id = $1"  # sql: a constant
        " AND ($2::uuid[] IS NULL OR card_id = ANY($2)) AND ($3::text IS NULL OR code_end = $3)"
        " AND ($4::uuid IS NULL OR (issued_at, card_id) < (SELECT b.issued_at, b.card_id FROM commerce.gift_card b"
        "   WHERE b.merchant_id = $1 AND b.card_id = $4))"
        " ORDER BY issued_at DESC, card_id DESC LIMIT $5",
        tx.merchant_id,
        card_ids,
        code_end,
        before,
        limit,
    )


async def block_card(tx: Transaction, card_id: UUID, at: datetime | None) -> bool:
    """Set or clear the block. False when it was so already (or there is no such card)."""
    return (
        await tx.fetchval(
            "UPDATE commerce.gift_card SET blocked_at = $3 WHERE merchant_id = $1 AND card_id = $2"
            " AND (blocked_at IS NULL) = ($3::timestamptz IS NOT NULL) RETURNING true",
            tx.merchant_id,
            card_id,
            at,
        )
        is True
    )


async def end_cards(tx: Transaction, card_ids: list[UUID], amounts: list[int], at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.gift_card c SET ended_at = $4, expired_minor = c.expired_minor + e.amount"
        " FROM unnest($2::uuid[], $3::bigint[]) e (id, amount) WHERE c.merchant_id = $1 AND c.card_id = e.id",
        tx.merchant_id,
        card_ids,
        amounts,
        at,
    )


async def reopen_cards(tx: Transaction, card_ids: list[UUID], now: datetime, days: int) -> None:
    """Cards with an end last at least so many days from now."""
    await tx.execute(
        "UPDATE commerce.gift_card SET ended_at = NULL,"
        "   expires_at = greatest(expires_at, $3::timestamptz + make_interval(days => $4))"
        " WHERE merchant_id = $1 AND card_id = ANY($2) AND expires_at IS NOT NULL",
        tx.merchant_id,
        card_ids,
        now,
        days,
    )


async def list_overdue_cards(owner: Database, now: datetime, limit: int) -> list[Any]:
    """(merchant, card) of all merchants whose time is over and whose rest is not booked (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, card_id FROM commerce.gift_card WHERE ended_at IS NULL AND expires_at <= $1"
        " ORDER BY expires_at LIMIT $2",
        now,
        limit,
    )


async def insert_grants(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    """Points that came in; when they expire follows from the terms of that moment."""
    await tx.execute(
        "INSERT INTO commerce.points_grant (merchant_id, grant_id, member_id, points, granted_at, expires_at)"
        " SELECT $1, g.id, g.member_id, g.points, g.at, g.at + make_interval(days => t.points_days)"
        " FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[]) g (id, member_id, points, at)"
        " LEFT JOIN commerce.tender_terms t ON t.merchant_id = $1 AND t.points_days > 0",
        tx.merchant_id,
        *columns,
    )


async def list_overdue_points(owner: Database, now: datetime, limit: int) -> list[Any]:
    """(merchant, member) with points whose time is over and not booked (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, member_id FROM commerce.points_grant WHERE settled_at IS NULL AND expires_at <= $1"
        " GROUP BY merchant_id, member_id ORDER BY min(expires_at) LIMIT $2",
        now,
        limit,
    )


async def sum_granted(tx: Transaction, member_id: UUID, now: datetime) -> int:
    """Points of a member whose time is over, booked or not."""
    total: int = await tx.fetchval(
        "SELECT coalesce(sum(points), 0)::bigint FROM commerce.points_grant"
        " WHERE merchant_id = $1 AND member_id = $2 AND expires_at <= $3",
        tx.merchant_id,
        member_id,
        now,
    )
    return total


async def find_next_expiry(tx: Transaction, member_id: UUID, now: datetime, until: datetime) -> Any:
    """(points, moment) of what comes to its end by a moment, all that ended before included in the points."""
    return await tx.fetchrow(
        "SELECT coalesce(sum(points), 0)::bigint AS points, min(expires_at) FILTER (WHERE expires_at > $3) AS at"
        " FROM commerce.points_grant WHERE merchant_id = $1 AND member_id = $2 AND expires_at <= $4",
        tx.merchant_id,
        member_id,
        now,
        until,
    )


async def settle_grants(tx: Transaction, member_ids: list[UUID], until: datetime, at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.points_grant SET settled_at = $4 WHERE merchant_id = $1 AND member_id = ANY($2)"
        " AND settled_at IS NULL AND expires_at <= $3",
        tx.merchant_id,
        member_ids,
        until,
        at,
    )


async def insert_order_tenders(tx: Transaction, rows: Sequence[tuple[UUID, OrderTender]]) -> None:
    await tx.execute(
        "INSERT INTO commerce.order_tender (merchant_id, order_id, tender_no, kind, subject_id, label, units, amount_minor)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::uuid[], $6::text[], $7::bigint[],"
        "   $8::bigint[])",
        tx.merchant_id,
        [order_id for order_id, _tender in rows],
        *([getattr(tender, name) for _order_id, tender in rows] for name in OrderTender.__struct_fields__),
    )


async def list_order_tenders(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT tender_no, kind, subject_id, label, units, amount_minor FROM commerce.order_tender"
        " WHERE merchant_id = $1 AND order_id = $2 ORDER BY tender_no",
        tx.merchant_id,
        order_id,
    )


async def insert_refunds(tx: Transaction, rows: Sequence[TenderRefund]) -> None:
    await tx.execute(
        "INSERT INTO commerce.tender_refund (merchant_id, refund_id, order_id, tender_no, amount_minor, units, reason,"
        "   requested_by, refunded_at) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::bigint[],"
        "   $6::bigint[], $7::text[], $8::text[], $9::timestamptz[])",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in TenderRefund.__struct_fields__),
    )


async def list_refunds(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT refund_id, order_id, tender_no, amount_minor, units, reason, requested_by, refunded_at"
        " FROM commerce.tender_refund WHERE merchant_id = $1 AND order_id = $2 ORDER BY refunded_at, refund_id, tender_no",
        tx.merchant_id,
        order_id,
    )


async def list_order_numbers(tx: Transaction, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Numbers of those documents that are orders."""
    rows = await tx.fetch(
        "SELECT order_id, number FROM commerce.sales_order WHERE merchant_id = $1 AND order_id = ANY($2)",
        tx.merchant_id,
        order_ids,
    )
    return {row["order_id"]: row["number"] for row in rows}
