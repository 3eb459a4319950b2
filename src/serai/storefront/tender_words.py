"""Points, gift cards and red packets in words: on the checkout, on orders, in letters and in the account."""

import msgspec
from babel.numbers import format_decimal

from serai.commerce.checkout.types import Quote
from serai.commerce.order.types import Order
from serai.commerce.tender.types import Kind, QuoteTender
from serai.foundation.errors import _
from serai.foundation.i18n import translate

# Why something that was entered pays nothing now, or less than it could.
WHY = {
    "not_needed": _("Nothing is left for it to pay."),
    "empty": _("Nothing is left on it."),
    "expired": _("It has expired."),
    "blocked": _("It is blocked. Please ask us about it."),
    "currency": _("It is in another currency."),
    "sign_in": _("Please sign in to use it."),
    "off": _("Points cannot pay here at the moment."),
    "cap": _("That is the most that points may pay of one order."),
}
# What a movement of a balance was, by what the ledger calls it. Anything else is what staff wrote.
MOVED = {
    "issued": _("Issued"),
    "expired": _("Expired"),
    "points earned": _("Earned with an order"),
    "points back": _("Taken back: the order was refunded"),
    "points owed": _("Taken for an earlier refund"),
    "tender points": _("Paid an order"),
    "tender gift_card": _("Paid an order"),
    "tender wallet": _("Paid an order"),
    "tender points back": _("Came back"),
    "tender gift_card back": _("Came back"),
    "tender wallet back": _("Came back"),
    "again": _("Came back"),
}


class ShownTender(msgspec.Struct, frozen=True):
    """A tender as the checkout shows it: its name, what it pays, and why not more."""

    key: str
    kind: Kind
    name: str
    amount_minor: int
    words: str


def name_tender(kind: str, label: str, units: int, locale: str) -> str:
    """What a tender is called beside the amount that it pays."""
    if kind == "gift_card":
        return translate(_("Gift card …%(end)s"), locale, {"end": label})
    if kind == "points":
        return (
            translate(_("%(count)s points"), locale, {"count": format_decimal(units, locale=locale)})
            if units
            else translate(_("Points"), locale)
        )
    return translate(_("Red packets"), locale)


def tell_tenders(quote: Quote, locale: str) -> list[ShownTender]:
    """What was entered to pay a quote, in words."""
    return [_tell(each, locale) for each in quote.tendered.tenders]


def _tell(each: QuoteTender, locale: str) -> ShownTender:
    words = translate(WHY[each.code], locale) if each.code in WHY else ""
    name = name_tender(each.kind, each.label, each.units, locale)
    return ShownTender(each.key, each.kind, name, each.amount_minor, words)


def list_paid(order: Order, locale: str) -> list[tuple[str, int]]:
    """(name, minor units) of what tenders pay of an order."""
    return [(name_tender(t.kind, t.label, t.units, locale), t.amount_minor) for t in order.tenders]


def list_backs(order: Order, locale: str) -> list[tuple[str, int]]:
    """(name, minor units) of what went back to an order's tenders."""
    tenders = {t.tender_no: t for t in order.tenders}
    return [
        (name_tender(tenders[r.tender_no].kind, tenders[r.tender_no].label, r.units, locale), r.amount_minor)
        for r in order.tender_refunds
    ]
