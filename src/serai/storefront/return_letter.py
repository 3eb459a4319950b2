"""Letters about returns, in the language of their order."""

from typing import Any

from serai.commerce.order.types import Order
from serai.commerce.returns.types import Return
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.mail import Letter
from serai.foundation.money import format_money
from serai.storefront.letter import greet

# What is told of a return, by event: subject, sentence.
RETURN_WORDS = {
    "ReturnRequested": (
        _("We have your return %(number)s"),
        _("We look at it and write to you within a day or two. Please do not send anything yet."),
    ),
    "ReturnApproved": (
        _("Please send return %(number)s back"),
        _("You may send it back now. Please write the number %(number)s on the parcel."),
    ),
    "ReturnDeclined": (
        _("Return %(number)s is not possible"),
        _("We have looked at your return, and cannot take it."),
    ),
    "ReturnReopened": (
        _("We look at return %(number)s again"),
        _("We have taken your return up again and write to you shortly."),
    ),
    "ReturnReceived": (
        _("Return %(number)s has arrived"),
        _("Your goods are here. We look at them and write to you shortly."),
    ),
    "ReturnRefunded": (
        _("Return %(number)s is settled"),
        _("%(amount)s goes back the way you paid. Banks may take a few days to show it."),
    ),
    "ReturnExchanged": (
        _("Your exchange for return %(number)s"),
        _("Your exchange is placed as an order of its own. You find it by the link below."),
    ),
    "ExchangeUndone": (
        _("Your exchange for return %(number)s is called off"),
        _("Its order has ended, so %(amount)s goes back the way you paid."),
    ),
    "ReturnRejected": (
        _("We could not accept return %(number)s"),
        _("We have looked at what arrived, and cannot accept it."),
    ),
    "ReturnExpired": (
        _("Return %(number)s has ended"),
        _("Nothing has arrived in time, so this return has ended. You keep the goods."),
    ),
}
NOTHING_BACK = _("Your goods are checked and your return is done.")


def write_return_letter(
    order: Order, found: Return, event: str, data: dict[str, Any], *, path: str
) -> Letter:
    """What happened to a return; ``path`` leads to it."""
    locale = order.locale
    subject, sentence = RETURN_WORDS[event]
    amount_minor = int(data.get("amount_minor", 0))
    if event == "ReturnRefunded":
        amount_minor += found.former_minor
        if not amount_minor:
            sentence = NOTHING_BACK
    facts = {"number": found.number, "amount": format_money(amount_minor, order.currency, locale)}
    lines = [greet(order.name, locale), translate(sentence, locale, facts)]
    if event in ("ReturnDeclined", "ReturnRejected", "ReturnReceived") and found.answer:
        lines.append(found.answer)
    return Letter(
        to=order.email,
        locale=locale,
        subject=translate(subject, locale, facts),
        lines=tuple(lines),
        rows=tuple((line.title, line.amount_text) for line in found.lines),
        action=(translate(_("See your return"), locale), path),
    )
