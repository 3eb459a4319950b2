"""One payment for a checkout over several merchants: opened at the market's account, split over the orders when it comes."""

from uuid import UUID

from serai.commerce.aftersale.api import settle_refund
from serai.commerce.checkout.api import settle_payment
from serai.commerce.market import store
from serai.commerce.market.book_settlement import book_capture, book_refund
from serai.commerce.market.hold_claims import count_claims
from serai.commerce.market.load_checkout import load_checkout
from serai.commerce.market.provider import name_payment
from serai.commerce.market.types import MARKET, MarketCheckout, MarketOrder, MarketPayment, MarketRefund
from serai.commerce.order.events import PaymentMismatch
from serai.commerce.payment import api as payment_api
from serai.commerce.types import Commerce, PaymentRequest, ProviderEvent
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id

MAX_ATTEMPTS = 20


async def start_checkout_payment(
    commerce: Commerce, market_id: MerchantId, *, checkout_id: UUID, return_url: str, webhook_url: str
) -> str:
    """Open the payment of a checkout and return the address where the buyer pays; an open attempt is used again.

    Raises:
        NotFound: ``market.checkout_unknown``. Conflict: ``market.cannot_pay``, ``payment.too_many_attempts``.
        Outside: the provider does not answer; the checkout stands and can be paid later.
    """
    async with commerce.db.transaction(market_id) as tx:
        checkout = await load_checkout(tx, checkout_id=checkout_id)
        if checkout.placed_at is None or checkout.paid_at is not None or not checkout.total_minor:
            raise Conflict("market.cannot_pay", _("This checkout does not wait for a payment."))
        row = await store.find_last_payment(tx, checkout_id)
        last = MarketPayment(*row.values()) if row else None
        attempt = 1 if last is None else last.attempt + (last.failed_at is not None)
        if attempt > MAX_ATTEMPTS:
            raise Conflict("payment.too_many_attempts", _("There were too many attempts to pay this order."))
        payment_id = derive_id("market payment", checkout_id, attempt)
        provider = commerce.default_provider
        await store.insert_payment(
            tx,
            (
                payment_id,
                checkout_id,
                attempt,
                provider,
                checkout.total_minor,
                checkout.currency,
                clock.now(),
            ),
        )
    request = PaymentRequest(
        payment_id,
        checkout.total_minor,
        checkout.currency,
        str(checkout_id),
        return_url,
        webhook_url,
        checkout.locale,
        tuple((str(order.order_id), order.total_minor, 1) for order in checkout.orders),
    )
    opened = await commerce.providers[provider].create_payment(market_id, request)
    async with commerce.db.transaction(market_id) as tx:
        await store.update_payment(tx, payment_id, opened.provider_payment_id, opened.pay_url)
    if opened.pay_url is None:
        raise Conflict("payment.closed", _("This payment has ended. Please try again."))
    return opened.pay_url


async def settle_checkout(
    commerce: Commerce, market_id: MerchantId, *, event: ProviderEvent, source: str
) -> None:
    """Take a provider's event about a checkout in. Repeating it changes nothing more.

    A captured payment is first owed to the members, then every order takes its part as any payment: in time, or late
    with the order revived or its part refunded.

    Raises:
        NotFound: ``payment.unknown``, the event is about no payment of this market.
    """
    async with commerce.db.transaction(market_id, "read") as tx:
        row = await store.find_payment(tx, event.reference)
        paid = MarketPayment(*row.values()) if row else None
        if paid is None or paid.provider != event.provider:
            raise NotFound("payment.unknown", _("There is no such payment."))
        checkout = await load_checkout(tx, checkout_id=paid.checkout_id)
    if event.kind in ("refunded", "refund_failed") and event.refund_reference:
        await _settle_refund(commerce, market_id, checkout, paid, event)
    elif event.kind == "failed":
        async with commerce.db.transaction(market_id) as tx:
            await store.end_payment(tx, paid.payment_id, False, clock.now())
    elif event.kind == "captured":
        if (event.currency, event.payment_minor, event.amount_minor) != (
            paid.currency,
            paid.amount_minor,
            paid.amount_minor,
        ):
            await _note_mismatch(commerce, market_id, paid, event)
            return
        await book_capture(commerce.lane, market_id, checkout, paid)
        # In time or late, the market's promotions must still give what the orders cost less by.
        stands = await count_claims(commerce.lane, market_id, checkout)
        for order in checkout.orders:
            if order.total_minor:
                await _pay_order(commerce, market_id, order, paid, event, source, revive=stands)
        async with commerce.db.transaction(market_id) as tx:
            await store.end_payment(tx, paid.payment_id, True, clock.now())
            await store.stamp_paid(tx, checkout.checkout_id, clock.now())


async def _note_mismatch(
    commerce: Commerce, market_id: MerchantId, paid: MarketPayment, event: ProviderEvent
) -> None:
    fact = PaymentMismatch(
        paid.checkout_id, paid.payment_id, paid.amount_minor, event.amount_minor, event.currency
    )
    async with commerce.db.transaction(market_id) as tx:
        await append_facts(tx, [Fact(paid.checkout_id, fact)])


async def _pay_order(
    commerce: Commerce,
    market_id: MerchantId,
    order: MarketOrder,
    paid: MarketPayment,
    event: ProviderEvent,
    source: str,
    *,
    revive: bool,
) -> None:
    """A member's order takes its part of the payment, through an intent of its own."""
    member_id = MerchantId(order.member_id)
    provider_payment_id = name_payment(market_id, paid.provider, event.provider_payment_id)
    async with commerce.db.transaction(member_id) as tx:
        intent = await payment_api.open_intent(
            tx,
            order_id=order.order_id,
            provider=MARKET,
            amount_minor=order.total_minor,
            currency=paid.currency,
            attempt=paid.attempt,
        )
        await payment_api.note_provider(
            tx, intent_id=intent.intent_id, provider_payment_id=provider_payment_id, pay_url=None
        )
    part = ProviderEvent(
        MARKET,
        f"{event.event_id}/{order.order_id}",
        "captured",
        intent.intent_id,
        provider_payment_id,
        order.total_minor,
        order.total_minor,
        paid.currency,
        {"checkout_id": str(paid.checkout_id)},
    )
    await settle_payment(commerce, member_id, event=part, source=source, revive=revive)


async def _settle_refund(
    commerce: Commerce,
    market_id: MerchantId,
    checkout: MarketCheckout,
    paid: MarketPayment,
    event: ProviderEvent,
) -> None:
    """The provider tells how a refund ended: it is that of one of the orders."""
    assert event.refund_reference is not None
    for order in checkout.orders:
        member_id = MerchantId(order.member_id)
        async with commerce.db.transaction(member_id, "read") as tx:
            refund = await payment_api.find_refund(tx, refund_id=event.refund_reference)
            if refund is None:
                continue
        async with commerce.db.transaction(market_id) as market_tx:
            planned = MarketRefund(*(await store.find_refund(market_tx, refund.refund_id)).values())
            if event.kind != "refunded":
                await store.fail_refund(market_tx, refund.refund_id, clock.now())
        if event.kind == "refunded":
            await book_refund(
                commerce.db, commerce.lane, market_id, member_id, provider=paid.provider, refund=planned
            )
        failure = None if event.kind == "refunded" else "refused by the provider"
        await settle_refund(commerce, member_id, refund_id=refund.refund_id, failure=failure)
        return
    raise NotFound("refund.unknown", _("There is no such refund."))


async def refresh_checkout(
    commerce: Commerce, market_id: MerchantId, *, checkout_id: UUID, source: str = "return"
) -> MarketCheckout:
    """Ask the provider how the checkout's newest payment stands, and take in what it says.

    Raises:
        NotFound: ``market.checkout_unknown``; Outside: the provider does not answer.
    """
    async with commerce.db.transaction(market_id, "read") as tx:
        await load_checkout(tx, checkout_id=checkout_id)
        row = await store.find_last_payment(tx, checkout_id)
    last = MarketPayment(*row.values()) if row else None
    if last is not None and last.captured_at is None and last.failed_at is None:
        found = await commerce.providers[last.provider].load_payment(market_id, last.payment_id)
        for event in found.events if found else ():
            await settle_checkout(commerce, market_id, event=event, source=source)
    async with commerce.db.transaction(market_id, "read") as tx:
        return await load_checkout(tx, checkout_id=checkout_id)


async def is_declined(tx: Transaction, *, checkout_id: UUID) -> bool:
    """Whether the last try to pay a checkout failed, so that the buyer may try again."""
    row = await store.find_last_payment(tx, checkout_id)
    return row is not None and row["failed_at"] is not None
