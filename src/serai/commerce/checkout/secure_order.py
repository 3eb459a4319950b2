"""An order whose money is pledged but has not come: held by a provider, to be paid on delivery, or invoiced.

One group voids the payment that was expected and moves what the buyer owes from the order to the pledge's own account; what
counts with a payment counts now. Of payment, pledge, cancellation and expiry exactly one resolves that reservation.
"""

from datetime import datetime, timedelta

from serai.commerce.checkout.book_payment import book_payment
from serai.commerce.order.api import stamp_orders
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.types import Payment, order_due
from serai.commerce.pledge import api as pledges
from serai.commerce.pledge.types import Kind, Pledge, claim_account
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.types import Group, Outcome, Transfer, Write, posted, void


async def secure_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    intent: Payment,
    *,
    kind: Kind,
    row: payment.EventRow | None,
    expires_at: datetime | None = None,
    is_once: bool = False,
    due_in: timedelta | None = None,
    transfers: tuple[Transfer, ...] = (),
    writes: tuple[Write, ...] = (),
) -> Outcome:
    """Book the pledge of all that a payment was asked for. Not passed: the order waits for no payment any more, or an
    account of ``transfers`` is short."""
    booking = book_payment(order, intent, kind)
    if booking is None or intent.purpose != "order":
        return Outcome(False)
    claim = claim_account(kind, intent.intent_id, intent.currency)
    due = order_due(order.order_id, order.currency)
    now = clock.now()
    pledge = Pledge(
        intent.intent_id,
        order.order_id,
        kind,
        intent.amount_minor,
        intent.currency,
        order.member_id,
        now,
        expires_at,
        now + due_in if due_in else None,
        None,
        0,
        None,
        is_once=is_once,
    )
    return await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("secure", intent.intent_id),
            (
                posted(derive_id("pledged", intent.intent_id), claim, due, intent.amount_minor, "pledged"),
                void(booking.pending_id, "pledged"),
                *booking.transfers,
                *transfers,
            ),
            (
                Write(pledges.insert_pledges, pledge),
                *((Write(payment.record_events, row),) if row else ()),
                Write(stamp_orders, booking.stamp),
                *booking.writes,
                *writes,
            ),
            booking.facts,
            document_id=order.order_id,
        ),
    )
