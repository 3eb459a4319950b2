"""The terms of returns at the console: until when, why, what is approved by itself, what it costs. For owners."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from serai.commerce.catalogue.api import Category, list_categories
from serai.commerce.catalogue.types import show_steps
from serai.commerce.returns import api
from serai.commerce.returns.types import ReturnReason, ReturnTerms
from serai.console.desk import AtDesk, Desk
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount
from serai.console.variant import read_version
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.money import minor_digits

PATH = "/console/returns/terms"
PERMISSION = "settings.write"
SPARE_ROWS = 2
NUMBERS = ("window_days", "send_days", "approve_days")
AnyRequest = Request[Any, Any, Any]


def fill_terms(desk: Desk, terms: ReturnTerms) -> Form:
    """The form of the terms as they hold."""
    digits = minor_digits(desk.merchant.currency)
    values: dict[str, object] = {
        "version": terms.version,
        **{name: getattr(terms, name) for name in NUMBERS},
        "approve": "" if terms.approve_minor is None else show_steps(terms.approve_minor, digits),
        "members": "1" if terms.approve_members_only else "",
        "restocking": f"{terms.restocking_bp / 100:g}",
        "postage": show_steps(terms.postage_minor, digits),
        "exchanges": "1" if terms.exchanges else "",
    }
    for number, reason in enumerate(terms.reasons):
        values |= {
            f"code-{number}": reason.code,
            f"name-{number}": reason.name,
            f"zh-{number}": reason.translations.get("zh_Hans", ""),
            f"fault-{number}": "1" if reason.by_fault else "",
        }
    return fill_form("terms", **values)


async def _show(
    desk: Desk, form: Form | None = None, excluded: set[UUID] | None = None, status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        terms = await api.load_terms(tx)
        categories = await list_categories(tx, is_counted=False)
    form = form or fill_terms(desk, terms)
    rows = max([int(name[5:]) for name in form.values if name.startswith("name-")], default=-1) + 1
    return desk.page(
        "return_terms.html",
        "return",
        desk.say(_("Terms of returns")),
        crumbs=[(desk.say(_("Returns")), "/console/returns"), (desk.say(_("Terms of returns")), "")],
        status_code=status_code,
        form=form,
        rows=range(min(rows + SPARE_ROWS, 30)),
        excluded=set(terms.excluded_category_ids) if excluded is None else excluded,
        departments=[each for each in categories if each.parent_id is None],
    )


@get("/returns/terms")
async def show_terms(desk: AtDesk) -> Response[str]:
    """The terms."""
    desk.require(PERMISSION)
    return await _show(desk)


@post("/returns/terms", status_code=200)
async def save(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Keep new terms. Returns that were asked for stay as they are."""
    desk.require(PERMISSION)
    sent = await request.form()
    form = read_form("terms", sent)
    wanted = {found for text in sent.getall("excluded", []) if (found := parse_uuid(str(text)))}
    terms = read_terms(desk, form)
    if form.errors:
        return await _show(desk, form, wanted, 422)

    async def effect(tx: Transaction) -> dict[str, int]:
        before = await api.load_terms(tx)
        departments = {
            each.category_id for each in await list_categories(tx, is_counted=False) if _is_top(each)
        }
        # What a program has excluded further below is not of this page, and stays.
        others = [each for each in before.excluded_category_ids if each not in departments]
        excluded = tuple(sorted({*others, *(wanted & departments)}))
        saved = await api.save_terms(
            tx,
            terms=ReturnTerms(**terms, excluded_category_ids=excluded),
            by=desk.by,
        )
        return {"version": saved.version}

    try:
        await desk.do_once("return.terms", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, form, wanted, error.status)
    return desk.go(PATH, _("Saved. The next return is asked for by these terms."))


def _is_top(category: Category) -> bool:
    return category.parent_id is None


def read_terms(desk: Desk, form: Form) -> dict[str, Any]:
    """The values of the form; what is wrong with them is noted in it."""
    currency = desk.merchant.currency
    wrong = desk.say(_("Please give an amount of zero or more."))
    terms: dict[str, Any] = {"version": read_version(form.values.get("version", ""))}
    for name in NUMBERS:
        text = form.values.get(name, "")
        terms[name] = int(text) if text.isdecimal() and len(text) < 6 else -1
    terms["approve_minor"] = None
    if form.values.get("approve"):
        terms["approve_minor"] = take_amount(form, "approve", currency, wrong=wrong, positive=False)
    terms["postage_minor"] = take_amount(form, "postage", currency, wrong=wrong, positive=False)
    terms["restocking_bp"] = _read_percent(desk, form)
    terms["approve_members_only"] = form.values.get("members") == "1"
    terms["exchanges"] = form.values.get("exchanges") == "1"
    terms["reasons"] = tuple(_read_reasons(form))
    return terms


def _read_percent(desk: Desk, form: Form) -> int:
    text = form.values.get("restocking", "").replace(",", ".").removesuffix("%").strip() or "0"
    whole, _dot, rest = text.partition(".")
    if not (whole + rest).isdecimal() or len(whole) > 3 or len(rest) > 2 or int(whole or 0) > 100:
        form.errors["restocking"] = desk.say(_("Please give a number from 0 to 100."))
        return 0
    return int(whole or 0) * 100 + int(rest.ljust(2, "0") or 0)


def _read_reasons(form: Form) -> list[ReturnReason]:
    """The rows with a name. One without a code gets the next free one."""
    reasons: list[ReturnReason] = []
    numbers = sorted(int(n[5:]) for n in form.values if n.startswith("name-") and n[5:].isdecimal())
    taken = {form.values.get(f"code-{number}", "") for number in numbers}
    for number in numbers:
        name = form.values[f"name-{number}"]
        if not name:
            continue
        code = form.values.get(f"code-{number}", "") or next(
            free for free in (f"r{n}" for n in range(1, 100)) if free not in taken
        )
        taken.add(code)
        chinese = form.values.get(f"zh-{number}", "")
        translations = {"zh_Hans": chinese} if chinese else {}
        by_fault = form.values.get(f"fault-{number}") == "1"
        reasons.append(ReturnReason(code, name, by_fault, translations))
    return reasons
