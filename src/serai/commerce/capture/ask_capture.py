"""Taking part of a pledge, or all of it. Repeatable: a capture is known by its key, at the provider too.

RESERVE   one group reserves the part on the pledge's account. Its name is the pledge's next turn, so one capture is under
          way at a time, and what is reserved can be neither taken twice nor let go
ASK       outside any transaction, with the capture's id as the idempotency key; unanswered ones are asked again by a job
BOOK      see ``book_capture``; a refusal voids the reservation
What needs no provider (cash, invoices) is booked at once.
"""

import logging
from uuid import UUID

import msgspec

from serai.commerce.capture.book_capture import book_capture, count_captured, pending_id_of
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.api import provider_of
from serai.commerce.payment.types import Payment, psp_clearing
from serai.commerce.pledge import api as pledges
from serai.commerce.pledge.events import CaptureFailed
from serai.commerce.pledge.types import PROMISES, Pledge, Step, claim_account
from serai.commerce.types import Commerce, ProviderEvent
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, NotFound, Outside, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Group, Outcome, Write, pending, void

log = logging.getLogger("serai.commerce")
ATTEMPTS = 4


async def capture_payment(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    amount_minor: int | None = None,
    by: str,
    key: str,
    reason: str = "",
) -> Order:
    """Take part of what is pledged for an order, or all of it (None). The same key again changes nothing.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``capture.amount_invalid``, more than ``left`` or not above zero.
        Conflict: ``capture.nothing_pledged``; ``capture.under_way`` while an earlier capture is not answered;
            ``capture.only_whole`` for a part of what the provider takes once only.
    """
    reason = " ".join(reason.split())[:200]
    for _attempt in range(ATTEMPTS):
        order = await _load(commerce, merchant_id, order_id)
        intent = _find_open(order, key)
        step_id = derive_id("capture", intent.intent_id, key)
        pledge = intent.pledge
        assert pledge is not None, "an open payment is a pledged one"
        if any(step.step_id == step_id for step in pledge.steps):
            await ask_capture(commerce, merchant_id, order_id=order_id, intent_id=intent.intent_id)
            return await _load(commerce, merchant_id, order_id)
        if pledge.pending is not None:
            await ask_capture(commerce, merchant_id, order_id=order_id, intent_id=intent.intent_id)
            order = await _load(commerce, merchant_id, order_id)
            refuse_under_way(order)
            continue
        minor = _check_amount(pledge, amount_minor)
        step = Step(step_id, intent.intent_id, "capture", minor, reason, by, clock.now(), pledge.captures)
        details = {"amount_minor": minor, "reason": reason, "method": pledge.kind}
        audit = Write(record_rows, AuditRow(by, "order.captured", "order", str(order_id), None, details))
        if pledge.kind in PROMISES:
            outcome = await _book_promise(commerce, merchant_id, order, intent, step, audit)
        else:
            outcome = await _reserve(commerce, merchant_id, order, intent, step, audit)
        if outcome.passed and not outcome.replayed:
            await ask_capture(commerce, merchant_id, order_id=order_id, intent_id=intent.intent_id)
            return await _load(commerce, merchant_id, order_id)
    raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))


def _find_open(order: Order, key: str) -> Payment:
    """The order's pledged payment; the one that knows the key, whether or not anything of it is open still."""
    pledged = [paid for paid in order.payments if paid.pledge is not None]
    for paid in pledged:
        step_id = derive_id("capture", paid.intent_id, key)
        if paid.pledge and any(step.step_id == step_id for step in paid.pledge.steps):
            return paid
    found = next((paid for paid in pledged if paid.open_minor), None)
    if found is None:
        raise Conflict(
            "capture.nothing_pledged", _("There is nothing left to take for this order."), state=order.state
        )
    return found


def refuse_under_way(order: Order) -> None:
    """Conflict ``capture.under_way`` while a provider has not answered a capture of the order."""
    if any(paid.pledge and paid.pledge.pending for paid in order.payments):
        raise Conflict(
            "capture.under_way",
            _("A payment of this order is being taken at the moment. Please try again in a minute."),
        )


def _check_amount(pledge: Pledge, amount_minor: int | None) -> int:
    left = pledge.capturable_minor
    minor = left if amount_minor is None else amount_minor
    if isinstance(minor, bool) or not 0 < minor <= left:
        raise Invalid(
            "capture.amount_invalid",
            _("The amount must be above zero and at most what is still pledged."),
            field="amount",
            left=left,
        )
    if pledge.is_once and minor != left:
        raise Conflict(
            "capture.only_whole",
            _(
                "This card can be charged once only, and what is not taken then is let go. Take all of it, or give back first"
                " what the order does not need."
            ),
            left=left,
        )
    return minor


async def _book_promise(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, step: Step, audit: Write
) -> Outcome:
    done = msgspec.structs.replace(step, done_at=clock.now())
    row = _answer_row(order, intent, step)
    return await book_capture(
        commerce, merchant_id, order, intent, row, by=step.by, step=done, writes=(audit,)
    )


async def _reserve(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, step: Step, audit: Write
) -> Outcome:
    assert intent.pledge is not None
    clearing = psp_clearing(intent.provider, intent.currency)
    claim = claim_account(intent.pledge.kind, intent.intent_id, intent.currency)
    money_id = pending_id_of(intent.intent_id, step.turn)
    return await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("capture turn", intent.intent_id, step.turn),
            (pending(money_id, clearing, claim, step.amount_minor, "capture"),),
            (Write(pledges.insert_steps, step), audit),
            (),
            document_id=order.order_id,
        ),
    )


def _answer_row(order: Order, intent: Payment, step: Step) -> payment.EventRow:
    """A capture that was answered, as an event: how much has come in all."""
    event = ProviderEvent(
        intent.provider,
        f"capture:{step.step_id}",
        "captured",
        intent.intent_id,
        intent.provider_payment_id or order.number,
        count_captured(intent, step.amount_minor),
        intent.amount_minor,
        intent.currency,
        {},
    )
    return payment.EventRow(intent.intent_id, event, "answer", "captured")


async def ask_order(commerce: Commerce, merchant_id: MerchantId, order: Order) -> Order:
    """Ask for the captures of an order that are not answered, before something else is done with it.

    Raises Conflict ``capture.under_way`` when there is still no answer.
    """
    waiting = [paid for paid in order.payments if paid.pledge and paid.pledge.pending]
    if not waiting:
        return order
    for paid in waiting:
        await ask_capture(commerce, merchant_id, order_id=order.order_id, intent_id=paid.intent_id)
    order = await _load(commerce, merchant_id, order.order_id)
    refuse_under_way(order)
    return order


async def ask_capture(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, intent_id: UUID
) -> None:
    """Ask the provider for the capture under way (again), and book what it answers. None under way: nothing to do."""
    order = await _load(commerce, merchant_id, order_id)
    intent = next(paid for paid in order.payments if paid.intent_id == intent_id)
    step = intent.pledge.pending if intent.pledge else None
    if step is None or intent.provider_payment_id is None:
        return
    try:
        answer = await provider_of(commerce, intent.provider).capture_payment(
            merchant_id, intent.provider_payment_id, step.step_id, step.amount_minor
        )
    except Outside as error:
        log.warning("capture %s is not answered: %s", step.step_id, error)
        return
    if answer == "failed":
        await _fail(commerce, merchant_id, order, intent, step)
    for _attempt in range(ATTEMPTS if answer == "done" else 0):
        row = _answer_row(order, intent, step)
        outcome = await book_capture(commerce, merchant_id, order, intent, row, by=step.by)
        if outcome.passed and not outcome.replayed:
            break
        order = await _load(commerce, merchant_id, order_id)
        intent = next(paid for paid in order.payments if paid.intent_id == intent_id)
        if intent.pledge is None or intent.pledge.pending != step:
            break
    if answer == "done":
        await _let_rest_go(commerce, merchant_id, order_id=order_id, intent_id=intent_id)


async def _let_rest_go(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, intent_id: UUID
) -> None:
    """All that is wanted has come, and part was let go before: the provider need not hold that any longer."""
    order = await _load(commerce, merchant_id, order_id)
    intent = next(paid for paid in order.payments if paid.intent_id == intent_id)
    pledge, named = intent.pledge, intent.provider_payment_id
    if pledge is None or pledge.open_minor or not pledge.released_minor or named is None:
        return
    try:
        await provider_of(commerce, intent.provider).void_payment(merchant_id, named)
    except Outside as error:
        log.info("the rest of payment %s could not be let go: %s", intent_id, error)


async def _fail(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, step: Step
) -> None:
    failure = "refused by the provider"
    told = CaptureFailed(order.order_id, intent.intent_id, step.amount_minor, failure)
    end = pledges.StepEnd(step.step_id, intent.intent_id, failure, clock.now())
    await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("capture failed", step.step_id),
            (void(pending_id_of(intent.intent_id, step.turn), "capture failed"),),
            (Write(pledges.finish_steps, end),),
            (Fact(order.order_id, told),),
            document_id=order.order_id,
        ),
    )


async def _load(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> Order:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


async def find_order_of(commerce: Commerce, merchant_id: MerchantId, intent_id: UUID) -> Order:
    """The order of a payment. NotFound ``payment.unknown``."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await payment.find_payment(tx, intent_id=intent_id)
        if found is None:
            raise NotFound("payment.unknown", _("There is no such payment."))
        return await load_order(tx, order_id=found.order_id)
