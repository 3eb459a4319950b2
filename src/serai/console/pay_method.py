"""Payment methods at the console: which are offered, to whom, up to how much; and who may buy on invoice."""

from typing import Any, Literal

from litestar import Response, get, post
from litestar.params import FromPath

from serai.commerce.method import api
from serai.commerce.method.types import CODES, Code, MethodTerms
from serai.console.desk import AnyRequest, AtDesk, Desk, not_found
from serai.console.form import Form, fill_form, note_refusal, read_form, take_amount, take_quantity
from serai.console.product import explain_amount
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.money import minor_digits
from serai.identity.member.api import list_members
from serai.identity.member.types import Member

PATH = "/console/payment-methods"
PERMISSION = "settings.write"


def plain_amount(minor: int | None, currency: str) -> str:
    """An amount as it is typed; empty for none."""
    if minor is None:
        return ""
    digits = minor_digits(currency)
    return f"{minor / 10**digits:.{digits}f}" if digits else str(minor)


def _fill(desk: Desk, terms: MethodTerms) -> Form:
    return fill_form(
        f"method-{terms.code}",
        active="1" if terms.active else "",
        capture=terms.capture,
        max_minor=plain_amount(terms.max_minor, desk.merchant.currency),
        countries=" ".join(terms.countries),
        members_only="1" if terms.members_only else "",
    )


async def _show(
    desk: Desk,
    *,
    failed: tuple[Code, Form] | None = None,
    credit_form: Form | None = None,
    status_code: int = 200,
) -> Response[str]:
    async with desk.reading() as tx:
        terms = await api.load_methods(tx)
        credits = await api.list_credits(tx, cursor=desk.query("cursor") or None)
    forms = {code: _fill(desk, terms[code]) for code in CODES}
    if failed is not None:
        forms[failed[0]] = failed[1]
    return desk.page(
        "pay_method.html",
        "method",
        desk.say(_("Payment methods")),
        status_code=status_code,
        terms=terms,
        forms=forms,
        credits=credits.items,
        next_href=f"{PATH}?cursor={credits.next_cursor}" if credits.next_cursor else "",
        credit_form=credit_form or fill_form("credit", email="", limit="", days="30", active="1"),
        credit_open=credit_form is not None,
    )


@get("/payment-methods")
async def show_methods(desk: AtDesk) -> Response[str]:
    """Every method with its terms, and the customers who may buy on invoice."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/payment-methods/credit", status_code=200)
async def save_credit(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Say up to how much a customer may buy on invoice."""
    desk.require(PERMISSION)
    form = read_form("credit", await request.form())
    currency = desk.merchant.currency
    limit = take_amount(form, "limit", currency, wrong=explain_amount(desk), positive=False)
    days = take_quantity(form, "days", wrong=desk.say(_("Please give a whole number of at least 1.")))
    member = await _find_member(desk, form.values.get("email", ""))
    if member is None:
        form.errors["email"] = desk.say(_("There is no member with this e-mail address."))
    if form.errors or member is None:
        return await _show(desk, credit_form=form, status_code=422)
    try:
        await api.set_credit(
            desk.commerce,
            desk.merchant_id,
            member_id=member.member_id,
            limit_minor=limit,
            days=days,
            currency=currency,
            active=bool(form.values.get("active")),
            by=desk.by,
        )
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, credit_form=form, status_code=error.status)
    return desk.go(PATH, _("Saved for %(name)s."), name=member.name or member.email or "")


async def _find_member(desk: Desk, email: str) -> Member | None:
    email = email.strip().lower()
    if not email:
        return None
    async with desk.reading() as tx:
        page = await list_members(tx, query=email)
    return next((each for each in page if (each.email or "").lower() == email), None)


@post("/payment-methods/{code:str}", status_code=200)
async def save_method(request: AnyRequest, desk: AtDesk, code: FromPath[str]) -> Response[Any]:
    """Say how one method is offered."""
    desk.require(PERMISSION)
    known = next((each for each in CODES if each == code), None)
    if known is None:
        raise not_found()
    form = read_form(f"method-{known}", await request.form())
    max_minor: int | None = None
    if form.values.get("max_minor", "").strip():
        max_minor = take_amount(form, "max_minor", desk.merchant.currency, wrong=explain_amount(desk))
    if form.errors:
        return await _show(desk, failed=(known, form), status_code=422)
    capture: Literal["automatic", "manual"] = (
        "manual" if form.values.get("capture") == "manual" else "automatic"
    )
    terms = MethodTerms(
        known,
        active=bool(form.values.get("active")),
        capture=capture,
        max_minor=max_minor,
        countries=tuple(dict.fromkeys(form.values.get("countries", "").upper().replace(",", " ").split())),
        members_only=bool(form.values.get("members_only")),
    )

    async def effect(tx: Transaction) -> dict[str, Any]:
        return {"active": (await api.save_method(tx, terms=terms, by=desk.by)).active}

    try:
        await desk.do_once("method.save", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, failed=(known, form), status_code=error.status)
    return desk.go(PATH, _("Saved. Orders that wait for their payment follow it too."))
