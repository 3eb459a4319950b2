"""Letters about orders that are paid later: accepted, and asked for again."""

from babel.dates import format_date

from serai.commerce.order.types import Order
from serai.commerce.pledge.types import Pledge
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.mail import Letter
from serai.foundation.money import format_money
from serai.storefront.letter import greet


def write_reminder(order: Order, pledge: Pledge, number: int, *, path: str) -> Letter:
    """That an invoice is overdue; from the second time on it says so more plainly. ``path`` leads to the order."""
    locale = order.locale
    facts = {
        "number": order.number,
        "open": format_money(pledge.open_minor, order.currency, locale),
        "date": format_date(pledge.due_at.date(), "long", locale=locale) if pledge.due_at else "",
    }
    sentence = (
        _(
            "For order %(number)s %(open)s is still open; it was due on %(date)s. If you have paid in the meantime, thank you."
        )
        if number == 1
        else _("We have written before: for order %(number)s %(open)s is still open. It was due on %(date)s.")
    )
    return Letter(
        to=order.email,
        locale=locale,
        subject=translate(_("Reminder: order %(number)s is not paid yet"), locale, facts),
        lines=(greet(order.name, locale), translate(sentence, locale, facts)),
        action=(translate(_("See your order"), locale), path),
    )
