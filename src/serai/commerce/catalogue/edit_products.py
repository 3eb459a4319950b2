"""Edit many products at once, as imports do: one statement per table instead of one transaction per product."""

from collections.abc import Sequence
from typing import Any

from serai.commerce.catalogue import store
from serai.commerce.catalogue.add_products import index_product
from serai.commerce.catalogue.events import PriceChanged, ProductChanged
from serai.commerce.catalogue.give_barcodes import claim_barcodes
from serai.commerce.catalogue.price_bundles import reprice_bundles
from serai.commerce.catalogue.types import Category, FlatProduct
from serai.commerce.search import api as search
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id

# What a product's page edits, and therefore what makes its version grow; a price has a history of its own.
PRODUCT_FIELDS = ("title", "brand", "description", "category_id", "published")
VARIANT_FIELDS = ("gtin", "content_text", "content_amount", "content_unit")

Edit = tuple[FlatProduct, FlatProduct]


async def list_flat_products(
    tx: Transaction, *, skus: Sequence[str], lock: bool = False
) -> dict[str, FlatProduct]:
    """The products of some codes, by code. ``lock`` keeps others from editing them until the transaction ends."""
    rows = await store.list_flat_products(tx, skus, lock)
    return {row["sku"]: FlatProduct(**dict(row)) for row in rows}


async def edit_products(
    tx: Transaction, *, edits: Sequence[Edit], categories: Sequence[Category], by: str, reason: str
) -> None:
    """Write what differs in each pair of (before, after), with events and price history but without audit.

    ``before`` must come from :func:`list_flat_products` with ``lock`` in the same transaction, so that nobody's edit
    is lost, and each product may appear once. ``categories`` are all categories: products are found by their names.
    ``reason`` goes into the price history. A price may change but not vanish. The audit entry is the caller's, since
    only it knows what belongs together.
    """
    details = [edit for edit in edits if _differs(edit, PRODUCT_FIELDS + VARIANT_FIELDS)]
    prices = [edit for edit in edits if edit[1].price_minor not in (None, edit[0].price_minor)]
    if details:
        changed = [after for _before, after in details]
        entries = _index(tx, changed, categories)
        await store.update_products(tx, _product_columns(changed))
        await search.write_entries(
            tx,
            product_ids=[after.product_id for after in changed],
            documents=entries,
            brands=[after.brand for after in changed],
        )
        # A flat row knows one variant's codes; the worker adds those of the others.
        several = [after.product_id for after in changed if after.variant_count > 1]
        await search.note_stale(tx, product_ids=several, is_reworded=True)
    if edits:
        await store.update_variants(tx, _variant_columns([after for _before, after in edits]))
        recoded = [(after.gtin, after.sku_id) for before, after in edits if before.gtin != after.gtin]
        await claim_barcodes(tx, gtins=recoded, by=by)
    if prices:
        await store.insert_prices(tx, _price_columns([after for _before, after in prices], by, reason))
        await reprice_bundles(tx, part_sku_ids=[after.sku_id for _before, after in prices], by=by)
    changes = [(edit[1].product_id, _name_change(edit)) for edit in details]
    facts = [Fact(product_id, ProductChanged(product_id, change)) for product_id, change in changes]
    await append_facts(tx, facts + [_price_fact(edit) for edit in prices])


def _differs(edit: Edit, names: Sequence[str]) -> bool:
    before, after = edit
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _name_change(edit: Edit) -> str:
    before, after = edit
    if before.published == after.published:
        return "edited"
    return "published" if after.published else "unpublished"


def _price_fact(edit: Edit) -> Fact:
    before, after = edit
    if after.price_minor is None:
        raise ValueError("a price cannot vanish")
    changed = PriceChanged(
        after.sku_id, after.product_id, before.price_minor, after.price_minor, after.currency
    )
    return Fact(after.product_id, changed)


def _index(
    tx: Transaction, products: Sequence[FlatProduct], categories: Sequence[Category]
) -> list[search.Document]:
    known = {category.category_id: category for category in categories}
    return [
        index_product(
            tx.merchant_id,
            title=p.title,
            translations=p.translations,
            brand=p.brand,
            description=p.description,
            codes=(p.sku, p.gtin),
            content=p.content_text,
            category=known.get(p.category_id),
        )
        for p in products
    ]


def _product_columns(products: Sequence[FlatProduct]) -> tuple[list[Any], ...]:
    return tuple([getattr(p, name) for p in products] for name in ("product_id", *PRODUCT_FIELDS))


def _variant_columns(products: Sequence[FlatProduct]) -> tuple[list[Any], ...]:
    names = ("sku_id", *VARIANT_FIELDS, "price_minor")
    return tuple([getattr(p, name) for p in products] for name in names)


def _price_columns(products: Sequence[FlatProduct], by: str, reason: str) -> tuple[list[Any], ...]:
    count = len(products)
    return (
        [new_id() for _product in products],
        [p.sku_id for p in products],
        [p.currency for p in products],
        [p.price_minor for p in products],
        [clock.now()] * count,
        [reason] * count,
        [by] * count,
    )
