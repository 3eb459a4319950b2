"""SQL of alerts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

COLUMNS = "alert_id, kind, sku_id, member_id, email, locale, seen_price_minor, made_at, confirmed_at"


async def insert_alert(
    tx: Transaction,
    alert_id: UUID,
    kind: str,
    sku_id: UUID,
    member_id: UUID | None,
    email: str,
    locale: str,
    seen_price_minor: int | None,
    token_digest: bytes,
    now: datetime,
    confirmed_at: datetime | None,
) -> Any:
    """The same wish again keeps its confirmation and takes over the newer price and token."""
    return await tx.fetchrow(
        "INSERT INTO commerce.alert AS a (merchant_id, alert_id, kind, sku_id, member_id, email, locale, seen_price_minor,"
        "   token_digest, made_at, confirmed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (merchant_id, kind, sku_id, email) WHERE ended_at IS NULL DO UPDATE SET"
        "   seen_price_minor = excluded.seen_price_minor, token_digest = excluded.token_digest, locale = excluded.locale,"
        "   member_id = coalesce(excluded.member_id, a.member_id),"
        "   confirmed_at = coalesce(a.confirmed_at, excluded.confirmed_at)"
        " RETURNING alert_id, confirmed_at",
        tx.merchant_id,
        alert_id,
        kind,
        sku_id,
        member_id,
        email,
        locale,
        seen_price_minor,
        token_digest,
        now,
        confirmed_at,
    )


async def find_by_token(tx: Transaction, token_digest: bytes) -> Any:
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM commerce.alert WHERE merchant_id = $1 AND token_digest = $2 AND ended_at IS NULL",
        tx.merchant_id,
        token_digest,
    )


async def confirm_alert(tx: Transaction, alert_id: UUID, now: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.alert SET confirmed_at = coalesce(confirmed_at, $3)"
        " WHERE merchant_id = $1 AND alert_id = $2 AND ended_at IS NULL",
        tx.merchant_id,
        alert_id,
        now,
    )


async def delete_alert(tx: Transaction, alert_id: UUID) -> None:
    await tx.execute(
        "DELETE FROM commerce.alert WHERE merchant_id = $1 AND alert_id = $2", tx.merchant_id, alert_id
    )


async def list_alerts(tx: Transaction, member_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM commerce.alert WHERE merchant_id = $1 AND member_id = $2 AND ended_at IS NULL"
        " ORDER BY made_at DESC, alert_id LIMIT 200",
        tx.merchant_id,
        member_id,
    )


async def count_open(tx: Transaction, email: str) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.alert WHERE merchant_id = $1 AND email = $2 AND ended_at IS NULL",
        tx.merchant_id,
        email,
    )
    return count


async def list_waiting(tx: Transaction, kind: str, sku_ids: list[UUID]) -> list[Any]:
    """Confirmed alerts of some SKUs, locked: what one firing takes, no other one sees."""
    return await tx.fetch(
        f"SELECT {COLUMNS} FROM commerce.alert WHERE merchant_id = $1 AND kind = $2 AND sku_id = ANY ($3)"
        " AND confirmed_at IS NOT NULL AND ended_at IS NULL ORDER BY alert_id FOR NO KEY UPDATE",
        tx.merchant_id,
        kind,
        sku_ids,
    )


async def list_due(owner: Database, now: datetime, limit: int) -> list[Any]:
    """Goods that somebody waits for and that an offer has made cheaper than they were then (owner's role)."""
    return await owner.fetch(
        "SELECT DISTINCT a.merchant_id, a.sku_id FROM commerce.alert a JOIN commerce.price_offer o"
        "   ON o.merchant_id = a.merchant_id AND o.sku_id = a.sku_id AND o.kind <> 'list' AND o.valid_from <= $1"
        "   AND (o.valid_to IS NULL OR o.valid_to > $1) AND (o.ended_at IS NULL OR o.ended_at > $1)"
        "   AND (o.channel IS NULL OR o.channel = 'web') AND o.place_id IS NULL AND o.member_level IS NULL"
        "   AND o.min_quantity = 1 AND (a.seen_price_minor IS NULL OR o.amount_minor < a.seen_price_minor)"
        " JOIN commerce.variant v ON v.merchant_id = a.merchant_id AND v.sku_id = a.sku_id AND v.active"
        " JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id AND p.published"
        " WHERE a.kind = 'price' AND a.confirmed_at IS NOT NULL AND a.ended_at IS NULL LIMIT $2",
        now,
        limit,
    )


async def end_alerts(tx: Transaction, alert_ids: list[UUID], now: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.alert SET ended_at = $3 WHERE merchant_id = $1 AND alert_id = ANY ($2)",
        tx.merchant_id,
        alert_ids,
        now,
    )


async def delete_alerts_of(tx: Transaction, member_id: UUID, email: str) -> None:
    await tx.execute(
        "DELETE FROM commerce.alert WHERE merchant_id = $1 AND (member_id = $2 OR email = $3)",
        tx.merchant_id,
        member_id,
        email,
    )


async def delete_old(tx: Transaction, unconfirmed_before: datetime, ended_before: datetime) -> None:
    await tx.execute(
        "DELETE FROM commerce.alert WHERE merchant_id = $1"
        " AND ((confirmed_at IS NULL AND made_at < $2) OR ended_at < $3)",
        tx.merchant_id,
        unconfirmed_before,
        ended_before,
    )
