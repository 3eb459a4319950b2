"""From a provider's word to a paid order: one command for webhook, browser return and check, safe to repeat.

READ      intent and order; an amount or currency that is not the one asked for is noted and booked nowhere
BOOK      captured: one group posts the expected money and funds what may be refunded. The expectation is a reservation in
          the ledger, so of payment, cancellation and expiry exactly one wins.
LATE      the reservation was gone: the money is booked all the same, then the order is revived if its goods are still
          there, else everything is refunded and the shopper sees it
Events are kept once per provider event id; what they come to is recomputed, so order and repetition do not matter.
"""

from uuid import UUID

from serai.commerce.aftersale.api import expire_order, settle_refund
from serai.commerce.checkout.book_payment import book_payment
from serai.commerce.checkout.settle_late import book_late, record, resolve_late
from serai.commerce.checkout.settle_pledge import settle_pledge
from serai.commerce.order.api import load_order, stamp_orders
from serai.commerce.order.events import PaymentMismatch
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.api import provider_of
from serai.commerce.payment.types import Payment, fund_refundable, order_due, psp_clearing
from serai.commerce.tender.api import settle_debt
from serai.commerce.types import Commerce, ProviderEvent
from serai.foundation.errors import NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id
from serai.foundation.trace import traced
from serai.ledger.types import Group, Outcome, Transfer, Write, post, posted, void


@traced("settle payment")
async def settle_payment(
    commerce: Commerce, merchant_id: MerchantId, *, event: ProviderEvent, source: str, revive: bool = True
) -> None:
    """Take a provider's event in. Repeating it, in any order, changes nothing more.

    Without ``revive`` money that comes late goes back, even if the goods are still there.

    Raises:
        NotFound: ``payment.unknown``, the event is about no payment of this merchant.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        intent = await payment.find_payment(tx, intent_id=event.reference)
        if intent is None or intent.provider != event.provider:
            raise NotFound("payment.unknown", _("There is no such payment."))
        order = await load_order(tx, order_id=intent.order_id)
    if event.kind in ("refunded", "part_refunded", "refund_failed") and event.refund_reference:
        await record(commerce, merchant_id, intent, event, source)
        failure = "refused by the provider" if event.kind == "refund_failed" else None
        await settle_refund(commerce, merchant_id, refund_id=event.refund_reference, failure=failure)
        return
    if event.kind in ("authorised", "captured") and not _is_as_asked(intent, event):
        await _note_mismatch(commerce, merchant_id, intent, event, source)
        return
    if intent.capture == "manual" and event.kind in ("authorised", "captured", "voided", "expired"):
        await settle_pledge(commerce, merchant_id, order, intent, event, source)
        return
    if event.kind != "captured" or intent.captured_minor >= event.amount_minor:
        await record(commerce, merchant_id, intent, event, source)
        if event.kind == "captured":
            # Whoever booked it late may have died before the order was revived or the money returned.
            await resolve_late(commerce, merchant_id, intent, revive=revive)
        return
    outcome = await _book_in_time(commerce, merchant_id, order, intent, event, source)
    if outcome.passed:
        if outcome.replayed:
            await record(commerce, merchant_id, intent, event, source)
        elif order.award_points and order.member_id is not None:
            await settle_debt(commerce, merchant_id, member_id=order.member_id)
        return
    if any(fault.why == "expired" for fault in outcome.faults):
        await expire_order(commerce, merchant_id, order_id=order.order_id)
    await book_late(commerce, merchant_id, intent, event, source, revive=revive)


def _is_as_asked(intent: Payment, event: ProviderEvent) -> bool:
    if event.currency != intent.currency or event.payment_minor != intent.amount_minor:
        return False
    if intent.capture == "manual" and event.kind == "captured":
        # What a provider only holds it may take in parts.
        return 0 < event.amount_minor <= intent.amount_minor
    return event.amount_minor == intent.amount_minor


async def _note_mismatch(
    commerce: Commerce, merchant_id: MerchantId, intent: Payment, event: ProviderEvent, source: str
) -> None:
    mismatch = PaymentMismatch(
        intent.order_id, intent.intent_id, intent.amount_minor, event.amount_minor, event.currency
    )
    if any(e.provider_event_id == event.event_id for e in intent.events):
        return
    async with commerce.db.transaction(merchant_id) as tx:
        await payment.record_events(tx, [payment.EventRow(intent.intent_id, event, source, "mismatch")])
        await append_facts(tx, [Fact(intent.order_id, mismatch)])


async def _book_in_time(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    intent: Payment,
    event: ProviderEvent,
    source: str,
) -> Outcome:
    """Post the money that the order expects, and what counts with it."""
    booking = book_payment(order, intent)
    if booking is None:
        return Outcome(False)
    return await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("capture", intent.intent_id),
            (
                *post_money(commerce, booking.pending_id, order, intent, event.amount_minor),
                fund_refundable(intent.intent_id, intent.currency, event.amount_minor),
                *booking.transfers,
            ),
            (
                Write(payment.record_events, payment.EventRow(intent.intent_id, event, source, event.kind)),
                Write(stamp_orders, booking.stamp),
                *booking.writes,
            ),
            booking.facts,
            document_id=order.order_id,
        ),
    )


def post_money(
    commerce: Commerce, pending_id: UUID, order: Order, intent: Payment, amount_minor: int
) -> tuple[Transfer, ...]:
    """The money that the order expects has come: to whom it was expected from, or to another provider."""
    if intent.provider == commerce.default_provider:
        return (post(pending_id, "captured", amount_minor),)
    clearing, due = psp_clearing(intent.provider, intent.currency), order_due(order.order_id, order.currency)
    money_id = derive_id("money", intent.intent_id)
    return (void(pending_id, "paid otherwise"), posted(money_id, clearing, due, amount_minor, "captured"))


async def refresh_payment(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, source: str = "return"
) -> Order:
    """Ask the provider how the order's payments stand, and take in what it says.

    Raises:
        NotFound: ``order.unknown``; Outside: the provider does not answer.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
    for attempt in order.payments:
        if attempt.state in ("captured", "refunded", "failed", "voided", "expired"):
            continue
        found = await provider_of(commerce, attempt.provider).load_payment(
            merchant_id, attempt.intent_id, attempt.provider_payment_id
        )
        if found is None:
            continue
        for event in found.events:
            await settle_payment(commerce, merchant_id, event=event, source=source)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)
