"""What a payment of an order asks for at this moment: all of it, the deposit of its presale, or the balance. Pure."""

from datetime import datetime

import msgspec

from serai.commerce.order.types import Order, amount_due
from serai.commerce.payment.types import Purpose
from serai.foundation.errors import Conflict, _
from serai.foundation.i18n import translate

TENDER_WORDS = {
    "points": _("Paid with points"),
    "gift_card": _("Paid with a gift card"),
    "wallet": _("Paid with red packets"),
}


class Asking(msgspec.Struct, frozen=True):
    """A payment to be opened: which attempt it is, what for, how much, and the rows that the provider's page shows."""

    attempt: int
    purpose: Purpose
    amount_minor: int
    rows: tuple[tuple[str, int, int], ...]


def ask_payment(order: Order, now: datetime, provider: str) -> Asking:
    """What to ask a provider for. An attempt of it that is still open is used again; after a decline there is a new one.

    Raises:
        Conflict: ``order.balance_not_open`` for a balance out of its window, or before it is known.
    """
    purpose: Purpose = "order"
    if order.presale is not None:
        purpose = "deposit" if order.state == "awaiting_deposit" else "balance"
        if purpose == "balance" and not order.presale.is_open(now):
            raise Conflict(
                "order.balance_not_open",
                _("The balance of this order cannot be paid at the moment."),
                balance_from=order.presale.balance_from.isoformat(),
                balance_until=order.presale.balance_until.isoformat(),
            )
    due = amount_due(order)
    last = order.payments[-1] if order.payments else None
    attempt = last.attempt if last else 1
    # What was asked for before is over when it ended, and when another amount is due by now.
    if last and (
        last.state in ("failed", "voided", "expired")
        or last.provider != provider
        or last.purpose != purpose
        or last.amount_minor != due
    ):
        attempt += 1
    rows = list_payables(order) if purpose == "order" else _list_part(order, purpose, due)
    return Asking(attempt, purpose, due, rows)


def list_payables(order: Order) -> tuple[tuple[str, int, int], ...]:
    """What the provider's page shows: (title, minor units, quantity) of goods, delivery and taxes on top, and below zero
    what points, gift cards and red packets pay of them."""
    rows = [(line.title, line.net_minor, line.quantity) for line in order.lines]
    if order.shipping_minor:
        rows.append((translate(_("Delivery"), order.locale), order.shipping_minor, 1))
    rows += [(tax.name, tax.tax_minor, 1) for tax in order.tax_sums if not tax.included]
    rows += [
        (translate(TENDER_WORDS[tender.kind], order.locale), -tender.amount_minor, 1)
        for tender in order.tenders
    ]
    return tuple(rows)


def _list_part(order: Order, purpose: Purpose, due: int) -> tuple[tuple[str, int, int], ...]:
    title = order.lines[0].title
    words = _("Deposit: %(title)s") if purpose == "deposit" else _("Balance: %(title)s")
    return ((translate(words, order.locale, {"title": title}), due, order.quantity),)
