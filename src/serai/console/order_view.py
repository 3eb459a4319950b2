"""An order's history and its transfers in words."""

from datetime import datetime

import msgspec

from serai.commerce.order.types import Order, OrderNote
from serai.commerce.tender.types import POINTS_UNIT
from serai.console.desk import Desk
from serai.console.presale_words import PRESALE_ACCOUNTS, PRESALE_EVENTS
from serai.console.return_words import RETURN_ACCOUNTS, RETURN_EVENTS
from serai.foundation.errors import _
from serai.foundation.money import format_money
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Phase, currency_unit

PHASES = {Phase.POSTED: "posted", Phase.PENDING: "pending", Phase.POST: "settled", Phase.VOID: "void"}
# The ledger's accounts in words; an account without an entry is shown by its kind.
ACCOUNTS = (
    PRESALE_ACCOUNTS
    | RETURN_ACCOUNTS
    | {
        "customer": _("Shoppers"),
        "deferred_sales": _("Sold, not handed over yet"),
        "order_due": _("Due from the shopper"),
        "refund_control": _("Refunds, control"),
        "refundable": _("Refundable"),
        "sales": _("Sales"),
        "sales_returns": _("Sales taken back"),
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
)
EVENTS = (
    PRESALE_EVENTS
    | RETURN_EVENTS
    | {
        "OrderPlaced": _("Placed for %(total)s"),
        "OrderPaid": _("Paid %(amount)s"),
        "OrderShipped": _("Parcel %(parcel_no)s has left"),
        "PickupReady": _("Parcel %(parcel_no)s waits to be collected"),
        "LabelBought": _("Label bought: %(carrier)s %(tracking)s"),
        "ParcelTracked": _("The carrier tells of parcel %(parcel_no)s: %(kind)s %(place)s"),
        "OrderCut": _("Part of it will not come: %(amount)s goes back"),
        "GoodsReplaced": _("%(title)s comes instead of line %(line_no)s: %(amount)s goes back"),
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
        "PaymentCaptured": _("Money came: %(amount)s"),
        "CaptureFailed": _("The provider did not take %(amount)s: %(failure)s"),
        "PledgeReleased": _("%(amount)s need not be paid any more: %(reason)s"),
        "PledgeLost": _("%(amount)s will not be paid, and is written off"),
        "TenderRefunded": _("%(amount)s given back to points, gift cards or red packets"),
        "RefundRequested": _("Refund of %(amount)s: %(reason)s"),
        "RefundDone": _("Refund of %(amount)s arrived"),
        "RefundFailed": _("Refund of %(amount)s failed: %(failure)s"),
    }
)


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
