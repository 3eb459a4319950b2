"""SQL of delivery options, weights, and what orders were promised."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.delivery.types import OrderDelivery
from serai.foundation.database import Transaction

OPTION = "option_id, code, place_no, active, terms, version, changed_by, changed_at"


async def find_stand(tx: Transaction) -> Any:
    """The merchant's own terms of delivery (NULL where it has none) and the edition of its book, in one look."""
    return await tx.fetchrow(
        "SELECT t.shipping_minor, t.free_shipping_from_minor, t.returns_policy, t.version, b.edition"
        " FROM (SELECT $1::uuid AS id) m"
        " LEFT JOIN commerce.shop_terms t ON t.merchant_id = m.id"
        " LEFT JOIN commerce.delivery_book b ON b.merchant_id = m.id",
        tx.merchant_id,
    )


async def find_book(tx: Transaction, *, lock: bool = False) -> Any:
    return await tx.fetchrow(
        "SELECT edition, calendar, updated_by, updated_at FROM commerce.delivery_book WHERE merchant_id = $1"
        + (" FOR UPDATE" if lock else ""),
        tx.merchant_id,
    )


async def open_book(tx: Transaction, calendar: Any, by: str, at: datetime) -> None:
    """A book for a merchant that has none yet."""
    await tx.execute(
        "INSERT INTO commerce.delivery_book (merchant_id, calendar, updated_by, updated_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (merchant_id) DO NOTHING",
        tx.merchant_id,
        calendar,
        by,
        at,
    )


async def turn_page(tx: Transaction, calendar: Any, by: str, at: datetime) -> int:
    """The book's next edition, with another calendar where one is given."""
    edition: int = await tx.fetchval(
        "UPDATE commerce.delivery_book SET edition = edition + 1, calendar = coalesce($2, calendar), updated_by = $3,"
        "   updated_at = $4 WHERE merchant_id = $1 RETURNING edition",
        tx.merchant_id,
        calendar,
        by,
        at,
    )
    return edition


async def list_options(tx: Transaction, *, active_only: bool) -> list[Any]:
    return await tx.fetch(
        f"SELECT {OPTION} FROM commerce.delivery_option WHERE merchant_id = $1 AND (active OR NOT $2)"
        " ORDER BY active DESC, place_no, code LIMIT 200",
        tx.merchant_id,
        active_only,
    )


async def find_option(tx: Transaction, option_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {OPTION} FROM commerce.delivery_option WHERE merchant_id = $1 AND option_id = $2",
        tx.merchant_id,
        option_id,
    )


async def has_code(tx: Transaction, code: str) -> bool:
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM commerce.delivery_option WHERE merchant_id = $1 AND code = $2)",
        tx.merchant_id,
        code,
    )
    return found


async def insert_option(
    tx: Transaction, option_id: UUID, code: str, terms: Any, by: str, at: datetime
) -> None:
    await tx.execute(
        "INSERT INTO commerce.delivery_option (merchant_id, option_id, code, place_no, active, terms, changed_by,"
        "   changed_at) SELECT $1, $2, $3, coalesce(max(place_no), 0) + 1, true, $4, $5, $6"
        " FROM commerce.delivery_option WHERE merchant_id = $1",
        tx.merchant_id,
        option_id,
        code,
        terms,
        by,
        at,
    )


async def update_option(
    tx: Transaction, option_id: UUID, version: int, active: bool, terms: Any, by: str, at: datetime
) -> bool:
    """False when somebody else has changed it since ``version``."""
    done = await tx.execute(
        "UPDATE commerce.delivery_option SET active = $4, terms = $5, version = version + 1, changed_by = $6,"
        "   changed_at = $7 WHERE merchant_id = $1 AND option_id = $2 AND version = $3",
        tx.merchant_id,
        option_id,
        version,
        active,
        terms,
        by,
        at,
    )
    return bool(done.endswith(" 1"))


async def place_options(tx: Transaction, option_ids: Sequence[UUID]) -> None:
    """Put options into the given order."""
    await tx.execute(
        "UPDATE commerce.delivery_option o SET place_no = n.place_no"
        " FROM unnest($2::uuid[]) WITH ORDINALITY n (id, place_no)"
        " WHERE o.merchant_id = $1 AND o.option_id = n.id",
        tx.merchant_id,
        option_ids,
    )


async def list_weights(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    """Per SKU the grams of one unit: its own weight, else what its content says (a millilitre counts as a gram)."""
    return await tx.fetch(
        "SELECT v.sku_id, w.weight_g, CASE WHEN v.content_unit IN ('g', 'ml') THEN v.content_amount END"
        " FROM commerce.variant v LEFT JOIN commerce.delivery_weight w ON w.merchant_id = v.merchant_id"
        "   AND w.sku_id = v.sku_id"
        " WHERE v.merchant_id = $1 AND v.sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )


async def list_codes(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT sku FROM commerce.variant WHERE merchant_id = $1 AND sku_id = ANY($2) ORDER BY sku",
        tx.merchant_id,
        sku_ids,
    )


async def save_weights(tx: Transaction, sku_ids: Sequence[UUID], grams: Sequence[int]) -> None:
    await tx.execute(
        "INSERT INTO commerce.delivery_weight (merchant_id, sku_id, weight_g)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::int[])"
        " ON CONFLICT (merchant_id, sku_id) DO UPDATE SET weight_g = excluded.weight_g",
        tx.merchant_id,
        sku_ids,
        grams,
    )


async def delete_weights(tx: Transaction, sku_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "DELETE FROM commerce.delivery_weight WHERE merchant_id = $1 AND sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
    )


async def insert_order_deliveries(tx: Transaction, rows: Sequence[tuple[UUID, OrderDelivery]]) -> None:
    """What orders chose and were promised, one statement."""
    await tx.execute(
        "INSERT INTO commerce.order_delivery (merchant_id, order_id, option_code, title, translations, carrier,"
        "   promised_from, promised_until, late_from)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::date[], $8::date[],"
        "   $9::timestamptz[])",
        tx.merchant_id,
        [order_id for order_id, _each in rows],
        *([getattr(each, name) for _order_id, each in rows] for name in OrderDelivery.__struct_fields__),
    )


async def find_order_delivery(tx: Transaction, order_id: UUID) -> Any:
    return await tx.fetchrow(
        "SELECT option_code, title, translations, carrier, promised_from, promised_until, late_from"
        " FROM commerce.order_delivery WHERE merchant_id = $1 AND order_id = $2",
        tx.merchant_id,
        order_id,
    )
