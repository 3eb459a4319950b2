"""A market's front: home, departments, search and suggestions over the goods of all its shops, on the shop's own pages."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from serai.commerce.catalogue.types import ProductCard
from serai.commerce.market.api import list_offers
from serai.commerce.promotion.api import tell_benefit
from serai.foundation.errors import NotFound, _
from serai.foundation.pages import request_locale
from serai.storefront.filter import Filter, read_filter
from serai.storefront.finding import Suggested, add_choices, lead_phrases
from serai.storefront.market_list import feature_goods, find_goods, suggest_goods
from serai.storefront.price import OwnPrice
from serai.storefront.sellers import Mall
from serai.storefront.view import (
    Asked,
    Shell,
    database_of,
    facts_of,
    load_mall,
    load_market_shell,
    merchant_id_of,
    merchant_of,
    show,
    wants_fragment,
)

FEATURED = 10
SUGGESTIONS = 6
PHRASES = 3


class MarketOffer(msgspec.Struct, frozen=True):
    """A promotion over all shops, in words."""

    name: str
    words: str


async def show_home(request: Asked) -> Response[str]:
    """Departments and best sellers of all shops, who sells here, and what holds over all of them."""
    locale, currency = request_locale(request), merchant_of(request).currency
    mall = await load_mall(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_market_shell(request, tx)
        offers = [
            MarketOffer(terms.label(locale), tell_benefit(terms.benefit, currency, locale))
            for terms in await list_offers(tx)
        ]
    found = await feature_goods(database_of(request), mall, limit=FEATURED, locale=locale)
    return show(
        request,
        "home.html",
        shell=shell,
        featured=found.page.items,
        deals=found.deals,
        sold_by=found.sold_by,
        product_count=sum(department.product_count for department in shell.departments),
        mall=mall,
        offers=offers,
    )


async def show_department(request: Asked, slug: str) -> Response[str]:
    """A department over all shops that have it."""
    locale = request_locale(request)
    mall = await load_mall(request)
    category = mall.shelves.find(slug=slug)
    if category is None:
        raise NotFound("category.unknown", _("There is no such department (any more)."))
    shell = await load_market_shell(request)
    shown = await _find(request, mall, _read_filter(request, f"/c/{slug}"), slug)
    if wants_fragment(request):
        return _show_part(request, shell, shown)
    trail = shell.shelves.trace(category)
    return show(
        request,
        "department.html",
        shell=shell,
        here=trail[0].slug,
        category=category,
        children=shell.shelves.list_children(category),
        steps=[(f"/c/{c.slug}", c.label(locale)) for c in trail[:-1]] + [("", category.label(locale))],
        **shown,
    )


async def show_search(request: Asked) -> Response[str]:
    """Goods of all shops for some words; without words, everything there is."""
    asked = _read_filter(request, "/search")
    mall = await load_mall(request)
    if not (asked.category and mall.shelves.find(slug=asked.category)):
        asked = msgspec.structs.replace(asked, category="")
    shell = await load_market_shell(request)
    shown = await _find(request, mall, asked, asked.category)
    if wants_fragment(request):
        return _show_part(request, shell, shown)
    return show(
        request, "search.html", shell=shell, query=shown["found"].query, ways=None, recent=(), **shown
    )


def _read_filter(request: Asked, action: str) -> Filter:
    """What the address asks for. Attributes are each shop's own, so here nothing is narrowed by them."""
    asked = read_filter(
        request.query_params.multi_items(),
        action=action,
        currency=merchant_of(request).currency,
        locale=request_locale(request),
    )
    return msgspec.structs.replace(asked, facts={})


async def _find(request: Asked, mall: Mall, asked: Filter, slug: str) -> dict[str, Any]:
    """What a list's templates take: the goods, their prices and sellers, and the filter with what can be chosen next."""
    locale = request_locale(request)
    found, page = await find_goods(
        database_of(request), mall, asked, limit=facts_of(request).page_size, locale=locale, slug=slug
    )
    filled = add_choices(
        msgspec.structs.replace(asked, query=found.query, next_cursor=page.page.next_cursor),
        found.facets,
        mall.shelves,
        (),
        currency=merchant_of(request).currency,
        locale=locale,
    )
    return {
        "filter": filled,
        "page": page.page,
        "deals": page.deals,
        "sold_by": page.sold_by,
        "found": found,
        "total": found.facets.total,
    }


def _show_part(request: Asked, shell: Shell, shown: dict[str, Any]) -> Response[str]:
    part = "more" if "more" in request.query_params else "browse"
    return show(request, f"parts/{part}.html", shell=shell, fragment=part, **shown)


async def show_suggestions(request: Asked, query: str) -> Response[str]:
    """What begins like that, in any of the shops; nothing for nothing."""
    locale = request_locale(request)
    cards: list[ProductCard] = []
    deals: dict[UUID, OwnPrice] = {}
    phrases: list[Suggested] = []
    if query:
        mall = await load_mall(request)
        cards, deals, led, _sold_by = await suggest_goods(
            database_of(request), mall, query=query, limit=SUGGESTIONS, phrases=PHRASES, locale=locale
        )
        phrases = lead_phrases(led, mall.shelves, locale, Filter(action="/search"))
    return show(
        request,
        "parts/suggestions.html",
        shell=None,
        fragment="suggestions",
        cards=cards,
        deals=deals,
        phrases=phrases,
        query=query,
        recent=(),
    )
