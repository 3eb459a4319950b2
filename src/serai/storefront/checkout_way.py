"""The ways of a checkout as its page offers them: each delivery option with its price and days, and pick-up."""

from collections.abc import Mapping
from typing import Any

import msgspec

from serai.commerce.cart import api as cart_api
from serai.commerce.checkout.types import Delivery, Quote
from serai.commerce.delivery.api import Book, Goods, list_options
from serai.commerce.delivery.types import Destination, Option
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money
from serai.foundation.pages import request_locale
from serai.storefront.arrival import list_served, tell_promise
from serai.storefront.country import list_countries, name_country
from serai.storefront.view import (
    Asked,
    book_of,
    buying_owner_of,
    commerce_of,
    database_of,
    merchant_id_of,
    parse_uuid,
)

PROBLEM_WORDS = {
    "place": _("Nothing can be delivered to this address in %(country)s."),
    "goods": _("Some of these goods cannot be delivered to %(country)s."),
    "weight": _("This is too heavy to be delivered as one order. Please order less at a time."),
}


class DeliveryWay(msgspec.Struct, frozen=True):
    """A way to get the goods, as a form sends it back. ``price_minor`` is None where nothing goes; ``title``, ``carrier``
    and ``days`` are empty where one price holds for everything."""

    code: str
    price_minor: int | None
    title: str = ""
    carrier: str = ""
    days: str = ""
    is_chosen: bool = False

    @property
    def kind(self) -> str:
        """``ship`` or ``pickup``."""
        return self.code.partition(":")[0]


async def list_delivery_ways(
    request: Asked,
    tx: Transaction,
    quote: Quote,
    *,
    delivery: Delivery,
    destination: Destination,
    has_stores: bool,
) -> list[DeliveryWay]:
    """Each delivery option of the address, and pick-up where there are stores. The chosen one costs what the quote says,
    the others what they do before promotions."""
    locale, options = request_locale(request), quote.options
    if delivery == "pickup":
        settings, goods = commerce_of(request).settings, list_goods(quote)
        offered = await list_options(tx, settings=settings, destination=destination, goods=goods)
        options = offered.options
    chosen = quote.delivery.option if delivery == "ship" else None
    ways = [
        describe_way(
            each,
            quote.shipping_minor if chosen is not None and each.code == chosen.code else each.price_minor,
            is_own=book_of(request).is_own,
            is_chosen=chosen is not None and each.code == chosen.code,
            locale=locale,
        )
        for each in options
    ] or [DeliveryWay("ship", None, is_chosen=delivery == "ship")]
    return [*ways, DeliveryWay("pickup", 0, is_chosen=delivery == "pickup")] if has_stores else ways


def list_goods(quote: Quote) -> list[Goods]:
    """What would be sent."""
    return [
        Goods(
            line.sku_id,
            line.quantity,
            line.total_minor,
            line.scale,
            line.unit,
            tuple((part.sku_id, part.quantity, part.scale) for part in line.parts),
        )
        for line in quote.lines
        if line.problem != "gone"
    ]


def describe_way(
    option: Option, price_minor: int, *, is_own: bool, is_chosen: bool, locale: str
) -> DeliveryWay:
    """An option as the form offers it; the only one of a shop that wrote none is simply delivery."""
    if not is_own:
        return DeliveryWay("ship", price_minor, is_chosen=is_chosen)
    return DeliveryWay(
        f"ship:{option.code}",
        price_minor,
        option.label(locale),
        option.carrier,
        tell_promise(option.promise, locale),
        is_chosen,
    )


def list_own_countries(book: Book, chosen: str, locale: str) -> list[tuple[str, str]]:
    """The countries to which anything goes, and the one that is chosen already."""
    served = list_served(book) | {chosen}
    return [(code, name) for code, name in list_countries(locale) if code in served]


def tell_way_problem(quote: Quote, country: str, locale: str) -> str:
    """Why nothing can be sent, in words; nothing when something can."""
    if not quote.delivery.problem:
        return ""
    return translate(
        PROBLEM_WORDS[quote.delivery.problem], locale, {"country": name_country(country, locale)}
    )


def tell_new_days(seen: Mapping[str, str], quote: Quote, locale: str) -> str:
    """That only the days of the delivery are others than the form had; nothing when more has changed."""
    option = quote.delivery.option
    days = tell_promise(option.promise, locale) if option else ""
    if seen.get("total") != str(quote.total_minor) or seen.get("days", "") == days:
        return ""
    return translate(
        _(
            "The days of your delivery have changed since you saw them. Nothing was charged. Please look again."
        ),
        locale,
    )


def tell_change(change: dict[str, Any], currency: str, locale: str) -> str:
    """One change of the cart in words; nothing for a kind that is told elsewhere."""
    match change.get("kind"):
        case "price_changed":
            facts = {
                "title": change["title"],
                "old": format_money(change["before"], currency, locale),
                "new": format_money(change["now"], currency, locale),
            }
            return translate(_("%(title)s: %(old)s before, now %(new)s."), locale, facts)
        case "gone":
            return translate(_("%(title)s is no longer sold."), locale, {"title": change["title"]})
    return ""


async def keep_option(request: Asked, cart_id: str | None, option: str | None) -> None:
    """Remember with the cart by which option it is to be sent."""
    owner, wanted = buying_owner_of(request), parse_uuid(cart_id)
    if option is None or owner is None or wanted is None:
        return
    try:
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            await cart_api.set_details(
                tx, owner=owner, cart_id=wanted, delivery={"delivery": "ship", "option": option}
            )
    except NotFound:
        # The cart has been ordered in another tab: the page that is shown says so.
        return
