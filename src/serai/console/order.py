"""Orders: find them, read everything about one, fulfil, cancel, refund."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.aftersale.api import (
    Back,
    cancel_order,
    charge_lines,
    fund_lines,
    list_repaid,
    load_line_money,
    refund_order,
    repay_by_hand,
)
from serai.commerce.agent.api import find_agent_order, list_agent_orders
from serai.commerce.gift.api import find_gift
from serai.commerce.order.api import (
    count_awaiting_group,
    count_by_state,
    count_late,
    find_order,
    fulfil_order,
    list_orders,
)
from serai.commerce.order.types import Order
from serai.commerce.paper.api import list_of_order
from serai.commerce.protection.api import list_claimable
from serai.commerce.returns.api import count_left, list_order_returns, load_terms
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount, take_text
from serai.console.order_view import view_note, view_posting
from serai.console.purse import list_backs, name_tender
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Forbidden, Refused, _
from serai.foundation.ids import derive_id, new_id
from serai.foundation.money import format_money, minor_digits, share_out
from serai.ledger.api import list_document_transfers

PATH = "/console/orders"
PAGE_SIZE = 50
NUMBER = re.compile(r"[0-9A-Z-]{1,40}")
STATES = {
    "": _("All"),
    "paid": _("To fulfil"),
    "late": _("Late"),
    "awaiting_group": _("Awaits its group"),
    "awaiting_payment": _("Awaiting payment"),
    "awaiting_deposit": _("Awaiting deposit"),
    "awaiting_balance": _("Awaiting balance"),
    "fulfilled": _("Fulfilled"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
    "lapsed": _("Lapsed"),
}
# What waits for (more) money is called off as a whole, not refunded.
UNPAID = ("awaiting_payment", "awaiting_deposit", "awaiting_balance")
SINCE_DAYS = {"": None, "1": 1, "7": 7, "30": 30}
AnyRequest = Request[Any, Any, Any]


@get("/orders")
async def show_orders(desk: AtDesk) -> Response[str]:
    """The list: by state, searched, since a day, paged by cursor; all of it in the address."""
    desk.require("order.read")
    query, cursor, by = desk.query("q"), desk.query("cursor"), desk.query("by", ("", "agent"))
    state, since = desk.query("state", tuple(STATES)), desk.query("since", tuple(SINCE_DAYS))
    days = SINCE_DAYS[since]
    async with desk.reading() as tx:
        counts = await _count_tabs(tx)
        page = await list_orders(
            tx,
            query=query,
            state="paid" if state in ("awaiting_group", "late") else state or None,
            is_late=state == "late",
            awaits_group=state == "awaiting_group" if state in ("paid", "awaiting_group") else None,
            channel=by or None,
            since=clock.now() - timedelta(days=days) if days else None,
            cursor=cursor or None,
            limit=PAGE_SIZE,
        )
        marks = await list_agent_orders(tx, order_ids=[row.order_id for row in page.items])
    kept = {"state": state, "q": query, "since": since, "by": by}
    tabs = [
        {
            "label": desk.say(label),
            "href": link(PATH, **{**kept, "state": name}),
            "active": name == state,
            "count": counts.get(name, 0) if name else sum(counts.values()) - counts["late"],
        }
        for name, label in STATES.items()
        # Most shops sell to nobody in groups, and on good days nothing is late.
        if name not in ("awaiting_group", "late") or name == state or counts[name]
    ]
    return desk.page(
        "order_list.html",
        "order",
        desk.say(_("Orders")),
        rows=page.items,
        tabs=tabs,
        state=state,
        query=query,
        since=since,
        by=by,
        marks=marks,
        since_choices=[
            ("", desk.say(_("Any time"))),
            ("1", desk.say(_("Last 24 hours"))),
            ("7", desk.say(_("Last 7 days"))),
            ("30", desk.say(_("Last 30 days"))),
        ],
        first_href=link(PATH, **kept) if cursor else "",
        next_href=link(PATH, **kept, cursor=page.next_cursor) if page.next_cursor else "",
    )


async def _count_tabs(tx: Transaction) -> dict[str, int]:
    """Orders by tab: of the paid ones, those that wait for their group are a tab of their own."""
    counts, waiting = await count_by_state(tx), await count_awaiting_group(tx)
    late = await count_late(tx)
    return {**counts, "paid": counts["paid"] - waiting, "awaiting_group": waiting, "late": late}


async def _load(tx: Transaction, reference: str) -> Order:
    """An order by its number, or by its id as other pages link it."""
    order_id = parse_uuid(reference)
    if order_id is None and not NUMBER.fullmatch(reference):
        raise not_found()
    order = await (find_order(tx, order_id=order_id) if order_id else find_order(tx, number=reference))
    if order is None:
        raise not_found()
    return order


def list_actions(desk: Desk, order: Order) -> list[str]:
    """What may be done with the order now, by this person."""
    may = desk.staff.may
    actions = []
    if order.state == "paid" and not order.awaits_group and may("order.fulfil"):
        actions.append("fulfil")
    if order.refundable_minor and order.state not in UNPAID and may("order.refund"):
        actions.append("refund")
    # Cancelling what was paid gives money back, so it takes the right to refund as well.
    if (order.state in ("awaiting_payment", "awaiting_deposit") and may("order.cancel")) or (
        order.state in ("paid", "awaiting_balance") and may("order.cancel") and may("order.refund")
    ):
        actions.append("cancel")
    return actions


async def _show_order(
    desk: Desk, order: Order, *, form: Form | None = None, open_action: str = "", status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        moved = await list_document_transfers(tx, document_id=order.order_id)
        transfers = [each for each in moved if each.debit_kind != "order_turns"]
        fallen = await list_claimable(tx, order=order, settings=desk.commerce.settings)
        gift = await find_gift(tx, order_id=order.order_id)
        returns = await list_order_returns(tx, order_id=order.order_id)
        terms = await load_terms(tx)
        left = await count_left(tx, order)
        money = await load_line_money(tx, order)
        mark = await find_agent_order(tx, order_id=order.order_id)
        papers = await list_of_order(tx, order=order)
        for each in returns:
            transfers += await list_document_transfers(tx, document_id=each.return_id)
    transfers.sort(key=lambda transfer: transfer.recorded_at)
    forms = {
        "fulfil": fill_form("fulfil", tracking=""),
        "refund": fill_form(
            "refund", amount=_plain_amount(order.refundable_minor, order.currency), reason=""
        ),
        "cancel": fill_form("cancel", reason=""),
    }
    if form is not None:
        forms[open_action] = form
    actions = list_actions(desk, order)
    return desk.page(
        "order.html",
        "order",
        order.number,
        crumbs=[(desk.say(_("Orders")), PATH), (order.number, "")],
        status_code=status_code,
        order=order,
        gift=gift,
        papers=papers,
        agent_mark=mark,
        tender_rows=[(name_tender(desk, t, t.units), t.amount_minor) for t in order.tenders],
        back_rows=list_backs(desk, order),
        actions=actions,
        claimable={claim.line_no: claim for claim in fallen},
        # A refusal whose form is gone, since the order has moved on, is told above.
        homeless=form.errors.get("", "") if form is not None and open_action not in actions else "",
        open_action=open_action,
        returns=returns,
        can_return=any(left.values()) and desk.staff.may("order.cancel"),
        pieces_left=left,
        line_money=money,
        return_form=fill_form("return"),
        return_reasons=[(reason.code, reason.label(desk.locale)) for reason in terms.reasons],
        fulfil_form=forms["fulfil"],
        refund_form=forms["refund"],
        repaid=list_repaid(order),
        cancel_form=forms["cancel"],
        timeline=[view_note(desk, order, note) for note in reversed(order.timeline)],
        postings=[view_posting(desk, order, transfer) for transfer in transfers],
    )


def _plain_amount(minor: int, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{minor / 10**digits:.{digits}f}" if digits else str(minor)


@get("/orders/{reference:str}")
async def show_order(desk: AtDesk, reference: FromPath[str]) -> Response[str]:
    """Lines, shopper, payments, refunds, what happened when, and what the ledger holds of it."""
    desk.require("order.read")
    async with desk.reading() as tx:
        order = await _load(tx, reference)
    return await _show_order(desk, order)


@post("/orders/{reference:str}/fulfil", status_code=200)
async def fulfil(request: AnyRequest, desk: AtDesk, reference: FromPath[str]) -> Response[Any]:
    """The goods have left or were handed over."""
    desk.require("order.fulfil")
    order, form = await _read(request, desk, reference, "fulfil")
    tracking = take_text(form, "tracking", limit=100, too_long=desk.say(_("That is too long.")))
    if form.errors:
        return await _show_order(desk, order, form=form, open_action="fulfil", status_code=422)
    try:
        await fulfil_order(
            desk.commerce, desk.merchant_id, order_id=order.order_id, by=desk.by, tracking=tracking
        )
    except Refused as error:
        return await _show_refusal(desk, order.order_id, form, "fulfil", error)
    return desk.go(f"{PATH}/{order.number}", _("Order %(number)s is fulfilled."), number=order.number)


@post("/orders/{reference:str}/cancel", status_code=200)
async def cancel(request: AnyRequest, desk: AtDesk, reference: FromPath[str]) -> Response[Any]:
    """The order ends: goods go back on the shelf, money goes back to the shopper."""
    desk.require("order.cancel")
    order, form = await _read(request, desk, reference, "cancel")
    if order.paid_minor > order.refunded_minor:
        desk.require("order.refund")
    reason = _take_reason(desk, form)
    if form.errors:
        return await _show_order(desk, order, form=form, open_action="cancel", status_code=422)
    try:
        await cancel_order(
            desk.commerce, desk.merchant_id, order_id=order.order_id, by=desk.by, reason=reason
        )
    except Refused as error:
        return await _show_refusal(desk, order.order_id, form, "cancel", error)
    return desk.go(f"{PATH}/{order.number}", _("Order %(number)s is cancelled."), number=order.number)


@post("/orders/{reference:str}/refund", status_code=200)
async def refund(request: AnyRequest, desk: AtDesk, reference: FromPath[str]) -> Response[Any]:
    """Give some of the money back. The form's key makes it happen once."""
    desk.require("order.refund")
    order, form = await _read(request, desk, reference, "refund")
    wrong = desk.say(_("Please give an amount greater than zero."))
    charges = await _read_charges(desk, order, form)
    if charges and not form.values.get("amount"):
        form.values["amount"] = _plain_amount(sum(charges.values()), order.currency)
    amount_minor = take_amount(form, "amount", order.currency, wrong=wrong)
    if charges and not form.errors and amount_minor > sum(charges.values()):
        form.errors["amount"] = desk.say(
            _("These pieces were paid with %(amount)s."),
            amount=format_money(sum(charges.values()), order.currency, desk.locale),
        )
    reason = _take_reason(desk, form)
    if form.errors:
        return await _show_order(desk, order, form=form, open_action="refund", status_code=422)
    try:
        await desk.claim_form(f"order.refund.{order.order_id}", form)
        given = spread_down(charges, amount_minor)
        if given:
            await fund_lines(desk.commerce, desk.merchant_id, order)

        async def beside(_tx: Transaction, order: Order) -> Back:
            return Back(tuple(charge_lines(order, given, derive_id("line refund", order.order_id, form.key))))

        order = await refund_order(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            amount_minor=amount_minor,
            reason=reason,
            by=desk.by,
            key=form.key,
            beside=beside,
        )
    except Refused as error:
        form.key = str(new_id())
        return await _show_refusal(desk, order.order_id, form, "refund", error)
    amount = format_money(amount_minor, order.currency, desk.locale)
    path = f"{PATH}/{order.number}"
    match order.refunds[-1].state if order.refunds else "pending":
        case "done":
            return desk.go(path, _("%(amount)s has been given back."), amount=amount)
        case "failed":
            message = _("The payment provider refused to give %(amount)s back. Nothing has changed.")
            return desk.go(path, message, tone="bad", amount=amount)
        case _pending:
            return desk.go(path, _("%(amount)s is on its way back."), amount=amount)


@post("/orders/{reference:str}/refunds/{refund_id:uuid}/by-hand", status_code=200)
async def repay(
    request: AnyRequest, desk: AtDesk, reference: FromPath[str], refund_id: FromPath[UUID]
) -> Response[Any]:
    """Say that a refund which the provider declined was paid back by other means."""
    desk.require("order.refund")
    order, form = await _read(request, desk, reference, "by-hand")
    path = f"{PATH}/{order.number}"
    try:
        await repay_by_hand(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            refund_id=refund_id,
            reason=form.values.get("reason", ""),
            by=desk.by,
        )
    except Refused as error:
        return desk.go(path, desk.explain(error), tone="bad")
    return desk.go(path, _("Noted: it was paid back by hand."))


async def _read_charges(desk: Desk, order: Order, form: Form) -> dict[int, int]:
    """What the chosen pieces of lines were paid with, at most what is left of their lines; wrong counts are noted."""
    async with desk.reading() as tx:
        money = await load_line_money(tx, order)
    charges: dict[int, int] = {}
    for line in order.lines:
        text = form.values.get(f"pieces-{line.line_no}", "") or "0"
        count = int(text) if text.isdecimal() and len(text) <= 9 else -1
        if not 0 <= count <= line.quantity:
            form.errors[f"pieces-{line.line_no}"] = desk.say(
                _("At most %(most)s of this line."), most=line.quantity
            )
        elif count:
            charges[line.line_no] = money[line.line_no] * count // line.quantity
    return {line_no: minor for line_no, minor in charges.items() if minor}


def spread_down(charges: dict[int, int], amount_minor: int) -> dict[int, int]:
    """Charges brought down to an amount, each in proportion; exactly that amount where it is not above them."""
    whole = sum(charges.values())
    if not whole or amount_minor >= whole:
        return charges
    parts = share_out(amount_minor, list(charges.values()))
    return dict(zip(charges, parts, strict=True))


async def _read(request: AnyRequest, desk: Desk, reference: str, action: str) -> tuple[Order, Form]:
    form = read_form(action, await request.form())
    async with desk.reading() as tx:
        return await _load(tx, reference), form


def _take_reason(desk: Desk, form: Form) -> str:
    return take_text(
        form,
        "reason",
        limit=200,
        missing=desk.say(_("Please give a reason.")),
        too_long=desk.say(_("That is too long.")),
    )


async def _show_refusal(desk: Desk, order_id: UUID, form: Form, action: str, error: Refused) -> Response[str]:
    """The order as it is now, with the refusal in the form that caused it, or above where that form is gone."""
    if isinstance(error, Forbidden):
        raise error
    async with desk.reading() as tx:
        order = await find_order(tx, order_id=order_id)
    if order is None:
        raise not_found()
    note_refusal(form, error, desk.explain(error))
    return await _show_order(desk, order, form=form, open_action=action, status_code=error.status)
