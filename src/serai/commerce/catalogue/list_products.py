"""Lists of products: of a category, found by words, what sells best; narrowed, sorted, page by page."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue import store
from serai.commerce.catalogue.load_product import list_categories
from serai.commerce.catalogue.logic import Cursor, decode_cursor, encode_cursor
from serai.commerce.catalogue.types import ProductCard, unit_price
from serai.commerce.search import api as search
from serai.commerce.types import Page
from serai.foundation.database import Transaction

MAX_PAGE = 100
MAX_QUERY = 200
SORTS = ("relevance", "price", "-price", "title", "newest", "rank")


async def with_children(tx: Transaction, category_id: UUID) -> list[UUID]:
    """The category's id and those of its children."""
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
    prepared = await search.prepare_query(tx, query[:MAX_QUERY])
    if query.strip() and prepared is None:
        return Page(())
    if sort not in SORTS or (sort == "relevance" and prepared is None):
        sort = "rank"
    after = decode_cursor(cursor, str if sort == "title" else int)
    limit = max(1, min(limit, MAX_PAGE))
    category_ids = await with_children(tx, category_id) if category_id else None
    if sort == "relevance" and prepared is not None:
        wanted = search.Wanted(
            category_ids=tuple(category_ids) if category_ids else None,
            brand=brand,
            min_minor=min_minor,
            max_minor=max_minor,
            published=published,
        )
        return await _list_relevant(tx, prepared, wanted, after, limit)
    rows = await store.list_cards(
        tx,
        sort=sort,
        query=prepared.match if prepared else None,
        category_ids=category_ids,
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


async def _list_relevant(
    tx: Transaction, query: search.Query, wanted: search.Wanted, after: Cursor | None, limit: int
) -> Page[ProductCard]:
    """A page in the order of how well products answer the query."""
    place = (int(after.key), after.item_id) if after else None
    hits = await search.find_products(tx, query=query, wanted=wanted, after=place, limit=limit)
    cards = await find_cards(tx, product_ids=[hit.product_id for hit in hits.items])
    last = hits.items[-1] if hits.has_more else None
    return Page(tuple(cards), encode_cursor(last.sort_key, last.product_id) if last else None)


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
    return await store.count_cards(
        tx,
        query=prepared.match if prepared else None,
        category_ids=await with_children(tx, category_id) if category_id else None,
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
    rows = await store.list_brands(tx, await with_children(tx, category_id), limit)
    return [(row["brand"], row["products"]) for row in rows]


async def find_cards(tx: Transaction, *, product_ids: Sequence[UUID]) -> list[ProductCard]:
    """Cards in the order of the ids; unknown ids are left out."""
    found = {row[0]: _card(row) for row in await store.find_cards(tx, product_ids)}
    return [found[product_id] for product_id in product_ids if product_id in found]
