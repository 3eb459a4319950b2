"""Opening a payment: with the provider that the shopper chose, one attempt at a time.

CHOOSE    among what the merchant offers for this amount; another provider (or device) than before is a new attempt
LEAVE     before that, the one before is asked whether it was paid after all, and stopped
OPEN      the attempt is written down, then opened at the provider under its own id, so a repeat opens nothing twice
"""

from contextlib import suppress
from uuid import UUID

import msgspec

from serai.commerce.checkout.ask_payment import Asking, ask_payment
from serai.commerce.checkout.settle_payment import refresh_payment
from serai.commerce.method.api import load_methods
from serai.commerce.order.api import access_token, check_move, load_order
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.types import Payment
from serai.commerce.payway.api import choose_offer, device_of, list_offers
from serai.commerce.payway.types import Offer
from serai.commerce.types import CaptureMode, Commerce, PaymentRequest
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Outside, _
from serai.foundation.ids import MerchantId
from serai.foundation.trace import traced

MAX_ATTEMPTS = 20


@traced("start payment")
async def start_payment(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    base_url: str,
    provider: str | None = None,
    device: str = "desktop",
    client_ip: str = "",
) -> str:
    """Open a payment at the provider and return the address where the shopper pays.

    Of a presale it asks for the deposit, later for the balance.

    Args:
        base_url: where this shop answers, for the provider's webhook and the way back.
        provider: with whom to pay; None: as before, or the first that is offered.
        device: ``phone`` where the shopper pays on a phone; some providers have another page there.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_pay`` when the order does not wait for a payment; ``order.balance_not_open``;
            ``payment.no_provider``; ``payment.too_many_attempts``; ``method.not_offered``, none are taken online.
        Outside: the provider does not answer; the order stands and can be paid later.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        order = await load_order(tx, order_id=order_id)
        chosen, asking, capture = await _choose(tx, commerce, order, provider)
    device = device_of(chosen, device)
    last = order.payments[-1] if order.payments else None
    if last and last.state == "created" and (last.provider, last.device) != (chosen, device):
        await _leave_attempt(commerce, merchant_id, order_id=order_id, intent_id=last.intent_id)
        asking = msgspec.structs.replace(asking, attempt=last.attempt + 1)
    if asking.attempt > MAX_ATTEMPTS:
        raise Conflict("payment.too_many_attempts", _("There were too many attempts to pay this order."))
    async with commerce.db.transaction(merchant_id) as tx:
        intent = await payment.open_intent(
            tx,
            order_id=order_id,
            provider=chosen,
            amount_minor=asking.amount_minor,
            currency=order.currency,
            attempt=asking.attempt,
            purpose=asking.purpose,
            device=device,
            capture=capture,
        )
    base = (commerce.settings.public_url or base_url).rstrip("/")
    request = _describe(commerce, merchant_id, order, intent, asking, base, client_ip)
    opened = await commerce.providers[intent.provider].create_payment(merchant_id, request)
    async with commerce.db.transaction(merchant_id) as tx:
        await payment.note_provider(
            tx,
            intent_id=intent.intent_id,
            provider_payment_id=opened.provider_payment_id,
            pay_url=opened.pay_url,
        )
    if opened.pay_url is None:
        raise Conflict("payment.closed", _("This payment has ended. Please try again."))
    return opened.pay_url


def _describe(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    intent: Payment,
    asking: Asking,
    base: str,
    client_ip: str,
) -> PaymentRequest:
    """What the provider is told; the same for the same attempt, so that it knows a repeat."""
    token = access_token(commerce.secret, order.order_id)
    return PaymentRequest(
        intent.intent_id,
        intent.amount_minor,
        intent.currency,
        order.number,
        f"{base}/orders/{order.order_id}/return?key={token}",
        f"{base}/webhooks/{intent.provider}/{merchant_id}",
        order.locale,
        asking.rows,
        intent.capture,
        intent.device,
        client_ip,
        order.expires_at if asking.purpose != "balance" else None,
    )


async def _choose(
    tx: Transaction, commerce: Commerce, order: Order, wanted: str | None
) -> tuple[str, Asking, CaptureMode]:
    """With whom an order is paid, what is asked for, and whether the money is held first. Raises as :func:`start_payment`."""
    check_move(order, "pay")
    if order.channel == "market":
        raise Conflict(
            "order.paid_at_market", _("This order is part of a checkout at a market and is paid there.")
        )
    terms = (await load_methods(tx))["online"]
    if not terms.active and order.presale is None:
        raise Conflict("method.not_offered", _("This way to pay is not offered."), method="online", why="off")
    last = order.payments[-1].provider if order.payments else None
    amount_minor = ask_payment(order, clock.now(), last or "").amount_minor
    if amount_minor <= 0:
        # It was paid between two of the reads that make up the order.
        raise Conflict(
            "order.cannot_pay", _("This is not possible for an order in this state."), state="paid"
        )
    offers = await list_offers(
        tx, known=commerce.providers, amount_minor=amount_minor, currency=order.currency
    )
    chosen = choose_offer(offers, wanted, last)
    asking = ask_payment(order, clock.now(), chosen)
    # A deposit is counted when it is paid, and not every provider can hold money.
    can_hold = commerce.providers[chosen].can_hold and asking.purpose == "order"
    return chosen, asking, terms.capture if can_hold else "automatic"


async def _leave_attempt(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, intent_id: UUID
) -> None:
    """Stop an attempt that the shopper leaves for another one. It may have been paid while nobody could tell us: then the
    order is paid. A provider that does not answer keeps nobody from paying; should it be paid all the same, it goes back.

    Raises:
        Conflict: ``order.cannot_pay``, the order has been paid.
    """
    with suppress(Outside):
        order = await refresh_payment(commerce, merchant_id, order_id=order_id)
        check_move(order, "pay")
        left = next(each for each in order.payments if each.intent_id == intent_id)
        if left.state == "created" and left.provider_payment_id is not None:
            await commerce.providers[left.provider].void_payment(merchant_id, left.provider_payment_id)


async def list_pay_offers(tx: Transaction, commerce: Commerce, *, order: Order) -> tuple[Offer, ...]:
    """The ways in which an order can be paid now."""
    asking = ask_payment(order, clock.now(), "")
    return await list_offers(
        tx, known=commerce.providers, amount_minor=asking.amount_minor, currency=order.currency
    )
