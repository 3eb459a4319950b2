"""What every page of the shop shares: the shopper's surroundings (departments, place, cart, member) and rendering."""

from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Request, Response

from serai.commerce.cart import api as cart_api
from serai.commerce.catalogue.types import Category
from serai.commerce.delivery.api import Book, load_book
from serai.commerce.market import api as market_api
from serai.commerce.place import api as place_api
from serai.commerce.place.types import Place
from serai.commerce.presale.api import presale_owner
from serai.commerce.terms.types import ShopTerms
from serai.commerce.types import Commerce
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId
from serai.foundation.page_store import collect_ids
from serai.foundation.pages import render, request_locale
from serai.identity.member import api as member_api
from serai.identity.member.types import Member
from serai.identity.merchant.types import Merchant
from serai.storefront import cookie
from serai.storefront.arrival import Arrival, tell_arrival
from serai.storefront.notice import Notice, read_notice
from serai.storefront.sellers import Mall, MallMemory
from serai.storefront.settings import StorefrontSettings
from serai.storefront.shelf import ShelfMemory, Shelves

Asked = Request[Any, Any, Any]
PAGE_HEADERS = {"cache-control": "private, no-cache", "vary": "HX-Request, Cookie, Accept-Language"}
CHECKOUT = "/checkout"
GROUP_CHECKOUT = "/checkout?for=group"


class ShopFacts(msgspec.Struct, frozen=True):
    """Terms of the shop as its pages tell them. Amounts in the merchant's currency, minor units."""

    shipping_minor: int
    free_shipping_from_minor: int
    payment_minutes: int
    line_limit: int
    return_days: int
    delivery_days_low: int
    delivery_days_high: int
    low_stock_from: int
    page_size: int
    arrives: str = ""
    order_by: str = ""

    def shipping_minor_for(self, items_minor: int) -> int:
        """What a delivery of goods of this worth costs, for the hint in the cart; the quote decides."""
        if self.free_shipping_from_minor and items_minor >= self.free_shipping_from_minor:
            return 0
        return self.shipping_minor

    def missing_for_free(self, items_minor: int) -> int:
        """How much is missing for a free delivery; 0 where it is free already or never."""
        if not self.shipping_minor or not self.free_shipping_from_minor:
            return 0
        return max(0, self.free_shipping_from_minor - items_minor)


class Shell(msgspec.Struct, frozen=True):
    """What stands around every page."""

    shelves: Shelves
    online: Place | None
    place: Place | None
    place_label: str
    member: Member | None
    cart_quantity: int
    returns_policy: str = ""

    @property
    def departments(self) -> tuple[Category, ...]:
        """What the header and the home page lead to."""
        return self.shelves.departments


class Onlooker(msgspec.Struct, frozen=True):
    """What of a page's surroundings decides its prices: who looks, and where parcels leave from."""

    online: Place | None
    member: Member | None


async def find_onlooker(request: Asked, tx: Transaction) -> Onlooker:
    """Who looks, for parts of pages that have no surroundings of their own."""
    return Onlooker(await find_online_place(tx), await find_signed_in(request, tx))


def merchant_of(request: Asked) -> Merchant:
    """Whose shop was asked."""
    merchant: Merchant = request.scope["state"]["merchant"]
    return merchant


def merchant_id_of(request: Asked) -> MerchantId:
    """The id of the merchant whose shop was asked, as transactions want it."""
    return MerchantId(merchant_of(request).merchant_id)


def commerce_of(request: Asked) -> Commerce:
    """Commerce's tools, shared by the process."""
    commerce: Commerce = request.app.state.commerce
    return commerce


def database_of(request: Asked) -> Database:
    """The pool that shoppers' requests use."""
    return commerce_of(request).db


def facts_of(request: Asked) -> ShopFacts:
    """The terms: the merchant's own, as :func:`load_shell` has read them, commerce's settings, and the shop's own."""
    selling = commerce_of(request).settings
    arrival = _find_arrival(request)
    own = request.app.state.get("storefront_settings") or StorefrontSettings()
    return ShopFacts(
        shipping_minor=arrival.price_minor if arrival else selling.shipping_minor,
        free_shipping_from_minor=arrival.free_from_minor if arrival else selling.free_shipping_from_minor,
        payment_minutes=selling.pay_within_minutes,
        line_limit=selling.line_quantity,
        return_days=own.return_days,
        delivery_days_low=own.delivery_days_low,
        delivery_days_high=own.delivery_days_high,
        low_stock_from=own.low_stock_from,
        page_size=own.page_size,
        arrives=arrival.days if arrival else "",
        order_by=arrival.order_by if arrival else "",
    )


def _find_arrival(request: Asked) -> Arrival | None:
    """The delivery that the page tells of, worked out once."""
    state = request.scope["state"]
    book: Book | None = state.get("delivery_book")
    if book is not None and "arrival" not in state:
        state["arrival"] = tell_arrival(book, request_locale(request))
    arrival: Arrival | None = state.get("arrival")
    return arrival


def book_of(request: Asked) -> Book:
    """The delivery options that the page tells of, as :func:`load_shell` has read them."""
    book: Book = request.scope["state"]["delivery_book"]
    return book


def owner_of(request: Asked) -> str | None:
    """Who owns this browser's cart, None before anything was put into one."""
    token = cookie.read_secret(request, cookie.CART)
    return f"web:{token}" if token else None


def group_owner(token: str) -> str:
    """Who owns what a browser buys in a group, apart from its cart."""
    return f"web:{token}:group"


def buying_owner_of(request: Asked) -> str | None:
    """Who owns what is being checked out: the cart, or with ``?for=group`` what is bought in a group, with
    ``?presale=`` what is reserved in one."""
    token = cookie.read_secret(request, cookie.CART)
    presale_id = parse_uuid(request.query_params.get("presale"))
    if token and presale_id is not None:
        return presale_owner(f"web:{token}", presale_id)
    return group_owner(token) if token and is_group_checkout(request) else owner_of(request)


def is_group_checkout(request: Asked) -> bool:
    """Whether the checkout is that of something bought in a group."""
    return request.query_params.get("for") == "group"


def is_market(request: Asked) -> bool:
    """Whether the front that was asked sells the goods of several shops."""
    return merchant_of(request).kind == "market"


async def load_mall(request: Asked) -> Mall:
    """The shops of the market that was asked."""
    return await _mall_memory(request).load(database_of(request), merchant_id_of(request))


def _mall_memory(request: Asked) -> MallMemory:
    state = request.app.state
    memory: MallMemory | None = state.get("storefront_malls")
    if memory is None:
        memory = state["storefront_malls"] = MallMemory(_shelf_memory(request))
    return memory


async def load_market_shell(request: Asked, tx: Transaction | None = None) -> Shell:
    """The surroundings of a market's page: departments of all its shops, the basket, its own member; ``tx`` is the
    market's, where one is open already."""
    if tx is None:
        async with database_of(request).transaction(merchant_id_of(request), "read") as own:
            return await load_market_shell(request, own)
    mall = await load_mall(request)
    terms = await read_terms(request, tx)
    owner = owner_of(request)
    basket = await market_api.find_basket(tx, owner=owner) if owner else None
    return Shell(
        shelves=mall.shelves,
        online=None,
        place=None,
        place_label=label_place(None, request_locale(request)),
        member=await find_signed_in(request, tx),
        cart_quantity=basket.quantity if basket else 0,
        returns_policy=terms.returns_policy,
    )


async def read_terms(request: Asked, tx: Transaction) -> ShopTerms:
    """The delivery options and terms of the transaction's merchant; from then on the page tells those."""
    book = await load_book(tx, settings=commerce_of(request).settings)
    request.scope["state"]["delivery_book"] = book
    request.scope["state"].pop("arrival", None)
    return book.shop


async def load_shell(request: Asked, tx: Transaction) -> Shell:
    """The surroundings of a page, in one go."""
    if is_market(request):
        return await load_market_shell(request, tx)
    shelves = await load_shelves(request, tx)
    terms = await read_terms(request, tx)
    online = await find_online_place(tx)
    place = await find_chosen_store(request, tx) or online
    owner = owner_of(request)
    cart = await cart_api.find_cart(tx, owner=owner) if owner else None
    return Shell(
        shelves=shelves,
        online=online,
        place=place,
        place_label=label_place(place, request_locale(request)),
        member=await find_signed_in(request, tx),
        returns_policy=terms.returns_policy,
        cart_quantity=cart.quantity if cart else 0,
    )


async def load_shelves(request: Asked, tx: Transaction) -> Shelves:
    """The merchant's categories, from this process's memory of them."""
    return await _shelf_memory(request).load(tx)


def _shelf_memory(request: Asked) -> ShelfMemory:
    state = request.app.state
    memory: ShelfMemory | None = state.get("storefront_shelves")
    if memory is None:
        memory = state["storefront_shelves"] = ShelfMemory()
    return memory


async def find_chosen_place(request: Asked, tx: Transaction) -> Place | None:
    """The place the shopper chose, else the one that parcels leave from, else None."""
    return await find_chosen_store(request, tx) or await find_online_place(tx)


async def find_chosen_store(request: Asked, tx: Transaction) -> Place | None:
    """The store the shopper chose, None for one that shops for delivery."""
    code = request.cookies.get(cookie.PLACE, "")
    if not code or len(code) > cookie.PLACE_LIMIT:
        return None
    place = await place_api.find_place(tx, code=code)
    return place if place and place.active and place.kind == "store" else None


async def find_online_place(tx: Transaction) -> Place | None:
    """The place that parcels leave from, None in a shop that has none yet."""
    return next((p for p in await place_api.list_places(tx, kind="warehouse") if p.sells_online), None)


def label_place(place: Place | None, locale: str) -> str:
    """How a page calls the place: a store by its name, the warehouse by what it means to a shopper."""
    if place is None or place.kind == "warehouse":
        return translate(_("the online shop"), locale)
    return place.name


async def find_signed_in(request: Asked, tx: Transaction) -> Member | None:
    """The member of this browser's session."""
    token = cookie.read_secret(request, cookie.MEMBER)
    return await member_api.find_member(tx, token=token) if token else None


def wants_fragment(request: Asked) -> bool:
    """Whether htmx asked for a part of the page. A restored history entry wants the whole page."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"


def own_address(request: Asked) -> str:
    """Path and query of the page that is shown; for an htmx call that of the page it came from."""
    shown = urlsplit(request.headers.get("hx-current-url") or str(request.url))
    return safe_next(f"{shown.path}?{shown.query}" if shown.query else shown.path)


def safe_next(address: str | None) -> str:
    """The address when it is a plain path of this shop, else the home page: a link must not lead elsewhere."""
    text = address or "/"
    is_path = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_path and len(text) <= 2000 else "/"


def parse_uuid(text: object) -> UUID | None:
    """A UUID from a form or an address, None when it is none."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def list_shown(context: dict[str, Any]) -> set[UUID]:
    """The ids of all that a page shows beside its surroundings."""
    found: set[UUID] = set()
    collect_ids(context, found)
    return found


def show(
    request: Asked,
    name: str,
    *,
    shell: Shell | None,
    status_code: int = 200,
    fragment: str | None = None,
    notice: Notice | None = None,
    keeps: bool = False,
    **context: Any,
) -> Response[str]:
    """A page (or with ``fragment`` a part) of the shop. The notice left by the last form is shown once.

    A page that ``keeps`` shows everybody the same, but for what their cookies say: it may be kept and sent to others.
    """
    left = None if fragment else read_notice(request)
    defaults: dict[str, Any] = {"query": "", "here": "", "here_url": own_address(request), "shop": None}
    # What only a market's pages say more than a shop's: who sells what, and the parts of a basket.
    defaults |= {"mall": None, "seller": None, "sold_by": {}, "heads": {}, "part_sums": {}, "bought": None}
    # Chinese full stops bring their own space.
    defaults["gap"] = "" if request_locale(request).startswith("zh") else " "
    if shell is not None:
        defaults["shop"] = facts_of(request)
    response = render(
        request,
        f"storefront/{name}",
        status_code=status_code,
        headers=dict(PAGE_HEADERS),
        shown_ids=partial(list_shown, context) if keeps and not (fragment or notice or left) else None,
        shell=shell,
        fragment=fragment,
        notice=notice or left,
        **(defaults | context),
    )
    if left:
        response.delete_cookie(cookie.NOTICE)
    return response
