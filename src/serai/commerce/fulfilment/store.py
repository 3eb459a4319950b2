"""SQL of work for places: profiles, what waits where, pick lists."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.fulfilment.types import SubstituteWish
from serai.foundation.database import Database, Transaction

PROFILE = "place_id, ships, country, region, city, postcode, latitude, longitude, accept_minutes"
# Work at a place with what is open of it, and what is to be done next.
WORK = (
    "SELECT f.order_id, f.place_id, f.fulfilment_id, f.planned_at, f.accept_by, f.accepted_at, f.accepted_by, f.choice,"
    "   o.number, o.name, o.delivery, p.name AS place_name, g.to_pick, g.to_pack, g.packed, g.shipped,"
    "   CASE WHEN f.accepted_at IS NULL THEN 'accept' WHEN g.to_pick > 0 THEN 'pick' WHEN g.to_pack > 0 THEN 'pack'"
    "     WHEN o.delivery = 'pickup' THEN 'collect' ELSE 'ship' END AS stage"
    " FROM commerce.fulfilment f JOIN commerce.sales_order o ON o.merchant_id = f.merchant_id AND o.order_id = f.order_id"
    "   AND o.state = 'paid' JOIN commerce.place p ON p.merchant_id = f.merchant_id AND p.place_id = f.place_id"
    " JOIN LATERAL (SELECT sum(open - picked) AS to_pick, sum(picked - packed) AS to_pack, sum(packed) AS packed,"
    "   sum(shipped) AS shipped, sum(open) AS open FROM commerce.order_goods g WHERE g.merchant_id = f.merchant_id"
    "   AND g.order_id = f.order_id AND g.place_id = f.place_id) g ON g.open > 0 WHERE f.merchant_id = $1"
)


async def list_profiles(tx: Transaction) -> list[Any]:
    return await tx.fetch(
        f"SELECT {PROFILE} FROM commerce.place_profile WHERE merchant_id = $1", tx.merchant_id
    )


async def find_profile(tx: Transaction, place_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {PROFILE} FROM commerce.place_profile WHERE merchant_id = $1 AND place_id = $2",
        tx.merchant_id,
        place_id,
    )


async def save_profile(tx: Transaction, values: Sequence[Any]) -> None:
    await tx.execute(
        f"INSERT INTO commerce.place_profile (merchant_id, {PROFILE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (merchant_id, place_id) DO UPDATE SET ships = EXCLUDED.ships, country = EXCLUDED.country,"
        "   region = EXCLUDED.region, city = EXCLUDED.city, postcode = EXCLUDED.postcode, latitude = EXCLUDED.latitude,"
        "   longitude = EXCLUDED.longitude, accept_minutes = EXCLUDED.accept_minutes",
        tx.merchant_id,
        *values,
    )


async def count_loads(tx: Transaction, order_id: UUID) -> list[Any]:
    """How many other orders have something open at each place."""
    return await tx.fetch(
        "SELECT g.place_id, count(DISTINCT g.order_id) AS orders FROM commerce.order_goods g"
        " JOIN commerce.sales_order o ON o.merchant_id = g.merchant_id AND o.order_id = g.order_id AND o.state = 'paid'"
        " WHERE g.merchant_id = $1 AND g.open > 0 AND g.order_id <> $2 GROUP BY g.place_id",
        tx.merchant_id,
        order_id,
    )


async def list_work(
    tx: Transaction,
    place_id: UUID | None,
    order_ids: Sequence[UUID] | None,
    stage: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Any]:
    """Work that is open, what has waited longest first."""
    return await tx.fetch(
        f"SELECT * FROM ({WORK} AND ($2::uuid IS NULL OR f.place_id = $2)"
        "   AND ($3::uuid[] IS NULL OR f.order_id = ANY($3))) w"
        " WHERE ($4::text IS NULL OR w.stage = $4)"
        "   AND ($5::timestamptz IS NULL OR (w.planned_at, w.fulfilment_id) > ($5, $6))"
        " ORDER BY w.planned_at, w.fulfilment_id LIMIT $7",
        tx.merchant_id,
        place_id,
        order_ids,
        stage,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )


async def count_work(tx: Transaction, place_id: UUID | None) -> list[Any]:
    return await tx.fetch(
        f"SELECT w.stage, count(*) AS orders FROM ({WORK} AND ($2::uuid IS NULL OR f.place_id = $2)) w GROUP BY w.stage",
        tx.merchant_id,
        place_id,
    )


async def accept_work(tx: Transaction, fulfilment_id: UUID, now: datetime, by: str) -> Any:
    """The order whose work was accepted; None when it was before, or there is none."""
    return await tx.fetchval(
        "UPDATE commerce.fulfilment SET accepted_at = $3, accepted_by = $4 WHERE merchant_id = $1 AND fulfilment_id = $2"
        " AND accepted_at IS NULL RETURNING order_id",
        tx.merchant_id,
        fulfilment_id,
        now,
        by,
    )


async def find_work(tx: Transaction, fulfilment_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT order_id, place_id, accepted_at FROM commerce.fulfilment WHERE merchant_id = $1 AND fulfilment_id = $2",
        tx.merchant_id,
        fulfilment_id,
    )


async def list_picks(tx: Transaction, place_id: UUID, order_ids: Sequence[UUID] | None) -> list[Any]:
    """What is to be taken from the shelves of a place, as one walks along them: by category, then by name."""
    return await tx.fetch(
        "SELECT g.order_id, o.number, g.line_no, g.sku_id, coalesce(v.sku, '') AS sku, coalesce(v.gtin, '') AS gtin,"
        "   coalesce(p.title, l.title) AS title, coalesce(v.option, '') AS option, coalesce(c.name, '') AS aisle,"
        "   coalesce(v.scale, 0) AS scale, coalesce(v.unit, 'pc') AS unit, g.open, g.picked, g.packed"
        " FROM commerce.order_goods g"
        " JOIN commerce.sales_order o ON o.merchant_id = g.merchant_id AND o.order_id = g.order_id AND o.state = 'paid'"
        " JOIN commerce.fulfilment f ON f.merchant_id = g.merchant_id AND f.order_id = g.order_id"
        "   AND f.place_id = g.place_id AND f.accepted_at IS NOT NULL"
        " JOIN commerce.order_line l ON l.merchant_id = g.merchant_id AND l.order_id = g.order_id AND l.line_no = g.line_no"
        " LEFT JOIN commerce.variant v ON v.merchant_id = g.merchant_id AND v.sku_id = g.sku_id"
        " LEFT JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        " LEFT JOIN commerce.category c ON c.merchant_id = p.merchant_id AND c.category_id = p.category_id"
        " WHERE g.merchant_id = $1 AND g.place_id = $2 AND g.open > 0 AND ($3::uuid[] IS NULL OR g.order_id = ANY($3))"
        "   AND ($3::uuid[] IS NOT NULL OR g.open > g.picked)"
        " ORDER BY c.position NULLS LAST, aisle, title, o.placed_at, g.order_id, g.line_no LIMIT 1000",
        tx.merchant_id,
        place_id,
        order_ids,
    )


async def list_titles(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    """What SKUs are called, for parts of bundles that no line of the order names."""
    return await tx.fetch(
        "SELECT v.sku_id, p.title, v.sku, v.scale, v.unit FROM commerce.variant v JOIN commerce.product p"
        " ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id WHERE v.merchant_id = $1 AND v.sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )


async def list_wishes(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT line_no, agreed FROM commerce.substitute_wish WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
    )


async def save_wishes(tx: Transaction, rows: Sequence[SubstituteWish]) -> None:
    names = SubstituteWish.__struct_fields__
    await tx.execute(
        "INSERT INTO commerce.substitute_wish (merchant_id, order_id, line_no, agreed, by, at)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::bool[], $5::text[], $6::timestamptz[])"
        " ON CONFLICT (merchant_id, order_id, line_no) DO UPDATE SET agreed = EXCLUDED.agreed, by = EXCLUDED.by,"
        "   at = EXCLUDED.at",
        tx.merchant_id,
        *([getattr(row, name) for row in rows] for name in names),
    )


async def list_similar(tx: Transaction, sku_id: UUID, currency: str, limit: int) -> list[Any]:
    """Variants of the same category as a SKU's, the nearest in price by content first; no bundles."""
    return await tx.fetch(
        "WITH mine AS (SELECT p.category_id, v.price_minor::float8 / coalesce(v.content_amount, 1) AS per,"
        "     coalesce(v.content_unit, v.unit) AS measure, v.price_minor FROM commerce.variant v"
        "   JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        "   WHERE v.merchant_id = $1 AND v.sku_id = $2)"
        " SELECT v.sku_id, v.sku FROM mine m JOIN commerce.product p ON p.merchant_id = $1"
        "   AND p.category_id = m.category_id AND p.published"
        " JOIN commerce.variant v ON v.merchant_id = p.merchant_id AND v.product_id = p.product_id AND v.active"
        "   AND v.price_minor IS NOT NULL AND v.currency = $3 AND v.sku_id <> $2"
        " WHERE NOT EXISTS (SELECT FROM commerce.bundle b WHERE b.merchant_id = v.merchant_id"
        "   AND b.sku_id = v.sku_id)"
        " ORDER BY (coalesce(v.content_unit, v.unit) = m.measure) IS NOT TRUE,"
        "   abs(v.price_minor::float8 / coalesce(v.content_amount, 1) - m.per), abs(v.price_minor - m.price_minor), v.sku"
        " LIMIT $4",
        tx.merchant_id,
        sku_id,
        currency,
        limit,
    )


async def take_try(tx: Transaction, parcel_id: UUID, most: int) -> Any:
    """The number of this try at a parcel's code; None when there were too many."""
    return await tx.fetchval(
        "INSERT INTO commerce.pickup_try (merchant_id, parcel_id, tries) VALUES ($1, $2, 1)"
        " ON CONFLICT (merchant_id, parcel_id) DO UPDATE SET tries = pickup_try.tries + 1 WHERE pickup_try.tries < $3"
        " RETURNING tries",
        tx.merchant_id,
        parcel_id,
        most,
    )


async def clear_tries(tx: Transaction, parcel_id: UUID) -> int:
    """Forget the tries at a parcel's code. Returns how many there were."""
    tries = await tx.fetchval(
        "DELETE FROM commerce.pickup_try WHERE merchant_id = $1 AND parcel_id = $2 RETURNING tries",
        tx.merchant_id,
        parcel_id,
    )
    return tries or 0


async def list_unrouted(owner: Database, limit: int) -> list[Any]:
    """(merchant, order) of paid orders whose goods no place has been given yet, over all merchants."""
    return await owner.fetch(
        "SELECT o.merchant_id, o.order_id FROM commerce.sales_order o WHERE o.state = 'paid' AND NOT EXISTS ("
        "   SELECT FROM commerce.order_goods g WHERE g.merchant_id = o.merchant_id AND g.order_id = o.order_id)"
        " AND NOT EXISTS (SELECT FROM commerce.group_order w JOIN commerce.group_buy b ON b.merchant_id = w.merchant_id"
        "   AND b.group_id = w.group_id AND b.outcome IS DISTINCT FROM 'grouped'"
        "   WHERE w.merchant_id = o.merchant_id AND w.order_id = o.order_id)"
        " ORDER BY o.paid_at LIMIT $1",
        limit,
    )


async def list_unaccepted(owner: Database, now: datetime, limit: int) -> list[Any]:
    """(merchant, order, place) of work that nobody has accepted in time, over all merchants."""
    return await owner.fetch(
        "SELECT f.merchant_id, f.order_id, f.place_id FROM commerce.fulfilment f"
        " JOIN commerce.sales_order o ON o.merchant_id = f.merchant_id AND o.order_id = f.order_id AND o.state = 'paid'"
        " WHERE f.accepted_at IS NULL AND f.accept_by <= $1 AND EXISTS (SELECT FROM commerce.order_goods g"
        "   WHERE g.merchant_id = f.merchant_id AND g.order_id = f.order_id AND g.place_id = f.place_id AND g.open > 0)"
        " ORDER BY f.accept_by LIMIT $2",
        now,
        limit,
    )


async def list_uncollected(owner: Database, now: datetime, limit: int) -> list[Any]:
    """(merchant, order, parcel) that nobody has collected in time, over all merchants."""
    return await owner.fetch(
        "SELECT merchant_id, order_id, parcel_id FROM commerce.parcel WHERE collect_by <= $1 AND shipped_at IS NULL"
        " AND unpacked_at IS NULL ORDER BY collect_by LIMIT $2",
        now,
        limit,
    )
