"""A shopper's search whole: the products, how they divide, and the typo that was mended so that there are any."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue.list_products import list_wanted, make_wanted
from serai.commerce.catalogue.types import AttributeValue, Found
from serai.commerce.search import api as search
from serai.commerce.types import Page
from serai.foundation.database import Transaction

# With fewer results than this a word that nobody sells under is doubted.
FEW = 3


async def search_products(
    tx: Transaction,
    *,
    query: str = "",
    category_id: UUID | None = None,
    brands: Sequence[str] = (),
    attributes: Mapping[str, Sequence[AttributeValue]] | None = None,
    min_minor: int | None = None,
    max_minor: int | None = None,
    sort: str = "relevance",
    cursor: str | None = None,
    limit: int = 24,
) -> Found:
    """Published products for a query, narrowed and sorted, with facets. Without any query it is a walk through the shop
    or a category; a query without a word in it finds nothing.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    wanted = await make_wanted(
        tx,
        category_id=category_id,
        brands=brands,
        attributes=attributes,
        min_minor=min_minor,
        max_minor=max_minor,
    )
    facets = await _count(tx, query, wanted)
    instead_of = meant = None
    if query and facets.seen < FEW:
        meant = await search.find_correction(tx, text=query)
    if meant is not None:
        mended = await _count(tx, meant, wanted)
        if not mended.seen:
            meant = None
        elif not facets.seen:
            instead_of, query, facets, meant = query, meant, mended, None
    page: Page[Any] = Page(())
    if facets.seen:
        page = await list_wanted(tx, query=query, wanted=wanted, sort=sort, cursor=cursor, limit=limit)
    return Found(page=page, query=query, facets=facets, instead_of=instead_of, meant=meant)


async def _count(tx: Transaction, text: str, wanted: search.Wanted) -> search.Facets:
    if not text:
        return await search.count_facets(tx, match=None, wanted=wanted)
    query = await search.prepare_query(tx, text)
    return await search.count_facets(tx, match=query.match, wanted=wanted) if query else search.Facets()
