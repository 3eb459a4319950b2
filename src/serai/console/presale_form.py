"""Reads a presale out of the form in which it is written, and fills the form from one."""

from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, get_args
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import find_skus
from serai.commerce.presale.types import Missed, PresaleTerms, PresaleTier
from serai.console.desk import Desk
from serai.console.form import Form, fill_form, take_amount, take_quantity, take_text
from serai.console.price import take_moment
from serai.console.product import explain_amount
from serai.console.promotion_fill import show_moment
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _
from serai.foundation.money import minor_digits

TIERS = 5
MOMENTS = ("deposit_from", "deposit_until", "balance_from", "balance_until")
SENT = (
    "name",
    "name_zh",
    "skus",
    "price",
    "deposit",
    "credit",
    "quota",
    "per_member",
    "missed",
    "version",
    "intent",
    "key",
    *MOMENTS,
    *(f"tier_{part}_{n}" for n in range(1, TIERS + 1) for part in ("least", "percent")),
)


async def read_terms(tx: Transaction, desk: Desk, form: Form) -> PresaleTerms | None:
    """The presale that a form describes; None with errors at the fields."""
    too_long = desk.say(_("That is too long."))
    missing = desk.say(_("Please give the presale a name."))
    name = take_text(form, "name", limit=120, missing=missing, too_long=too_long)
    chinese = take_text(form, "name_zh", limit=120, too_long=too_long)
    sku_ids = await _read_skus(tx, desk, form)
    currency, wrong = desk.merchant.currency, explain_amount(desk)
    amounts = {
        field: take_amount(form, field, currency, wrong=wrong) for field in ("price", "deposit", "credit")
    }
    whole = desk.say(_("Please give a whole number of at least 1."))
    quota = take_quantity(form, "quota", wrong=whole)
    per_member = take_quantity(form, "per_member", wrong=whole) if form.values.get("per_member") else None
    tiers = _read_tiers(desk, form)
    moments = {field: _read_moment(desk, form, field) for field in MOMENTS}
    missed = form.values.get("missed", "")
    if missed not in get_args(Missed):
        form.errors["missed"] = desk.say(_("Please choose what happens to the deposit."))
    if form.errors:
        return None
    values: dict[str, Any] = {
        "name": name,
        "translations": {"zh_Hans": chinese} if chinese else {},
        "sku_ids": sku_ids,
        **{f"{field}_minor": minor for field, minor in amounts.items()},
        "tiers": tiers,
        "quota": quota,
        "per_member": per_member,
        "missed": missed,
        **moments,
    }
    return msgspec.convert(values, PresaleTerms)


async def _read_skus(tx: Transaction, desk: Desk, form: Form) -> tuple[UUID, ...]:
    codes = list(dict.fromkeys(form.values.get("skus", "").replace(",", " ").split()))[:51]
    if not codes or len(codes) > 50:
        form.errors["skus"] = desk.say(_("Please give the SKUs of 1 to 50 articles."))
        return ()
    found = await find_skus(tx, skus=codes)
    unknown = [code for code in codes if code not in found]
    if unknown:
        form.errors["skus"] = desk.say(_("There is no SKU “%(sku)s”."), sku=unknown[0][:60])
        return ()
    return tuple(found[code][0] for code in codes)


def _read_tiers(desk: Desk, form: Form) -> tuple[PresaleTier, ...]:
    tiers = []
    for n in range(1, TIERS + 1):
        least, percent = form.values.get(f"tier_least_{n}", ""), form.values.get(f"tier_percent_{n}", "")
        if not least and not percent:
            continue
        pieces = take_quantity(
            form, f"tier_least_{n}", wrong=desk.say(_("Please give a whole number of at least 1."))
        )
        tiers.append(PresaleTier(max(1, pieces), _read_percent(desk, form, f"tier_percent_{n}", percent)))
    return tuple(tiers)


def _read_percent(desk: Desk, form: Form, name: str, text: str) -> int:
    try:
        points = Decimal(text.removesuffix("%").strip().replace(",", ".")) * 100
        if points == points.to_integral_value() and 0 < points < 10_000:
            return int(points)
    except InvalidOperation:
        pass
    form.errors[name] = desk.say(_("Please give a percentage of the price below 100, such as 80."))
    return 0


def _read_moment(desk: Desk, form: Form, name: str) -> datetime | None:
    moment = take_moment(desk, form, name)
    if moment is None and name not in form.errors:
        form.errors[name] = desk.say(_("Please give a moment."))
    return moment


def note_faults(desk: Desk, form: Form, error: Invalid) -> None:
    """Put every reason of a refusal at its field."""
    for each in error.data.get("reasons", ()):
        field = {"tiers": "tier_least_1"}.get(each["field"], each["field"])
        facts = {name: value for name, value in each.items() if name != "message"}
        text = desk.say(str(each["message"]), **facts)
        before = form.errors.get(field)
        form.errors[field] = f"{before} {text}" if before else text


def fill_terms(
    terms: PresaleTerms | None, skus: list[str], currency: str, zone: tzinfo, version: int = 0
) -> Form:
    """The form of a presale with its times in a zone, or an empty one."""
    if terms is None:
        return fill_form("presale", quota="100", missed="keep")
    scale = Decimal(10) ** minor_digits(currency)
    values: dict[str, object] = {
        "name": terms.name,
        "name_zh": terms.translations.get("zh_Hans", ""),
        "skus": "\n".join(skus),
        "price": terms.price_minor / scale,
        "deposit": terms.deposit_minor / scale,
        "credit": terms.credit_minor / scale,
        "quota": terms.quota,
        "per_member": terms.per_member,
        "missed": terms.missed,
        "version": version,
    }
    values |= {name: show_moment(getattr(terms, name), zone) for name in MOMENTS}
    for n, tier in enumerate(terms.tiers[:TIERS], 1):
        values[f"tier_least_{n}"] = tier.least
        values[f"tier_percent_{n}"] = f"{Decimal(tier.percent) / 100:f}"
    return fill_form("presale", **values)
