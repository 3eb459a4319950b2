"""Lists of products: of a category, found by words, what sells best; narrowed, sorted, page by page."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue import store
from serai.commerce.catalogue.load_product import list_categories
from serai.commerce.catalogue.logic import decode_cursor, encode_cursor
from serai.commerce.catalogue.types import AttributeValue, ProductCard, unit_price
from serai.commerce.search import api as search
from serai.commerce.search.types import fact_text
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _

MAX_PAGE = 100
MAX_QUERY = 200
SORTS = ("relevance", "price", "-price", "title", "newest", "rank", "discount")


async def with_children(tx: Transaction, category_id: UUID) -> list[UUID]:
    """The category's id and those of its children."""
    categories = await list_categories(tx, is_counted=False)
    return [category_id] + [c.category_id for c in categories if c.parent_id == category_id]


async def make_wanted(
    tx: Transaction,
    *,
    category_id: UUID | None = None,
    brands: Sequence[str] = (),
    attributes: Mapping[str, Sequence[AttributeValue]] | None = None,
    min_minor: int | None = None,
    max_minor: int | None = None,
    published: bool | None = True,
) -> search.Wanted:
    """What a list is narrowed to: a category with its children, any of some brands, for each attribute (by its code) any
    of some values, and a range of the price that everybody pays now.

    Raises:
        Invalid: ``list.choice_invalid``; no brand or value can be written so.
    """
    chosen = [*brands, *(fact_text(value) for values in (attributes or {}).values() for value in values)]
    if any("\0" in text for text in (*chosen, *(attributes or ()))):
        raise Invalid("list.choice_invalid", _("This list cannot be narrowed by that."))
    return search.Wanted(
        category_ids=tuple(await with_children(tx, category_id)) if category_id else None,
        brands=tuple(brands),
        attributes=tuple(
            (code, tuple(fact_text(value) for value in values))
            for code, values in (attributes or {}).items()
            if values
        ),
        min_minor=min_minor,
        max_minor=max_minor,
        published=published,
    )


async def list_products(
    tx: Transaction,
    *,
    category_id: UUID | None = None,
    query: str = "",
    brand: str | None = None,
    brands: Sequence[str] = (),
    attributes: Mapping[str, Sequence[AttributeValue]] | None = None,
    min_minor: int | None = None,
    max_minor: int | None = None,
    published: bool | None = True,
    sort: str = "relevance",
    cursor: str | None = None,
    limit: int = 24,
) -> Page[ProductCard]:
    """A page of products: of a category and its children, found by words, filtered, sorted; sold-out ones last.

    ``relevance`` without a query sorts by how well products sell. An unknown sort is taken as ``relevance``.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    wanted = await make_wanted(
        tx,
        category_id=category_id,
        brands=[brand, *brands] if brand else brands,
        attributes=attributes,
        min_minor=min_minor,
        max_minor=max_minor,
        published=published,
    )
    return await list_wanted(tx, query=query, wanted=wanted, sort=sort, cursor=cursor, limit=limit)


async def list_wanted(
    tx: Transaction, *, query: str, wanted: search.Wanted, sort: str, cursor: str | None, limit: int
) -> Page[ProductCard]:
    """A page of what is wanted, as :func:`list_products`."""
    prepared = await search.prepare_query(tx, query[:MAX_QUERY])
    if query.strip() and prepared is None:
        return Page(())
    if sort not in SORTS or (sort == "relevance" and prepared is None):
        sort = "rank"
    limit = max(1, min(limit, MAX_PAGE))
    if sort == "title":
        return await _list_titled(tx, prepared, wanted, cursor, limit)
    after = decode_cursor(cursor, int)
    place = (int(after.key), after.item_id) if after else None
    if sort == "relevance" and prepared is not None:
        hits = await search.find_products(tx, query=prepared, wanted=wanted, after=place, limit=limit)
    else:
        hits = await search.list_sorted(
            tx, query=prepared, wanted=wanted, sort=sort, after=place, limit=limit
        )
    cards = await find_cards(tx, product_ids=[hit.product_id for hit in hits.items])
    last = hits.items[-1] if hits.has_more else None
    return Page(tuple(cards), encode_cursor(last.sort_key, last.product_id) if last else None)


async def _list_titled(
    tx: Transaction, query: search.Query | None, wanted: search.Wanted, cursor: str | None, limit: int
) -> Page[ProductCard]:
    """A page in the order of titles, whose keys are texts."""
    after = decode_cursor(cursor, str)
    has_match = query is not None or wanted.brands or wanted.attributes
    rows = await store.list_titled(
        tx,
        search.narrow(tx.merchant_id, query.match if query else None, wanted) if has_match else None,
        wanted.category_ids,
        wanted.min_minor,
        wanted.max_minor,
        wanted.published,
        (str(after.key), after.item_id) if after else None,
        limit + 1,
    )
    cards = await find_cards(tx, product_ids=[row["product_id"] for row in rows[:limit]])
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(tuple(cards), encode_cursor(last["sort_key"], last["product_id"]) if last else None)


def _card(row: Sequence[Any]) -> ProductCard:
    price_minor, amount, unit = row[8], row[11], row[12]
    per_minor, per = unit_price(price_minor, amount, unit)
    return ProductCard(*(*row[:9], row[9] or "", row[10], per_minor, per, *row[13:]))


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
    prepared = await search.prepare_query(tx, query[:MAX_QUERY])
    if query.strip() and prepared is None:
        return 0
    wanted = await make_wanted(
        tx,
        category_id=category_id,
        brands=[brand] if brand else (),
        min_minor=min_minor,
        max_minor=max_minor,
        published=published,
    )
    return await search.count_found(tx, query=prepared, wanted=wanted, limit=limit)


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
    wanted = await make_wanted(tx, category_id=category_id)
    facets = await search.count_facets(tx, match=None, wanted=wanted)
    return list(facets.brands[:limit])


async def find_cards(tx: Transaction, *, product_ids: Sequence[UUID]) -> list[ProductCard]:
    """Cards in the order of the ids; unknown ids are left out."""
    found = {row[0]: _card(row) for row in await store.find_cards(tx, product_ids)}
    return [found[product_id] for product_id in product_ids if product_id in found]
