"""A shopper's search whole: the products, how they divide, and the typo that was mended so that there are any."""

from typing import Any
from uuid import UUID

from serai.commerce.catalogue.list_products import list_products, with_children
from serai.commerce.catalogue.types import Found
from serai.commerce.search import api as search
from serai.commerce.types import Page
from serai.foundation.database import Transaction

# With fewer results than this a word that nobody sells under is doubted.
FEW = 3


async def search_products(
    tx: Transaction,
    *,
    query: str,
    category_id: UUID | None = None,
    brand: str | None = None,
    min_minor: int | None = None,
    max_minor: int | None = None,
    sort: str = "relevance",
    cursor: str | None = None,
    limit: int = 24,
) -> Found:
    """Published products for a query with a word in it, narrowed and sorted, with facets.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    wanted = search.Wanted(
        category_ids=tuple(await with_children(tx, category_id)) if category_id else None,
        brand=brand,
        min_minor=min_minor,
        max_minor=max_minor,
    )
    facets = await _count(tx, query, wanted)
    instead_of = meant = None
    if facets.seen < FEW:
        meant = await search.find_correction(tx, text=query)
    if meant is not None:
        mended = await _count(tx, meant, wanted)
        if not mended.seen:
            meant = None
        elif not facets.seen:
            instead_of, query, facets, meant = query, meant, mended, None
    page: Page[Any] = Page(())
    if facets.seen:
        page = await list_products(
            tx,
            query=query,
            category_id=category_id,
            brand=brand,
            min_minor=min_minor,
            max_minor=max_minor,
            sort=sort,
            cursor=cursor,
            limit=limit,
        )
    return Found(page=page, query=query, facets=facets, instead_of=instead_of, meant=meant)


async def _count(tx: Transaction, text: str, wanted: search.Wanted) -> search.Facets:
    query = await search.prepare_query(tx, text)
    return await search.count_facets(tx, query=query, wanted=wanted) if query else search.Facets()
