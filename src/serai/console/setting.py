"""The merchant's settings: name, mail, time zone, what delivery costs, returns, and how staff sign in. For owners."""

from typing import Any

from litestar import Request, Response, get, post

from serai.commerce.catalogue.types import show_steps
from serai.commerce.terms import api as terms
from serai.commerce.terms.types import ShopTerms
from serai.console.desk import AtDesk, Desk
from serai.console.form import Form, fill_form, note_refusal, read_form, take_amount
from serai.console.product import explain_amount
from serai.console.variant import read_version
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.money import minor_digits
from serai.identity.merchant.api import edit_merchant, list_time_zones, load_merchant
from serai.identity.merchant.types import Merchant
from serai.identity.staff.api import require_passkeys

PATH = "/console/settings"
PERMISSION = "settings.write"
AnyRequest = Request[Any, Any, Any]


def fill_shop(merchant: Merchant) -> Form:
    """What the merchant says of itself."""
    return fill_form(
        "shop",
        version=merchant.version,
        name=merchant.name,
        support_email=merchant.support_email,
        time_zone=merchant.time_zone,
    )


def fill_delivery(found: ShopTerms, currency: str) -> Form:
    """What delivery costs, and the words on returns."""
    digits = minor_digits(currency)
    free = found.free_shipping_from_minor
    return fill_form(
        "delivery",
        version=found.version,
        shipping=show_steps(found.shipping_minor, digits),
        free_from="" if free is None else show_steps(free, digits),
        returns_policy=found.returns_policy,
    )


async def _show(
    desk: Desk, *, shop_form: Form | None = None, delivery_form: Form | None = None, status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        merchant = await load_merchant(tx)
        found = await terms.load_terms(tx, settings=desk.commerce.settings)
    return desk.page(
        "setting.html",
        "setting",
        desk.say(_("Settings")),
        status_code=status_code,
        shop_form=shop_form or fill_shop(merchant),
        delivery_form=delivery_form or fill_delivery(found, merchant.currency),
        is_own=found.version > 0,
        zones=[(name, name.replace("_", " ")) for name in list_time_zones()],
        saved=merchant,
        passkey_form=fill_form("passkeys", version=merchant.version),
    )


@get("/settings")
async def show_settings(desk: AtDesk) -> Response[str]:
    """All settings."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/settings/shop", status_code=200)
async def save_shop(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Name, support mail and time zone."""
    desk.require(PERMISSION)
    form = read_form("shop", await request.form())

    async def effect(tx: Transaction) -> dict[str, int]:
        saved = await edit_merchant(
            tx,
            version=read_version(form.values.get("version", "")),
            by=desk.by,
            name=form.values.get("name", ""),
            support_email=form.values.get("support_email", ""),
            time_zone=form.values.get("time_zone", ""),
        )
        return {"version": saved.version}

    try:
        await desk.do_once("setting.shop", form, effect)
    except Refused as error:
        if error.code == "merchant.edited_meanwhile":
            await _tell_saved(desk, form)
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, shop_form=form, status_code=error.status)
    return desk.go(PATH, _("Saved. Every page has it within seconds."))


@post("/settings/passkeys", status_code=303)
async def save_passkeys(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Whether staff may sign in with a password still."""
    desk.require(PERMISSION)
    form = read_form("passkeys", await request.form())
    required = form.values.get("required") == "1"

    async def effect(tx: Transaction) -> dict[str, int]:
        version = read_version(form.values.get("version", ""))
        return {
            "version": (
                await require_passkeys(tx, version=version, required=required, staff=desk.staff)
            ).version
        }

    try:
        await desk.do_once("setting.passkeys", form, effect)
    except Refused as error:
        return desk.go(PATH, error.message, tone="bad", **error.data)
    message = (
        _("Staff sign in with passkeys only from now on.")
        if required
        else _("Passwords open the console again.")
    )
    return desk.go(PATH, message)


async def _tell_saved(desk: Desk, form: Form) -> None:
    """Say at each field what is saved by now where it differs; sending the form once more is a decision."""
    async with desk.reading() as tx:
        saved = fill_shop(await load_merchant(tx)).values
    form.values["version"] = saved["version"]
    for name, value in saved.items():
        if name != "version" and form.values.get(name) != value:
            form.errors[name] = desk.say(_("It reads now: %(text)s."), text=value)


@post("/settings/delivery", status_code=200)
async def save_delivery(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """What delivery costs, from when on it is free, and what is said of returns."""
    desk.require(PERMISSION)
    form = read_form("delivery", await request.form())
    currency, wrong = desk.merchant.currency, explain_amount(desk)
    shipping = take_amount(form, "shipping", currency, wrong=wrong, positive=False)
    free_from: int | None = None
    if form.values.get("free_from"):
        free_from = take_amount(form, "free_from", currency, wrong=wrong)
    if form.errors:
        return await _show(desk, delivery_form=form, status_code=422)

    async def effect(tx: Transaction) -> dict[str, int]:
        saved = await terms.save_terms(
            tx,
            settings=desk.commerce.settings,
            version=read_version(form.values.get("version", "")),
            shipping_minor=shipping,
            free_shipping_from_minor=free_from,
            returns_policy=form.values.get("returns_policy", ""),
            by=desk.by,
        )
        return {"version": saved.version}

    try:
        await desk.do_once("setting.delivery", form, effect)
    except Refused as error:
        if error.code == "terms.edited_meanwhile":
            async with desk.reading() as tx:
                found = await terms.load_terms(tx, settings=desk.commerce.settings)
            saved = fill_delivery(found, currency).values
            form.values["version"] = saved["version"]
            for name in ("shipping", "free_from", "returns_policy"):
                if form.values.get(name, "").replace("\r\n", "\n") != saved[name]:
                    form.errors[name] = desk.say(_("It reads now: %(text)s."), text=saved[name] or "–")
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, delivery_form=form, status_code=error.status)
    return desk.go(PATH, _("Saved. Orders that are placed keep their delivery price."))
