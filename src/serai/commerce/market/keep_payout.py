"""SQL of payouts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.market.types import Payout, PayoutLine
from serai.foundation.database import Database, Transaction

Row = Any
PAYOUT = ", ".join(name for name in Payout.__struct_fields__ if name != "lines")
LINE = ", ".join(PayoutLine.__struct_fields__)


async def count_payouts(tx: Transaction) -> int:
    return int(
        await tx.fetchval(
            "SELECT count(*)::int FROM commerce.market_payout WHERE merchant_id = $1", tx.merchant_id
        )
    )


async def sum_paid(tx: Transaction, currency: str) -> list[Row]:
    """Per member what payouts that stand were made of."""
    return await tx.fetch(
        "SELECT l.member_id, sum(l.sales_minor)::bigint AS sales, sum(l.discounts_minor)::bigint AS discounts,"
        "   sum(l.commission_minor)::bigint AS commission, sum(l.refunds_minor)::bigint AS refunds"
        " FROM commerce.market_payout_line l JOIN commerce.market_payout p USING (merchant_id, payout_id)"
        " WHERE l.merchant_id = $1 AND p.reversed_at IS NULL AND p.currency = $2 GROUP BY l.member_id",
        tx.merchant_id,
        currency,
    )


async def insert_payouts(tx: Transaction, payouts: Sequence[Payout]) -> None:
    """Write payouts with their lines; a writer for the lane's batches."""
    await tx.execute(
        "INSERT INTO commerce.market_payout (merchant_id, payout_id, payout_no, currency, provider, paid_at, paid_by)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])",
        tx.merchant_id,
        *(
            [getattr(each, name) for each in payouts]
            for name in ("payout_id", "payout_no", "currency", "provider", "paid_at", "paid_by")
        ),
    )
    lines = [(each.payout_id, line) for each in payouts for line in each.lines]
    names = ("member_id", "sales_minor", "discounts_minor", "commission_minor", "refunds_minor", "net_minor")
    await tx.execute(
        "INSERT INTO commerce.market_payout_line (merchant_id, payout_id, member_id, sales_minor, discounts_minor,"
        "   commission_minor, refunds_minor, net_minor)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],"
        "   $8::bigint[])",
        tx.merchant_id,
        [payout_id for payout_id, _line in lines],
        *([getattr(line, name) for _id, line in lines] for name in names),
    )


async def stamp_reversed(tx: Transaction, rows: Sequence[tuple[UUID, datetime, str]]) -> None:
    """Payouts that were called back; a writer for the lane's batches."""
    await tx.execute(
        "UPDATE commerce.market_payout p SET reversed_at = s.at, reversed_by = s.by"
        " FROM unnest($2::uuid[], $3::timestamptz[], $4::text[]) s (id, at, by)"
        " WHERE p.merchant_id = $1 AND p.payout_id = s.id AND p.reversed_at IS NULL",
        tx.merchant_id,
        *([row[column] for row in rows] for column in range(3)),
    )


async def stamp_member(
    tx: Transaction, payout_id: UUID, member_id: UUID, is_return: bool, at: datetime
) -> None:
    column = "returned_at" if is_return else "booked_at"
    await tx.execute(
        f"UPDATE commerce.market_payout_line SET {column} = coalesce({column}, $4)"  # sql: one of two constants
        " WHERE merchant_id = $1 AND payout_id = $2 AND member_id = $3",
        tx.merchant_id,
        payout_id,
        member_id,
        at,
    )


async def list_payouts(tx: Transaction, limit: int) -> list[Row]:
    """The newest payouts."""
    return await tx.fetch(
        f"SELECT {PAYOUT} FROM commerce.market_payout WHERE merchant_id = $1 ORDER BY payout_no DESC LIMIT $2",
        tx.merchant_id,
        limit,
    )


async def find_payout(tx: Transaction, payout_id: UUID) -> Row | None:
    return await tx.fetchrow(
        f"SELECT {PAYOUT} FROM commerce.market_payout WHERE merchant_id = $1 AND payout_id = $2",
        tx.merchant_id,
        payout_id,
    )


async def list_lines(tx: Transaction, payout_ids: Sequence[UUID]) -> list[Row]:
    return await tx.fetch(
        f"SELECT payout_id, {LINE} FROM commerce.market_payout_line"
        " WHERE merchant_id = $1 AND payout_id = ANY($2) ORDER BY member_id",
        tx.merchant_id,
        payout_ids,
    )


async def list_unfinished(owner: Database, limit: int) -> list[Row]:
    """Payouts of all markets that a member's books lack, or whose reversal they lack (owner's role)."""
    return await owner.fetch(
        "SELECT DISTINCT p.merchant_id, p.payout_id FROM commerce.market_payout p"
        " JOIN commerce.market_payout_line l USING (merchant_id, payout_id)"
        " WHERE l.booked_at IS NULL OR (p.reversed_at IS NOT NULL AND l.returned_at IS NULL) LIMIT $1",
        limit,
    )
