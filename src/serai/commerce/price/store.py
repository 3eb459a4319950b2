"""SQL of prices beside the list price."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

OFFER = (
    "offer_id, sku_id, kind, channel, place_id, member_level, min_quantity, currency, amount_minor, valid_from, valid_to,"
    " reason, created_by, created_at, ended_at, ended_by"
)
ENTRY = "price_id, sku_id, currency, amount_minor, valid_from, reason, created_by, created_at"


async def list_live(
    tx: Transaction,
    sku_ids: Sequence[UUID],
    channel: str,
    place_id: UUID | None,
    member_level: str | None,
    at: datetime,
) -> list[Any]:
    """Offers that hold at a moment for a channel, place and level, the lowest first.

    Among them are list prices that are due, not entered into the history yet and newer than all that is in it.
    """
    return await tx.fetch(
        f"SELECT {OFFER} FROM commerce.price_offer o WHERE merchant_id = $1 AND sku_id = ANY($2)"
        " AND valid_from <= $6 AND (valid_to IS NULL OR valid_to > $6) AND (ended_at IS NULL OR ended_at > $6)"
        " AND (channel IS NULL OR channel = $3) AND (place_id IS NULL OR place_id = $4)"
        " AND (member_level IS NULL OR member_level = $5)"
        " AND (kind <> 'list' OR NOT EXISTS (SELECT FROM commerce.price_entry e WHERE e.merchant_id = $1"
        "   AND e.sku_id = o.sku_id AND (e.valid_from, e.price_id) >= (o.valid_from, o.offer_id)))"
        " ORDER BY sku_id, amount_minor, min_quantity, offer_id",
        tx.merchant_id,
        sku_ids,
        channel,
        place_id,
        member_level,
        at,
    )


async def list_unended(tx: Transaction, sku_ids: Sequence[UUID], at: datetime) -> list[Any]:
    """Offers that hold at a moment or later, for anybody, in the order of :func:`list_live`."""
    return await tx.fetch(
        f"SELECT {OFFER} FROM commerce.price_offer o WHERE merchant_id = $1 AND sku_id = ANY($2)"
        " AND (valid_to IS NULL OR valid_to > $3) AND (ended_at IS NULL OR ended_at > $3)"
        " AND (kind <> 'list' OR NOT EXISTS (SELECT FROM commerce.price_entry e WHERE e.merchant_id = $1"
        "   AND e.sku_id = o.sku_id AND (e.valid_from, e.price_id) >= (o.valid_from, o.offer_id)))"
        " ORDER BY sku_id, amount_minor, min_quantity, offer_id",
        tx.merchant_id,
        sku_ids,
        at,
    )


async def list_offers(tx: Transaction, sku_ids: Sequence[UUID], limit: int) -> list[Any]:
    """All offers there ever were of some SKUs, the newest first."""
    return await tx.fetch(
        f"SELECT {OFFER} FROM commerce.price_offer WHERE merchant_id = $1 AND sku_id = ANY($2)"
        " ORDER BY valid_from DESC, offer_id DESC LIMIT $3",
        tx.merchant_id,
        sku_ids,
        limit,
    )


async def list_entries(tx: Transaction, sku_ids: Sequence[UUID], limit: int) -> list[Any]:
    """List prices of some SKUs, the newest first."""
    return await tx.fetch(
        f"SELECT {ENTRY} FROM commerce.price_entry WHERE merchant_id = $1 AND sku_id = ANY($2)"
        " ORDER BY valid_from DESC, price_id DESC LIMIT $3",
        tx.merchant_id,
        sku_ids,
        limit,
    )


async def insert_offer(tx: Transaction, values: tuple[Any, ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.price_offer (merchant_id, offer_id, sku_id, kind, channel, place_id, member_level,"
        "   min_quantity, currency, amount_minor, valid_from, valid_to, reason, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        tx.merchant_id,
        *values,
    )


async def find_offer(tx: Transaction, offer_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {OFFER} FROM commerce.price_offer WHERE merchant_id = $1 AND offer_id = $2",
        tx.merchant_id,
        offer_id,
    )


async def end_offer(tx: Transaction, offer_id: UUID, at: datetime, by: str) -> Any:
    """End an offer that nobody has ended yet; None when somebody has."""
    return await tx.fetchrow(
        "UPDATE commerce.price_offer SET ended_at = $3, ended_by = $4"
        f" WHERE merchant_id = $1 AND offer_id = $2 AND ended_at IS NULL RETURNING {OFFER}",
        tx.merchant_id,
        offer_id,
        at,
        by,
    )


async def count_open(tx: Transaction, sku_id: UUID, at: datetime) -> int:
    """How many offers of a SKU hold or are planned."""
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.price_offer WHERE merchant_id = $1 AND sku_id = $2 AND ended_at IS NULL"
        " AND (valid_to IS NULL OR valid_to > $3)",
        tx.merchant_id,
        sku_id,
        at,
    )
    return count


async def lock_variant(tx: Transaction, sku_id: UUID) -> Any:
    """The variant's product, price and currency, locked against other changes of its price."""
    return await tx.fetchrow(
        "SELECT product_id, price_minor, currency FROM commerce.variant WHERE merchant_id = $1 AND sku_id = $2"
        " FOR NO KEY UPDATE",
        tx.merchant_id,
        sku_id,
    )


async def list_due(owner: Database, now: datetime, limit: int) -> list[Any]:
    """List prices whose moment has come, over all merchants, in the order in which they hold."""
    return await owner.fetch(
        "SELECT merchant_id, offer_id FROM commerce.price_offer WHERE kind = 'list' AND ended_at IS NULL"
        " AND valid_from <= $1 ORDER BY valid_from, offer_id LIMIT $2",
        now,
        limit,
    )


async def insert_entry(tx: Transaction, values: tuple[Any, ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.price_entry (merchant_id, price_id, sku_id, currency, amount_minor, valid_from, reason,"
        "   created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tx.merchant_id,
        *values,
    )


async def take_newest(tx: Transaction, sku_id: UUID) -> int:
    """Let the variant's price be that of its newest entry; returns it."""
    price: int = await tx.fetchval(
        "UPDATE commerce.variant v SET price_minor = (SELECT e.amount_minor FROM commerce.price_entry e"
        "   WHERE e.merchant_id = v.merchant_id AND e.sku_id = v.sku_id"
        "   ORDER BY e.valid_from DESC, e.price_id DESC LIMIT 1)"
        " WHERE v.merchant_id = $1 AND v.sku_id = $2 RETURNING price_minor",
        tx.merchant_id,
        sku_id,
    )
    return price


async def list_contents(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    """What unit prices are reckoned from."""
    return await tx.fetch(
        "SELECT sku_id, content_amount, content_unit FROM commerce.variant WHERE merchant_id = $1 AND sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )
