"""An order that is paid later, to whoever hands the goods over or by invoice: accepted without a provider.

CHECK    the merchant offers the method for this order now: country, amount, member, credit left
ACCEPT   one group moves what is due from the order to the method's own account and, of an invoice, takes it from the
         customer's limit; two orders at once cannot pass the limit, since its account cannot fall below zero
Repeating it changes nothing. A payment that was begun at a provider is stopped afterwards; if it pays all the same, the
money goes back as any that comes twice.
"""

from datetime import timedelta
from uuid import UUID

from serai.commerce.aftersale.api import stop_payments
from serai.commerce.checkout.ask_payment import ask_payment
from serai.commerce.checkout.secure_order import secure_order
from serai.commerce.method.api import list_methods
from serai.commerce.method.types import MethodOffer, Wanted
from serai.commerce.order.api import check_move, load_order
from serai.commerce.order.types import Order, amount_due
from serai.commerce.payment import api as payment
from serai.commerce.pledge.types import PROMISES, Kind, credit_left, credit_used
from serai.commerce.tender.api import settle_debt
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Transfer, Write, posted

MAX_ATTEMPTS = 20
# Whatever is against a method, in words for the buyer.
WHY = {
    "off": _("This way to pay is not offered."),
    "too_much": _("This order is too large for this way to pay."),
    "country": _("This way to pay is not offered for deliveries to this country."),
    "members": _("This way to pay is not offered without an account that may use it."),
    "credit": _("This order is more than what is left of your credit limit."),
    "presale": _("A presale is paid online."),
    "market": _("An order of a market is paid online."),
    "nothing_due": _("There is nothing left to pay."),
}


async def list_order_methods(tx: Transaction, *, order: Order) -> tuple[MethodOffer, ...]:
    """Every payment method, with why it is not offered for an order that waits for its payment."""
    return await list_methods(tx, wanted=_want(order))


def _want(order: Order) -> Wanted:
    country = order.address.country if order.address is not None else ""
    return Wanted(
        amount_due(order),
        order.currency,
        country,
        order.member_id,
        is_presale=order.presale is not None,
        is_market=order.channel == "market",
    )


async def accept_promise(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, method: str, by: str
) -> Order:
    """Accept an order that is paid on delivery or by invoice. Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``; ``method.unknown``.
        Conflict: ``order.cannot_pay``; ``method.not_offered`` with ``why``; ``payment.too_many_attempts``;
            ``order.changed`` when the order was paid or ended in this very moment.
    """
    kind = next((known for known in PROMISES if known == method), None)
    if kind is None:
        raise NotFound("method.unknown", _("There is no such payment method."))
    async with commerce.db.transaction(merchant_id) as tx:
        order = await load_order(tx, order_id=order_id)
        if _is_accepted(order, kind):
            return order
        check_move(order, "pay")
        offer = next(each for each in await list_order_methods(tx, order=order) if each.code == kind)
        if not offer.is_open:
            raise Conflict("method.not_offered", WHY[offer.why], method=kind, why=offer.why)
        asking = ask_payment(order, clock.now(), kind)
        if asking.attempt > MAX_ATTEMPTS:
            raise Conflict("payment.too_many_attempts", _("There were too many attempts to pay this order."))
        intent = await payment.open_intent(
            tx,
            order_id=order_id,
            provider=kind,
            amount_minor=asking.amount_minor,
            currency=order.currency,
            attempt=asking.attempt,
            capture="manual",
        )
        await payment.note_provider(
            tx, intent_id=intent.intent_id, provider_payment_id=order.number, pay_url=None
        )
    audit = AuditRow(by, "order.accepted", "order", str(order_id), None, {"method": kind})
    outcome = await secure_order(
        commerce,
        merchant_id,
        order,
        intent,
        kind=kind,
        row=None,
        due_in=timedelta(days=offer.days) if kind == "invoice" else None,
        transfers=_take_credit(order, kind, intent.intent_id, intent.amount_minor),
        writes=(Write(record_rows, audit),),
    )
    if any(short.kind == "credit" for short in outcome.shortages):
        raise Conflict("method.not_offered", WHY["credit"], method=kind, why="credit")
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
    if not _is_accepted(order, kind):
        raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))
    await stop_payments(commerce, merchant_id, order)
    if order.award_points and order.member_id is not None:
        await settle_debt(commerce, merchant_id, member_id=order.member_id)
    return order


def _is_accepted(order: Order, kind: Kind) -> bool:
    is_pledged = any(paid.pledge is not None and paid.pledge.kind == kind for paid in order.payments)
    # The order is read before its payments, so it may be older than they are.
    return is_pledged and order.state != "awaiting_payment"


def _take_credit(order: Order, kind: Kind, intent_id: UUID, amount_minor: int) -> tuple[Transfer, ...]:
    if kind != "invoice":
        return ()
    assert order.member_id is not None, "an invoice is offered to members only"
    left, used = (f(order.member_id, order.currency) for f in (credit_left, credit_used))
    return (posted(derive_id("credit taken", intent_id), used, left, amount_minor, "invoice"),)
