"""Money that an order no longer expects: it is booked, then the order is revived or the money goes back, once.

The two halves are groups of their own, and messages come twice and at once. So the second half starts from what the ledger
says was booked late, and takes the order's turn: of reviving and returning exactly one happens, whoever does it, and a
message that comes again finishes what was left undone.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import refund_late_payment, was_revived
from serai.commerce.checkout.book_payment import tell_paid
from serai.commerce.checkout.place_order import make_transfers, money_pending_id
from serai.commerce.checkout.reserve_order import write_award
from serai.commerce.order.api import NewOrder, Turn, load_order, next_turn, stamp_orders, was_late
from serai.commerce.order.events import OrderRevived, PaymentLate
from serai.commerce.order.types import Contact, Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.types import Payment, fund_refundable, order_due, psp_clearing
from serai.commerce.presale.api import load_presale
from serai.commerce.types import Commerce, ProviderEvent
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger import api as ledger
from serai.ledger.types import Group, Outcome, Write, posted

ATTEMPTS = 20


async def book_late(
    commerce: Commerce,
    merchant_id: MerchantId,
    intent: Payment,
    event: ProviderEvent,
    source: str,
    *,
    revive: bool,
) -> None:
    """Book money that the order no longer expects, then revive the order or give the money back."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        booked = await payment.find_payment(tx, intent_id=intent.intent_id)
    if booked is not None and booked.captured_minor >= event.amount_minor:
        # A twin of this message booked the capture between the reading of the payment and that of its order.
        await record(commerce, merchant_id, intent, event, source)
        return
    due = order_due(intent.order_id, intent.currency)
    late = PaymentLate(intent.order_id, intent.intent_id, event.amount_minor)
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("late", intent.intent_id),
            (
                posted(
                    derive_id("late money", intent.intent_id),
                    psp_clearing(intent.provider, intent.currency),
                    due,
                    event.amount_minor,
                    "captured late",
                ),
                fund_refundable(intent.intent_id, intent.currency, event.amount_minor),
            ),
            (Write(payment.record_events, payment.EventRow(intent.intent_id, event, source, event.kind)),),
            (Fact(intent.order_id, late),),
            document_id=intent.order_id,
        ),
    )
    if not outcome.passed:
        # The capture was booked in time by a twin of this message after all.
        await record(commerce, merchant_id, intent, event, source)
        return
    await resolve_late(commerce, merchant_id, intent, revive=revive)


async def resolve_late(commerce: Commerce, merchant_id: MerchantId, intent: Payment, *, revive: bool) -> None:
    """Revive the order that late money has come for, if its goods are still there, else return the money.

    Nothing happens for money that was not booked late, and nothing more where it was resolved before.
    """
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            moved = await ledger.list_document_transfers(tx, document_id=intent.order_id)
            order = await load_order(tx, order_id=intent.order_id)
        if not _was_booked_late(moved, intent) or was_revived(order, intent.intent_id):
            return
        if not revive or order.state != "expired":
            break
        outcome = await _revive(commerce, merchant_id, order, intent, next_turn(order.order_id, moved))
        if not was_late(outcome):
            if outcome.passed:
                return
            break
    await refund_late_payment(commerce, merchant_id, order_id=intent.order_id, intent_id=intent.intent_id)


def _was_booked_late(moved: Sequence[ledger.DocumentTransfer], intent: Payment) -> bool:
    money = derive_id("late money", intent.intent_id)
    return any(each.transfer_id == money for each in moved)


async def _revive(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, turn: Turn
) -> Outcome:
    """Reserve the goods of an expired order again, now paid. Refused when they, its promotions or tenders are gone."""
    if order.presale is not None and not await _is_taking(commerce, merchant_id, order.presale.presale_id):
        return Outcome(False)
    again = _as_new(order)
    salt = f"revived by {intent.intent_id}"
    transfers = (
        t for t in make_transfers(commerce, again, salt) if t.transfer_id != money_pending_id(order.order_id)
    )
    stamp, facts = tell_paid(order, intent)
    return await commerce.lane.submit(
        merchant_id,
        Group(
            turn.group_id,
            (turn.transfer, *transfers),
            (
                Write(stamp_orders, msgspec.structs.replace(stamp, revived=True)),
                *(write_award(again, salt) if order.presale is None else ()),
            ),
            (Fact(order.order_id, OrderRevived(order.order_id, intent.intent_id)), *facts),
            document_id=order.order_id,
        ),
    )


async def _is_taking(commerce: Commerce, merchant_id: MerchantId, presale_id: UUID) -> bool:
    """Whether a presale's pieces are not counted yet: a deposit that comes after that is no part of it."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return (await load_presale(tx, presale_id=presale_id)).state == "live"


def _as_new(order: Order) -> NewOrder:
    contact = Contact(order.email, order.name, order.phone)
    fields = {
        name: getattr(order, name)
        for name in NewOrder.__struct_fields__
        if name not in ("contact", "access_digest")
    }
    return NewOrder(**fields, contact=contact, access_digest=b"")


async def record(
    commerce: Commerce, merchant_id: MerchantId, intent: Payment, event: ProviderEvent, source: str
) -> None:
    """Keep an event, once."""
    async with commerce.db.transaction(merchant_id) as tx:
        await payment.record_events(tx, [payment.EventRow(intent.intent_id, event, source, event.kind)])
