"""The catalogue: lists, search, prices; finding and editing live in files of their own and are offered here too."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.catalogue import store, write_variants
from serai.commerce.catalogue.add_products import add_categories, add_products
from serai.commerce.catalogue.copy_product import copy_product
from serai.commerce.catalogue.edit_attributes import (
    count_attribute_uses,
    delete_attribute,
    list_attributes,
    list_category_sets,
    mark_of,
    save_attribute,
    set_category_attributes,
)
from serai.commerce.catalogue.edit_bulk import BulkChange, BulkOutcome, BulkRow, apply_bulk, plan_bulk
from serai.commerce.catalogue.edit_bundle import find_bundle, set_bundle
from serai.commerce.catalogue.edit_facts import (
    CHANNELS,
    load_channels,
    set_channels,
    set_facts,
    set_variant_facts,
    show_value,
)
from serai.commerce.catalogue.edit_product import (
    MAX_PRICE_MINOR,
    check_price,
    create_product,
    edit_product,
    publish_product,
    set_price,
)
from serai.commerce.catalogue.edit_products import edit_products, list_flat_products
from serai.commerce.catalogue.edit_variants import (
    add_barcode,
    add_variants,
    edit_variant,
    fill_matrix,
    remove_barcode,
    set_options,
)
from serai.commerce.catalogue.give_barcodes import find_scanned, list_barcodes
from serai.commerce.catalogue.list_chains import list_category_chains
from serai.commerce.catalogue.list_channel import (
    list_channel_products,
    list_channel_states,
    list_hidden,
)
from serai.commerce.catalogue.list_products import (
    count_products,
    find_cards,
    list_brands,
    list_featured,
    list_products,
    make_wanted,
    suggest,
)
from serai.commerce.catalogue.load_product import (
    find_category,
    find_product,
    find_variant,
    list_categories,
    load_product,
    load_variant,
)
from serai.commerce.catalogue.logic import make_slug, parse_content
from serai.commerce.catalogue.parse_barcode import Scan, name_code, parse_gtin, parse_scan
from serai.commerce.catalogue.price_bundles import load_parts, reprice_bundles, spread_price, sum_parts
from serai.commerce.catalogue.search_products import search_products
from serai.commerce.catalogue.types import (
    Attribute,
    Barcode,
    Bundle,
    BundlePart,
    Category,
    Content,
    FlatProduct,
    NewProduct,
    NewVariant,
    PriceEntry,
    Product,
    ProductCard,
    ProductOption,
    SaleItem,
    Variant,
    VariantEdit,
)
from serai.foundation.database import Transaction

__all__ = [
    "CHANNELS",
    "MAX_PRICE_MINOR",
    "Attribute",
    "Barcode",
    "BulkChange",
    "BulkOutcome",
    "BulkRow",
    "Bundle",
    "BundlePart",
    "Category",
    "Content",
    "FlatProduct",
    "NewProduct",
    "NewVariant",
    "PriceEntry",
    "Product",
    "ProductCard",
    "ProductOption",
    "SaleItem",
    "Scan",
    "Variant",
    "VariantEdit",
    "add_barcode",
    "add_categories",
    "add_products",
    "add_variants",
    "apply_bulk",
    "check_price",
    "copy_product",
    "count_attribute_uses",
    "create_product",
    "delete_attribute",
    "edit_product",
    "edit_products",
    "edit_variant",
    "fill_matrix",
    "find_bundle",
    "find_category",
    "find_product",
    "find_scanned",
    "find_variant",
    "list_attributes",
    "list_barcodes",
    "list_categories",
    "list_category_chains",
    "list_category_sets",
    "list_channel_products",
    "list_channel_states",
    "list_hidden",
    "list_flat_products",
    "load_channels",
    "load_parts",
    "load_product",
    "load_variant",
    "make_slug",
    "mark_of",
    "name_code",
    "parse_content",
    "parse_gtin",
    "parse_scan",
    "plan_bulk",
    "publish_product",
    "remove_barcode",
    "reprice_bundles",
    "save_attribute",
    "set_bundle",
    "set_category_attributes",
    "set_channels",
    "set_facts",
    "set_options",
    "set_price",
    "set_variant_facts",
    "show_value",
    "spread_price",
    "sum_parts",
    "count_products",
    "find_cards",
    "list_brands",
    "list_featured",
    "list_products",
    "make_wanted",
    "search_products",
    "suggest",
]


async def list_product_skus(tx: Transaction, *, product_ids: Sequence[UUID]) -> list[str]:
    """The codes of some products' variants, in the products' order."""
    return [row["sku"] for row in await write_variants.list_skus_of(tx, product_ids)]


async def list_sale_items(
    tx: Transaction, *, sku_ids: Sequence[UUID], channel: str = "web"
) -> dict[UUID, SaleItem]:
    """What selling on a channel needs of some variants, by id; one that the product says nothing of follows the web."""

    async def load(missing: list[UUID]) -> dict[UUID, tuple[SaleItem, tuple[UUID, ...]]]:
        rows = await store.list_sale_items(tx, missing, channel)
        return {row["sku_id"]: (SaleItem(*row.values()), (row["sku_id"], row["product_id"])) for row in rows}

    return await tx.keep(f"sale item {channel}", sku_ids, load)


async def list_prices(tx: Transaction, *, sku_id: UUID, limit: int = 100) -> list[PriceEntry]:
    """The price's history, the newest first."""
    return [PriceEntry(*row.values()) for row in await store.list_prices(tx, sku_id, limit)]


async def find_skus(tx: Transaction, *, skus: Sequence[str]) -> dict[str, tuple[UUID, UUID]]:
    """Which of these codes exist: code to (sku_id, product_id)."""
    return {row["sku"]: (row["sku_id"], row["product_id"]) for row in await store.list_skus(tx, skus)}
