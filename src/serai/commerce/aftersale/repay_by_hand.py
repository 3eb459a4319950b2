"""A refund that the provider has declined for good, paid back by staff by other means: a bank transfer, cash.

One group takes the money from the bank instead of from what the provider holds, so its statements are not waited for. It is
named after the refund that failed, so that is paid back once, however often it is said.
"""

from uuid import UUID

from serai.commerce.aftersale.refund_tenders import change_award
from serai.commerce.aftersale.request_refund import ATTEMPTS, is_known, too_much
from serai.commerce.aftersale.take_back_sale import find_sale, take_back_sale
from serai.commerce.order.api import load_order, next_turn, was_late
from serai.commerce.order.events import RefundDone, RefundRequested
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.types import Refund, bank, order_due, refund_control, refundable
from serai.commerce.pledge.types import PROMISES
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Group, Outcome, Write, posted


async def repay_by_hand(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, refund_id: UUID, reason: str, by: str
) -> Order:
    """Say that a refund which the provider declined was paid back by hand. Saying it again changes nothing.

    Raises:
        NotFound: ``refund.unknown``.
        Invalid: ``refund.reason_missing``; ``refund.amount_invalid``, so much is not left: it went back another way.
        Conflict: ``refund.not_declined``, it is under way, done, or of a payment that no provider holds; ``order.changed``.
    """
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise Invalid("refund.reason_missing", _("Please write how it was paid back."), field="reason")
    name, outcome = _name(refund_id), Outcome(False)
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            order = await load_order(tx, order_id=order_id)
            if is_known(order, name):
                return order
            group = await _plan(tx, order, _find_declined(order, refund_id), name, reason, by)
        outcome = await commerce.lane.submit(merchant_id, group)
        if outcome.passed and not was_late(outcome):
            async with commerce.db.transaction(merchant_id, "read") as tx:
                return await load_order(tx, order_id=order_id)
    if outcome.shortages:
        raise too_much(outcome.shortages[0].available)
    raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))


def list_repaid(order: Order) -> frozenset[UUID]:
    """The declined refunds of an order that were paid back by hand."""
    by_hand = {each.refund_id for each in order.refunds if each.by_hand}
    return frozenset(each.refund_id for each in order.refunds if _name(each.refund_id) in by_hand)


def _name(refund_id: UUID) -> UUID:
    return derive_id("refund by hand", refund_id)


def _find_declined(order: Order, refund_id: UUID) -> Refund:
    found = next((each for each in order.refunds if each.refund_id == refund_id), None)
    if found is None:
        raise NotFound("refund.unknown", _("There is no such refund."))
    paid = next(each for each in order.payments if each.intent_id == found.intent_id)
    if found.state != "failed" or paid.provider in (*PROMISES, "market"):
        raise Conflict(
            "refund.not_declined",
            _("Only what a provider has declined can be paid back by hand."),
            state=found.state,
        )
    return found


async def _plan(tx: Transaction, order: Order, declined: Refund, name: UUID, reason: str, by: str) -> Group:
    """The group: money from the bank to the buyer, and of a living order its part of the sale and its award."""
    minor, currency, now = declined.amount_minor, order.currency, clock.now()
    moved = await ledger.list_document_transfers(tx, document_id=order.order_id)
    before, turn = order.sale_refunded_minor, next_turn(order.order_id, moved)
    control, limit = refund_control(currency), refundable(declined.intent_id, currency)
    transfers = [
        turn.transfer,
        posted(derive_id(name, "control"), control, limit, minor, "refund by hand"),
        posted(
            derive_id(name, "money"),
            order_due(order.order_id, currency),
            bank(currency),
            minor,
            "refund by hand",
        ),
        *take_back_sale(order, name, minor, before_minor=before, sale=find_sale(moved)),
    ]
    row = Refund(
        name, order.order_id, declined.intent_id, minor, reason, by, now, now, None, "", by_hand=True
    )
    details = {"amount_minor": minor, "reason": reason, "declined": str(declined.refund_id)}
    audit = AuditRow(by, "order.repaid_by_hand", "order", str(order.order_id), None, details)
    writes = [Write(record_rows, audit), Write(payment.insert_refunds, row)]
    if order.state in ("paid", "fulfilled"):
        award = await change_award(tx, order, before + minor, name, moved)
        transfers += award.transfers
        writes += award.writes
    facts = (
        Fact(order.order_id, RefundRequested(order.order_id, name, minor, reason, by)),
        Fact(order.order_id, RefundDone(order.order_id, name, minor)),
    )
    return Group(turn.group_id, tuple(transfers), tuple(writes), facts, document_id=order.order_id)
