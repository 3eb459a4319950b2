"""What a provider says about a payment of which it only holds the money: held, taken in parts, or let go.

HELD    the order is secured; one that does not wait for it any more lets the provider let go of it
TAKEN   the step from what is booked to what it says is booked, see ``capture.book_capture``. Told before HELD, it secures
        the order first. What is not pledged any more is overpaid, and goes back. Told as final, nothing more will come
ENDED   what is still open is lost: an order whose goods are here is called off, else the loss is written off
"""

import logging

from serai.commerce.aftersale.api import cancel_order, refund_late_payment
from serai.commerce.capture.api import book_capture, lose_pledge
from serai.commerce.checkout.secure_order import secure_order
from serai.commerce.order.api import load_order
from serai.commerce.order.events import PaymentLate
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.api import provider_of
from serai.commerce.payment.types import Payment, order_due, psp_clearing, refund_control, refundable
from serai.commerce.tender.api import settle_debt
from serai.commerce.types import Commerce, ProviderEvent
from serai.foundation.errors import Conflict, Outside
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.types import Group, Write, posted

log = logging.getLogger("serai.commerce")
ATTEMPTS = 8


async def settle_pledge(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    intent: Payment,
    event: ProviderEvent,
    source: str,
) -> None:
    """Take an event about held money in. Repeating it, in any order, changes nothing more."""
    row = payment.EventRow(intent.intent_id, event, source, event.kind)
    if event.kind in ("voided", "expired"):
        await _record(commerce, merchant_id, row)
        if intent.pledge is not None and intent.pledge.capturable_minor:
            await _end(commerce, merchant_id, order, intent)
        return
    for _attempt in range(ATTEMPTS):
        if intent.pledge is None:
            is_over = not await _secure(commerce, merchant_id, order, intent, row)
        elif event.kind == "authorised" or event.amount_minor <= intent.captured_minor:
            await _record(commerce, merchant_id, row)
            await _end_rest(commerce, merchant_id, intent, event)
            return
        else:
            outcome = await book_capture(commerce, merchant_id, order, intent, row, by=intent.provider)
            if outcome.passed and not outcome.replayed:
                await _end_rest(commerce, merchant_id, intent, event)
                return
            is_over = not outcome.passed
        if is_over and event.kind == "authorised":
            await _record(commerce, merchant_id, row)
            await _let_go(commerce, merchant_id, intent)
            return
        if is_over and await _book_late(commerce, merchant_id, order, intent, row):
            return
        async with commerce.db.transaction(merchant_id, "read") as tx:
            order = await load_order(tx, order_id=intent.order_id)
        intent = next(paid for paid in order.payments if paid.intent_id == intent.intent_id)
    raise Outside(intent.provider, "told the same payment too often at once")


async def _secure(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, row: payment.EventRow
) -> bool:
    outcome = await secure_order(
        commerce,
        merchant_id,
        order,
        intent,
        kind="authorised",
        row=row if row.event.kind == "authorised" else None,
        expires_at=row.event.expires_at,
        is_once=row.event.is_once,
    )
    if outcome.passed and not outcome.replayed and order.award_points and order.member_id is not None:
        await settle_debt(commerce, merchant_id, member_id=order.member_id)
    return outcome.passed


async def _let_go(commerce: Commerce, merchant_id: MerchantId, intent: Payment) -> None:
    """Nobody waits for this money any more. If the provider cannot be told now, the check of payments tells it later."""
    if intent.provider_payment_id is None:
        return
    try:
        await provider_of(commerce, intent.provider).void_payment(merchant_id, intent.provider_payment_id)
    except Outside as error:
        log.info("payment %s could not be let go: %s", intent.intent_id, error)


async def _book_late(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, row: payment.EventRow
) -> bool:
    """Book money that was taken although it is not pledged (any more), and send it back. False: look again."""
    before, total = intent.captured_minor, row.event.amount_minor
    delta = total - before
    if delta <= 0:
        return False
    group_id = derive_id("captured", intent.intent_id, before)
    control, limit = refund_control(intent.currency), refundable(intent.intent_id, intent.currency)
    clearing, due = psp_clearing(intent.provider, intent.currency), order_due(order.order_id, order.currency)
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (
                posted(derive_id(group_id, "refundable"), limit, control, delta, "captured"),
                posted(derive_id(group_id, "money"), clearing, due, delta, "captured late"),
            ),
            (Write(payment.record_events, row),),
            (Fact(order.order_id, PaymentLate(order.order_id, intent.intent_id, delta)),),
            document_id=order.order_id,
        ),
    )
    if not outcome.passed or outcome.replayed:
        return False
    await refund_late_payment(
        commerce,
        merchant_id,
        order_id=order.order_id,
        intent_id=intent.intent_id,
        amount_minor=delta,
        turn=f":{before}",
    )
    return True


async def _end(commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment) -> None:
    """The provider has let go of what it held for an order that counts on it."""
    reason = "the payment that was held has ended"
    if order.state == "paid" and not intent.captured_minor:
        try:
            await cancel_order(commerce, merchant_id, order_id=order.order_id, by="system", reason=reason)
            return
        except Conflict as refusal:
            # Its goods left in this very moment.
            log.info("order %s is not called off: %s", order.order_id, refusal.code)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order.order_id)
    intent = next(paid for paid in order.payments if paid.intent_id == intent.intent_id)
    await lose_pledge(commerce, merchant_id, order, intent, reason=reason, by="system")


async def _end_rest(
    commerce: Commerce, merchant_id: MerchantId, intent: Payment, event: ProviderEvent
) -> None:
    """What a provider has let go of as it took the rest of it, at its own desk, is lost."""
    if not event.is_final:
        return
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=intent.order_id)
    intent = next(paid for paid in order.payments if paid.intent_id == intent.intent_id)
    if intent.pledge is not None and intent.pledge.pending is None and intent.pledge.capturable_minor:
        await _end(commerce, merchant_id, order, intent)


async def _record(commerce: Commerce, merchant_id: MerchantId, row: payment.EventRow) -> None:
    async with commerce.db.transaction(merchant_id) as tx:
        await payment.record_events(tx, [row])
