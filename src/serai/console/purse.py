"""A member's page: who it is, what the purse holds and how that came about, given and taken with a reason."""

from datetime import datetime
from typing import Any
from uuid import UUID

from babel.numbers import format_decimal
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.order.api import list_orders
from serai.commerce.order.types import Order
from serai.commerce.tender import api
from serai.commerce.tender.types import Kind, OrderTender
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form
from serai.console.gift_card import PERMISSION
from serai.console.product import explain_amount
from serai.foundation.errors import Refused, _
from serai.foundation.money import parse_minor
from serai.identity.member.api import find_member

PATH = "/console/members"
ENTRIES = 20
AnyRequest = Request[Any, Any, Any]
# What a movement was, by what the ledger calls it. Anything else is what staff wrote.
MOVED = {
    "expired": _("Expired"),
    "points earned": _("Earned with an order"),
    "points back": _("Taken back: the order was refunded"),
    "points owed": _("Taken for an earlier refund"),
    "tender points": _("Paid an order"),
    "tender wallet": _("Paid an order"),
    "tender points back": _("Came back"),
    "tender wallet back": _("Came back"),
    "again": _("Came back"),
}


async def _show(
    desk: Desk, member_id: UUID, *, form: Form | None = None, status_code: int = 200
) -> Response[str]:
    kind: Kind = "wallet" if desk.query("kind") == "wallet" else "points"
    cursor = desk.query("cursor")
    currency = desk.merchant.currency
    path = f"{PATH}/{member_id}"
    async with desk.reading() as tx:
        member = await find_member(tx, member_id=member_id)
        if member is None:
            raise not_found()
        purse = await api.load_purse(tx, member_id=member_id, currency=currency)
        terms = await api.load_terms(tx)
        page = await api.list_entries(
            tx, kind=kind, subject_id=member_id, currency=currency, cursor=cursor or None, limit=ENTRIES
        )
        orders = await list_orders(tx, member_id=member_id, limit=10)
    return desk.page(
        "member.html",
        "member",
        member.name or member.number,
        crumbs=[(desk.say(_("Members")), PATH), (member.number, "")],
        status_code=status_code,
        member=member,
        purse=purse,
        terms=terms,
        kind=kind,
        entries=page.items,
        moved={word: desk.say(text) for word, text in MOVED.items()},
        orders=orders.items,
        form=form or fill_form("purse", kind=kind, units="", reason=""),
        is_open=form is not None,
        may_write=desk.staff.may(PERMISSION),
        path=path,
        first_href=link(path, kind=kind) if cursor else "",
        next_href=link(path, kind=kind, cursor=page.next_cursor) if page.next_cursor else "",
    )


@get("/members/{member_id:uuid}")
async def show_member(desk: AtDesk, member_id: FromPath[UUID]) -> Response[str]:
    """One member with what the purse holds."""
    desk.require("order.read")
    return await _show(desk, member_id)


@post("/members/{member_id:uuid}/purse", status_code=200)
async def adjust(request: AnyRequest, desk: AtDesk, member_id: FromPath[UUID]) -> Response[Any]:
    """Give points or red packets, or take them: a number below zero takes."""
    desk.require(PERMISSION)
    form = read_form("purse", await request.form())
    kind: Kind = "wallet" if form.values.get("kind") == "wallet" else "points"
    units = _read_units(desk, form, kind)
    if form.errors:
        return await _show(desk, member_id, form=form, status_code=422)
    key = parse_uuid(form.key)
    assert key is not None, "a form without a key is given a new one"
    try:
        await desk.claim_form(f"purse.{member_id}", form)
        await api.adjust_balance(
            desk.commerce,
            desk.merchant_id,
            member_id=member_id,
            kind=kind,
            units=units,
            currency=desk.merchant.currency,
            reason=form.values.get("reason", ""),
            by=desk.by,
            key=key,
        )
    except Refused as error:
        if error.status == 404:
            raise
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, member_id, form=form, status_code=error.status)
    return desk.go(link(f"{PATH}/{member_id}", kind=kind), _("Booked, and noted in the audit log."))


def _read_units(desk: Desk, form: Form, kind: Kind) -> int:
    """Points as a whole number, red packets as an amount of money; either may be below zero."""
    text = form.values.get("units", "").replace("\N{MINUS SIGN}", "-").replace(",", ".").strip()
    try:
        if len(text) > 20:
            raise ValueError(text)
        return parse_minor(text, desk.merchant.currency) if kind == "wallet" else int(text)
    except ValueError:
        form.errors["units"] = (
            explain_amount(desk) if kind == "wallet" else desk.say(_("Please give a whole number of points."))
        )
        return 0


def name_tender(desk: Desk, tender: OrderTender, units: int) -> str:
    """What paid a part of an order: a gift card by the end of its code, points by how many."""
    if tender.kind == "gift_card":
        return desk.say(_("Gift card …%(end)s"), end=tender.label)
    return (
        desk.say(_("%(count)s points"), count=format_decimal(units, locale=desk.locale))
        if tender.kind == "points"
        else desk.say(_("Red packets"))
    )


def list_backs(desk: Desk, order: Order) -> list[tuple[datetime, str, str, int]]:
    """(when, to what, why, minor units) of all that went back to an order's tenders."""
    tenders = {tender.tender_no: tender for tender in order.tenders}
    return [
        (
            each.refunded_at,
            name_tender(desk, tenders[each.tender_no], each.units),
            each.reason,
            each.amount_minor,
        )
        for each in order.tender_refunds
    ]
