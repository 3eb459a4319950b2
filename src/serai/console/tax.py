"""Taxes: the rates with their history, the merchant's home for taxes, and the class of each category. For owners."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from serai.commerce.catalogue.api import list_categories
from serai.commerce.tax import api as taxes
from serai.commerce.tax.types import STANDARD, TaxRate
from serai.console.desk import AtDesk, Desk
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _

PATH = "/console/taxes"
PERMISSION = "settings.write"
SENT = (
    "country",
    "region",
    "tax_class",
    "name",
    "rate",
    "included",
    "valid_from",
    "reason",
    "shipping",
    "key",
)


class RateLine(msgspec.Struct, frozen=True):
    """The rates of one country, region and class: what holds now, what comes, and what was."""

    now: TaxRate | None
    coming: tuple[TaxRate, ...]
    past: tuple[TaxRate, ...]

    @property
    def newest(self) -> TaxRate:
        """Any of them, for what they share."""
        return self.now or (self.coming or self.past)[0]


def group_rates(rates: list[TaxRate], now: datetime) -> list[RateLine]:
    """Rates by country, region and class; they come sorted so, the newest first."""
    lines = []
    for _key, group in groupby(rates, key=lambda rate: (rate.country, rate.region, rate.tax_class)):
        found = list(group)
        begun = [rate for rate in found if rate.valid_from <= now]
        coming = tuple(rate for rate in found if rate.valid_from > now)
        lines.append(RateLine(begun[0] if begun else None, coming, tuple(begun[1:])))
    return lines


async def _show(
    desk: Desk,
    *,
    rate_form: Form | None = None,
    home_form: Form | None = None,
    class_form: Form | None = None,
    status_code: int = 200,
) -> Response[str]:
    async with desk.reading() as tx:
        rates = await taxes.list_rates(tx)
        home = await taxes.find_profile(tx)
        categories = await list_categories(tx)
        classes = await taxes.list_category_classes(tx)
    fresh_home = fill_form(
        "home",
        country=home.country if home else "",
        region=home.region if home else "",
        shipping="1" if home is None or home.shipping_taxed else "",
    )
    own = {f"class-{c.category_id}": classes.get(c.category_id, "") for c in categories}
    return desk.page(
        "tax.html",
        "tax",
        desk.say(_("Taxes")),
        status_code=status_code,
        lines=group_rates(rates, clock.now()),
        home=home,
        rate_form=rate_form
        or fill_form(
            "rate",
            country=home.country if home else "",
            tax_class=STANDARD,
            included="1",
        ),
        rate_open=rate_form is not None,
        home_form=home_form or fresh_home,
        home_open=home_form is not None or home is None,
        class_form=class_form or fill_form("class", **own),
        class_open=class_form is not None,
        departments=[c for c in categories if c.parent_id is None],
        classes={c.category_id: classes.get(c.category_id, "") for c in categories},
    )


@get("/taxes")
async def show_taxes(desk: AtDesk) -> Response[str]:
    """All rates with their history."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/taxes/rates", status_code=200)
async def add_tax_rate(request: Request[Any, Any, Any], desk: AtDesk) -> Response[Any]:
    """A rate from a moment on; what held before stays in the history."""
    desk.require(PERMISSION)
    sent = await request.form()
    form = read_form("rate", {name: sent.get(name) for name in SENT})
    rate_ppm = read_rate(desk, form)
    valid_from = read_day(desk, form)
    if form.errors:
        return await _show(desk, rate_form=form, status_code=422)
    rate = taxes.NewRate(
        country=form.values.get("country", ""),
        region=form.values.get("region", ""),
        tax_class=form.values.get("tax_class", ""),
        name=form.values.get("name", ""),
        rate_ppm=rate_ppm,
        included=form.values.get("included") == "1",
        valid_from=valid_from,
        reason=form.values.get("reason", ""),
    )

    async def effect(tx: Transaction) -> dict[str, str]:
        return {"rate_id": str((await taxes.add_rate(tx, rate=rate, by=desk.by)).rate_id)}

    try:
        await desk.do_once("tax.rate", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, rate_form=form, status_code=error.status)
    return desk.go(PATH, _("The rate is kept. Orders of before stay as they were taxed."))


def read_rate(desk: Desk, form: Form) -> int | None:
    """A percentage with up to four decimals as parts per million; None for a rate that ends."""
    text = form.values.get("rate", "").replace("%", "").replace(",", ".").strip()
    if not text:
        return None
    try:
        ppm = Decimal(text) * 10_000
    except InvalidOperation:
        ppm = Decimal(-1)
    if not ppm.is_finite() or ppm != ppm.to_integral_value() or not 0 <= ppm <= 1_000_000:
        form.errors["rate"] = desk.say(_("Please give a percentage from 0 to 100, such as 13 or 7.25."))
        return None
    return int(ppm)


def read_day(desk: Desk, form: Form) -> datetime | None:
    """The day from which a rate holds (midnight where the merchant is); None for at once."""
    text = form.values.get("valid_from", "")
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=desk.merchant.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        form.errors["valid_from"] = desk.say(_("Please give a date such as 2027-01-31."))
        return None


@post("/taxes/home", status_code=200)
async def save_home(request: Request[Any, Any, Any], desk: AtDesk) -> Response[Any]:
    """Where the merchant is at home, and whether delivery is taxed."""
    desk.require(PERMISSION)
    sent = await request.form()
    form = read_form("home", {name: sent.get(name) for name in SENT})

    async def effect(tx: Transaction) -> dict[str, str]:
        home = await taxes.save_profile(
            tx,
            country=form.values.get("country", ""),
            region=form.values.get("region", ""),
            shipping_taxed=form.values.get("shipping") == "1",
            by=desk.by,
        )
        return {"country": home.country}

    try:
        await desk.do_once("tax.home", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, home_form=form, status_code=error.status)
    return desk.go(PATH, _("Saved."))


@post("/taxes/classes", status_code=200)
async def save_classes(request: Request[Any, Any, Any], desk: AtDesk) -> Response[Any]:
    """The class of each department; what is left empty is of the standard class."""
    desk.require(PERMISSION)
    sent = await request.form()
    names = [name for name in sent if name == "key" or name.startswith("class-")]
    form = read_form("class", {name: sent.get(name) for name in names})

    async def effect(tx: Transaction) -> dict[str, int]:
        known = await taxes.list_category_classes(tx)
        changed = 0
        for name, text in form.values.items():
            category_id = parse_uuid(name.removeprefix("class-"))
            if category_id is None or known.get(category_id, "") == text:
                continue
            try:
                await taxes.set_category_class(tx, category_id=category_id, tax_class=text, by=desk.by)
            except Refused as error:
                form.errors[name] = desk.explain(error)
                raise
            changed += 1
        return {"changed": changed}

    try:
        await desk.do_once("tax.classes", form, effect)
    except Refused as error:
        if not form.errors:
            note_refusal(form, error, desk.explain(error))
        return await _show(desk, class_form=form, status_code=error.status)
    return desk.go(PATH, _("Saved."))
