"""SQL of promotions and coupons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

PROMOTION = (
    "p.promotion_id, p.version, p.live_version, p.state, v.terms, p.created_by, p.created_at,"
    " p.changed_by, p.changed_at, s.stand"
)
NEWEST = (
    "commerce.promotion p JOIN commerce.promotion_version v ON v.merchant_id = p.merchant_id"
    " AND v.promotion_id = p.promotion_id AND v.version = p.version"
    # Where it stands at $2, by the version that carts get.
    " LEFT JOIN commerce.promotion_version l ON l.merchant_id = p.merchant_id AND l.promotion_id = p.promotion_id"
    "   AND l.version = p.live_version"
    " CROSS JOIN LATERAL (SELECT CASE WHEN p.state <> 'live' THEN p.state"
    "   WHEN (l.terms ->> 'ends_at')::timestamptz <= $2::timestamptz THEN 'over'"
    "   WHEN (l.terms ->> 'starts_at')::timestamptz > $2::timestamptz THEN 'planned' ELSE 'live' END AS stand) s"
)
NAMED = "($3 = '' OR lower(p.name) LIKE '%' || $3 || '%')"
COUPON = (
    "coupon_id, promotion_id, code_end, holder_id, uses, issued_by, issued_at, expires_at,"
    " CASE WHEN ended IS NULL AND expires_at <= $2 THEN 'expired' ELSE ended END AS ended, ended_uses"
)


async def find_promotion(tx: Transaction, promotion_id: UUID, now: datetime, *, lock: bool = False) -> Any:
    return await tx.fetchrow(
        f"SELECT {PROMOTION} FROM {NEWEST} WHERE p.merchant_id = $1 AND p.promotion_id = $3"
        + (" FOR NO KEY UPDATE OF p" if lock else ""),
        tx.merchant_id,
        now,
        promotion_id,
    )


async def list_promotions(
    tx: Transaction,
    now: datetime,
    words: str,
    state: str | None,
    stand: str | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Any]:
    return await tx.fetch(
        f"SELECT {PROMOTION} FROM {NEWEST} WHERE p.merchant_id = $1 AND {NAMED}"
        " AND ($4::text IS NULL OR p.state = $4) AND ($5::text IS NULL OR s.stand = $5)"
        " AND ($6::timestamptz IS NULL OR (p.changed_at, p.promotion_id) < ($6, $7::uuid))"
        " ORDER BY p.changed_at DESC, p.promotion_id DESC LIMIT $8",
        tx.merchant_id,
        now,
        words,
        state,
        stand,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )


async def count_promotions(tx: Transaction, now: datetime, words: str) -> dict[str, int]:
    """How many promotions of this name stand where."""
    rows = await tx.fetch(
        f"SELECT s.stand, count(*)::int AS promotions FROM {NEWEST} WHERE p.merchant_id = $1 AND {NAMED} GROUP BY s.stand",
        tx.merchant_id,
        now,
        words,
    )
    return {row["stand"]: row["promotions"] for row in rows}


async def insert_promotion(tx: Transaction, promotion_id: UUID, name: str, by: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.promotion (merchant_id, promotion_id, version, state, name, created_by, created_at,"
        "   changed_by, changed_at) VALUES ($1, $2, 1, 'draft', $3, $4, $5, $4, $5)",
        tx.merchant_id,
        promotion_id,
        name,
        by,
        at,
    )


async def insert_version(
    tx: Transaction, promotion_id: UUID, version: int, terms: Any, by: str, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO commerce.promotion_version (merchant_id, promotion_id, version, terms, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        tx.merchant_id,
        promotion_id,
        version,
        terms,
        by,
        at,
    )


async def set_version(
    tx: Transaction, promotion_id: UUID, version: int, name: str, by: str, at: datetime
) -> None:
    await tx.execute(
        "UPDATE commerce.promotion SET version = $3, name = $4, changed_by = $5, changed_at = $6"
        " WHERE merchant_id = $1 AND promotion_id = $2",
        tx.merchant_id,
        promotion_id,
        version,
        name,
        by,
        at,
    )


async def set_states(
    tx: Transaction,
    promotion_ids: Sequence[UUID],
    states: Sequence[str],
    versions: Sequence[int | None],
    actors: Sequence[str],
    at: datetime,
) -> None:
    """Take promotions live (with the version that carts get) or stop them, and tell every process."""
    await tx.execute(
        "UPDATE commerce.promotion p SET state = s.state, live_version = coalesce(s.version, p.live_version),"
        "   changed_by = s.actor, changed_at = $6"
        " FROM unnest($2::uuid[], $3::text[], $4::int[], $5::text[]) s (id, state, version, actor)"
        " WHERE p.merchant_id = $1 AND p.promotion_id = s.id",
        tx.merchant_id,
        promotion_ids,
        states,
        versions,
        actors,
        at,
    )
    await tx.execute(
        "INSERT INTO commerce.promotion_edition AS e (merchant_id, number) VALUES ($1, 1)"
        " ON CONFLICT (merchant_id) DO UPDATE SET number = e.number + 1",
        tx.merchant_id,
    )


async def list_versions(tx: Transaction, promotion_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT version, terms, created_by, created_at FROM commerce.promotion_version"
        " WHERE merchant_id = $1 AND promotion_id = $2 ORDER BY version DESC LIMIT 100",
        tx.merchant_id,
        promotion_id,
    )


async def list_terms(tx: Transaction, promotion_ids: Sequence[UUID], versions: Sequence[int]) -> list[Any]:
    return await tx.fetch(
        "SELECT v.promotion_id, v.version, v.terms FROM commerce.promotion_version v"
        " JOIN unnest($2::uuid[], $3::int[]) w (id, version) ON v.promotion_id = w.id AND v.version = w.version"
        " WHERE v.merchant_id = $1",
        tx.merchant_id,
        promotion_ids,
        versions,
    )


async def load_edition(tx: Transaction) -> int:
    number: int | None = await tx.fetchval(
        "SELECT number FROM commerce.promotion_edition WHERE merchant_id = $1", tx.merchant_id
    )
    return number or 0


async def list_live(tx: Transaction, now: datetime) -> list[Any]:
    """Live versions whose window is not over."""
    return await tx.fetch(
        "SELECT p.promotion_id, v.version, v.terms FROM commerce.promotion p JOIN commerce.promotion_version v"
        "   ON v.merchant_id = p.merchant_id AND v.promotion_id = p.promotion_id AND v.version = p.live_version"
        " WHERE p.merchant_id = $1 AND p.state = 'live'"
        " AND (v.terms->>'ends_at' IS NULL OR (v.terms->>'ends_at')::timestamptz > $2) ORDER BY p.promotion_id",
        tx.merchant_id,
        now,
    )


async def load_report(tx: Transaction, promotion_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT count(DISTINCT o.order_id)::int AS orders, coalesce(sum(a.amount_minor), 0)::bigint AS discount,"
        "   coalesce(sum(o.total_minor), 0)::bigint AS sales"
        " FROM commerce.order_adjustment a JOIN commerce.sales_order o ON o.merchant_id = a.merchant_id"
        "   AND o.order_id = a.order_id"
        " WHERE a.merchant_id = $1 AND a.promotion_id = $2 AND o.state NOT IN ('cancelled', 'expired')",
        tx.merchant_id,
        promotion_id,
    )


async def insert_coupons(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.coupon (merchant_id, coupon_id, promotion_id, digest, code_end, holder_id, uses, issued_by,"
        "   issued_at, expires_at) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::text[], $6::uuid[],"
        "   $7::int[], $8::text[], $9::timestamptz[], $10::timestamptz[])",
        tx.merchant_id,
        *columns,
    )


async def find_coupon(tx: Transaction, digest: bytes, now: datetime) -> Any:
    return await tx.fetchrow(
        f"SELECT {COUPON} FROM commerce.coupon WHERE merchant_id = $1 AND digest = $3",
        tx.merchant_id,
        now,
        digest,
    )


async def list_coupons(
    tx: Transaction,
    now: datetime,
    *,
    coupon_ids: Sequence[UUID] | None = None,
    promotion_id: UUID | None = None,
    holder_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> list[Any]:
    """Coupons by whatever is given, the newest first."""
    return await tx.fetch(
        f"SELECT {COUPON} FROM commerce.coupon WHERE merchant_id = $1 AND ($3::uuid[] IS NULL OR coupon_id = ANY($3))"
        " AND ($4::uuid IS NULL OR promotion_id = $4) AND ($5::uuid IS NULL OR holder_id = $5)"
        " AND ($6::uuid IS NULL OR coupon_id < $6) ORDER BY coupon_id DESC LIMIT $7",
        tx.merchant_id,
        now,
        coupon_ids,
        promotion_id,
        holder_id,
        before,
        limit,
    )


async def list_usable(
    tx: Transaction, now: datetime, coupon_ids: Sequence[UUID], holder_id: UUID | None, limit: int
) -> list[Any]:
    """Coupons that were entered, and those that a member holds and that have not ended."""
    return await tx.fetch(
        f"SELECT {COUPON} FROM commerce.coupon WHERE merchant_id = $1 AND (coupon_id = ANY($3)"
        " OR (holder_id = $4 AND ended IS NULL AND (expires_at IS NULL OR expires_at > $2)))"
        " ORDER BY coupon_id LIMIT $5",
        tx.merchant_id,
        now,
        coupon_ids,
        holder_id,
        limit,
    )


async def end_coupons(
    tx: Transaction, coupon_ids: Sequence[UUID], why: Sequence[str], uses: Sequence[int], at: datetime
) -> None:
    await tx.execute(
        "UPDATE commerce.coupon c SET ended = e.why, ended_uses = e.uses, ended_at = $5"
        " FROM unnest($2::uuid[], $3::text[], $4::int[]) e (id, why, uses)"
        " WHERE c.merchant_id = $1 AND c.coupon_id = e.id AND c.ended IS NULL",
        tx.merchant_id,
        coupon_ids,
        why,
        uses,
        at,
    )


async def list_overdue(owner: Database, now: datetime, limit: int) -> list[Any]:
    """Coupons of all merchants whose time is over (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, coupon_id, promotion_id FROM commerce.coupon"
        " WHERE expires_at <= $1 AND ended IS NULL ORDER BY expires_at LIMIT $2",
        now,
        limit,
    )
