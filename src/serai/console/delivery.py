"""Delivery: a merchant's options in their order, the calendar they promise by, and a preview of what a parcel costs."""

from typing import Any

import msgspec
from babel.dates import format_skeleton
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.catalogue.api import find_skus, list_categories
from serai.commerce.delivery import api as deliveries
from serai.commerce.delivery.types import (
    Calendar,
    DeliveryOptionRow,
    Destination,
    Goods,
    Offered,
    Option,
    OptionTerms,
)
from serai.console.delivery_form import (
    BASES,
    DAYS,
    count_rows,
    fill_calendar,
    fill_option,
    read_calendar,
    read_option,
    show_clock,
    show_kg,
    split_list,
)
from serai.console.desk import AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, parse_uuid, read_form, take_amount
from serai.console.product import explain_amount
from serai.console.variant import read_version
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.ids import derive_id
from serai.identity.merchant.api import list_time_zones

PATH = "/console/delivery"
PERMISSION = "settings.write"
AnyRequest = Request[Any, Any, Any]
# Where the form shows what is said of a part that has no field of its name.
PLACES = {
    "steps": "price_1",
    "price_minor": "price_1",
    "least": "price_1",
    "transit_weekdays": "days",
    "translations": "title_zh",
    "weekdays": "weekdays",
}
PROBLEMS = {
    "place": _("No option goes there."),
    "goods": _("No option that goes there carries these goods."),
    "weight": _("That is too heavy for every option that goes there."),
}


class Tried(msgspec.Struct, frozen=True):
    """What a parcel would cost somewhere, in words."""

    options: tuple[Option, ...]
    days: dict[str, str]
    problem: str


def say_days(option: Option, locale: str) -> str:
    """The days on which something would arrive, nothing where nothing is promised."""
    if option.promise is None:
        return ""
    days = dict.fromkeys((option.promise.from_day, option.promise.until_day))
    return " – ".join(str(format_skeleton("MMMEd", day, locale=locale)) for day in days)


def _crumbs(desk: Desk, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(desk.say(_("Delivery")), PATH), *more]


def read_try(desk: Desk) -> Form | None:
    """The parcel to try, out of the address; None when none was asked for."""
    names = ("country", "region", "postcode", "weight", "worth")
    form = fill_form("try", **{name: desk.query(name) for name in names})
    return form if any(form.values.values()) else None


async def _try(desk: Desk, tx: Transaction, form: Form) -> Tried | None:
    """What the parcel of a form would cost. None with the reason at each field."""
    from_kg = form.values.get("weight") or "0"
    grams = 0
    try:
        grams = round(float(from_kg.replace(",", ".")) * 1000)
    except (ValueError, OverflowError):
        grams = -1
    if not 0 <= grams <= 10_000_000:
        form.errors["weight"] = desk.say(_("Please give kilograms, such as 2.5."))
    worth = 0
    if form.values.get("worth"):
        wrong = explain_amount(desk)
        worth = take_amount(form, "worth", desk.merchant.currency, wrong=wrong, positive=False)
    country = form.values.get("country", "").upper()
    if len(country) != 2 or not country.isascii() or not country.isalpha():
        form.errors["country"] = desk.say(_("Two letters of ISO 3166, such as CN, DE or US."))
    if form.errors:
        return None
    book = await deliveries.load_book(tx, settings=desk.commerce.settings)
    to = Destination(country, form.values.get("region", ""), form.values.get("postcode", ""))
    goods = [Goods(derive_id("preview"), 1, worth)]
    offered: Offered = deliveries.preview_options(book, to, goods, grams=grams)
    return Tried(
        offered.options,
        {each.code: say_days(each, desk.locale) for each in offered.options},
        desk.say(PROBLEMS[offered.problem]) if offered.problem else "",
    )


async def _show(desk: Desk, *, calendar_form: Form | None = None, status_code: int = 200) -> Response[str]:
    form = read_try(desk)
    async with desk.reading() as tx:
        rows = await deliveries.list_rows(tx)
        calendar = await deliveries.load_calendar(tx)
        book = await deliveries.load_book(tx, settings=desk.commerce.settings)
        tried = await _try(desk, tx, form) if form else None
    return desk.page(
        "delivery_list.html",
        "delivery",
        desk.say(_("Delivery")),
        status_code=status_code,
        rows=rows,
        active=[row for row in rows if row.active],
        shop=book.shop,
        calendar=calendar,
        calendar_form=calendar_form or fill_calendar(calendar),
        calendar_open=calendar_form is not None,
        weekdays=[(number, desk.say(name)) for number, name in enumerate(DAYS)],
        zones=[(name, name.replace("_", " ")) for name in list_time_zones()],
        cutoff=show_clock(calendar.cutoff_minute),
        try_form=form or fill_form("try", country=calendar.country, weight="", worth=""),
        tried=tried,
        kg=show_kg,
    )


@get("/delivery")
async def show_delivery(desk: AtDesk) -> Response[str]:
    """All options in their order, the calendar, and what a parcel would cost (asked for in the address)."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/delivery/calendar", status_code=200)
async def save_calendar(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """When parcels leave."""
    desk.require(PERMISSION)
    form = read_form("calendar", await request.form())
    calendar = read_calendar(desk, form)
    if calendar is None:
        return await _show(desk, calendar_form=form, status_code=422)

    async def effect(tx: Transaction) -> Calendar:
        return await deliveries.save_calendar(tx, calendar=calendar, by=desk.by)

    try:
        await desk.do_once("delivery.calendar", form, effect)
    except Refused as error:
        _note(form, error, desk.explain(error))
        return await _show(desk, calendar_form=form, status_code=error.status)
    return desk.go(PATH, _("Saved. Orders that are placed keep what they were promised."))


@post("/delivery/order", status_code=303)
async def move_option(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Show an option before the one above it, or behind the one below it."""
    desk.require(PERMISSION)
    form = read_form("order", await request.form())
    wanted, up = parse_uuid(form.values.get("option_id", "")), form.values.get("to") == "up"

    async def effect(tx: Transaction) -> int:
        ids = [row.option_id for row in await deliveries.list_rows(tx) if row.active]
        if wanted not in ids:
            raise not_found()
        at = ids.index(wanted)
        other = max(0, at - 1) if up else min(len(ids) - 1, at + 1)
        ids[at], ids[other] = ids[other], ids[at]
        await deliveries.place_options(tx, option_ids=ids, by=desk.by)
        return other

    try:
        await desk.do_once("delivery.order", form, effect)
    except Refused as error:
        if error.status == 404:
            raise
        return desk.go(PATH, error.message, tone="bad", **error.data)
    return desk.go(PATH)


async def _show_form(
    desk: Desk, form: Form, row: DeliveryOptionRow | None, *, status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        categories = await list_categories(tx)
        calendar = await deliveries.load_calendar(tx)
    title = row.terms.title if row else desk.say(_("New delivery option"))
    return desk.page(
        "delivery_form.html",
        "delivery",
        title,
        crumbs=_crumbs(desk, (title, "")),
        status_code=status_code,
        form=form,
        row=row,
        bases=[(name, desk.say(label)) for name, label in BASES],
        step_rows=count_rows(form),
        weekdays=[(number, desk.say(name)) for number, name in enumerate(DAYS)],
        departments=[each for each in categories if each.parent_id is None],
        calendar=calendar,
        cutoff=show_clock(calendar.cutoff_minute),
        currency=desk.merchant.currency,
    )


@get("/delivery/new")
async def show_new_option(desk: AtDesk) -> Response[str]:
    """An empty form."""
    desk.require(PERMISSION)
    return await _show_form(desk, fill_option(OptionTerms(title=""), desk.merchant.currency), None)


async def _read(desk: Desk, tx: Transaction, form: Form) -> OptionTerms | None:
    categories = await list_categories(tx)
    known = await find_skus(tx, skus=split_list(form, "excluded_skus")[:200])
    skus = {code: found[0] for code, found in known.items()}
    return read_option(desk, form, categories, skus)


@post("/delivery/new", status_code=200)
async def add_option(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """A new option, offered at once."""
    desk.require(PERMISSION)
    form = read_form("option", await request.form())
    async with desk.reading() as tx:
        terms = await _read(desk, tx, form)
    if terms is None:
        return await _show_form(desk, form, None, status_code=422)

    async def effect(tx: Transaction) -> dict[str, str]:
        added = await deliveries.add_option(tx, code=form.values.get("code", ""), terms=terms, by=desk.by)
        return {"option_id": str(added.option_id)}

    try:
        await desk.do_once("delivery.add", form, effect)
    except Refused as error:
        _note(form, error, desk.explain(error))
        return await _show_form(desk, form, None, status_code=error.status)
    return desk.go(PATH, _("Added. The shop offers it from now on."))


def _note(form: Form, error: Refused, text: str) -> None:
    """Put a refusal at the field of the form that it is about."""
    name = PLACES.get(str(error.data.get("field")), str(error.data.get("field")))
    form.errors[name if name in form.values or name in PLACES.values() else ""] = text


async def _load(desk: Desk, option_id: str) -> tuple[DeliveryOptionRow, str]:
    """An option, and the codes of the goods that it does not carry. NotFound ``delivery.option_unknown``."""
    wanted = parse_uuid(option_id)
    if wanted is None:
        raise not_found()
    async with desk.reading() as tx:
        row = await deliveries.load_row(tx, option_id=wanted)
        codes = await deliveries.list_codes(tx, sku_ids=row.terms.excluded_sku_ids)
    return row, ", ".join(codes)


@get("/delivery/{option_id:str}")
async def show_option(desk: AtDesk, option_id: FromPath[str]) -> Response[str]:
    """An option's form."""
    desk.require(PERMISSION)
    row, skus = await _load(desk, option_id)
    form = fill_option(row.terms, desk.merchant.currency, code=row.code, version=row.version, skus=skus)
    return await _show_form(desk, form, row)


@post("/delivery/{option_id:str}", status_code=200)
async def save_option(request: AnyRequest, desk: AtDesk, option_id: FromPath[str]) -> Response[Any]:
    """Change an option, or (``do=off``, ``do=on``) offer it no more, or again."""
    desk.require(PERMISSION)
    row, _skus = await _load(desk, option_id)
    form = read_form("option", await request.form())
    doing = form.values.get("do", "")
    terms: OptionTerms | None = None
    if doing not in ("off", "on"):
        async with desk.reading() as tx:
            terms = await _read(desk, tx, form)
        if terms is None:
            return await _show_form(desk, form, row, status_code=422)

    async def effect(tx: Transaction) -> dict[str, int]:
        saved = await deliveries.edit_option(
            tx,
            option_id=row.option_id,
            version=read_version(form.values.get("version", "")),
            by=desk.by,
            terms=terms,
            active=None if terms else doing == "on",
        )
        return {"version": saved.version}

    try:
        await desk.do_once("delivery.edit", form, effect)
    except Refused as error:
        if terms is None:
            return desk.go(PATH, error.message, tone="bad", **error.data)
        _note(form, error, desk.explain(error))
        if error.code == "delivery.edited_meanwhile":
            form.values["version"] = str((await _load(desk, option_id))[0].version)
        return await _show_form(desk, form, row, status_code=error.status)
    return desk.go(PATH, _("Saved. Orders that are placed keep what they were promised."))
