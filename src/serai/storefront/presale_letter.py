"""Letters about presales: the deposit is here, the balance can be paid, it ends tomorrow, it did not come."""

from datetime import UTC, datetime, tzinfo
from typing import Any

from babel.dates import format_datetime

from serai.commerce.order.types import Order
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.mail import Letter
from serai.foundation.money import format_money
from serai.storefront.letter import greet

OUTCOMES = {
    True: _("As agreed, the deposit of %(deposit)s is not given back. The goods are on the shelf again."),
    False: _(
        "As agreed, the deposit of %(deposit)s goes back the way it came. Banks may take a few days to show it."
    ),
}
# What is told of an order in a presale, by event: subject, sentence.
PRESALE_WORDS = {
    "OrderPlaced": (
        _("Your reservation %(number)s"),
        _(
            "Your place in the presale of %(title)s is kept until the deposit of %(deposit)s is here. After that you"
            " pay nothing more until %(start)s."
        ),
    ),
    "DepositPaid": (
        _("Deposit received: %(number)s"),
        _(
            "Your deposit of %(deposit)s for %(title)s has arrived. Your piece is kept for you. The balance can be paid from"
            " %(start)s to %(end)s; we write to you when it opens."
        ),
    ),
    "BalanceOpened": (
        _("Please pay your balance: %(number)s"),
        _("Deposits are counted. For %(title)s %(amount)s are left to pay. Please pay by %(end)s."),
    ),
    "BalanceReminded": (
        _("One day left for your balance: %(number)s"),
        _("For %(title)s %(amount)s are still to be paid, by %(end)s. After that the order ends."),
    ),
    "OrderLapsed": (
        _("Order %(number)s has ended: the balance did not come"),
        _("The balance for %(title)s did not come by %(end)s, so the order has ended."),
    ),
    "OrderCancelled": (
        _("Order %(number)s is cancelled"),
        _("This order is called off."),
    ),
}


def is_about_presale(order: Order, event: str) -> bool:
    """Whether an event of an order is told as news of its presale; once the balance is paid it is an order like any other."""
    return order.presale is not None and event in PRESALE_WORDS and order.paid_at is None


def write_presale_letter(
    order: Order, event: str, data: dict[str, Any], *, path: str, zone: tzinfo = UTC
) -> Letter:
    """What happened to an order in a presale, for the shopper. ``event`` is a key of ``PRESALE_WORDS``, ``zone`` the shop's
    time zone."""
    agreed, locale = order.presale, order.locale
    assert agreed is not None
    facts = {
        "number": order.number,
        "title": order.lines[0].title,
        "deposit": format_money(order.deposit_minor, order.currency, locale),
        "amount": format_money(int(data.get("amount_minor", 0)), order.currency, locale),
        "start": _tell_moment(agreed.balance_from, locale, zone),
        "end": _tell_moment(agreed.balance_until, locale, zone),
    }
    subject, sentence = PRESALE_WORDS[event]
    lines = [greet(order.name, locale), translate(sentence, locale, facts)]
    # Of a deposit that was never paid there is nothing to tell.
    if event == "OrderLapsed" or (event == "OrderCancelled" and order.deposit_paid_at is not None):
        lines.append(translate(OUTCOMES[order.kept_minor > 0], locale, facts))
    button = _("Pay the balance") if event in ("BalanceOpened", "BalanceReminded") else _("See your order")
    return Letter(
        to=order.email,
        locale=locale,
        subject=translate(subject, locale, facts),
        lines=tuple(lines),
        action=(translate(button, locale), path),
    )


def _tell_moment(moment: datetime, locale: str, zone: tzinfo) -> str:
    """A moment by the shop's clock, with the name of its zone: a letter may be read far away."""
    local = moment.astimezone(zone)
    return f"{format_datetime(local, 'medium', tzinfo=zone, locale=locale)} {local.tzname()}"
