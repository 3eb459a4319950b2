"""The forms of delivery: options and calendar as staff type them, and back."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from serai.commerce.catalogue.types import Category, show_steps
from serai.commerce.delivery.types import (
    DAY_MINUTES,
    MAX_GRAMS,
    Basis,
    Calendar,
    OptionTerms,
    Price,
    PriceStep,
    Zone,
)
from serai.console.desk import Desk
from serai.console.form import Form, fill_form, take_amount
from serai.console.product import explain_amount
from serai.foundation.errors import _
from serai.foundation.money import minor_digits

STEP_ROWS = 12
DAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
BASES: tuple[tuple[Basis, str], ...] = (
    ("flat", _("one price")),
    ("weight", _("by weight")),
    ("value", _("by what the goods are worth")),
)
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
LISTS = ("countries", "regions", "postcodes", "without_regions", "without_postcodes")


def show_clock(minute: int | None) -> str:
    """A minute of the day as the clock shows it; midnight at its end is 24:00."""
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def show_kg(grams: int | None) -> str:
    """Grams as kilograms."""
    return "" if grams is None else show_steps(grams, 3)


def fill_option(
    terms: OptionTerms, currency: str, *, code: str = "", version: int = 0, skus: str = ""
) -> Form:
    """An option's form. ``skus`` are the codes of goods that it does not carry."""
    digits, price = minor_digits(currency), terms.price

    def money(minor: int | None) -> str:
        return "" if minor is None else show_steps(minor, digits)

    steps: dict[str, str] = {}
    for number, step in enumerate(price.steps, 1):
        steps[f"least_{number}"] = show_kg(step.least) if price.basis == "weight" else money(step.least)
        steps[f"price_{number}"] = money(step.price_minor)
    lists = {name: ", ".join(getattr(terms.zone, name)) for name in LISTS}
    form = fill_form(
        "option",
        code=code,
        version=version,
        title=terms.title,
        title_zh=terms.translations.get("zh_Hans", ""),
        carrier=terms.carrier,
        basis=price.basis,
        per_kg=money(price.per_kg_minor or None),
        free_from=money(price.free_from_minor),
        remote=money(price.remote_minor or None),
        remote_regions=", ".join(price.remote_regions),
        remote_postcodes=", ".join(price.remote_postcodes),
        most_weight=show_kg(terms.most_grams),
        handling_days=terms.handling_days,
        transit_low=terms.transit_low,
        transit_high=terms.transit_high,
        cutoff=show_clock(terms.cutoff_minute),
        excluded_skus=skus,
        **lists,
        **steps,
    )
    for day in terms.transit_weekdays:
        form.values[f"day_{day}"] = "1"
    for category_id in terms.excluded_category_ids:
        form.values[f"category_{category_id}"] = "1"
    return form


def read_option(
    desk: Desk, form: Form, categories: Iterable[Category], known_skus: Mapping[str, UUID]
) -> OptionTerms | None:
    """The terms that a form says; None with the reason at each field that says none."""
    currency = desk.merchant.currency
    basis: Basis = next((each for each, _label in BASES if each == form.values.get("basis")), "flat")
    price = Price(
        basis=basis,
        steps=_read_steps(desk, form, basis),
        per_kg_minor=_amount(desk, form, "per_kg", currency) or 0,
        free_from_minor=_amount(desk, form, "free_from", currency, positive=True),
        remote_minor=_amount(desk, form, "remote", currency) or 0,
        remote_regions=split_list(form, "remote_regions"),
        remote_postcodes=split_list(form, "remote_postcodes"),
    )
    countries = tuple(code.upper() for code in split_list(form, "countries"))
    if any(not re.fullmatch("[A-Z]{2}", code) for code in countries):
        form.errors["countries"] = desk.say(_("Two letters of ISO 3166 for each, such as US, CA."))
    if not form.values.get("title"):
        form.errors["title"] = desk.say(_("Please give a name."))
    codes = split_list(form, "excluded_skus")
    unknown = [code for code in codes if code not in known_skus]
    if unknown:
        form.errors["excluded_skus"] = desk.say(
            _("There are no goods %(codes)s."), codes=", ".join(unknown[:5])
        )
    most = form.values.get("most_weight", "")
    terms = OptionTerms(
        title=form.values.get("title", "")[:80],
        translations={"zh_Hans": form.values["title_zh"][:80]} if form.values.get("title_zh") else {},
        carrier=form.values.get("carrier", "")[:80],
        zone=Zone(countries, *(split_list(form, name) for name in LISTS[1:])),
        price=price,
        most_grams=_kg(desk, form, "most_weight", least=1) if most else None,
        handling_days=_days(desk, form, "handling_days"),
        transit_low=_days(desk, form, "transit_low"),
        transit_high=_days(desk, form, "transit_high"),
        transit_weekdays=read_days(form),
        cutoff_minute=read_clock(desk, form, "cutoff") if form.values.get("cutoff") else None,
        excluded_sku_ids=tuple(known_skus[code] for code in codes if code in known_skus),
        excluded_category_ids=tuple(
            each.category_id for each in categories if form.values.get(f"category_{each.category_id}")
        ),
    )
    return None if form.errors else terms


def _read_steps(desk: Desk, form: Form, basis: Basis) -> tuple[PriceStep, ...]:
    """The steps of a price: rows with a price; of one price for everything the first row."""
    currency, steps = desk.merchant.currency, []
    for number in range(1, (1 if basis == "flat" else STEP_ROWS) + 1):
        least, price = form.values.get(f"least_{number}", ""), form.values.get(f"price_{number}", "")
        if number > 1 and not least and not price:
            continue
        from_least = 0
        if number > 1 or (least and basis != "flat"):
            from_least = (
                _kg(desk, form, f"least_{number}", least=0)
                if basis == "weight"
                else _amount(desk, form, f"least_{number}", currency, needed=True) or 0
            )
        minor = _amount(desk, form, f"price_{number}", currency, needed=True)
        steps.append(PriceStep(from_least, minor or 0))
    return tuple(steps)


def _amount(
    desk: Desk, form: Form, name: str, currency: str, *, needed: bool = False, positive: bool = False
) -> int | None:
    if not form.values.get(name) and not needed:
        return None
    return take_amount(form, name, currency, wrong=explain_amount(desk), positive=positive)


def _kg(desk: Desk, form: Form, name: str, *, least: int) -> int:
    try:
        grams = Decimal(form.values.get(name, "").replace(",", ".")) * 1000
    except InvalidOperation:
        grams = Decimal(-1)
    if not grams.is_finite() or grams != int(grams) or not least <= grams <= MAX_GRAMS:
        form.errors[name] = desk.say(_("Please give kilograms, such as 2.5."))
        return least
    return int(grams)


def _days(desk: Desk, form: Form, name: str) -> int:
    text = form.values.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 2 or int(text) > 90:
        form.errors[name] = desk.say(_("Please give a number of days from 0 to 90."))
        return 0
    return int(text)


def read_days(form: Form) -> tuple[int, ...]:
    """The days of the week that are ticked."""
    return tuple(day for day in range(7) if form.values.get(f"day_{day}") == "1")


def read_clock(desk: Desk, form: Form, name: str) -> int:
    """A time of the day in minutes."""
    text = form.values.get(name, "")
    if text == "24:00":
        return DAY_MINUTES
    found = CLOCK.fullmatch(text) if text.isascii() else None
    if found is None:
        form.errors[name] = desk.say(_("Please give a time such as 14:00."))
        return 0
    return int(found[1]) * 60 + int(found[2])


def split_list(form: Form, name: str) -> tuple[str, ...]:
    """What is listed in a field, separated by commas or lines."""
    parts = re.split(r"[,;，、；\n]", form.values.get(name, ""))
    return tuple(text for part in parts if (text := " ".join(part.split())[:80]))


def fill_calendar(calendar: Calendar) -> Form:
    """When parcels leave."""
    form = fill_form(
        "calendar",
        time_zone=calendar.time_zone,
        cutoff=show_clock(calendar.cutoff_minute),
        country=calendar.country,
        skip_holidays="1" if calendar.skip_holidays else "",
        closed="\n".join(day.isoformat() for day in calendar.closed),
    )
    for day in calendar.weekdays:
        form.values[f"day_{day}"] = "1"
    return form


def read_calendar(desk: Desk, form: Form) -> Calendar | None:
    """The calendar that a form says; None with the reason at each field that says none."""
    closed = []
    for text in split_list(form, "closed"):
        try:
            closed.append(date.fromisoformat(text))
        except ValueError:
            form.errors["closed"] = desk.say(_("“%(text)s” is no date such as 2026-12-24."), text=text)
    country = form.values.get("country", "").upper()
    if country and not re.fullmatch("[A-Z]{2}", country):
        form.errors["country"] = desk.say(_("Two letters of ISO 3166, such as CN, DE or US."))
    calendar = Calendar(
        time_zone=form.values.get("time_zone", ""),
        cutoff_minute=read_clock(desk, form, "cutoff"),
        weekdays=read_days(form),
        country=country,
        skip_holidays=form.values.get("skip_holidays") == "1",
        closed=tuple(closed[:200]),
    )
    return None if form.errors else calendar


def count_rows(form: Form) -> Sequence[int]:
    """The rows of steps to show: those that are filled, and some to fill."""
    filled = [n for n in range(1, STEP_ROWS + 1) if form.values.get(f"price_{n}")]
    return range(1, min(STEP_ROWS, max(3, (filled[-1] if filled else 0) + 2)) + 1)
