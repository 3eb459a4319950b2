"""Judge what staff and programs write about delivery, before it is kept. Pure."""

import re
from itertools import pairwise
from typing import TypeVar
from zoneinfo import available_timezones

import msgspec
from babel import Locale

from serai.commerce.delivery.logic import fold_postcode, fold_region
from serai.commerce.delivery.types import Calendar, OptionTerms, Price, Zone
from serai.foundation.errors import Invalid, _

CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
COUNTRIES = frozenset(
    str(code) for code in Locale("en").territories if len(str(code)) == 2 and str(code).isalpha()
)
T = TypeVar("T", OptionTerms, Calendar)
LOCALES = ("zh_Hans", "zh_Hant")


def _invalid(field: str, message: str, **data: object) -> Invalid:
    return Invalid("delivery.terms_invalid", message, field=field, **data)


def _check_limits(written: T) -> T:
    """What is written, if it keeps the limits of its type: a form builds it without their being looked at, but whoever
    reads it back looks."""
    try:
        return msgspec.convert(msgspec.to_builtins(written), type(written))
    except msgspec.ValidationError as error:
        path = re.search(r"`\$((?:\.\w+|\[[^\]]*\])*)`", str(error))
        names = re.findall(r"\.(\w+)", path[1]) if path else []
        raise _invalid(names[-1] if names else "", _("That is too long, or too much.")) from error


def check_code(code: str) -> str:
    """An option's code. Invalid ``delivery.code_invalid``."""
    code = code.strip().lower()
    if not CODE.fullmatch(code):
        raise Invalid(
            "delivery.code_invalid",
            _("A code has up to 40 letters a to z, digits, hyphens and underscores."),
            field="code",
        )
    return code


def check_option(terms: OptionTerms) -> OptionTerms:
    """The terms, tidied. Invalid ``delivery.terms_invalid`` with ``field``."""
    terms = _check_limits(terms)
    title = " ".join(terms.title.split())
    if not title:
        raise _invalid("title", _("Please give a name."))
    unknown = set(terms.translations) - set(LOCALES)
    if unknown:
        raise _invalid("translations", _("There are no such languages: %(names)s."), names=", ".join(unknown))
    translations = {key: " ".join(text.split()) for key, text in terms.translations.items()}
    if terms.transit_low > terms.transit_high:
        raise _invalid("transit_high", _("The longest time is shorter than the shortest."))
    if not terms.transit_weekdays:
        raise _invalid("transit_weekdays", _("Please choose at least one day of the week."))
    return msgspec.structs.replace(
        terms,
        title=title,
        carrier=" ".join(terms.carrier.split()),
        translations={key: text for key, text in translations.items() if text},
        zone=_check_zone(terms.zone),
        price=_check_price(terms.price),
        transit_weekdays=tuple(sorted(set(terms.transit_weekdays))),
        excluded_sku_ids=tuple(dict.fromkeys(terms.excluded_sku_ids)),
        excluded_category_ids=tuple(dict.fromkeys(terms.excluded_category_ids)),
    )


def _check_zone(zone: Zone) -> Zone:
    unknown = [code for code in zone.countries if code not in COUNTRIES]
    if unknown:
        raise _invalid("countries", _("There is no country %(names)s."), names=", ".join(unknown[:5]))
    return Zone(
        tuple(dict.fromkeys(zone.countries)),
        _check_regions("regions", zone.regions),
        _check_postcodes("postcodes", zone.postcodes),
        _check_regions("without_regions", zone.without_regions),
        _check_postcodes("without_postcodes", zone.without_postcodes),
    )


def _check_regions(field: str, regions: tuple[str, ...]) -> tuple[str, ...]:
    tidy = {fold_region(each): " ".join(each.split()) for each in regions}
    if "" in tidy:
        raise _invalid(field, _("Please leave no entry empty."))
    return tuple(tidy.values())


def _check_postcodes(field: str, postcodes: tuple[str, ...]) -> tuple[str, ...]:
    tidy = tuple(dict.fromkeys(fold_postcode(each) for each in postcodes))
    if "" in tidy:
        # An empty beginning would fit every postcode.
        raise _invalid(field, _("Please leave no entry empty."))
    if any(not each.isascii() or len(each) > 12 for each in tidy):
        raise _invalid(field, _("A postcode's beginning has up to 12 letters and digits."))
    return tidy


def _check_price(price: Price) -> Price:
    steps = price.steps
    if steps[0].least != 0:
        raise _invalid("steps", _("The first step begins at zero."))
    if any(before.least >= after.least for before, after in pairwise(steps)):
        raise _invalid("steps", _("Each step begins above the one before it."))
    if price.basis == "flat" and len(steps) > 1:
        raise _invalid("steps", _("One price for everything has one step."))
    if price.per_kg_minor and price.basis != "weight":
        raise _invalid("per_kg", _("A price per kilogram needs steps by weight."))
    remote = bool(price.remote_regions or price.remote_postcodes)
    if remote != bool(price.remote_minor):
        raise _invalid("remote", _("An extra charge needs both an amount and the places it is for."))
    return msgspec.structs.replace(
        price,
        remote_regions=_check_regions("remote_regions", price.remote_regions),
        remote_postcodes=_check_postcodes("remote_postcodes", price.remote_postcodes),
    )


def check_calendar(calendar: Calendar) -> Calendar:
    """The calendar, tidied. Invalid ``delivery.terms_invalid`` with ``field``."""
    calendar = _check_limits(calendar)
    if calendar.time_zone not in available_timezones():
        raise _invalid("time_zone", _("There is no such time zone."))
    if not calendar.weekdays:
        raise _invalid("weekdays", _("Please choose at least one day of the week."))
    if calendar.country and calendar.country not in COUNTRIES:
        raise _invalid("country", _("There is no country %(names)s."), names=calendar.country)
    return msgspec.structs.replace(
        calendar,
        weekdays=tuple(sorted(set(calendar.weekdays))),
        closed=tuple(sorted(set(calendar.closed))),
    )
