"""Asking for a refund and hearing how it ended. Repeatable: a refund is known by its id, at the provider too.

ASK     one group gives tenders back, reserves the rest for the provider and takes the sale and its award back
SETTLE  the reservation is posted, or voided and the provider's part of the sale restored; the first answer counts
"""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from serai.commerce.aftersale.refund_tenders import Back, change_award, give_back
from serai.commerce.aftersale.take_back_sale import find_sale, restore_sale, take_back_sale
from serai.commerce.capture.api import release_parts
from serai.commerce.order.api import load_order, next_turn, was_late
from serai.commerce.order.events import RefundDone, RefundFailed, RefundRequested
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.api import provider_of
from serai.commerce.payment.types import Payment, Refund, order_due, psp_clearing, refund_control, refundable
from serai.commerce.tender.types import Part
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Outside, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Group, Outcome, Transfer, Write, pending, post, void

log = logging.getLogger("serai.commerce")
# A change that loses its turn looks again; so often only when an order is changed from all sides at once.
ATTEMPTS = 20


def too_much(refundable: int) -> Invalid:
    return Invalid(
        "refund.amount_invalid",
        _("The amount must be above zero and at most what can still be refunded."),
        field="amount",
        refundable=refundable,
    )


# How a refund goes back: over which payments, how much over each, and to which tenders.
Ways = tuple[tuple[tuple[Payment, int], ...], tuple[Part, ...]]


async def request_refund(
    commerce: Commerce,
    merchant_id: MerchantId,
    order_id: UUID,
    choose: Callable[[Order], Ways],
    reason: str,
    by: str,
    key: str,
    *,
    overpaid: bool = False,
    writes: tuple[Write, ...] = (),
) -> None:
    """Give tenders back and reserve the rest in the ledger, then ask the provider for it; what it does not answer is
    asked again by a job. All of it is reserved, or nothing; a refund that is known already changes nothing.

    Args:
        choose: which ways the refund takes, from the order as it stands at its turn; may raise.
    """
    refund_id = derive_id("refund", order_id, key)
    reason = " ".join(reason.split())[:200] or "refund"
    outcome = Outcome(False)
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            moved = await ledger.list_document_transfers(tx, document_id=order_id)
            order = await load_order(tx, order_id=order_id)
            if is_known(order, refund_id):
                return
            ways = choose(order)
            if not any(ways):
                return
            group = await plan_refund(tx, order, moved, ways, refund_id, reason, by, overpaid)
        group = msgspec.structs.replace(group, writes=(*group.writes, *writes))
        outcome = await commerce.lane.submit(merchant_id, group)
        if outcome.passed and not was_late(outcome):
            break
    else:
        if outcome.shortages:
            raise too_much(outcome.shortages[0].available)
        raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))
    for number, (paid, _minor) in enumerate(ways[0]):
        await ask_refund(commerce, merchant_id, refund_id=name_part(refund_id, paid, number))


def is_known(order: Order, refund_id: UUID) -> bool:
    """Whether an order has a refund of this name already, over payments or to tenders."""
    known = {each.refund_id for each in order.refunds} | {each.refund_id for each in order.tender_refunds}
    steps = {step.step_id for paid in order.payments if paid.pledge for step in paid.pledge.steps}
    return refund_id in known or name_release(refund_id) in steps


def name_part(refund_id: UUID, paid: Payment, number: int) -> UUID:
    """What a refund over a payment is known by: the first has the name of the whole."""
    return derive_id(refund_id, paid.intent_id) if number else refund_id


async def plan_refund(
    tx: Transaction,
    order: Order,
    moved: Sequence[ledger.DocumentTransfer],
    ways: Ways,
    refund_id: UUID,
    reason: str,
    by: str,
    overpaid: bool,
) -> Group:
    """The group of a refund: what tenders get, what is reserved for the provider, and of a living order its sale."""
    payments, parts = ways
    amount_minor = sum(minor for _paid, minor in payments)
    tender_minor = sum(part.amount_minor for part in parts)
    before = order.sale_refunded_minor
    sale = find_sale(moved)
    turn = next_turn(order.order_id, moved)
    back = give_back(order, parts, refund_id, reason=reason, by=by)
    transfers = [turn.transfer, *back.transfers]
    details = {"amount_minor": amount_minor + tender_minor, "reason": reason}
    audit = AuditRow(by, "order.refunded", "order", str(order.order_id), None, details)
    writes = [Write(record_rows, audit), *back.writes]
    facts = [*back.facts]
    if not overpaid:
        tender_part = derive_id(refund_id, "tenders")
        transfers += take_back_sale(order, tender_part, tender_minor, before_minor=before, sale=sale)
        sale = sale.without(tender_minor)
    after = before + tender_minor
    for number, (paid, minor) in enumerate(payments):
        part_id = name_part(refund_id, paid, number)
        reserved = reserve_refund(order, paid, part_id, minor, reason, by, overpaid=overpaid)
        transfers += reserved.transfers
        writes += reserved.writes
        facts += reserved.facts
        if not overpaid:
            let_go = min(minor, pledged_left(paid))
            transfers += take_back_sale(order, name_release(part_id), let_go, before_minor=after, sale=sale)
            sale, after = sale.without(let_go), after + let_go
            transfers += take_back_sale(order, part_id, minor - let_go, before_minor=after, sale=sale)
            sale, after = sale.without(minor - let_go), after + minor - let_go
    if not overpaid and order.state in ("paid", "fulfilled"):
        award = await change_award(tx, order, before + tender_minor + amount_minor, refund_id, moved)
        transfers += award.transfers
        writes += award.writes
    return Group(turn.group_id, tuple(transfers), tuple(writes), tuple(facts), document_id=order.order_id)


def pledged_left(paid: Payment) -> int:
    """What of a payment is pledged and need not come: a capture under way cannot be called back."""
    return paid.pledge.capturable_minor if paid.pledge else 0


def name_release(refund_id: UUID) -> UUID:
    """What the part of a refund is known by that is let go, since its money has not come."""
    return derive_id(refund_id, "release")


def reserve_refund(
    order: Order, paid: Payment, refund_id: UUID, minor: int, reason: str, by: str, *, overpaid: bool = False
) -> Back:
    """A refund over a payment. What is only pledged is let go at once; the rest is reserved until the provider answers.

    ``overpaid``: the money came beyond what was pledged, so all of it goes back as money.
    """
    let_go = 0 if overpaid else min(minor, pledged_left(paid))
    release = release_parts(
        order, ((paid, let_go),) if let_go else (), name_release(refund_id), reason=reason, by=by
    )
    transfers, writes, facts = [*release.transfers], [*release.writes], [*release.facts]
    if rest := minor - let_go:
        row = Refund(refund_id, order.order_id, paid.intent_id, rest, reason, by, clock.now(), None, None, "")
        transfers += _reserve(order, paid, refund_id, rest)
        writes.append(Write(payment.insert_refunds, row))
        facts.append(Fact(order.order_id, RefundRequested(order.order_id, refund_id, rest, reason, by)))
    return Back(tuple(transfers), tuple(writes), tuple(facts))


def _reserve(order: Order, paid: Payment, refund_id: UUID, amount_minor: int) -> list[Transfer]:
    """The reservations of a refund over a provider, until it answers."""
    currency = order.currency
    due, clearing = order_due(order.order_id, currency), psp_clearing(paid.provider, currency)
    control, limit = refund_control(currency), refundable(paid.intent_id, currency)
    return [
        pending(derive_id(refund_id, "control"), control, limit, amount_minor, "refund"),
        pending(derive_id(refund_id, "money"), due, clearing, amount_minor, "refund"),
    ]


async def ask_refund(commerce: Commerce, merchant_id: MerchantId, *, refund_id: UUID) -> None:
    """Ask the provider for a refund (again): the refund's id is the idempotency key, so it is paid once."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        refund = await payment.find_refund(tx, refund_id=refund_id)
        paid = await payment.find_payment(tx, intent_id=refund.intent_id) if refund else None
    if refund is None or paid is None or refund.state != "pending" or paid.provider_payment_id is None:
        return
    try:
        answer = await provider_of(commerce, paid.provider).refund(
            merchant_id, paid.provider_payment_id, refund_id, refund.amount_minor
        )
    except Outside as error:
        log.warning("refund %s is not answered: %s", refund_id, error)
        return
    if answer != "pending":
        failure = None if answer == "done" else "refused by the provider"
        await settle_refund(commerce, merchant_id, refund_id=refund_id, failure=failure)


async def settle_refund(
    commerce: Commerce, merchant_id: MerchantId, *, refund_id: UUID, failure: str | None
) -> None:
    """Book how a refund ended: the money has left, or it is there again. The first answer counts.

    Raises:
        NotFound: ``refund.unknown``.
    """
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            refund = await payment.find_refund(tx, refund_id=refund_id)
            if refund is None:
                raise NotFound("refund.unknown", _("There is no such refund."))
            if refund.state != "pending":
                return
            group = _plan_end(refund)
            if failure is not None:
                group = await _plan_failure(tx, refund, failure)
        if not was_late(await commerce.lane.submit(merchant_id, group)):
            return
    raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))


def _plan_end(refund: Refund) -> Group:
    """The group of a refund that was paid out."""
    refund_id, order_id = refund.refund_id, refund.order_id
    parts = (derive_id(refund_id, "control"), derive_id(refund_id, "money"))
    return Group(
        derive_id("refund end", refund_id, "done"),
        tuple(post(part, "refund") for part in parts),
        (Write(payment.finish_refunds, payment.RefundEnd(refund_id, None, clock.now())),),
        (Fact(order_id, RefundDone(order_id, refund_id, refund.amount_minor)),),
        document_id=order_id,
    )


async def _plan_failure(tx: Transaction, refund: Refund, failure: str) -> Group:
    """The group of a refund that failed: the money may be refunded again, and of an order that still lives the part of
    the sale that was taken back for it is restored, to where the sale is by now."""
    refund_id, order_id = refund.refund_id, refund.order_id
    moved = await ledger.list_document_transfers(tx, document_id=order_id)
    order = await load_order(tx, order_id=order_id)
    turn = next_turn(order_id, moved)
    parts = (derive_id(refund_id, "control"), derive_id(refund_id, "money"))
    transfers = [turn.transfer, *(void(part, "refund failed") for part in parts)]
    writes = [Write(payment.finish_refunds, payment.RefundEnd(refund_id, failure, clock.now()))]
    restored = restore_sale(order, moved, refund_id)
    if restored:
        transfers += restored
        before = max(0, order.sale_refunded_minor - refund.amount_minor)
        award = await change_award(tx, order, before, derive_id(refund_id, "failed"), moved)
        transfers += award.transfers
        writes += award.writes
    fact = RefundFailed(order_id, refund_id, refund.amount_minor, failure)
    return Group(
        turn.group_id, tuple(transfers), tuple(writes), (Fact(order_id, fact),), document_id=order_id
    )
