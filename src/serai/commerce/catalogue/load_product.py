"""Find and load categories, products and variants."""

from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue import store
from serai.commerce.catalogue.types import Category, Product, ProductOption, Variant
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _


async def list_categories(tx: Transaction, *, is_counted: bool = True) -> list[Category]:
    """All categories, departments first, each with its number of published products (its own, not its children's).

    To count means to walk over all products, so who needs no numbers asks for none (``is_counted=False``, all are 0).
    """
    return [Category(*row.values()) for row in await store.list_categories(tx, is_counted)]


async def find_category(
    tx: Transaction, *, slug: str | None = None, category_id: UUID | None = None
) -> Category | None:
    """One category by its slug or id; its products are not counted."""
    for category in await list_categories(tx, is_counted=False):
        if category.slug == slug or category.category_id == category_id:
            return category
    return None


async def find_product(
    tx: Transaction,
    *,
    slug: str | None = None,
    product_id: UUID | None = None,
    published: bool | None = True,
) -> Product | None:
    """A product with its variants. ``published=None`` finds unpublished ones too."""
    if slug is None and product_id is None:
        return None
    row = await store.find_product(tx, slug, product_id, published)
    return await build_product(tx, row) if row else None


async def build_product(tx: Transaction, row: Any) -> Product:
    """A product's row with its variants."""
    variants = await store.list_variants(tx, [row["product_id"]])
    values = dict(row)
    values["options"] = msgspec.convert(values["options"], tuple[ProductOption, ...])
    values["tags"] = tuple(values["tags"])
    return Product(**values, variants=tuple(build_variant(v) for v in variants))


def build_variant(row: Any) -> Variant:
    """A variant's row."""
    variant = Variant(*row.values())
    return msgspec.structs.replace(variant, choices=tuple(variant.choices))


async def load_product(tx: Transaction, *, product_id: UUID, published: bool | None = None) -> Product:
    """A product. NotFound ``product.unknown``."""
    product = await find_product(tx, product_id=product_id, published=published)
    if product is None:
        raise NotFound("product.unknown", _("There is no such product."))
    return product


async def find_variant(
    tx: Transaction, *, sku_id: UUID | None = None, sku: str | None = None
) -> Variant | None:
    """A variant by id or by its code."""
    if sku_id is None and sku is None:
        return None
    row = await store.find_variant(tx, sku_id, sku)
    return build_variant(row) if row else None


async def load_variant(tx: Transaction, *, sku_id: UUID) -> Variant:
    """A variant. NotFound ``product.unknown``."""
    variant = await find_variant(tx, sku_id=sku_id)
    if variant is None:
        raise NotFound("product.unknown", _("There is no such product."))
    return variant
