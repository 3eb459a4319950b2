"""A shopper's search whole: the products, how they divide, and the typo that was mended so that there are any."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.catalogue.list_products import find_cards, list_wanted, make_wanted
from serai.commerce.catalogue.types import AttributeValue, Found, ProductCard
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
    is_brief: bool = False,
) -> Found:
    """Published products for a query, narrowed and sorted, with facets. Without any query it is a walk through the shop
    or a category; a query without a word in it finds nothing. ``is_brief``: totals alone, without what they divide into.

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
    facets = await _count(tx, query, wanted, is_brief=is_brief)
    is_plain = sort == "relevance" and wanted == search.Wanted()
    pinned = await _list_pinned(tx, query) if query and is_plain else []
    page: Page[ProductCard] = Page(())
    if pinned:
        page = await list_wanted(tx, query=query, wanted=wanted, sort=sort, cursor=cursor, limit=limit)
        return _put_first(Found(page=page, query=query, facets=facets), pinned, is_first=not cursor)
    instead_of = meant = None
    if query and facets.seen < FEW:
        meant = await search.find_correction(tx, text=query)
    if meant is not None:
        mended = await _count(tx, meant, wanted, is_brief=is_brief)
        if not mended.seen:
            meant = None
        elif not facets.seen:
            instead_of, query, facets, meant = query, meant, mended, None
    if facets.seen:
        page = await list_wanted(tx, query=query, wanted=wanted, sort=sort, cursor=cursor, limit=limit)
    return Found(page=page, query=query, facets=facets, instead_of=instead_of, meant=meant)


async def _list_pinned(tx: Transaction, query: str) -> list[ProductCard]:
    """What the merchant puts first for a query, as far as it is published."""
    pin = await search.find_pin(tx, query=query)
    if pin is None:
        return []
    return [card for card in await find_cards(tx, product_ids=pin.product_ids) if card.published]


def _put_first(found: Found, pinned: Sequence[ProductCard], *, is_first: bool) -> Found:
    """Pinned products stand before the first page and on no other. On a single page they are counted; of several pages
    the total stays that of the words, since whether a pinned product has them is not known."""
    ids = {card.product_id for card in pinned}
    rest = [card for card in found.page.items if card.product_id not in ids]
    items = (*pinned, *rest) if is_first else tuple(rest)
    facets = found.facets
    if is_first and found.page.next_cursor is None:
        facets = msgspec.structs.replace(facets, total=len(items), seen=max(facets.seen, len(items)))
    page = Page(items, found.page.next_cursor)
    return msgspec.structs.replace(found, page=page, facets=facets, pinned=len(pinned) if is_first else 0)


async def _count(
    tx: Transaction, text: str, wanted: search.Wanted, *, is_brief: bool = False
) -> search.Facets:
    if not text:
        return await search.count_facets(tx, match=None, wanted=wanted, is_inside=True, is_brief=is_brief)
    query = await search.prepare_query(tx, text)
    if not query:
        return search.Facets()
    return await search.count_facets(tx, match=query.match, wanted=wanted, is_brief=is_brief)
