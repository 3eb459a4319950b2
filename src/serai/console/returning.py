"""Returns at the console: what waits for whom, one return with its next step, and the terms that shoppers are told."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.order.api import find_order, load_order
from serai.commerce.order.types import Order
from serai.commerce.place.api import list_places
from serai.commerce.returns import api
from serai.commerce.returns.types import ReceivedLine, Return, WantedLine
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount, take_text
from serai.foundation.database import Transaction
from serai.foundation.errors import Forbidden, Refused, _
from serai.foundation.money import format_money, minor_digits

PATH = "/console/returns"
PAGE_SIZE = 50
AnyRequest = Request[Any, Any, Any]
# Tabs of the list: their states, and what they are called. The first four are work.
TABS: dict[str, tuple[tuple[str, ...] | None, str]] = {
    "requested": (("requested",), _("To decide")),
    "waited": (("approved", "sent"), _("On the way")),
    "received": (("received",), _("To settle")),
    "done": (("refunded", "exchanged"), _("Settled")),
    "over": (("declined", "withdrawn", "rejected", "expired"), _("Ended without money")),
    "": (None, _("All")),
}
# What a move takes of a role.
PERMISSIONS = {
    "approve": "order.cancel",
    "decline": "order.cancel",
    "reopen": "order.cancel",
    "withdraw": "order.cancel",
    "send": "order.fulfil",
    "receive": "order.fulfil",
    "expire": "order.cancel",
    "refund": "order.refund",
    "exchange": "order.refund",
}
CONDITIONS = ("sellable", "damaged", "unusable")


@get("/returns")
async def show_returns(desk: AtDesk) -> Response[str]:
    """The list, by what is to be done next."""
    desk.require("order.read")
    query, cursor = desk.query("q"), desk.query("cursor")
    state = desk.query("state", tuple(TABS)) if "state" in desk.request.query_params or query else "requested"
    async with desk.reading() as tx:
        counts = await api.count_returns(tx)
        if "state" not in desk.request.query_params and not query:
            # The first tab that has work opens by itself.
            state = next((tab for tab, (states, _l) in TABS.items() if states and _sum(counts, states)), "")
        states = TABS[state][0]
        page = await api.list_returns(tx, states=states, query=query, cursor=cursor or None, limit=PAGE_SIZE)
    tabs = [
        {
            "label": desk.say(label),
            "href": f"{PATH}?state={name}" + (f"&q={query}" if query else ""),
            "active": name == state,
            "count": _sum(counts, states) if states else sum(counts.values()),
        }
        for name, (states, label) in TABS.items()
    ]
    return desk.page(
        "return_list.html",
        "return",
        desk.say(_("Returns")),
        rows=page.items,
        tabs=tabs,
        state=state,
        query=query,
        first_href=link(PATH, state=state, q=query) if cursor else "",
        next_href=link(PATH, state=state, q=query, cursor=page.next_cursor) if page.next_cursor else "",
    )


def _sum(counts: dict[str, int], states: tuple[str, ...]) -> int:
    return sum(counts[state] for state in states)


# ---- One return ---------------------------------------------------------------------------------------------------


class Opened(msgspec.Struct, frozen=True):
    """A form that came back with something wrong in it, and the action that it belongs to."""

    action: str
    form: Form


async def _load(tx: Transaction, return_id: UUID) -> Return:
    found = await api.find_return(tx, return_id=return_id)
    if found is None:
        raise not_found()
    return found


def list_moves(desk: Desk, found: Return) -> list[str]:
    """What may be done with a return now, by this person."""
    return [
        move
        for move, permission in PERMISSIONS.items()
        if api.is_allowed(found.state, move)
        and desk.staff.may(permission)
        and (move != "exchange" or found.wish == "exchange")
    ]


async def _show(
    desk: Desk, return_id: UUID, opened: Opened | None = None, status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        found = await _load(tx, return_id)
        order = await load_order(tx, order_id=found.order_id)
        terms = await api.load_terms(tx)
        places = await list_places(tx)
        planned = None if found.settled_at else await api.estimate(tx, order, found, terms)
        as_money = planned
        if planned is not None and found.wish == "exchange":
            as_money = await api.estimate(tx, order, found, terms, as_money=True)
        exchange = None
        if found.exchange_order_id is not None:
            exchange = await load_order(tx, order_id=found.exchange_order_id)
    moves = list_moves(desk, found)
    forms = {move: fill_form(move) for move in PERMISSIONS}
    forms["receive"] = _fill_receipt(found)
    forms["refund"] = fill_form(
        "refund", amount=_plain(as_money.amount_minor, found.currency) if as_money else ""
    )
    forms["send"] = fill_form("send", carrier=found.carrier, tracking=found.tracking)
    if opened is not None:
        forms[opened.action] = opened.form
    return desk.page(
        "return.html",
        "return",
        desk.say(_("Return %(number)s"), number=found.number),
        crumbs=[(desk.say(_("Returns")), PATH), (found.number, "")],
        status_code=status_code,
        found=found,
        order=order,
        planned=planned,
        as_money=as_money,
        exchange=exchange,
        moves=moves,
        forms=forms,
        opened=opened.action if opened else "",
        homeless=opened.form.errors.get("", "") if opened and opened.action not in moves else "",
        reasons={reason.code: reason.label(desk.locale) for reason in terms.reasons},
        places=[(str(place.place_id), place.name) for place in places if place.active],
        place_name=next((place.name for place in places if place.place_id == found.place_id), ""),
        refund=next((each for each in order.refunds if each.refund_id == found.refund_id), None),
    )


def _fill_receipt(found: Return) -> Form:
    values: dict[str, object] = {"place_id": found.place_id, "answer": ""}
    for line in found.lines:
        values |= {f"{name}-{line.line_no}": 0 for name in CONDITIONS}
        values[f"sellable-{line.line_no}"] = line.quantity
    return fill_form("receive", **values)


def _plain(minor: int, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{minor / 10**digits:.{digits}f}" if digits else str(minor)


@get("/returns/{return_id:uuid}")
async def show_return(desk: AtDesk, return_id: FromPath[UUID]) -> Response[str]:
    """What comes back, why, how far it is, what it comes to, and what to do next."""
    desk.require("order.read")
    return await _show(desk, return_id)


@post("/returns/{return_id:uuid}/{move:str}", status_code=200)
async def move(
    request: AnyRequest, desk: AtDesk, return_id: FromPath[UUID], move: FromPath[str]
) -> Response[Any]:
    """Do the next step. A form sent twice is done once."""
    if move not in PERMISSIONS:
        raise not_found()
    desk.require(PERMISSIONS[move])
    form = read_form(move, await request.form())
    async with desk.reading() as tx:
        found = await _load(tx, return_id)
    call = read_call(desk, found, move, form)
    if form.errors:
        return await _show(desk, return_id, Opened(move, form), 422)
    try:
        after = await call()
    except Refused as error:
        if isinstance(error, Forbidden):
            raise
        note_refusal(form, error, desk.explain(error))
        return await _show(desk, return_id, Opened(move, form), error.status)
    amount = format_money(after.refund_minor, after.currency, desk.locale)
    return desk.go(f"{PATH}/{return_id}", DONE[after.state], number=after.number, amount=amount)


DONE = {
    "requested": _("Return %(number)s is to be decided again."),
    "approved": _("Return %(number)s is approved."),
    "sent": _("Return %(number)s is on its way."),
    "received": _("The goods are booked in. Now it can be settled."),
    "refunded": _("Return %(number)s is settled: %(amount)s goes back."),
    "exchanged": _("Return %(number)s is exchanged."),
    "rejected": _("Nothing of return %(number)s was accepted."),
    "declined": _("Return %(number)s is declined."),
    "withdrawn": _("Return %(number)s is withdrawn."),
    "expired": _("Return %(number)s has ended."),
}


def read_call(desk: Desk, found: Return, move: str, form: Form) -> Callable[[], Awaitable[Return]]:
    """The call that a form asks for; what is wrong with the form is noted in it."""
    about: dict[str, Any] = {"return_id": found.return_id, "by": desk.by}
    commerce, merchant_id = desk.commerce, desk.merchant_id
    too_long = desk.say(_("That is too long."))
    match move:
        case "decline":
            answer = take_text(form, "answer", limit=1000, too_long=too_long)
            return lambda: api.decline_return(commerce, merchant_id, answer=answer, **about)
        case "send":
            carrier = take_text(form, "carrier", limit=100, too_long=too_long)
            tracking = take_text(form, "tracking", limit=100, too_long=too_long)
            return lambda: api.send_return(commerce, merchant_id, carrier=carrier, tracking=tracking, **about)
        case "receive":
            lines = _read_receipt(desk, found, form)
            place_id = parse_uuid(form.values.get("place_id", ""))
            answer = take_text(form, "answer", limit=1000, too_long=too_long)
            return lambda: api.receive_return(
                commerce, merchant_id, lines=lines, place_id=place_id, answer=answer, **about
            )
        case "refund":
            wrong = desk.say(_("Please give an amount of zero or more."))
            amount = take_amount(form, "amount", found.currency, wrong=wrong, positive=False)
            return lambda: api.refund_return(commerce, merchant_id, amount_minor=amount, **about)
        case _:
            function = MOVES[move]
            return lambda: function(commerce, merchant_id, **about)


MOVES: dict[str, Callable[..., Awaitable[Return]]] = {
    "approve": api.approve_return,
    "reopen": api.reopen_return,
    "withdraw": api.withdraw_return,
    "expire": api.expire_return,
    "exchange": api.exchange_return,
}


def _read_receipt(desk: Desk, found: Return, form: Form) -> list[ReceivedLine]:
    lines = []
    for line in found.lines:
        counts = []
        for name in CONDITIONS:
            text = form.values.get(f"{name}-{line.line_no}", "") or "0"
            if not text.isdecimal() or len(text) > 9:
                form.errors[f"{name}-{line.line_no}"] = desk.say(_("Please give a whole number."))
            else:
                counts.append(int(text))
        if len(counts) == len(CONDITIONS):
            lines.append(ReceivedLine(line.line_no, *counts))
    return lines


# ---- Asking for a shopper -----------------------------------------------------------------------------------------


@post("/orders/{reference:str}/returns", status_code=200)
async def ask(request: AnyRequest, desk: AtDesk, reference: FromPath[str]) -> Response[Any]:
    """A return in a shopper's name, past the time and the goods that bind shoppers."""
    desk.require("order.cancel")
    form = read_form("return", await request.form())
    async with desk.reading() as tx:
        order = await find_order(tx, number=reference[:40])
    if order is None:
        raise not_found()
    try:
        found = await api.request_return(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            lines=_read_wanted(order, form),
            wish="refund",
            words=form.values.get("words", ""),
            by=desk.by,
            key=f"console:{form.key}",
            by_staff=True,
        )
    except Refused as error:
        return desk.go(f"/console/orders/{order.number}", error.message, tone="bad", **error.data)
    return desk.go(f"{PATH}/{found.return_id}", _("Return %(number)s is asked for."), number=found.number)


def _read_wanted(order: Order, form: Form) -> list[WantedLine]:
    lines = []
    for line in order.lines:
        text = form.values.get(f"quantity-{line.line_no}", "")
        if text not in ("", "0"):
            quantity = int(text) if text.isdecimal() and len(text) <= 9 else -1
            lines.append(WantedLine(line.line_no, quantity, form.values.get("reason", "")))
    return lines
