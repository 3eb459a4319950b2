"""SQL of what belongs to variants: options, barcodes, attributes, channels."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.foundation.database import Transaction

ATTRIBUTE = "code, kind, name, translations, unit, choices, position, filterable"
CHOICE_ORDER = "choice_order"


async def list_skus_of(tx: Transaction, product_ids: Sequence[UUID]) -> list[Any]:
    """SKUs of some products, product by product as given, variants in their order."""
    return await tx.fetch(
        "SELECT v.sku FROM commerce.variant v JOIN unnest($2::uuid[]) WITH ORDINALITY n (id, place)"
        "   ON n.id = v.product_id WHERE v.merchant_id = $1 ORDER BY n.place, v.position, v.sku_id",
        tx.merchant_id,
        product_ids,
    )


async def update_options(tx: Transaction, product_id: UUID, options: list[dict[str, Any]]) -> None:
    await tx.execute(
        "UPDATE commerce.product SET options = $3 WHERE merchant_id = $1 AND product_id = $2",
        tx.merchant_id,
        product_id,
        options,
    )


async def insert_variant(tx: Transaction, values: tuple[Any, ...]) -> bool:
    """A variant behind the others. False when its SKU is taken."""
    done = await tx.execute(
        "INSERT INTO commerce.variant (merchant_id, sku_id, product_id, sku, option, choices, currency, price_minor,"
        "   content_text, content_amount, content_unit, scale, unit, increment, position)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, coalesce(max(position) + 1, 0)"
        " FROM commerce.variant WHERE merchant_id = $1 AND product_id = $3"
        " ON CONFLICT ON CONSTRAINT variant_sku_unique DO NOTHING",
        tx.merchant_id,
        *values,
    )
    return bool(done.endswith(" 1"))


async def update_variant(tx: Transaction, sku_id: UUID, values: tuple[Any, ...]) -> None:
    await tx.execute(
        "UPDATE commerce.variant SET option = $3, choices = $4, content_text = $5, content_amount = $6,"
        "   content_unit = $7, scale = $8, unit = $9, increment = $10, active = $11, position = $12"
        " WHERE merchant_id = $1 AND sku_id = $2",
        tx.merchant_id,
        sku_id,
        *values,
    )


async def update_gtin(tx: Transaction, sku_id: UUID, gtin: str | None) -> None:
    await tx.execute(
        "UPDATE commerce.variant SET gtin = $3 WHERE merchant_id = $1 AND sku_id = $2",
        tx.merchant_id,
        sku_id,
        gtin,
    )


async def list_barcodes(tx: Transaction, sku_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT gtin, sku_id FROM commerce.barcode WHERE merchant_id = $1 AND sku_id = ANY($2) ORDER BY sku_id, gtin",
        tx.merchant_id,
        sku_ids,
    )


async def find_barcode(tx: Transaction, gtin: str) -> UUID | None:
    found: UUID | None = await tx.fetchval(
        "SELECT sku_id FROM commerce.barcode WHERE merchant_id = $1 AND gtin = $2", tx.merchant_id, gtin
    )
    return found


async def insert_barcodes(tx: Transaction, gtins: Sequence[str], sku_ids: Sequence[UUID], by: str) -> None:
    """Give codes to variants; one that is given already stays where it is."""
    await tx.execute(
        "INSERT INTO commerce.barcode (merchant_id, gtin, sku_id, created_by)"
        " SELECT $1, n.gtin, n.sku_id, $4 FROM unnest($2::text[], $3::uuid[]) n (gtin, sku_id)"
        " ON CONFLICT DO NOTHING",
        tx.merchant_id,
        gtins,
        sku_ids,
        by,
        timeout=120,
    )


async def delete_barcode(tx: Transaction, gtin: str, sku_id: UUID) -> bool:
    done = await tx.execute(
        "DELETE FROM commerce.barcode WHERE merchant_id = $1 AND gtin = $2 AND sku_id = $3",
        tx.merchant_id,
        gtin,
        sku_id,
    )
    return bool(done.endswith(" 1"))


async def list_attributes(tx: Transaction, category_ids: Sequence[UUID] | None) -> list[Any]:
    """All attributes, or those of some categories, in their order there."""
    if category_ids is None:
        return await tx.fetch(
            f"SELECT {ATTRIBUTE}, {CHOICE_ORDER} FROM commerce.attribute WHERE merchant_id = $1 ORDER BY position, code",
            tx.merchant_id,
        )
    return await tx.fetch(
        f"SELECT {ATTRIBUTE}, {CHOICE_ORDER} FROM commerce.attribute a JOIN (SELECT code AS of_code, min(position) AS place"
        "   FROM commerce.category_attribute WHERE merchant_id = $1 AND category_id = ANY($2) GROUP BY code) s"
        "   ON s.of_code = a.code WHERE merchant_id = $1 ORDER BY s.place, a.position, a.code",
        tx.merchant_id,
        category_ids,
    )


async def save_attribute(tx: Transaction, values: tuple[Any, ...]) -> None:
    await tx.execute(
        f"INSERT INTO commerce.attribute (merchant_id, {ATTRIBUTE}, {CHOICE_ORDER})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (merchant_id, code) DO UPDATE SET kind = excluded.kind, name = excluded.name,"
        "   translations = excluded.translations, unit = excluded.unit, choices = excluded.choices,"
        "   position = excluded.position, filterable = excluded.filterable, choice_order = excluded.choice_order",
        tx.merchant_id,
        *values,
    )


async def replace_category_attributes(tx: Transaction, category_id: UUID, codes: Sequence[str]) -> None:
    await tx.execute(
        "DELETE FROM commerce.category_attribute WHERE merchant_id = $1 AND category_id = $2",
        tx.merchant_id,
        category_id,
    )
    await tx.execute(
        "INSERT INTO commerce.category_attribute (merchant_id, category_id, code, position)"
        " SELECT $1, $2, n.code, n.place FROM unnest($3::text[]) WITH ORDINALITY n (code, place)",
        tx.merchant_id,
        category_id,
        codes,
    )


async def lock_attribute(tx: Transaction, code: str) -> Any:
    """A definition, kept from changing until the end."""
    return await tx.fetchrow(
        f"SELECT {ATTRIBUTE}, {CHOICE_ORDER} FROM commerce.attribute WHERE merchant_id = $1 AND code = $2"
        " FOR NO KEY UPDATE",
        tx.merchant_id,
        code,
    )


async def share_attributes(tx: Transaction, codes: Sequence[str]) -> list[Any]:
    """Definitions that stay as they are until the end; in the order of their codes."""
    return await tx.fetch(
        f"SELECT {ATTRIBUTE}, {CHOICE_ORDER} FROM commerce.attribute WHERE merchant_id = $1 AND code = ANY($2)"
        " ORDER BY code FOR SHARE",
        tx.merchant_id,
        codes,
    )


async def delete_attribute(tx: Transaction, code: str) -> None:
    await tx.execute(
        "DELETE FROM commerce.attribute WHERE merchant_id = $1 AND code = $2", tx.merchant_id, code
    )


async def count_attribute_uses(tx: Transaction) -> dict[str, int]:
    """How many products and variants have a value of each attribute."""
    rows = await tx.fetch(
        "SELECT code, count(*)::int AS uses FROM (SELECT jsonb_object_keys(attributes) AS code FROM commerce.product"
        "     WHERE merchant_id = $1 AND attributes <> '{}'"
        "   UNION ALL SELECT jsonb_object_keys(attributes) FROM commerce.variant"
        "     WHERE merchant_id = $1 AND attributes <> '{}') used GROUP BY code",
        tx.merchant_id,
    )
    return {row["code"]: row["uses"] for row in rows}


async def list_used_values(tx: Transaction, code: str, limit: int) -> list[Any]:
    """Different values that products and variants have of an attribute, as JSON texts."""
    rows = await tx.fetch(
        "SELECT DISTINCT attributes ->> $2 AS value FROM (SELECT attributes FROM commerce.product WHERE merchant_id = $1"
        "     AND attributes ? $2 UNION ALL SELECT attributes FROM commerce.variant WHERE merchant_id = $1"
        "     AND attributes ? $2) used ORDER BY value LIMIT $3",
        tx.merchant_id,
        code,
        limit,
    )
    return [row["value"] for row in rows]


async def list_category_sets(tx: Transaction) -> list[Any]:
    """Which category names which attributes itself, in the order of each set."""
    return await tx.fetch(
        "SELECT category_id, code FROM commerce.category_attribute WHERE merchant_id = $1"
        " ORDER BY category_id, position, code",
        tx.merchant_id,
    )


async def update_variant_facts(tx: Transaction, sku_id: UUID, attributes: dict[str, Any]) -> None:
    await tx.execute(
        "UPDATE commerce.variant SET attributes = $3 WHERE merchant_id = $1 AND sku_id = $2",
        tx.merchant_id,
        sku_id,
        attributes,
    )


async def update_facts(
    tx: Transaction, product_id: UUID, attributes: dict[str, Any], tags: list[str]
) -> None:
    await tx.execute(
        "UPDATE commerce.product SET attributes = $3, tags = $4, version = version + 1, updated_at = now()"
        " WHERE merchant_id = $1 AND product_id = $2",
        tx.merchant_id,
        product_id,
        attributes,
        tags,
    )


async def list_listings(tx: Transaction, product_id: UUID) -> list[Any]:
    return await tx.fetch(
        "SELECT channel, published FROM commerce.listing WHERE merchant_id = $1 AND product_id = $2",
        tx.merchant_id,
        product_id,
    )


async def list_channel_states(tx: Transaction, product_ids: Sequence[UUID]) -> dict[tuple[UUID, str], bool]:
    """What some products say of channels themselves."""
    rows = await tx.fetch(
        "SELECT product_id, channel, published FROM commerce.listing WHERE merchant_id = $1 AND product_id = ANY($2)",
        tx.merchant_id,
        product_ids,
    )
    return {(row["product_id"], row["channel"]): row["published"] for row in rows}


async def set_listings(
    tx: Transaction, channel: str, product_ids: Sequence[UUID], published: bool | None
) -> None:
    """Show or hide many products on a channel, or let them follow the web; each gets another version."""
    await tx.execute(
        "DELETE FROM commerce.listing WHERE merchant_id = $1 AND channel = $2 AND product_id = ANY($3)",
        tx.merchant_id,
        channel,
        product_ids,
    )
    if published is not None:
        await tx.execute(
            "INSERT INTO commerce.listing (merchant_id, product_id, channel, published)"
            " SELECT $1, n.id, $2, $4 FROM unnest($3::uuid[]) n (id)",
            tx.merchant_id,
            channel,
            product_ids,
            published,
        )
    await tx.execute(
        "UPDATE commerce.product SET version = version + 1, updated_at = now()"
        " WHERE merchant_id = $1 AND product_id = ANY($2)",
        tx.merchant_id,
        product_ids,
    )


async def replace_listings(tx: Transaction, product_id: UUID, listings: dict[str, bool]) -> None:
    await tx.execute(
        "DELETE FROM commerce.listing WHERE merchant_id = $1 AND product_id = $2", tx.merchant_id, product_id
    )
    await tx.execute(
        "INSERT INTO commerce.listing (merchant_id, product_id, channel, published)"
        " SELECT $1, $2, n.channel, n.published FROM unnest($3::text[], $4::bool[]) n (channel, published)",
        tx.merchant_id,
        product_id,
        list(listings),
        list(listings.values()),
    )
