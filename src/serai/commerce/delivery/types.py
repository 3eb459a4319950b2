"""Delivery options as other modules see them: a merchant's terms, what is offered for an address, and what was promised."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from serai.foundation.i18n import pick_translation

# The option of a merchant that has none of its own: one price, one parcel.
STANDARD = "standard"
DAY_MINUTES = 24 * 60
MAX_MINOR = 10**12
MAX_GRAMS = 10_000_000

Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Days = Annotated[int, Meta(ge=0, le=90)]
Short = Annotated[str, Meta(max_length=80)]
# Monday is 0, as in Python.
Weekday = Annotated[int, Meta(ge=0, le=6)]
Weekdays = Annotated[tuple[Weekday, ...], Meta(max_length=7)]
CountryCode = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
Basis = Literal["flat", "weight", "value"]
Problem = Literal["", "place", "goods", "weight"]


class Destination(msgspec.Struct, frozen=True):
    """Where a parcel goes, as far as it is known; an empty ``country`` is not known at all."""

    country: str = ""
    region: str = ""
    postcode: str = ""


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an option goes. Nothing named: everywhere. ``countries`` are ISO 3166 alpha-2; ``regions`` as addresses write
    them, ``postcodes`` beginnings of postcodes; an address fits when it is of one of the countries, and of one of the
    regions or postcodes where any are named, and of none of those that are left out."""

    countries: Annotated[tuple[CountryCode, ...], Meta(max_length=250)] = ()
    regions: Annotated[tuple[Short, ...], Meta(max_length=100)] = ()
    postcodes: Annotated[tuple[Short, ...], Meta(max_length=500)] = ()
    without_regions: Annotated[tuple[Short, ...], Meta(max_length=100)] = ()
    without_postcodes: Annotated[tuple[Short, ...], Meta(max_length=500)] = ()


class PriceStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From ``least`` (grams, or minor units of the goods' worth) on a delivery costs ``price_minor``."""

    least: Annotated[int, Meta(ge=0, le=MAX_MINOR)]
    price_minor: Minor


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an option costs. ``flat`` has one step from 0 on. ``per_kg_minor`` adds to the last step of ``weight`` for every
    kilogram begun above it. From ``free_from_minor`` of goods on it costs nothing; what remote places cost more is added
    then too."""

    basis: Basis = "flat"
    steps: Annotated[tuple[PriceStep, ...], Meta(min_length=1, max_length=40)] = (PriceStep(0, 0),)
    per_kg_minor: Minor = 0
    free_from_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None
    remote_minor: Minor = 0
    remote_regions: Annotated[tuple[Short, ...], Meta(max_length=100)] = ()
    remote_postcodes: Annotated[tuple[Short, ...], Meta(max_length=500)] = ()


class OptionTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to deliver. Days are counted after the day on which an order that came in before the cut-off is taken up:
    ``handling_days`` of work in the warehouse, then ``transit_low`` to ``transit_high`` days on which the carrier
    delivers (``transit_weekdays``). ``cutoff_minute`` (of the day) is None where the calendar's holds."""

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    translations: dict[str, Annotated[str, Meta(max_length=80)]] = {}
    carrier: Short = ""
    zone: Zone = Zone()
    price: Price = Price()
    most_grams: Annotated[int, Meta(ge=1, le=MAX_GRAMS)] | None = None
    handling_days: Days = 1
    transit_low: Days = 1
    transit_high: Days = 3
    transit_weekdays: Weekdays = (0, 1, 2, 3, 4)
    cutoff_minute: Annotated[int, Meta(ge=0, le=DAY_MINUTES)] | None = None
    excluded_sku_ids: Annotated[tuple[UUID, ...], Meta(max_length=200)] = ()
    excluded_category_ids: Annotated[tuple[UUID, ...], Meta(max_length=100)] = ()


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a merchant sends parcels. ``time_zone`` is a name of the IANA database, ``cutoff_minute`` the minute of its day
    until which an order is taken up on the same day. Nobody works on public holidays of ``country`` (none where it is
    empty) and on ``closed`` days; carriers deliver on none of the destination's when ``skip_holidays``."""

    time_zone: Annotated[str, Meta(min_length=1, max_length=60)] = "UTC"
    cutoff_minute: Annotated[int, Meta(ge=0, le=DAY_MINUTES)] = 14 * 60
    weekdays: Weekdays = (0, 1, 2, 3, 4)
    country: Annotated[str, Meta(pattern="^([A-Z]{2})?$")] = ""
    skip_holidays: bool = True
    closed: Annotated[tuple[date, ...], Meta(max_length=200)] = ()


class Promise(msgspec.Struct, frozen=True):
    """When goods arrive: on a day between these two, which may be the same. ``order_by``: until then the promise holds;
    ``late_from``: an order that has not left by then is late."""

    from_day: date
    until_day: date
    order_by: datetime
    late_from: datetime


class Goods(msgspec.Struct, frozen=True):
    """A line to be delivered. ``quantity`` is in steps of 10^-scale of ``unit``; ``parts`` are (SKU, steps, scale) of a
    bundle."""

    sku_id: UUID
    quantity: int
    total_minor: int
    scale: int = 0
    unit: str = "pc"
    parts: tuple[tuple[UUID, int, int], ...] = ()


class Option(msgspec.Struct, frozen=True):
    """A way in which these goods can reach this address, in the merchant's order. ``price_minor`` is before promotions.
    ``promise`` is None where nothing is promised."""

    code: str
    title: str
    translations: dict[str, str]
    carrier: str
    price_minor: int
    promise: Promise | None = None
    free_from_minor: int | None = None

    def label(self, locale: str) -> str:
        """The title in a language, else the merchant's own."""
        return pick_translation(self.translations, locale, self.title)


class Offered(msgspec.Struct, frozen=True):
    """What is offered for goods and an address; without options ``problem`` says why: nobody goes to that ``place``, it
    carries none of the ``goods``, or they are of too much ``weight``."""

    options: tuple[Option, ...]
    problem: Problem = ""


class DeliveryOptionRow(msgspec.Struct, frozen=True):
    """An option as staff see it."""

    option_id: UUID
    code: str
    place_no: int
    active: bool
    terms: OptionTerms
    version: int
    changed_by: str
    changed_at: datetime


class OrderDelivery(msgspec.Struct, frozen=True):
    """The option an order chose and what it was promised, as it was at the time."""

    option_code: str
    title: str
    translations: dict[str, str]
    carrier: str
    promised_from: date | None
    promised_until: date | None
    late_from: datetime | None

    def label(self, locale: str) -> str:
        """The option's title in a language."""
        return pick_translation(self.translations, locale, self.title)
