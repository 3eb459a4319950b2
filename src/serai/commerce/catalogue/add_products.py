"""Add categories and products in numbers: set-up, imports, and the single product of ``edit_product``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue import store
from serai.commerce.catalogue.give_barcodes import claim_barcodes
from serai.commerce.catalogue.load_product import list_categories
from serai.commerce.catalogue.logic import make_slug
from serai.commerce.catalogue.types import Category, Content, NewProduct
from serai.commerce.search import api as search
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.ids import new_id


async def add_categories(tx: Transaction, *, categories: Sequence[Category]) -> None:
    """Add categories, parents before children; those that exist stay as they are."""
    await store.insert_categories(
        tx,
        (
            [c.category_id for c in categories],
            [c.parent_id for c in categories],
            [c.slug for c in categories],
            [c.name for c in categories],
            [c.translations for c in categories],
            [c.motif for c in categories],
            [c.position for c in categories],
            [c.published for c in categories],
        ),
    )


async def add_products(
    tx: Transaction, *, products: Sequence[NewProduct], by: str, reason: str
) -> list[UUID]:
    """Add many products at once (imports, set-up). Returns the ids of those that are new.

    Raises:
        asyncpg.UniqueViolationError: never; a product whose id, slug or SKU exists is passed over.
    """
    names = {c.category_id: c for c in await list_categories(tx, is_counted=False)}
    rows = [(p, p.product_id or new_id(), p.sku_id or new_id()) for p in products]
    entries = [
        index_product(
            tx.merchant_id,
            title=p.title,
            translations=p.translations,
            brand=p.brand,
            description=p.description,
            codes=(p.sku, p.gtin),
            content=p.content.text if p.content else None,
            category=names.get(p.category_id),
        )
        for p, _i, _s in rows
    ]
    made = await store.insert_products(tx, _product_columns(rows))
    new_ids = {row["product_id"] for row in made}
    fresh = [(p, product_id, sku_id) for p, product_id, sku_id in rows if product_id in new_ids]
    variants = await store.insert_variants(tx, _variant_columns(fresh))
    await search.write_entries(
        tx,
        product_ids=[product_id for _p, product_id, _s in fresh],
        documents=[entry for entry, row in zip(entries, rows, strict=True) if row[1] in new_ids],
        brands=[p.brand for p, _i, _s in fresh],
    )
    skus = {row["sku_id"] for row in variants}
    await claim_barcodes(tx, gtins=[(p.gtin, sku_id) for p, _i, sku_id in fresh if sku_id in skus], by=by)
    priced = [(p, sku_id) for p, _product_id, sku_id in fresh if p.price_minor is not None and sku_id in skus]
    now = clock.now()
    await store.insert_prices(
        tx,
        (
            [new_id() for _row in priced],
            [sku_id for _p, sku_id in priced],
            [p.currency for p, _sku_id in priced],
            [p.price_minor for p, _sku_id in priced],
            [now] * len(priced),
            [reason] * len(priced),
            [by] * len(priced),
        ),
    )
    return [product_id for _p, product_id, _sku_id in fresh]


def _product_columns(rows: Sequence[tuple[NewProduct, UUID, UUID]]) -> tuple[list[Any], ...]:
    return (
        [product_id for _p, product_id, _s in rows],
        [p.category_id for p, _i, _s in rows],
        [p.slug or make_slug(p.title, p.sku.lower()) for p, _i, _s in rows],
        [p.title for p, _i, _s in rows],
        [p.translations for p, _i, _s in rows],
        [p.brand for p, _i, _s in rows],
        [p.description for p, _i, _s in rows],
        [p.published for p, _i, _s in rows],
        [p.rank for p, _i, _s in rows],
    )


def index_product(
    merchant_id: UUID,
    *,
    title: str,
    translations: dict[str, str],
    brand: str,
    description: str,
    codes: Sequence[str | None],
    content: str | None,
    category: Category | None,
) -> search.Document:
    """What a product is found by; written with its row."""
    of_category = [category.name, *category.translations.values()] if category else []
    return search.make_document(
        merchant_id,
        titles=[title, *translations.values()],
        groups=[brand, *of_category],
        description=description,
        codes=[code for code in codes if code],
        content=content or "",
    )


def _variant_columns(rows: Sequence[tuple[NewProduct, UUID, UUID]]) -> tuple[list[Any], ...]:
    contents = [p.content or Content("") for p, _i, _s in rows]
    return (
        [sku_id for _p, _i, sku_id in rows],
        [product_id for _p, product_id, _s in rows],
        [p.sku for p, _i, _s in rows],
        [p.gtin for p, _i, _s in rows],
        [p.currency for p, _i, _s in rows],
        [p.price_minor for p, _i, _s in rows],
        [content.text or None for content in contents],
        [content.amount for content in contents],
        [content.unit for content in contents],
    )
