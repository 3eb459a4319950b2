"""Gift cards at the console: issued, shown once or as a file once, found by the end of their code, blocked; and the terms
of points."""

import csv
import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.tender import api
from serai.commerce.tender.types import IssuedCard, TenderTerms
from serai.console.desk import AtDesk, Desk, link
from serai.console.form import (
    Form,
    fill_form,
    note_refusal,
    parse_uuid,
    read_form,
    take_amount,
    take_quantity,
)
from serai.console.price import take_moment
from serai.console.product import explain_amount
from serai.foundation.database import Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.money import format_money, minor_digits, parse_minor

PATH = "/console/gift-cards"
PERMISSION = "tender.write"
TERMS_PERMISSION = "settings.write"
AnyRequest = Request[Any, Any, Any]


def write_csv(cards: Sequence[IssuedCard]) -> bytes:
    """Codes as a file; they are letters and digits, so no spreadsheet takes one for a formula."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["code", "amount", "currency", "expires_at", "card_id"])
    for card in cards:
        digits = minor_digits(card.currency)
        amount = f"{card.amount_minor / 10**digits:.{digits}f}"
        until = card.expires_at.date().isoformat() if card.expires_at else ""
        rows.writerow([card.code, amount, card.currency, until, str(card.card_id)])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _fill_terms(desk: Desk, terms: TenderTerms) -> Form:
    values = msgspec.structs.asdict(terms)
    values["block_minor"] = _plain(terms.block_minor, desk.merchant.currency)
    return fill_form("terms", **values)


def _plain(minor: int, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{minor / 10**digits:.{digits}f}" if digits else str(minor)


async def _show(
    desk: Desk,
    *,
    issue_form: Form | None = None,
    terms_form: Form | None = None,
    issued: Sequence[IssuedCard] = (),
    status_code: int = 200,
) -> Response[str]:
    query, cursor = desk.query("q"), desk.query("cursor")
    async with desk.reading() as tx:
        page = await api.list_cards(tx, code_end=query, cursor=cursor or None)
        terms = await api.load_terms(tx)
    currency = desk.merchant.currency
    return desk.page(
        "gift_card_list.html",
        "tender",
        desk.say(_("Gift cards and points")),
        status_code=status_code,
        cards=page.items,
        query=query,
        terms=terms,
        worth=format_money(terms.block_minor, currency, desk.locale),
        issued=issued,
        issue_form=issue_form or fill_form("issue", count="1", amount="", expires_at="", note=""),
        issue_open=issue_form is not None,
        terms_form=terms_form or _fill_terms(desk, terms),
        terms_open=terms_form is not None,
        may_write=desk.staff.may(PERMISSION),
        may_set=desk.staff.may(TERMS_PERMISSION),
        first_href=link(PATH, q=query) if cursor else "",
        next_href=link(PATH, q=query, cursor=page.next_cursor) if page.next_cursor else "",
    )


@get("/gift-cards")
async def show_cards(desk: AtDesk) -> Response[str]:
    """Gift cards, the newest first, or those whose code ends so; and the terms of points."""
    desk.require("order.read")
    return await _show(desk)


@post("/gift-cards", status_code=200)
async def issue(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Issue gift cards. Their codes are in this answer only: digests are all that is kept."""
    desk.require(PERMISSION)
    form = read_form("issue", await request.form())
    intent = form.values.pop("intent", "")
    count = take_quantity(form, "count", wrong=desk.say(_("Please give a whole number of at least 1.")))
    amount = take_amount(form, "amount", desk.merchant.currency, wrong=explain_amount(desk))
    expires_at = take_moment(desk, form, "expires_at")
    if form.errors:
        return await _show(desk, issue_form=form, status_code=422)
    try:
        await desk.claim_form("gift_card.issue", form)
        issued = await api.issue_cards(
            desk.commerce,
            desk.merchant_id,
            count=count,
            amount_minor=amount,
            currency=desk.merchant.currency,
            expires_at=expires_at,
            note=form.values.get("note", ""),
            by=desk.by,
            key=parse_uuid(form.key),
        )
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, issue_form=form, status_code=error.status)
    if intent == "csv":
        headers = {
            "content-disposition": 'attachment; filename="gift-cards.csv"',
            "cache-control": "no-store",
        }
        return Response(write_csv(issued), media_type="text/csv", headers=headers)
    return await _show(desk, issued=issued)


@post("/gift-cards/{card_id:uuid}/block", status_code=303)
async def block(request: AnyRequest, desk: AtDesk, card_id: FromPath[UUID]) -> Response[Any]:
    """Let a gift card pay no more, or again (``blocked`` 0)."""
    desk.require(PERMISSION)
    form = read_form("block", await request.form())
    blocked = form.values.get("blocked") == "1"
    async with desk.db.transaction(desk.merchant_id) as tx:
        card = await api.block_card(
            tx, card_id=card_id, blocked=blocked, by=desk.by, reason=form.values.get("reason", "")
        )
    message = _("The gift card …%(end)s is blocked.") if blocked else _("The gift card …%(end)s pays again.")
    return desk.go(link(PATH, q=card.code_end), message, end=card.code_end)


@post("/gift-cards/terms", status_code=200)
async def save_terms(request: AnyRequest, desk: AtDesk) -> Response[Any]:
    """Say how points work, and how long gift cards last."""
    desk.require(TERMS_PERMISSION)
    form = read_form("terms", await request.form())
    terms = _read_terms(desk, form)
    if form.errors:
        return await _show(desk, terms_form=form, status_code=422)

    async def effect(tx: Transaction) -> dict[str, int]:
        return {"cap_percent": (await api.save_terms(tx, terms=terms, by=desk.by)).cap_percent}

    try:
        await desk.do_once("tender.terms", form, effect)
    except Refused as error:
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, terms_form=form, status_code=error.status)
    return desk.go(PATH, _("Saved. What was earned before keeps its end."))


def _read_terms(desk: Desk, form: Form) -> TenderTerms:
    """The terms as they were typed; fields that hold no number are marked."""
    values: dict[str, int] = {}
    for name in TenderTerms.__struct_fields__:
        text = form.values.get(name, "").strip()
        try:
            if name == "block_minor":
                values[name] = parse_minor(text.replace(",", "."), desk.merchant.currency)
            else:
                values[name] = int(text or "0") if text.isascii() and len(text) <= 9 else -1
        except ValueError:
            values[name] = -1
        if values[name] < 0:
            form.errors[name] = desk.say(_("Please give a whole number, or 0."))
            values[name] = 0
    if "block_minor" in form.errors:
        form.errors["block_minor"] = explain_amount(desk)
    return TenderTerms(**values)
