"""Orders: find them, read everything about one, fulfil, cancel, refund."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from serai.commerce.aftersale.api import cancel_order, refund_order
from serai.commerce.agent.api import find_agent_order, list_agent_orders
from serai.commerce.gift.api import find_gift
from serai.commerce.order import api as orders
from serai.commerce.order.api import find_order, fulfil_order, list_orders
from serai.commerce.order.types import Order, OrderNote
from serai.commerce.paper.api import list_of_order
from serai.commerce.protection.api import list_claimable
from serai.commerce.tender.types import POINTS_UNIT
from serai.console.desk import AtDesk, Desk, link, not_found
from serai.console.form import Form, fill_form, note_refusal, parse_uuid, read_form, take_amount, take_text
from serai.console.presale_words import PRESALE_ACCOUNTS, PRESALE_EVENTS
from serai.console.purse import list_backs, name_tender
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Forbidden, Refused, _
from serai.foundation.ids import new_id
from serai.foundation.money import format_money, minor_digits
from serai.ledger.api import DocumentTransfer, list_document_transfers
from serai.ledger.types import Phase, currency_unit

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
PHASES = {Phase.POSTED: "posted", Phase.PENDING: "pending", Phase.POST: "settled", Phase.VOID: "void"}
# The ledger's accounts in words; an account without an entry is shown by its kind.
ACCOUNTS = PRESALE_ACCOUNTS | {
    "customer": _("Shoppers"),
    "deferred_sales": _("Sold, not handed over yet"),
    "order_due": _("Due from the shopper"),
    "refund_control": _("Refunds, control"),
    "refundable": _("Refundable"),
    "sales": _("Sales"),
    "sales_returns": _("Returns"),
    "shipping_income": _("Delivery income"),
    "stock": _("Stock"),
    "gift_card": _("Gift card"),
    "wallet": _("Red packets"),
    "points": _("The member's points"),
    "points_earned": _("Points earned"),
    "points_spent": _("Points spent"),
    "points_debt": _("Points owed by the member"),
    "points_expense": _("What points were worth"),
}
EVENTS = PRESALE_EVENTS | {
    "OrderPlaced": _("Placed for %(total)s"),
    "OrderPaid": _("Paid %(amount)s"),
    "OrderShipped": _("Parcel %(parcel_no)s has left"),
    "PickupReady": _("Parcel %(parcel_no)s waits to be collected"),
    "LabelBought": _("Label bought: %(carrier)s %(tracking)s"),
    "ParcelTracked": _("The carrier tells of parcel %(parcel_no)s: %(kind)s %(place)s"),
    "OrderCut": _("Part of it will not come: %(amount)s goes back"),
    "OrderFulfilled": _("Fulfilled"),
    "PaperIssued": _("Invoice or credit note %(number)s over %(total)s"),
    "OrderCancelled": _("Cancelled"),
    "OrderExpired": _("Expired: the payment did not come in time"),
    "OrderRevived": _("Revived: the payment came late and the goods were still there"),
    "PriceClaimed": _("Price protection: %(amount)s given back"),
    "PaymentLate": _("Money came that was not expected any more: %(amount)s"),
    "PaymentMismatch": _(
        "The provider reports %(reported)s where %(expected)s was asked for. Please look into it."
    ),
    "TenderRefunded": _("%(amount)s given back to points, gift cards or red packets"),
    "RefundRequested": _("Refund of %(amount)s: %(reason)s"),
    "RefundDone": _("Refund of %(amount)s arrived"),
    "RefundFailed": _("Refund of %(amount)s failed: %(failure)s"),
}
AnyRequest = Request[Any, Any, Any]


class Posting(msgspec.Struct, frozen=True):
    """A transfer that belongs to an order, in words."""

    at: datetime
    debit: str
    credit: str
    phase: str
    amount_text: str


class Happening(msgspec.Struct, frozen=True):
    """Something that happened to an order, in words."""

    at: datetime
    text: str
    by: str


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
    counts, waiting = await orders.count_by_state(tx), await orders.count_awaiting_group(tx)
    late = await orders.count_late(tx)
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


def view_posting(desk: Desk, order: Order, transfer: DocumentTransfer) -> Posting:
    """A transfer in words; amounts of the order's currency as money, anything else as pieces of a product."""
    if transfer.unit_id == currency_unit(order.currency):
        amount = format_money(transfer.amount, order.currency, desk.locale)
    elif transfer.unit_id == POINTS_UNIT:
        amount = desk.say(_("%(count)s points"), count=transfer.amount)
    else:
        title = next((line.title for line in order.lines if line.sku_id == transfer.unit_id), "")
        amount = desk.say(_("%(num)s × %(title)s"), num=transfer.amount, title=title)
    return Posting(
        transfer.recorded_at,
        _name_account(desk, transfer.debit_kind),
        _name_account(desk, transfer.credit_kind),
        PHASES[transfer.phase],
        amount,
    )


def view_note(desk: Desk, order: Order, note: OrderNote) -> Happening:
    """An event of the order's history in words."""
    data = dict(note.data)
    by = str(data.pop("by", ""))
    for name in ("amount_minor", "expected_minor", "reported_minor", "total_minor"):
        if isinstance(data.get(name), int):
            data[name.removesuffix("_minor")] = format_money(data[name], order.currency, desk.locale)
    message = EVENTS.get(note.what)
    if note.what == "OrderFulfilled" and data.get("tracking"):
        message = _("Fulfilled, tracking number %(tracking)s")
    elif note.what == "OrderCancelled" and data.get("reason"):
        message = _("Cancelled: %(reason)s")
    return Happening(note.at, desk.say(message, **data) if message else note.what, by)


def _name_account(desk: Desk, kind: str) -> str:
    name, _colon, party = kind.partition(":")
    if name == "psp_clearing":
        return desk.say(_("Held by %(provider)s"), provider=party)
    return desk.say(ACCOUNTS[name]) if name in ACCOUNTS else kind


async def _show_order(
    desk: Desk, order: Order, *, form: Form | None = None, open_action: str = "", status_code: int = 200
) -> Response[str]:
    async with desk.reading() as tx:
        moved = await list_document_transfers(tx, document_id=order.order_id)
        transfers = [each for each in moved if each.debit_kind != "order_turns"]
        fallen = await list_claimable(tx, order=order, settings=desk.commerce.settings)
        gift, papers = await find_gift(tx, order_id=order.order_id), await list_of_order(tx, order=order)
        mark = await find_agent_order(tx, order_id=order.order_id)
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
        agent_mark=mark,
        papers=papers,
        tender_rows=[(name_tender(desk, t, t.units), t.amount_minor) for t in order.tenders],
        back_rows=list_backs(desk, order),
        actions=actions,
        claimable={claim.line_no: claim for claim in fallen},
        # A refusal whose form is gone, since the order has moved on, is told above.
        homeless=form.errors.get("", "") if form is not None and open_action not in actions else "",
        open_action=open_action,
        fulfil_form=forms["fulfil"],
        refund_form=forms["refund"],
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
    amount_minor = take_amount(form, "amount", order.currency, wrong=wrong)
    reason = _take_reason(desk, form)
    if form.errors:
        return await _show_order(desk, order, form=form, open_action="refund", status_code=422)
    try:
        await desk.claim_form(f"order.refund.{order.order_id}", form)
        order = await refund_order(
            desk.commerce,
            desk.merchant_id,
            order_id=order.order_id,
            amount_minor=amount_minor,
            reason=reason,
            by=desk.by,
            key=form.key,
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
