"""Booking what has come of a pledge, whoever tells: a provider's message, its answer to our request, or staff.

What has come is a total, and each booking is a step from one total to the next: its group is named after the total that it
starts from, so two that start from the same one cannot both count, in whatever order the messages arrive.
"""

from uuid import UUID

from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.types import Payment, psp_clearing, refund_control, refundable
from serai.commerce.pledge import api as pledges
from serai.commerce.pledge.events import PaymentCaptured
from serai.commerce.pledge.types import Pledge, Step, claim_account, credit_left, credit_used
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.types import Group, Outcome, Transfer, Write, post, posted


def pending_id_of(intent_id: UUID, turn: int) -> UUID:
    """The reservation of a payment's nth capture."""
    return derive_id("capture money", intent_id, turn)


def count_captured(intent: Payment, amount_minor: int) -> int:
    """The total that has come once so much more has."""
    return intent.captured_minor + amount_minor


def restore_credit(pledge: Pledge, group_id: UUID, amount_minor: int) -> list[Transfer]:
    """What a customer may buy on invoice again, since so much of one is settled."""
    if pledge.kind != "invoice" or pledge.member_id is None or not amount_minor:
        return []
    left, used = (f(pledge.member_id, pledge.currency) for f in (credit_left, credit_used))
    return [posted(derive_id(group_id, "credit", pledge.intent_id), left, used, amount_minor, "invoice")]


async def book_capture(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    intent: Payment,
    row: payment.EventRow,
    *,
    by: str,
    step: Step | None = None,
    writes: tuple[Write, ...] = (),
) -> Outcome:
    """Book that in all ``row.event.amount_minor`` of a pledge have come, more than is booked so far.

    A capture that waits for its answer counts first; what comes beyond it was taken by somebody else, at the provider's own
    desk. ``step``: how to name what comes beyond. ``replayed``: another booking was faster, look again. Not passed with
    shortages: so much is not pledged any more.
    """
    pledge = intent.pledge
    assert pledge is not None, "only what was pledged is captured"
    before, delta = intent.captured_minor, row.event.amount_minor - intent.captured_minor
    group_id = derive_id("captured", intent.intent_id, before)
    clearing = psp_clearing(intent.provider, intent.currency)
    control, limit = refund_control(intent.currency), refundable(intent.intent_id, intent.currency)
    transfers = [posted(derive_id(group_id, "refundable"), limit, control, delta, "captured")]
    documents = [Write(payment.record_events, row), *writes]
    rest, waiting = delta, pledge.pending
    if waiting is not None and waiting.amount_minor <= delta:
        transfers.append(post(pending_id_of(intent.intent_id, waiting.turn), "captured"))
        end = pledges.StepEnd(waiting.step_id, intent.intent_id, None, clock.now())
        documents.append(Write(pledges.finish_steps, end))
        rest -= waiting.amount_minor
    if rest:
        claim = claim_account(pledge.kind, intent.intent_id, intent.currency)
        transfers.append(posted(derive_id(group_id, "money"), clearing, claim, rest, "captured"))
        documents.append(Write(pledges.insert_steps, step or _foreign(group_id, intent, pledge, rest)))
    transfers += restore_credit(pledge, group_id, delta)
    left = pledge.open_minor - delta
    told = PaymentCaptured(order.order_id, intent.intent_id, delta, left, intent.currency, by)
    return await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            tuple(transfers),
            tuple(documents),
            (Fact(order.order_id, told),),
            document_id=order.order_id,
        ),
    )


def _foreign(group_id: UUID, intent: Payment, pledge: Pledge, amount_minor: int) -> Step:
    now = clock.now()
    return Step(
        derive_id(group_id, "step"),
        intent.intent_id,
        "capture",
        amount_minor,
        "at the provider",
        "provider",
        now,
        pledge.captures,
        now,
    )
