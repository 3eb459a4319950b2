"""Letters of the shop in the reader's language: about orders, about the account, about what somebody waits for."""

from babel.dates import format_date

from serai.commerce.order.types import Order
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.mail import Letter
from serai.foundation.money import format_money
from serai.storefront.arrival import tell_order
from serai.storefront.tender_words import list_paid

GREETING = _("Hello %(name)s,")


def greet(name: str, locale: str) -> str:
    """The first line; without a name it names nobody."""
    return translate(GREETING, locale, {"name": name}) if name else translate(_("Hello,"), locale)


# What is told of an order, by event: subject, sentence.
ORDER_WORDS = {
    "OrderPlaced": (
        _("We have your order %(number)s"),
        _(
            "Thank you for your order. The goods are set aside for you; we begin as soon as the payment is here."
        ),
    ),
    "OrderPaid": (
        _("Payment received for order %(number)s"),
        _("Your payment of %(total)s has arrived. We are now preparing your order."),
    ),
    "OrderShipped": (
        _("A parcel of order %(number)s is on its way"),
        _(
            "Parcel %(parcel)s of your order has left. You see on your order's page what is in it and what is still to come."
        ),
    ),
    "PickupReady": (
        _("Order %(number)s is ready for you"),
        _("Your order waits for you in the store. Please show this code there: %(code)s"),
    ),
    "ParcelTracked": (
        _("A parcel of order %(number)s has arrived"),
        _("Parcel %(parcel)s was delivered. We hope everything is as you wished."),
    ),
    "OrderCut": (
        _("A change to your order %(number)s"),
        _(
            "Part of your order will not come. %(amount)s goes back the way you paid; your order's page shows what it is for."
        ),
    ),
    "OrderFulfilled": (
        _("Order %(number)s is on its way"),
        _("We have handed your parcel to the carrier."),
    ),
    "OrderCancelled": (
        _("Order %(number)s is cancelled"),
        _("This order is called off. Whatever was paid goes back the way it came."),
    ),
    "OrderExpired": (
        _("Order %(number)s has ended without a payment"),
        _("The payment did not come in time, so the goods are back on the shelf. Nothing was charged."),
    ),
    "TenderRefunded": (
        _("Refund for order %(number)s"),
        _("%(amount)s went back to what you had paid with: points, gift cards or red packets."),
    ),
    "RefundDone": (
        _("Refund for order %(number)s"),
        _("We have sent %(amount)s back the way you paid. Banks may take a few days to show it."),
    ),
}
# The same for what is bought in a group: paid but waiting, complete, called off.
GROUP_WORDS = {
    "OrderPaid": (
        _("Payment received for order %(number)s"),
        _(
            "Your payment of %(total)s has arrived, and your seat in the group is yours. We prepare your order as soon as the"
            " group is complete. If that does not happen in time, you get all of it back."
        ),
    ),
    "GroupEnded": (
        _("Your group is complete: order %(number)s"),
        _("Everybody has paid, so the group price is yours. We are now preparing your order."),
    ),
    "OrderCancelled": (
        _("Your group did not come together: order %(number)s"),
        _(
            "Not enough people paid in time, so the order is called off. Whatever you paid goes back the way it came,"
            " all of it."
        ),
    ),
}
# Events after which the days of the delivery are told.
ARRIVING = frozenset({"OrderPlaced", "OrderPaid", "OrderFulfilled"})
# What is told instead of "your payment has arrived", by how the payment is secured.
SECURED_WORDS = {
    "authorised": (
        _("Order %(number)s is confirmed"),
        _(
            "Your payment of %(total)s is set aside. It is charged as your goods leave; we are now preparing your order."
        ),
    ),
    "cash_on_delivery": (
        _("Order %(number)s is confirmed"),
        _("We are now preparing your order. Please pay %(due)s when it is handed to you."),
    ),
    "invoice": (
        _("Order %(number)s is confirmed"),
        _(
            "We are now preparing your order. Please pay %(due)s by %(date)s; the number of your order is the reference."
        ),
    ),
}
COLLECTED = (_("Order %(number)s was handed over"), _("You have collected your order. Enjoy it!"))


def write_order_letter(
    order: Order,
    event: str,
    *,
    path: str,
    amount_minor: int = 0,
    gift_message: str = "",
    in_group: bool = False,
    parcel: tuple[int, str] | None = None,
    secured: str = "",
) -> Letter:
    """What happened to an order, for the shopper; ``path`` leads to the order.

    ``event`` is a key of ``ORDER_WORDS``, or of ``GROUP_WORDS`` with ``in_group``; ``parcel`` is (number, tracking or code);
    ``secured`` how a payment is pledged that has not come.
    """
    locale = order.locale
    subject, sentence = GROUP_WORDS[event] if in_group else ORDER_WORDS[event]
    if event == "OrderFulfilled" and order.delivery == "pickup":
        subject, sentence = COLLECTED
    if event == "OrderPaid" and not in_group and secured in SECURED_WORDS:
        subject, sentence = SECURED_WORDS[secured]
    due_at = next((paid.pledge.due_at for paid in order.payments if paid.pledge and paid.pledge.due_at), None)
    facts = {
        "number": order.number,
        "total": format_money(order.total_minor, order.currency, locale),
        "amount": format_money(amount_minor, order.currency, locale),
        "parcel": parcel[0] if parcel else "",
        "code": parcel[1] if parcel else "",
        "due": format_money(order.pledged_minor, order.currency, locale),
        "date": format_date(due_at.date(), "long", locale=locale) if due_at else "",
    }
    lines = [greet(order.name, locale), translate(sentence, locale, facts)]
    tracking = order.tracking if event == "OrderFulfilled" else ""
    if parcel and event == "OrderShipped":
        tracking = parcel[1]
    arrives = tell_order(order.shipping, locale) if event in ARRIVING and not in_group else ""
    if arrives:
        lines.append(translate(_("%(arrival)s."), locale, {"arrival": arrives}))
    if tracking:
        lines.append(translate(_("Tracking number: %(tracking)s"), locale, {"tracking": tracking}))
    if gift_message and event in ("OrderPlaced", "OrderPaid"):
        lines.append(translate(_("Your gift message: %(text)s"), locale, {"text": gift_message}))
    return Letter(
        to=order.email,
        locale=locale,
        subject=translate(subject, locale, facts),
        lines=tuple(lines),
        rows=list_order_rows(order) if event in ("OrderPlaced", "OrderPaid") else (),
        action=(translate(_("See your order"), locale), path),
    )


def list_order_rows(order: Order) -> tuple[tuple[str, str], ...]:
    """The lines and sums of an order as label and value."""
    locale, currency = order.locale, order.currency
    rows = [
        (f"{line.quantity} × {line.title}", format_money(line.total_minor, currency, locale))
        for line in order.lines
    ]
    shipping = translate(_("Delivery") if order.delivery == "ship" else _("Pick-up"), locale)
    if order.shipping is not None:
        shipping = f"{shipping} ({order.shipping.label(locale)})"
    free = translate(_("free"), locale)
    rows.append(
        (shipping, format_money(order.shipping_minor, currency, locale) if order.shipping_minor else free)
    )
    taxes = [
        (f"{tax.name} {tax.percent} %", format_money(tax.tax_minor, currency, locale), tax.included)
        for tax in order.tax_sums
    ]
    rows += [(label, amount) for label, amount, included in taxes if not included]
    rows.append((translate(_("Total"), locale), format_money(order.total_minor, currency, locale)))
    inside = translate(_("of which %(text)s"), locale)
    rows += [(inside % {"text": label}, amount) for label, amount, included in taxes if included]
    rows += [(name, f"−{format_money(minor, currency, locale)}") for name, minor in list_paid(order, locale)]
    if order.tenders:
        rest = format_money(order.total_minor - order.tender_minor, currency, locale)
        rows.append((translate(_("By card or other means"), locale), rest))
    return tuple(rows)


# What a link does, by purpose: subject, sentence, button, how long it lasts.
LINK_WORDS = {
    "sign_in": (
        _("Your link to sign in"),
        _("Somebody, most likely you, asked for a link to sign in. It works once."),
        _("Sign in"),
        _(
            "The link lasts %(minutes)s minutes. If you did not ask for it, nothing has happened and you need do nothing."
        ),
    ),
    "reset": (
        _("Choose a new password"),
        _("Somebody, most likely you, asked to choose a new password. The link works once."),
        _("Choose a new password"),
        _("The link lasts %(minutes)s minutes. If you did not ask for it, your password stays as it is."),
    ),
    "verify": (
        _("Please confirm your e-mail address"),
        _(
            "Please confirm that this address is yours, so that we can reach you about your orders and your account."
        ),
        _("Yes, this is my address"),
        _("The link lasts two days. If you have no account with us, please ignore this letter."),
    ),
}


def write_link_letter(purpose: str, *, email: str, name: str, locale: str, path: str, minutes: int) -> Letter:
    """A letter with a one-time link of a purpose (``sign_in``, ``reset``, ``verify``)."""
    subject, sentence, button, note = LINK_WORDS[purpose]
    return Letter(
        to=email,
        locale=locale,
        subject=translate(subject, locale),
        lines=(greet(name, locale), translate(sentence, locale)),
        action=(translate(button, locale), path),
        small=(translate(note, locale, {"minutes": minutes}),),
    )


ALERT_WORDS = {
    "price": (
        _("Confirm your price alert"),
        _("We write to you once when “%(title)s” costs less. Please confirm that you want this letter."),
    ),
    "stock": (
        _("Confirm your alert"),
        _(
            "We write to you once when “%(title)s” can be had again. Please confirm that you want this letter."
        ),
    ),
}
FIRED_WORDS = {
    "price": (
        _("Cheaper now: %(title)s"),
        _("“%(title)s” costs %(price)s now. You asked us to tell you when it costs less."),
    ),
    "stock": (
        _("There again: %(title)s"),
        _("“%(title)s” can be had again. You asked us to tell you; nothing is set aside for you."),
    ),
}


def write_confirm_letter(kind: str, *, email: str, locale: str, title: str, token: str) -> Letter:
    """Asks whoever reads an address whether an alert is wanted."""
    subject, sentence = ALERT_WORDS[kind]
    facts = {"title": title}
    return Letter(
        to=email,
        locale=locale,
        subject=translate(subject, locale, facts),
        lines=(translate(sentence, locale, facts),),
        action=(translate(_("Yes, write to me"), locale), f"/alerts/{token}"),
        small=(
            translate(
                _("If you did not ask for this, you need do nothing: no more letters will come."), locale
            ),
        ),
    )


def write_alert_letter(kind: str, *, email: str, locale: str, title: str, price: str, path: str) -> Letter:
    """Tells what somebody waited for; the only letter of that alert."""
    subject, sentence = FIRED_WORDS[kind]
    facts = {"title": title, "price": price}
    return Letter(
        to=email,
        locale=locale,
        subject=translate(subject, locale, facts),
        lines=(translate(sentence, locale, facts),),
        action=(translate(_("See it"), locale), path),
        small=(
            translate(_("With this letter the alert is over. Nothing more will be sent for it."), locale),
        ),
    )


def write_answer_letter(
    *, email: str, name: str, locale: str, title: str, question: str, answer: str, path: str
) -> Letter:
    """What staff answered to a question about a product."""
    return Letter(
        to=email,
        locale=locale,
        subject=translate(_("An answer to your question about %(title)s"), locale, {"title": title}),
        lines=(
            greet(name, locale),
            translate(_("You asked: “%(question)s”"), locale, {"question": question}),
            answer,
        ),
        action=(translate(_("See the product"), locale), path),
    )
