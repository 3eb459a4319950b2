"""SQL of the catalogue."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue.types import Category
from serai.foundation.database import Transaction

CATEGORY = "category_id, parent_id, slug, name, translations, motif, position, published"
PRODUCT = (
    "product_id, category_id, slug, title, translations, brand, description, published, rank, version, created_at,"
    " updated_at, options, tags, attributes"
)
VARIANT = (
    "sku_id, product_id, sku, gtin, option, price_minor, currency, content_text, content_amount, content_unit, scale,"
    " increment, active, choices, unit, attributes"
)
PHOTO = (
    "(SELECT m.digest FROM commerce.product_media m WHERE m.merchant_id = p.merchant_id AND m.product_id = p.product_id"
    "   AND m.deleted_at IS NULL ORDER BY m.position, m.media_id LIMIT 1) AS photo"
)
CARD = (
    "p.product_id, p.slug, p.title, p.translations, p.brand, p.category_id, c.motif, v.sku_id, v.price_minor,"
    " v.currency, v.content_text, v.content_amount, v.content_unit, p.published,"
    " (SELECT count(*)::int FROM commerce.variant n WHERE n.merchant_id = p.merchant_id AND n.product_id = p.product_id),"
    f" {PHOTO}, v.sku"
)
FIRST_VARIANT = (
    " LEFT JOIN LATERAL (SELECT * FROM commerce.variant v WHERE v.merchant_id = p.merchant_id"
    "   AND v.product_id = p.product_id AND v.active ORDER BY v.position, v.sku_id LIMIT 1) v ON true"
)
CARD_FROM = (
    " FROM commerce.product p JOIN commerce.category c ON c.merchant_id = p.merchant_id AND c.category_id = p.category_id"
    + FIRST_VARIANT
)
FLAT = (
    "SELECT p.product_id, v.sku_id, v.sku, p.title, p.translations, p.brand, p.description, p.category_id, p.published,"
    " v.gtin, v.content_text, v.content_amount, v.content_unit, v.price_minor, v.currency,"
    " (SELECT count(*)::int FROM commerce.variant n WHERE n.merchant_id = p.merchant_id AND n.product_id = p.product_id)"
    " AS variant_count FROM commerce.variant v"
    " JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
    " WHERE v.merchant_id = $1 AND v.sku = ANY($2) ORDER BY p.product_id, v.sku_id "
)


async def list_categories(tx: Transaction, is_counted: bool) -> list[Any]:
    return await tx.fetch(
        f"SELECT {CATEGORY}, CASE WHEN $2 THEN (SELECT count(*)::int FROM commerce.product p"
        "   WHERE p.merchant_id = c.merchant_id AND p.category_id = c.category_id AND p.published) ELSE 0 END"
        " AS product_count FROM commerce.category c WHERE merchant_id = $1 ORDER BY parent_id NULLS FIRST, position, name",
        tx.merchant_id,
        is_counted,
    )


async def find_cards(tx: Transaction, product_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {CARD}{CARD_FROM} WHERE p.merchant_id = $1 AND p.product_id = ANY($2)",
        tx.merchant_id,
        product_ids,
    )


async def list_titled(
    tx: Transaction,
    match: str | None,
    category_ids: Sequence[UUID] | None,
    min_minor: int | None,
    max_minor: int | None,
    published: bool | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[Any]:
    """(product_id, title) in the order of titles. ``match`` is a tsquery's text."""
    return await tx.fetch(
        "SELECT p.product_id, p.title AS sort_key FROM commerce.product p JOIN commerce.search_entry e"
        "   ON e.merchant_id = p.merchant_id AND e.product_id = p.product_id"
        " WHERE p.merchant_id = $1 AND ($2::text IS NULL OR p.product_id IN (SELECT commerce.match_products($2, 1000000)))"
        " AND ($3::uuid[] IS NULL OR p.category_id = ANY($3)) AND ($4::bigint IS NULL OR e.price_minor >= $4)"
        " AND ($5::bigint IS NULL OR e.price_minor <= $5) AND ($6::bool IS NULL OR p.published = $6)"
        " AND ($7::text IS NULL OR (p.title, p.product_id) > ($7, $8)) ORDER BY p.title, p.product_id LIMIT $9",
        tx.merchant_id,
        match,
        category_ids,
        min_minor,
        max_minor,
        published,
        after[0] if after else None,
        after[1] if after else UUID(int=0),
        limit,
    )


async def find_product(
    tx: Transaction, slug: str | None, product_id: UUID | None, published: bool | None
) -> Any:
    return await tx.fetchrow(
        f"SELECT {PRODUCT} FROM commerce.product WHERE merchant_id = $1"
        f" AND {'slug = $2' if slug is not None else 'product_id = $2'} AND ($3::bool IS NULL OR published = $3)",  # sql: fixed
        tx.merchant_id,
        slug if slug is not None else product_id,
        published,
    )


async def list_variants(tx: Transaction, product_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        f"SELECT {VARIANT} FROM commerce.variant WHERE merchant_id = $1 AND product_id = ANY($2)"
        " ORDER BY product_id, position, sku_id",
        tx.merchant_id,
        product_ids,
    )


async def find_variant(tx: Transaction, sku_id: UUID | None, sku: str | None) -> Any:
    return await tx.fetchrow(
        f"SELECT {VARIANT} FROM commerce.variant WHERE merchant_id = $1"
        f" AND {'sku_id = $2' if sku_id is not None else 'sku = $2'}",  # sql: one of two constants
        tx.merchant_id,
        sku_id if sku_id is not None else sku,
    )


async def list_versions(tx: Transaction, product_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT product_id, version FROM commerce.product WHERE merchant_id = $1 AND product_id = ANY($2)",
        tx.merchant_id,
        product_ids,
    )


async def raise_version(tx: Transaction, product_id: UUID) -> None:
    """Another version of a product, for a change outside its row."""
    await tx.execute(
        "UPDATE commerce.product SET version = version + 1, updated_at = now()"
        " WHERE merchant_id = $1 AND product_id = $2",
        tx.merchant_id,
        product_id,
    )


async def find_position(tx: Transaction, sku_id: UUID) -> int:
    """A variant's place among its product's."""
    place: int = await tx.fetchval(
        "SELECT position FROM commerce.variant WHERE merchant_id = $1 AND sku_id = $2", tx.merchant_id, sku_id
    )
    return place


async def list_sale_items(tx: Transaction, sku_ids: Sequence[UUID], channel: str) -> list[Any]:
    return await tx.fetch(
        "SELECT v.sku_id, v.product_id, p.slug, p.title || CASE v.option WHEN '' THEN '' ELSE ', ' || v.option END,"
        "   p.translations, p.brand, c.motif, v.price_minor, v.currency, v.scale, v.increment,"
        "   coalesce(l.published, p.published) AND v.active AND v.price_minor IS NOT NULL,"
        f"   {PHOTO}, v.unit"
        " FROM commerce.variant v JOIN commerce.product p ON p.merchant_id = v.merchant_id AND p.product_id = v.product_id"
        " JOIN commerce.category c ON c.merchant_id = v.merchant_id AND c.category_id = p.category_id"
        " LEFT JOIN commerce.listing l ON l.merchant_id = v.merchant_id AND l.product_id = v.product_id AND l.channel = $3"
        " WHERE v.merchant_id = $1 AND v.sku_id = ANY($2)",
        tx.merchant_id,
        sku_ids,
        channel,
    )


async def insert_products(tx: Transaction, columns: tuple[list[Any], ...]) -> list[Any]:
    """Returns new ids."""
    return await tx.fetch(
        "INSERT INTO commerce.product (merchant_id, product_id, category_id, slug, title, translations, brand,"
        "   description, published, rank)"
        " SELECT $1, n.id, n.category_id, n.slug, n.title, n.translations, n.brand, n.description, n.published, n.rank"
        " FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[], $9::bool[],"
        "   $10::int[]) n (id, category_id, slug, title, translations, brand, description, published, rank)"
        " ON CONFLICT DO NOTHING RETURNING product_id",
        tx.merchant_id,
        *columns,
        timeout=120,
    )


async def insert_variants(tx: Transaction, columns: tuple[list[Any], ...]) -> list[Any]:
    return await tx.fetch(
        "INSERT INTO commerce.variant (merchant_id, sku_id, product_id, sku, gtin, currency, price_minor, content_text,"
        "   content_amount, content_unit)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],"
        "   $9::int[], $10::text[]) ON CONFLICT DO NOTHING RETURNING sku_id",
        tx.merchant_id,
        *columns,
        timeout=120,
    )


async def insert_prices(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.price_entry (merchant_id, price_id, sku_id, currency, amount_minor, valid_from, reason,"
        "   created_by)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[],"
        "   $8::text[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *columns,
        timeout=120,
    )


async def insert_categories(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.category (merchant_id, category_id, parent_id, slug, name, translations, motif, position,"
        "   published)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::int[],"
        "   $9::bool[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *columns,
    )


async def lock_categories(tx: Transaction) -> None:
    """Keep others from changing any category until the transaction ends: two moves could make a circle together."""
    await tx.fetch(
        "SELECT category_id FROM commerce.category WHERE merchant_id = $1 ORDER BY category_id FOR NO KEY UPDATE",
        tx.merchant_id,
    )


async def update_category(tx: Transaction, category: Category) -> None:
    await tx.execute(
        "UPDATE commerce.category SET name = $3, translations = $4, parent_id = $5, position = $6, published = $7"
        " WHERE merchant_id = $1 AND category_id = $2",
        tx.merchant_id,
        category.category_id,
        category.name,
        category.translations,
        category.parent_id,
        category.position,
        category.published,
    )


async def list_category_products(tx: Transaction, category_id: UUID) -> list[UUID]:
    """Ids of all products of a category, its children's not among them, in their order."""
    rows = await tx.fetch(
        "SELECT product_id FROM commerce.product WHERE merchant_id = $1 AND category_id = $2 ORDER BY product_id",
        tx.merchant_id,
        category_id,
        timeout=60,
    )
    return [row["product_id"] for row in rows]


async def lock_product(tx: Transaction, product_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {PRODUCT} FROM commerce.product WHERE merchant_id = $1 AND product_id = $2 FOR NO KEY UPDATE",
        tx.merchant_id,
        product_id,
    )


async def lock_variant(tx: Transaction, sku_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {VARIANT} FROM commerce.variant WHERE merchant_id = $1 AND sku_id = $2 FOR NO KEY UPDATE",
        tx.merchant_id,
        sku_id,
    )


async def update_product(tx: Transaction, product_id: UUID, values: tuple[Any, ...]) -> None:
    await tx.execute(
        "UPDATE commerce.product SET title = $3, translations = $4, brand = $5, description = $6, category_id = $7,"
        "   published = $8, version = version + 1, updated_at = now()"
        " WHERE merchant_id = $1 AND product_id = $2",
        tx.merchant_id,
        product_id,
        *values,
    )


async def update_variant(tx: Transaction, sku_id: UUID, values: tuple[Any, ...]) -> None:
    await tx.execute(
        "UPDATE commerce.variant SET sku = $3, gtin = $4, content_text = $5, content_amount = $6, content_unit = $7"
        " WHERE merchant_id = $1 AND sku_id = $2",
        tx.merchant_id,
        sku_id,
        *values,
    )


async def update_price(tx: Transaction, sku_id: UUID, amount_minor: int) -> None:
    await tx.execute(
        "UPDATE commerce.variant SET price_minor = $3 WHERE merchant_id = $1 AND sku_id = $2",
        tx.merchant_id,
        sku_id,
        amount_minor,
    )


async def list_prices(tx: Transaction, sku_id: UUID, limit: int) -> list[Any]:
    return await tx.fetch(
        "SELECT price_id, sku_id, currency, amount_minor, valid_from, reason, created_by, created_at"
        " FROM commerce.price_entry WHERE merchant_id = $1 AND sku_id = $2"
        " ORDER BY valid_from DESC, price_id DESC LIMIT $3",
        tx.merchant_id,
        sku_id,
        limit,
    )


async def list_skus(tx: Transaction, skus: Sequence[str]) -> list[Any]:
    return await tx.fetch(
        "SELECT sku, sku_id, product_id FROM commerce.variant WHERE merchant_id = $1 AND sku = ANY($2)",
        tx.merchant_id,
        skus,
    )


async def list_flat_products(tx: Transaction, skus: Sequence[str], lock: bool) -> list[Any]:
    """Products with the variant of each code; locked for an edit in the order of their ids."""
    return await tx.fetch(
        FLAT + ("FOR NO KEY UPDATE OF p, v" if lock else ""), tx.merchant_id, skus, timeout=120
    )


async def update_products(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "UPDATE commerce.product p SET title = n.title, brand = n.brand, description = n.description,"
        "   category_id = n.category_id, published = n.published, version = p.version + 1, updated_at = now()"
        " FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bool[])"
        "   n (id, title, brand, description, category_id, published)"
        " WHERE p.merchant_id = $1 AND p.product_id = n.id",
        tx.merchant_id,
        *columns,
        timeout=120,
    )


async def update_variants(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "UPDATE commerce.variant v SET gtin = n.gtin, content_text = n.content_text,"
        "   content_amount = n.content_amount, content_unit = n.content_unit, price_minor = n.price_minor"
        " FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::bigint[])"
        "   n (id, gtin, content_text, content_amount, content_unit, price_minor)"
        " WHERE v.merchant_id = $1 AND v.sku_id = n.id",
        tx.merchant_id,
        *columns,
        timeout=120,
    )
