"""Departments, categories, search and the suggestions under the search field."""

from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Category, Found, ProductCard
from serai.commerce.search import api as search
from serai.commerce.search.types import Facets
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.foundation.pages import request_locale
from serai.storefront.filter import Filter, read_filter
from serai.storefront.finding import Suggested, add_choices, lead_phrases
from serai.storefront.price import OwnPrice, load_deals
from serai.storefront.view import (
    Asked,
    Shell,
    database_of,
    facts_of,
    find_onlooker,
    load_shell,
    load_shelves,
    merchant_id_of,
    merchant_of,
    show,
    wants_fragment,
)

BRANDS = 30
SUGGESTIONS = 6
PHRASES = 3
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
        deals = await load_deals(tx, page.items, shell, locale)
        if wants_fragment(request) and "more" in request.query_params:
            return _show_more(request, shell, found, page, deals)
        total = await _count(tx, found, category_id=category.category_id)
    trail = shell.shelves.trace(category)
    if wants_fragment(request):
        return show(
            request, "parts/browse.html", shell=shell, fragment="browse", filter=found, page=page, deals=deals
        )
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
        deals=deals,
    )


@get("/search", include_in_schema=False)
async def show_search(request: Asked) -> Response[str]:
    """Products for some words; without words, everything there is."""
    locale, currency = request_locale(request), merchant_of(request).currency
    asked = read_filter(request.query_params, action="/search", currency=currency, locale=locale)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        category = shell.shelves.find(slug=asked.category) if asked.category else None
        if category is None:
            asked = msgspec.structs.replace(asked, category="")
        found = await _search(request, tx, asked, category)
        deals = await load_deals(tx, found.page.items, shell, locale)
        filled = add_choices(
            msgspec.structs.replace(asked, query=found.query, next_cursor=found.page.next_cursor),
            found.facets,
            shell.shelves,
            currency=currency,
            locale=locale,
        )
        shorter = [] if found.facets.seen or not asked.query else await _find_shorter(tx, asked.query)
    if wants_fragment(request) and "more" in request.query_params:
        return _show_more(request, shell, filled, found.page, deals)
    if wants_fragment(request):
        return show(
            request,
            "parts/browse.html",
            shell=shell,
            fragment="browse",
            filter=filled,
            page=found.page,
            found=found,
            deals=deals,
        )
    if asked.query and not asked.is_later_page and not asked.is_narrowed:
        await _note_search(request, found)
    return show(
        request,
        "search.html",
        shell=shell,
        query=found.query,
        found=found,
        filter=filled,
        page=found.page,
        deals=deals,
        shorter=shorter,
    )


async def _search(request: Asked, tx: Transaction, asked: Filter, category: Category | None) -> Found:
    """What the words find; without words the whole shop, counted but not divided."""
    category_id = category.category_id if category else None
    if asked.query:
        return await catalogue.search_products(
            tx,
            query=asked.query,
            category_id=category_id,
            brands=[asked.brand] if asked.brand else (),
            min_minor=asked.min_minor,
            max_minor=asked.max_minor,
            sort=asked.sort,
            cursor=asked.cursor,
            limit=facts_of(request).page_size,
        )
    _filter, page = await _list_page(request, tx, asked, category_id=category_id)
    total = await _count(tx, asked, category_id=category_id) if page.items else 0
    brands = tuple((brand, 0) for brand in _filter.brands)
    return Found(page=page, query="", facets=Facets(total=total, seen=total, brands=brands))


async def _note_search(request: Asked, found: Found) -> None:
    """Remember what people look for and find, so that it can be suggested to others."""
    if found.facets.total:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            await search.note_use(tx, text=found.query, products=found.facets.total)


@get("/suggest", include_in_schema=False)
async def show_suggestions(request: Asked) -> Response[str]:
    """Searches, categories, brands and products for what has been typed so far; nothing for a single letter."""
    locale = request_locale(request)
    query = " ".join(request.query_params.get("q", "").split())[:100]
    cards: list[ProductCard] = []
    deals: dict[UUID, OwnPrice] = {}
    phrases: list[Suggested] = []
    if len(query) >= SUGGEST_FROM_CHARS or (query and not query.isascii()):
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            cards = await catalogue.suggest(tx, query=query, limit=SUGGESTIONS)
            deals = await load_deals(tx, cards, await find_onlooker(request, tx), locale)
            found = await search.list_phrases(tx, beginning=query, limit=PHRASES)
            shelves = await load_shelves(request, tx)
        phrases = lead_phrases(found, shelves, locale, Filter(action="/search"))
    return show(
        request,
        "parts/suggestions.html",
        shell=None,
        fragment="suggestions",
        cards=cards,
        deals=deals,
        phrases=phrases,
        query=query,
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


def _show_more(
    request: Asked, shell: Shell, found: Filter, page: Page[ProductCard], deals: dict[UUID, OwnPrice]
) -> Response[str]:
    return show(
        request, "parts/more.html", shell=shell, fragment="more", filter=found, page=page, deals=deals
    )


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
