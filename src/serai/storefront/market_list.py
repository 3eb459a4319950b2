"""Lists of goods over all shops of a market: every shop lists its own, and the pages are merged.

Prices and titles are merged in their order exactly. How well goods sell, or answer a search, is not comparable between
shops, so there the shops take turns. A page's cursor holds one cursor per shop.
"""

import base64
import binascii
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

import msgspec

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Found, ProductCard
from serai.commerce.market.types import MARKET
from serai.commerce.search import api as search
from serai.commerce.search.types import Facets
from serai.commerce.types import Page
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Invalid, _
from serai.storefront.filter import Filter
from serai.storefront.price import OwnPrice, load_deals
from serai.storefront.sellers import Mall, Seller
from serai.storefront.view import Onlooker

OVER = "-"
CURSOR_LIMIT = 8_000
# Fewer finds per shop than this make a word doubtful.
FEW = 3
# A shop's page: from a cursor, so many goods.
ListShop = Callable[[Transaction, Seller, str | None, int], Awaitable[Page[ProductCard]]]


class MallPage(msgspec.Struct, frozen=True):
    """A page of goods of several shops: cards as the market shows them, their deals, and who sells each product."""

    page: Page[ProductCard]
    deals: dict[UUID, OwnPrice]
    sold_by: dict[UUID, str]


async def list_over_shops(
    db: Database,
    mall: Mall,
    list_shop: ListShop,
    *,
    sort: str,
    cursor: str | None,
    limit: int,
    locale: str,
    sellers: Sequence[Seller] | None = None,
) -> MallPage:
    """A page of ``limit`` goods over the shops, or some of them. Invalid ``list.cursor_invalid``."""
    at = _read_cursor(cursor)
    chosen = [
        seller for seller in (mall.sellers if sellers is None else sellers) if at.get(seller.slug) != OVER
    ]
    pages: dict[str, Page[ProductCard]] = {}
    deals: dict[UUID, OwnPrice] = {}
    hidden: set[UUID] = set()
    for seller in chosen:
        async with db.transaction(seller.merchant_id, "read") as tx:
            page = pages[seller.slug] = await list_shop(tx, seller, at.get(seller.slug), limit)
            hidden |= await list_hidden(tx, page.items)
            deals |= await load_deals(tx, page.items, Onlooker(seller.online, None), locale)
    rows = [(seller, pages[seller.slug].items) for seller in chosen]
    merged = list(islice(merge_cards(rows, sort, locale, deals), limit))
    taken = {seller.slug: 0 for seller in chosen}
    for seller, _card in merged:
        taken[seller.slug] += 1
    following = dict(at)
    for seller in chosen:
        page, count = pages[seller.slug], taken[seller.slug]
        if count == len(page.items):
            following[seller.slug] = page.next_cursor or OVER
        elif count:
            async with db.transaction(seller.merchant_id, "read") as tx:
                again = await list_shop(tx, seller, at.get(seller.slug), count)
            following[seller.slug] = again.next_cursor or OVER
    has_more = any(following.get(seller.slug) != OVER for seller in chosen)
    # Left out at the end, so that cursors count what the shops have listed: a page may be shorter.
    merged = [(seller, card) for seller, card in merged if card.product_id not in hidden]
    cards = tuple(seller.show_card(card) for seller, card in merged)
    return MallPage(
        Page(cards, _write_cursor(following) if has_more else None),
        deals,
        {card.product_id: seller.name for seller, card in merged},
    )


async def list_hidden(tx: Transaction, cards: Sequence[ProductCard]) -> set[UUID]:
    """Which goods their shop does not show at markets."""
    return await catalogue.list_hidden(tx, product_ids=[card.product_id for card in cards], channel=MARKET)


def merge_cards(
    pages: Sequence[tuple[Seller, Sequence[ProductCard]]],
    sort: str = "rank",
    locale: str = "en",
    deals: Mapping[UUID, OwnPrice] | None = None,
) -> Iterator[tuple[Seller, ProductCard]]:
    """The shops' goods in one row: by price or title where that is asked for, else in turns.

    Of every shop the row holds a beginning, in the shop's own order, so a shop can be asked to go on where it ends.
    """
    heads = [(seller, deque(cards)) for seller, cards in pages if cards]
    turn = 0
    while heads:
        if sort in ("price", "-price", "title"):
            turn = min(range(len(heads)), key=lambda n: _key(heads[n][1][0], sort, locale, deals or {}))
        seller, cards = heads[turn]
        yield seller, cards.popleft()
        if not cards:
            del heads[turn]
        else:
            turn += 1
        turn = turn % len(heads) if heads else 0


def _key(card: ProductCard, sort: str, locale: str, deals: Mapping[UUID, OwnPrice]) -> tuple[bool, int, str]:
    if sort == "title":
        return False, 0, card.label(locale).casefold()
    deal = deals.get(card.sku_id) if card.sku_id else None
    price_minor = deal.price_minor if deal else card.price_minor
    return price_minor is None, (price_minor or 0) * (-1 if sort == "-price" else 1), ""


def _read_cursor(cursor: str | None) -> dict[str, str]:
    if not cursor:
        return {}
    try:
        if len(cursor) > CURSOR_LIMIT:
            raise ValueError(len(cursor))
        packed = base64.urlsafe_b64decode(cursor.encode())
        return msgspec.json.decode(packed, type=dict[str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


def _write_cursor(cursors: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursors)).decode()


async def find_goods(
    db: Database, mall: Mall, asked: Filter, *, limit: int, locale: str, slug: str = ""
) -> tuple[Found, MallPage]:
    """What a search finds over all shops, or what a department (``slug``) holds, with facets added up.

    A mended typo counts only where nothing else was found anywhere.
    """
    sellers = [seller for seller in mall.sellers if not slug or seller.shelves.find(slug=slug)]
    answers: list[tuple[Seller, Found]] = []
    for seller in sellers:
        async with db.transaction(seller.merchant_id, "read") as tx:
            answers.append((seller, await _search(tx, seller, asked, slug, asked.query, None, 1)))
    exact = [(seller, found) for seller, found in answers if found.facets.seen and not found.instead_of]
    mended = [(seller, found) for seller, found in answers if found.facets.seen and found.instead_of]
    used = exact or mended
    query = used[0][1].query if used else asked.query
    used = [(seller, found) for seller, found in used if found.query == query]

    async def list_shop(tx: Transaction, seller: Seller, cursor: str | None, count: int) -> Page[ProductCard]:
        return (await _search(tx, seller, asked, slug, query, cursor, count)).page

    page = await list_over_shops(
        db,
        mall,
        list_shop,
        sort=asked.sort,
        cursor=asked.cursor,
        limit=limit,
        locale=locale,
        sellers=[seller for seller, _found in used],
    )
    facets = add_facets(mall, used)
    meant = next((found.meant for _seller, found in answers if found.meant), None)
    few = facets.seen < FEW * max(1, len(used))
    return (
        Found(
            page=page.page,
            query=query,
            facets=facets,
            instead_of=used[0][1].instead_of if used and not exact else None,
            meant=meant if few and exact else None,
        ),
        page,
    )


def _category(seller: Seller, slug: str) -> UUID | None:
    category = seller.shelves.find(slug=slug) if slug else None
    return category.category_id if category else None


async def _search(
    tx: Transaction, seller: Seller, asked: Filter, slug: str, query: str, cursor: str | None, limit: int
) -> Found:
    return await catalogue.search_products(
        tx,
        query=query,
        category_id=_category(seller, slug),
        brands=asked.brands,
        min_minor=asked.min_minor,
        max_minor=asked.max_minor,
        sort=asked.sort,
        cursor=cursor,
        limit=limit,
    )


def add_facets(mall: Mall, answers: Sequence[tuple[Seller, Found]]) -> Facets:
    """Numbers over the shops: categories of one address and brands of one name are added up. Price bands and attributes
    are each shop's own and are left out."""
    categories: dict[UUID, int] = {}
    brands: dict[str, int] = {}
    for seller, found in answers:
        for category_id, count in found.facets.categories:
            own = seller.shelves.find(category_id=category_id)
            shared = mall.shelves.find(slug=own.slug) if own else None
            if shared is not None:
                categories[shared.category_id] = categories.get(shared.category_id, 0) + count
        for brand, count in found.facets.brands:
            brands[brand] = brands.get(brand, 0) + count
    return Facets(
        total=sum(found.facets.total for _s, found in answers),
        seen=sum(found.facets.seen for _s, found in answers),
        is_estimated=any(found.facets.is_estimated for _s, found in answers),
        categories=tuple(sorted(categories.items(), key=lambda each: -each[1])),
        brands=tuple(sorted(brands.items(), key=lambda each: (-each[1], each[0]))),
    )


async def feature_goods(db: Database, mall: Mall, *, limit: int, locale: str) -> MallPage:
    """What sells best, shop by shop in turns."""

    async def list_shop(
        tx: Transaction, _seller: Seller, cursor: str | None, count: int
    ) -> Page[ProductCard]:
        return await catalogue.list_products(tx, cursor=cursor, limit=count)

    return await list_over_shops(db, mall, list_shop, sort="rank", cursor=None, limit=limit, locale=locale)


async def suggest_goods(
    db: Database, mall: Mall, *, query: str, limit: int, phrases: int, locale: str
) -> tuple[list[ProductCard], dict[UUID, OwnPrice], list[search.Phrase], dict[UUID, str]]:
    """Goods of all shops in turns for the beginning of a search, and searches and brands to suggest."""
    found: list[tuple[Seller, list[ProductCard]]] = []
    deals: dict[UUID, OwnPrice] = {}
    named: dict[tuple[str, str], search.Phrase] = {}
    for seller in mall.sellers:
        async with db.transaction(seller.merchant_id, "read") as tx:
            cards = await catalogue.suggest(tx, query=query, limit=limit)
            hidden = await list_hidden(tx, cards)
            cards = [card for card in cards if card.product_id not in hidden]
            deals |= await load_deals(tx, cards, Onlooker(seller.online, None), locale)
            for phrase in await search.list_phrases(tx, beginning=query, limit=phrases):
                if phrase.kind == "category":
                    own = seller.shelves.find(category_id=phrase.target) if phrase.target else None
                    shared = mall.shelves.find(slug=own.slug) if own else None
                    if shared is None:
                        continue
                    phrase = msgspec.structs.replace(phrase, target=shared.category_id)
                named.setdefault((phrase.kind, phrase.phrase.casefold()), phrase)
        found.append((seller, cards))
    rows = list(islice(merge_cards(found), limit))
    return (
        [seller.show_card(card) for seller, card in rows],
        deals,
        list(named.values())[: 2 * phrases],
        {card.product_id: seller.name for seller, card in rows},
    )
