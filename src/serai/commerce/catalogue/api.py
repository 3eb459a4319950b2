"""The catalogue: categories, lists and search, products, prices; and how they are made and edited."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue import store
from serai.commerce.catalogue.events import PriceChanged, ProductChanged
from serai.commerce.catalogue.logic import (
    decode_cursor,
    encode_cursor,
    make_slug,
    parse_content,
    search_query,
    search_words,
)
from serai.commerce.catalogue.types import (
    Category,
    Content,
    NewProduct,
    PriceEntry,
    Product,
    ProductCard,
    SaleItem,
    Variant,
    unit_price,
)
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit

__all__ = [
    "Category",
    "Content",
    "NewProduct",
    "PriceEntry",
    "Product",
    "ProductCard",
    "SaleItem",
    "Variant",
    "parse_content",
]

MAX_PAGE = 100
MAX_QUERY = 200
MAX_PRICE_MINOR = 10**12
SORTS = ("relevance", "price", "-price", "title", "newest", "rank")


async def list_categories(tx: Transaction) -> list[Category]:
    """All categories, departments first, each with its number of published products (its own, not its children's)."""
    return [Category(*row.values()) for row in await store.list_categories(tx)]


async def find_category(
    tx: Transaction, *, slug: str | None = None, category_id: UUID | None = None
) -> Category | None:
    """One category by its slug or id."""
    for category in await list_categories(tx):
        if category.slug == slug or category.category_id == category_id:
            return category
    return None


async def _with_children(tx: Transaction, category_id: UUID) -> list[UUID]:
    categories = await list_categories(tx)
    return [category_id] + [c.category_id for c in categories if c.parent_id == category_id]


async def list_products(
    tx: Transaction,
    *,
    category_id: UUID | None = None,
    query: str = "",
    brand: str | None = None,
    min_minor: int | None = None,
    max_minor: int | None = None,
    published: bool | None = True,
    sort: str = "relevance",
    cursor: str | None = None,
    limit: int = 24,
) -> Page[ProductCard]:
    """A page of products: of a category and its children, found by words, filtered, sorted.

    ``relevance`` without a query sorts by how well products sell. An unknown sort is taken as ``relevance``.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    expression = search_query(query[:MAX_QUERY])
    if query.strip() and expression is None:
        return Page(())
    if sort not in SORTS or (sort == "relevance" and expression is None):
        sort = "rank"
    after = decode_cursor(cursor, str if sort == "title" else int)
    limit = max(1, min(limit, MAX_PAGE))
    rows = await store.list_cards(
        tx,
        sort=sort,
        query=expression,
        category_ids=await _with_children(tx, category_id) if category_id else None,
        brand=brand,
        min_minor=min_minor,
        max_minor=max_minor,
        published=published,
        after=(after.key, after.item_id) if after else None,
        limit=limit + 1,
    )
    cards = tuple(_card(row[1:]) for row in rows[:limit])
    more = encode_cursor(rows[limit - 1]["sort_key"], cards[-1].product_id) if len(rows) > limit else None
    return Page(cards, more)


def _card(row: Sequence[Any]) -> ProductCard:
    price_minor, amount, unit = row[8], row[11], row[12]
    per_minor, per = unit_price(price_minor, amount, unit)
    return ProductCard(*row[:9], row[9] or "", row[10], per_minor, per, *row[13:])


async def count_products(
    tx: Transaction,
    *,
    category_id: UUID | None = None,
    query: str = "",
    brand: str | None = None,
    min_minor: int | None = None,
    max_minor: int | None = None,
    published: bool | None = True,
    limit: int = 10_000,
) -> int:
    """How many products a list has, counted up to ``limit``."""
    expression = search_query(query[:MAX_QUERY])
    if query.strip() and expression is None:
        return 0
    return await store.count_cards(
        tx,
        query=expression,
        category_ids=await _with_children(tx, category_id) if category_id else None,
        brand=brand,
        min_minor=min_minor,
        max_minor=max_minor,
        published=published,
        limit=limit,
    )


async def suggest(tx: Transaction, *, query: str, limit: int = 8) -> list[ProductCard]:
    """The best products for the beginning of a search."""
    if len(query.strip()) < 1:
        return []
    return list((await list_products(tx, query=query, limit=limit)).items)


async def list_featured(
    tx: Transaction, *, category_id: UUID | None = None, limit: int = 12
) -> list[ProductCard]:
    """What sells best, of everything or of a category."""
    return list((await list_products(tx, category_id=category_id, limit=limit)).items)


async def list_brands(tx: Transaction, *, category_id: UUID, limit: int = 30) -> list[tuple[str, int]]:
    """Brands of a category with their numbers of products, the largest first."""
    rows = await store.list_brands(tx, await _with_children(tx, category_id), limit)
    return [(row["brand"], row["products"]) for row in rows]


async def find_cards(tx: Transaction, *, product_ids: Sequence[UUID]) -> list[ProductCard]:
    """Cards in the order of the ids; unknown ids are left out."""
    found = {row[0]: _card(row) for row in await store.find_cards(tx, product_ids)}
    return [found[product_id] for product_id in product_ids if product_id in found]


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
    return await _product(tx, row) if row else None


async def _product(tx: Transaction, row: Any) -> Product:
    variants = await store.list_variants(tx, [row["product_id"]])
    return Product(*row.values(), variants=tuple(Variant(*v.values()) for v in variants))


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
    return Variant(*row.values()) if row else None


async def load_variant(tx: Transaction, *, sku_id: UUID) -> Variant:
    """A variant. NotFound ``product.unknown``."""
    variant = await find_variant(tx, sku_id=sku_id)
    if variant is None:
        raise NotFound("product.unknown", _("There is no such product."))
    return variant


async def list_sale_items(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, SaleItem]:
    """What selling needs of some variants, by id."""
    return {row["sku_id"]: SaleItem(*row.values()) for row in await store.list_sale_items(tx, sku_ids)}


async def list_prices(tx: Transaction, *, sku_id: UUID, limit: int = 100) -> list[PriceEntry]:
    """The price's history, the newest first."""
    return [PriceEntry(*row.values()) for row in await store.list_prices(tx, sku_id, limit)]


async def find_skus(tx: Transaction, *, skus: Sequence[str]) -> dict[str, tuple[UUID, UUID]]:
    """Which of these codes exist: code to (sku_id, product_id)."""
    return {row["sku"]: (row["sku_id"], row["product_id"]) for row in await store.list_skus(tx, skus)}


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
    names = {c.category_id: c for c in await list_categories(tx)}
    rows = [(p, p.product_id or new_id(), p.sku_id or new_id()) for p in products]
    made = await store.insert_products(tx, _product_columns(rows, names))
    new_ids = {row["product_id"] for row in made}
    fresh = [(p, product_id, sku_id) for p, product_id, sku_id in rows if product_id in new_ids]
    variants = await store.insert_variants(tx, _variant_columns(fresh))
    skus = {row["sku_id"] for row in variants}
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


def _product_columns(
    rows: Sequence[tuple[NewProduct, UUID, UUID]], categories: dict[UUID, Category]
) -> tuple[list[Any], ...]:
    words = [
        _search_columns(
            p.title, p.translations, p.brand, p.description, p.sku, p.gtin, categories.get(p.category_id)
        )
        for p, _i, _s in rows
    ]
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
        *([w[i] for w in words] for i in range(4)),
    )


def _search_columns(
    title: str,
    translations: dict[str, str],
    brand: str,
    description: str,
    sku: str,
    gtin: str | None,
    category: Category | None,
) -> tuple[str, str, str, str]:
    """The texts under which a product is found, most telling first (weights A to D)."""
    of_category = " ".join([category.name, *category.translations.values()]) if category else ""
    return (
        " ".join(search_words(" ".join([title, *translations.values()]))),
        " ".join(search_words(f"{brand} {of_category}")),
        " ".join(search_words(description[:2000])),
        " ".join(search_words(f"{sku} {gtin or ''}")),
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


async def create_product(tx: Transaction, *, product: NewProduct, by: str) -> Product:
    """Make one product, with audit and event.

    Raises:
        Invalid: ``product.title_missing``, ``product.sku_missing``, ``product.price_invalid``.
        NotFound: ``category.unknown``.
        Conflict: ``product.sku_taken``.
    """
    _check_texts(product.title, product.sku)
    check_price(product.price_minor)
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
        Conflict: ``product.edited_meanwhile`` with the present ``version``.
    """
    row = await store.lock_product(tx, product_id)
    if row is None:
        raise NotFound("product.unknown", _("There is no such product."))
    before = await _product(tx, row)
    if before.version != version:
        raise Conflict(
            "product.edited_meanwhile",
            _("Somebody else has edited this product meanwhile. Please look at it again."),
            version=before.version,
        )
    category = await find_category(tx, category_id=category_id or before.category_id)
    if category is None:
        raise NotFound("category.unknown", _("There is no such category."), field="category_id")
    variant = before.variants[0] if before.variants else None
    after = {
        "title": before.title if title is None else title.strip(),
        "translations": before.translations if translations is None else translations,
        "brand": before.brand if brand is None else brand.strip()[:100],
        "description": before.description if description is None else description.strip()[:10_000],
        "category_id": category.category_id,
        "published": before.published if published is None else published,
    }
    sku, new_gtin = (
        (variant.sku, variant.gtin if gtin is None else gtin.strip() or None) if variant else ("-", None)
    )
    _check_texts(after["title"], sku)
    words = _search_columns(
        after["title"], after["translations"], after["brand"], after["description"], sku, new_gtin, category
    )
    await store.update_product(tx, product_id, (*after.values(), *words))
    if variant:
        content = parse_content(content_text) if content_text is not None else None
        text, amount, unit = (
            (variant.content_text, variant.content_amount, variant.content_unit)
            if content_text is None
            else (content.text, content.amount, content.unit)
            if content
            else (None, None, None)
        )
        await store.update_variant(tx, variant.sku_id, (sku, new_gtin, text, amount, unit))
        after |= {"gtin": new_gtin, "content_text": text}
    old = {name: getattr(before, name, None) for name in after}
    if variant:
        old |= {"gtin": variant.gtin, "content_text": variant.content_text}
    await _record_edit(tx, product_id, by, old, after)
    return await load_product(tx, product_id=product_id)


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
    variant = Variant(*row.values())
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
    return entry
