"""Departments, categories, search and the suggestions under the search field."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Category, Found, ProductCard
from serai.commerce.search import api as search
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.foundation.pages import request_locale
from serai.overload.ladder.api import FACETS, is_saved
from serai.storefront import market_browse
from serai.storefront.filter import Filter, read_filter
from serai.storefront.finding import Suggested, add_choices, find_ways, lead_phrases
from serai.storefront.price import OwnPrice, load_deals
from serai.storefront.recent import read_recent, remember
from serai.storefront.view import (
    Asked,
    Shell,
    database_of,
    facts_of,
    find_onlooker,
    is_market,
    load_shell,
    load_shelves,
    merchant_id_of,
    merchant_of,
    show,
    wants_fragment,
)

SUGGESTIONS = 6
PHRASES = 3
SUGGEST_FROM_CHARS = 2


@get("/c/{slug:str}", include_in_schema=False)
async def show_department(request: Asked, slug: FromPath[str]) -> Response[str]:
    """A department or category: what is inside it, filters and its products."""
    if is_market(request):
        return await market_browse.show_department(request, slug)
    locale = request_locale(request)
    asked = _read_filter(request, f"/c/{slug}")
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        category = shell.shelves.find(slug=slug)
        if category is None:
            raise NotFound("category.unknown", _("There is no such department (any more)."))
        found, filled = await _find(request, tx, shell, asked, category)
        deals = await load_deals(tx, found.page.items, shell, request_locale(request))
        total = await _count(tx, asked, category) if found.facets.is_estimated else found.facets.total
    shown: dict[str, Any] = {
        "filter": filled,
        "page": found.page,
        "deals": deals,
        "found": found,
        "total": total,
    }
    if wants_fragment(request):
        part = "more" if "more" in request.query_params else "browse"
        return show(request, f"parts/{part}.html", shell=shell, fragment=part, **shown)
    trail = shell.shelves.trace(category)
    return show(
        request,
        "department.html",
        shell=shell,
        keeps=True,
        here=trail[0].slug,
        category=category,
        children=shell.shelves.list_children(category),
        steps=[(f"/c/{c.slug}", c.label(locale)) for c in trail[:-1]] + [("", category.label(locale))],
        **shown,
    )


@get("/search", include_in_schema=False)
async def show_search(request: Asked) -> Response[str]:
    """Products for some words; without words, everything there is."""
    if is_market(request):
        return await market_browse.show_search(request)
    asked = _read_filter(request, "/search")
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        category = shell.shelves.find(slug=asked.category) if asked.category else None
        if category is None:
            asked = msgspec.structs.replace(asked, category="")
        found, filled = await _find(request, tx, shell, asked, category)
        deals = await load_deals(tx, found.page.items, shell, request_locale(request))
        is_vain = bool(asked.query) and not found.facets.seen
        ways = await find_ways(tx, asked.query, shell.shelves) if is_vain else None
    shown: dict[str, Any] = {
        "filter": filled,
        "page": found.page,
        "deals": deals,
        "found": found,
        "total": found.facets.total,
    }
    if wants_fragment(request):
        part = "more" if "more" in request.query_params else "browse"
        return show(request, f"parts/{part}.html", shell=shell, fragment=part, **shown)
    response = show(
        request,
        "search.html",
        shell=shell,
        query=found.query,
        ways=ways,
        recent=[words for words in read_recent(request) if words != asked.query],
        **shown,
    )
    if asked.query and found.facets.total and not asked.is_later_page and not asked.is_narrowed:
        await _note_search(request, found)
        remember(request, response, found.query)
    return response


def _read_filter(request: Asked, action: str) -> Filter:
    return read_filter(
        request.query_params.multi_items(),
        action=action,
        currency=merchant_of(request).currency,
        locale=request_locale(request),
    )


async def _find(
    request: Asked, tx: Transaction, shell: Shell, asked: Filter, category: Category | None
) -> tuple[Found, Filter]:
    """What the words find in the category, and the filter with what can be chosen next. Choices of attributes that nobody
    filters by (any more) are dropped."""
    attributes = await catalogue.list_attributes(tx, category_id=category.category_id if category else None)
    known = await catalogue.list_attributes(tx) if category else attributes
    leading = {attribute.code for attribute in attributes}
    offered = [
        attribute
        for attribute in (*attributes, *(each for each in known if each.code not in leading))
        if attribute.filterable
    ]
    codes = {attribute.code for attribute in offered}
    facts = {code: values for code, values in asked.facts.items() if code in codes}
    asked = msgspec.structs.replace(asked, facts=facts)
    found = await catalogue.search_products(
        tx,
        query=asked.query,
        category_id=category.category_id if category else None,
        brands=asked.brands,
        attributes=asked.facts,
        min_minor=asked.min_minor,
        max_minor=asked.max_minor,
        sort=asked.sort,
        cursor=asked.cursor,
        limit=facts_of(request).page_size,
        # Whoever has chosen something needs it shown to take it back.
        is_brief=is_saved(request.scope, FACETS) and not asked.brands and not asked.facts,
    )
    filled = add_choices(
        msgspec.structs.replace(asked, query=found.query, next_cursor=found.page.next_cursor),
        found.facets,
        shell.shelves,
        offered,
        currency=merchant_of(request).currency,
        locale=request_locale(request),
    )
    return found, filled


async def _note_search(request: Asked, found: Found) -> None:
    """Remember what people look for and find, so that it can be suggested to others."""
    async with database_of(request).transaction(merchant_id_of(request)) as tx:
        await search.note_use(tx, text=found.query, products=found.facets.total)


@get("/suggest", include_in_schema=False)
async def show_suggestions(request: Asked) -> Response[str]:
    """Searches, categories, brands and products for what has been typed so far; nothing for a single letter. Before
    anything was typed, what this browser looked for lately."""
    locale = request_locale(request)
    query = " ".join(request.query_params.get("q", "").split())[:100]
    cards: list[ProductCard] = []
    deals: dict[UUID, OwnPrice] = {}
    phrases: list[Suggested] = []
    is_enough = len(query) >= SUGGEST_FROM_CHARS or bool(query and not query.isascii())
    if is_market(request):
        return await market_browse.show_suggestions(request, query if is_enough else "")
    if is_enough:
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
        recent=() if query else read_recent(request),
    )


async def _count(tx: Transaction, found: Filter, category: Category) -> int:
    """A category's number of products exactly, up to where it does not matter any more."""
    if not found.is_narrowed:
        return category.product_count
    wanted = await catalogue.make_wanted(
        tx,
        category_id=category.category_id,
        brands=found.brands,
        attributes=found.facts,
        min_minor=found.min_minor,
        max_minor=found.max_minor,
    )
    return await search.count_found(tx, query=None, wanted=wanted)
