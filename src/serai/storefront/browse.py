"""Departments, categories, search and the suggestions under the search field."""

from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import ProductCard
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.foundation.pages import request_locale
from serai.storefront.filter import Filter, read_filter
from serai.storefront.view import (
    Asked,
    Shell,
    database_of,
    facts_of,
    load_shell,
    merchant_id_of,
    merchant_of,
    show,
    wants_fragment,
)

BRANDS = 30
SUGGESTIONS = 6
SUGGEST_FROM_CHARS = 2
WORDS_TRIED = 4


@get("/c/{slug:str}", include_in_schema=False)
async def show_department(request: Asked, slug: FromPath[str]) -> Response[str]:
    """A department or category: what is inside it, filters and its products."""
    locale = request_locale(request)
    found = read_filter(
        request.query_params, action=f"/c/{slug}", currency=merchant_of(request).currency, locale=locale
    )
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        category = shell.shelves.find(slug=slug)
        if category is None:
            raise NotFound("category.unknown", _("There is no such department (any more)."))
        found, page = await _list_page(request, tx, found, category_id=category.category_id)
        if wants_fragment(request) and "more" in request.query_params:
            return _show_more(request, shell, found, page)
        total = await _count(tx, found, category_id=category.category_id)
    trail = shell.shelves.trace(category)
    if wants_fragment(request):
        return show(request, "parts/browse.html", shell=shell, fragment="browse", filter=found, page=page)
    return show(
        request,
        "department.html",
        shell=shell,
        here=trail[0].slug,
        category=category,
        children=shell.shelves.list_children(category),
        steps=[(f"/c/{c.slug}", c.label(locale)) for c in trail[:-1]] + [("", category.label(locale))],
        total=total,
        filter=found,
        page=page,
    )


@get("/search", include_in_schema=False)
async def show_search(request: Asked) -> Response[str]:
    """Products for some words; without words, everything there is."""
    locale = request_locale(request)
    found = read_filter(
        request.query_params, action="/search", currency=merchant_of(request).currency, locale=locale
    )
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        found, page = await _list_page(request, tx, found)
        shell = await load_shell(request, tx)
        if wants_fragment(request) and "more" in request.query_params:
            return _show_more(request, shell, found, page)
        if wants_fragment(request):
            return show(request, "parts/browse.html", shell=shell, fragment="browse", filter=found, page=page)
        total = await _count(tx, found) if page.items else 0
        shorter = [] if page.items or found.is_narrowed else await _find_shorter(tx, found.query)
    return show(
        request,
        "search.html",
        shell=shell,
        query=found.query,
        total=total,
        filter=found,
        page=page,
        shorter=shorter,
    )


@get("/suggest", include_in_schema=False)
async def show_suggestions(request: Asked) -> Response[str]:
    """A few products for what has been typed so far; nothing for less than two characters."""
    query = " ".join(request.query_params.get("q", "").split())[:100]
    cards: list[ProductCard] = []
    if len(query) >= SUGGEST_FROM_CHARS:
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            cards = await catalogue.suggest(tx, query=query, limit=SUGGESTIONS)
    return show(
        request, "parts/suggestions.html", shell=None, fragment="suggestions", cards=cards, query=query
    )


async def _list_page(
    request: Asked, tx: Transaction, found: Filter, *, category_id: UUID | None = None
) -> tuple[Filter, Page[ProductCard]]:
    page = await catalogue.list_products(
        tx,
        category_id=category_id,
        query=found.query,
        brand=found.brand or None,
        min_minor=found.min_minor,
        max_minor=found.max_minor,
        published=True,
        sort=found.sort,
        cursor=found.cursor,
        limit=facts_of(request).page_size,
    )
    if category_id:
        offered = {
            brand for brand, _count in await catalogue.list_brands(tx, category_id=category_id, limit=BRANDS)
        }
    else:
        # A search has no list of brands; those at hand are offered.
        offered = {card.brand for card in page.items}
    brands = sorted((offered | {found.brand}) - {""}, key=str.casefold)
    return msgspec.structs.replace(found, next_cursor=page.next_cursor, brands=tuple(brands)), page


def _show_more(request: Asked, shell: Shell, found: Filter, page: Page[ProductCard]) -> Response[str]:
    return show(request, "parts/more.html", shell=shell, fragment="more", filter=found, page=page)


async def _count(tx: Transaction, found: Filter, *, category_id: UUID | None = None) -> int:
    return await catalogue.count_products(
        tx,
        category_id=category_id,
        query=found.query,
        brand=found.brand or None,
        min_minor=found.min_minor,
        max_minor=found.max_minor,
    )


async def _find_shorter(tx: Transaction, query: str) -> list[str]:
    """Single words of a search in vain that do lead somewhere."""
    words = list(dict.fromkeys(query.split()))
    if len(words) < 2:
        return []
    return [word for word in words[:WORDS_TRIED] if (await catalogue.suggest(tx, query=word, limit=1))]
