"""When a delivery arrives, in words, and where one goes while the shopper has not said."""

from datetime import date
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_skeleton, format_time

from serai.commerce.delivery.api import Book, choose_option, preview_options
from serai.commerce.delivery.types import Destination, OrderDelivery, Promise
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.storefront.country import COUNTRIES, choose_country


class Arrival(msgspec.Struct, frozen=True):
    """The option that pages tell of before there is an address: what it costs, ``days`` and ``order_by`` in words, empty
    where nothing is promised."""

    price_minor: int
    free_from_minor: int
    days: str = ""
    order_by: str = ""


def say_day(day: date, locale: str) -> str:
    """A day with its weekday, without its year."""
    return str(format_skeleton("MMMEd", day, locale=locale))


def tell_days(first: date | None, last: date | None, locale: str) -> str:
    """On which days something arrives; nothing where nothing was promised."""
    if first is None or last is None:
        return ""
    if first == last:
        return translate(_("Arrives %(day)s"), locale, {"day": say_day(first, locale)})
    days = {"first": say_day(first, locale), "last": say_day(last, locale)}
    return translate(_("Arrives %(first)s – %(last)s"), locale, days)


def tell_promise(promise: Promise | None, locale: str) -> str:
    """What is promised to an order that is placed now."""
    return tell_days(promise.from_day, promise.until_day, locale) if promise else ""


def tell_order(shipping: OrderDelivery | None, locale: str) -> str:
    """What an order was promised."""
    return tell_days(shipping.promised_from, shipping.promised_until, locale) if shipping else ""


def list_served(book: Book) -> set[str]:
    """The countries of address forms to which anything goes."""
    return {code for code in COUNTRIES if preview_options(book, Destination(code)).problem != "place"}


def guess_destination(book: Book, locale: str) -> Destination:
    """Where a reader's parcel goes until an address is known: the country of the language where anything goes there, else
    that of the warehouse, else the first that is served."""
    own = choose_country(None, locale).code
    if not book.is_own:
        return Destination(own)
    served = list_served(book)
    for code in (own, book.calendar.country, *sorted(served)):
        if code in served:
            return Destination(code)
    return Destination(own)


def tell_arrival(book: Book, locale: str) -> Arrival:
    """What pages tell of delivery before there is a cart."""
    offered = preview_options(book, guess_destination(book, locale)).options
    # Where nothing goes to any country of the forms, something goes elsewhere.
    option = choose_option(offered or preview_options(book, Destination()).options, None)
    if option is None:
        return Arrival(0, 0)
    price_minor, free_from_minor = option.price_minor, option.free_from_minor or 0
    if option.promise is None:
        return Arrival(price_minor, free_from_minor)
    until = option.promise.order_by.astimezone(ZoneInfo(book.calendar.time_zone))
    facts = {
        "day": say_day(until.date(), locale),
        "time": format_time(until.time(), "short", locale=locale),
    }
    return Arrival(
        price_minor,
        free_from_minor,
        tell_promise(option.promise, locale),
        translate(_("if ordered by %(day)s, %(time)s"), locale, facts),
    )
