"""Make and edit one product: checks, version, audit, events; and its price, whose history only grows."""

from typing import Any
from uuid import UUID

from serai.commerce.catalogue import store, write_variants
from serai.commerce.catalogue.add_products import add_products, index_product
from serai.commerce.catalogue.events import PriceChanged, ProductChanged
from serai.commerce.catalogue.give_barcodes import list_barcodes, list_codes, refuse_taken, replace_gtin
from serai.commerce.catalogue.load_product import build_product, build_variant, find_category, load_product
from serai.commerce.catalogue.logic import parse_content
from serai.commerce.catalogue.parse_barcode import parse_gtin
from serai.commerce.catalogue.price_bundles import reprice_bundles
from serai.commerce.catalogue.types import NewProduct, PriceEntry, Product, Variant
from serai.commerce.search import api as search
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit

MAX_PRICE_MINOR = 10**12


async def create_product(tx: Transaction, *, product: NewProduct, by: str) -> Product:
    """Make one product, with audit and event.

    Raises:
        Invalid: ``product.title_missing``, ``product.sku_missing``, ``product.price_invalid``, ``product.gtin_invalid``.
        NotFound: ``category.unknown``.
        Conflict: ``product.sku_taken``, ``product.barcode_taken``.
    """
    _check_texts(product.title, product.sku)
    check_price(product.price_minor)
    if product.gtin and (owner := await write_variants.find_barcode(tx, parse_gtin(product.gtin))):
        raise await refuse_taken(tx, owner)
    if await find_category(tx, category_id=product.category_id) is None:
        raise NotFound("category.unknown", _("There is no such category."), field="category_id")
    if await store.list_skus(tx, [product.sku]):
        raise Conflict("product.sku_taken", _("Another product has this SKU already."), field="sku")
    made = await add_products(tx, products=[product], by=by, reason="first price")
    if not made:
        raise Conflict("product.sku_taken", _("Another product has this SKU already."), field="sku")
    await append_facts(tx, [Fact(made[0], ProductChanged(made[0], "created"))])
    await audit.record(
        tx,
        actor=by,
        action="product.created",
        subject_kind="product",
        subject_id=made[0],
        after={"title": product.title, "sku": product.sku, "price_minor": product.price_minor},
    )
    return await load_product(tx, product_id=made[0])


def _check_texts(title: str, sku: str) -> None:
    if not title.strip() or len(title) > 200:
        raise Invalid(
            "product.title_missing", _("Please give a title of at most 200 characters."), field="title"
        )
    if not sku.strip() or len(sku) > 60:
        raise Invalid("product.sku_missing", _("Please give a SKU of at most 60 characters."), field="sku")


def check_price(amount_minor: int | None) -> None:
    """Invalid ``product.price_invalid`` unless the price is none or an amount from zero to the limit."""
    if amount_minor is not None and not 0 <= amount_minor <= MAX_PRICE_MINOR:
        raise Invalid("product.price_invalid", _("That price is not possible."), field="price")


async def edit_product(
    tx: Transaction,
    *,
    product_id: UUID,
    version: int,
    by: str,
    title: str | None = None,
    translations: dict[str, str] | None = None,
    brand: str | None = None,
    description: str | None = None,
    category_id: UUID | None = None,
    gtin: str | None = None,
    content_text: str | None = None,
    published: bool | None = None,
) -> Product:
    """Change what is given (None leaves a field as it is), if nobody edited the product since ``version``.

    Raises:
        NotFound: ``product.unknown``, ``category.unknown``.
        Conflict: ``product.edited_meanwhile`` with the present ``version``; ``product.barcode_taken``.
        Invalid: ``product.title_missing``, ``product.gtin_invalid``.
    """
    before = await lock_version(tx, product_id, version)
    category = await find_category(tx, category_id=category_id or before.category_id)
    if category is None:
        raise NotFound("category.unknown", _("There is no such category."), field="category_id")
    after: dict[str, Any] = {
        "title": before.title if title is None else title.strip(),
        "translations": before.translations if translations is None else translations,
        "brand": before.brand if brand is None else brand.strip()[:100],
        "description": before.description if description is None else description.strip()[:10_000],
        "category_id": category.category_id,
        "published": before.published if published is None else published,
    }
    old = {name: getattr(before, name) for name in after}
    variant = before.variants[0] if before.variants else None
    new_gtin = variant.gtin if variant and gtin is None else (gtin or "").strip() or None
    _check_texts(after["title"], variant.sku if variant else "-")
    barcodes = await list_barcodes(tx, sku_ids=[v.sku_id for v in before.variants])
    entry = index_product(
        tx.merchant_id,
        title=after["title"],
        translations=after["translations"],
        brand=after["brand"],
        description=after["description"],
        codes=[*list_codes(before.variants, barcodes), new_gtin],
        content=(variant.content_text if variant else None) if content_text is None else content_text,
        category=category,
    )
    await store.update_product(tx, product_id, tuple(after.values()))
    await search.write_entries(tx, product_ids=[product_id], documents=[entry], brands=[after["brand"]])
    if variant:
        content = await _edit_variant(tx, variant, new_gtin, content_text)
        if new_gtin != variant.gtin:
            await replace_gtin(tx, variant=variant, gtin=new_gtin or "", by=by)
        old |= {"gtin": variant.gtin, "content_text": variant.content_text}
        after |= {"gtin": new_gtin, "content_text": content}
    await _record_edit(tx, product_id, by, old, after)
    return await load_product(tx, product_id=product_id)


async def lock_version(tx: Transaction, product_id: UUID, version: int) -> Product:
    """The product, locked, if nobody edited it since ``version``.

    Raises:
        NotFound: ``product.unknown``.
        Conflict: ``product.edited_meanwhile`` with the present ``version``.
    """
    row = await store.lock_product(tx, product_id)
    if row is None:
        raise NotFound("product.unknown", _("There is no such product."))
    product = await build_product(tx, row)
    if product.version != version:
        raise Conflict(
            "product.edited_meanwhile",
            _("Somebody else has edited this product meanwhile. Please look at it again."),
            version=product.version,
        )
    return product


async def _edit_variant(
    tx: Transaction, variant: Variant, gtin: str | None, content_text: str | None
) -> str | None:
    """Write the variant's codes and content; returns the content's text as it stands then."""
    kept = (variant.content_text, variant.content_amount, variant.content_unit)
    if content_text is not None:
        content = parse_content(content_text)
        kept = (content.text, content.amount, content.unit) if content else (None, None, None)
    await store.update_variant(tx, variant.sku_id, (variant.sku, gtin, *kept))
    return kept[0]


async def _record_edit(
    tx: Transaction, product_id: UUID, by: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    changed = [name for name in after if before.get(name) != after[name]]
    if not changed:
        return
    change = "edited"
    if "published" in changed:
        change = "published" if after["published"] else "unpublished"
    await append_facts(tx, [Fact(product_id, ProductChanged(product_id, change))])
    await audit.record(
        tx,
        actor=by,
        action=f"product.{change}",
        subject_kind="product",
        subject_id=product_id,
        before={name: before.get(name) for name in changed},
        after={name: after[name] for name in changed},
    )


async def publish_product(tx: Transaction, *, product_id: UUID, by: str, published: bool = True) -> Product:
    """Show the product in the shop, or take it out of it."""
    product = await load_product(tx, product_id=product_id)
    if product.published == published:
        return product
    return await edit_product(tx, product_id=product_id, version=product.version, by=by, published=published)


async def set_price(tx: Transaction, *, sku_id: UUID, amount_minor: int, reason: str, by: str) -> PriceEntry:
    """Give a variant a new price from now on; the old one stays in the history.

    Raises:
        NotFound: ``product.unknown``.
        Invalid: ``product.price_invalid``.
    """
    check_price(amount_minor)
    row = await store.lock_variant(tx, sku_id)
    if row is None:
        raise NotFound("product.unknown", _("There is no such product."))
    variant = build_variant(row)
    now = clock.now()
    entry = PriceEntry(
        new_id(), sku_id, variant.currency, amount_minor, now, " ".join(reason.split())[:200] or "-", by, now
    )
    await store.insert_prices(
        tx,
        (
            [entry.price_id],
            [sku_id],
            [entry.currency],
            [amount_minor],
            [now],
            [entry.reason],
            [by],
        ),
    )
    await store.update_price(tx, sku_id, amount_minor)
    changed = PriceChanged(sku_id, variant.product_id, variant.price_minor, amount_minor, variant.currency)
    await append_facts(tx, [Fact(variant.product_id, changed)])
    await audit.record(
        tx,
        actor=by,
        action="price.changed",
        subject_kind="product",
        subject_id=variant.product_id,
        before={"price_minor": variant.price_minor},
        after={"price_minor": amount_minor, "currency": variant.currency, "reason": entry.reason},
    )
    await reprice_bundles(tx, part_sku_ids=[sku_id], by=by)
    return entry
