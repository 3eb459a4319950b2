"""Asking for a refund and hearing how it ended. Repeatable: a refund is known by its id, at the provider too.

ASK     one group gives tenders back, reserves the rest for the provider and takes the sale and its award back
SETTLE  the reservation is posted, or voided and the provider's part of the sale restored; the first answer counts
"""

import logging
from uuid import UUID

import msgspec

from serai.commerce.aftersale.refund_tenders import Back, change_award, give_back
from serai.commerce.aftersale.take_back_sale import take_back_sale
from serai.commerce.order.api import load_order
from serai.commerce.order.events import RefundDone, RefundFailed, RefundRequested
from serai.commerce.order.types import Order
from serai.commerce.payment import api as payment
from serai.commerce.payment.types import (
    Payment,
    Refund,
    deferred_sales,
    order_due,
    psp_clearing,
    refund_control,
    refundable,
    sales_returns,
    tax_payable,
)
from serai.commerce.promotion.api import restore_discounts
from serai.commerce.tender.types import Part
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Invalid, NotFound, Outside, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Group, Outcome, Transfer, Write, pending, post, posted, void

log = logging.getLogger("serai.commerce")
ATTEMPTS = 3
# Where the sale of a refund was taken from, by the kind of the account.
TAKEN_FROM = {
    "sales_returns": sales_returns,
    "deferred_sales": deferred_sales,
    "tax_payable": tax_payable,
}


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
    order: Order,
    ways: Ways,
    reason: str,
    by: str,
    key: str,
    *,
    overpaid: bool = False,
    writes: tuple[Write, ...] = (),
) -> None:
    """Give tenders back and reserve the rest in the ledger, then ask the provider for it; what it does not answer is
    asked again by a job. All of it is reserved, or nothing."""
    refund_id = derive_id("refund", order.order_id, key)
    reason = " ".join(reason.split())[:200] or "refund"
    outcome = Outcome(False)
    for _attempt in range(ATTEMPTS):
        group = await _plan_refund(commerce, merchant_id, order, ways, refund_id, reason, by, overpaid)
        group = msgspec.structs.replace(group, writes=(*group.writes, *writes))
        outcome = await commerce.lane.submit(merchant_id, group)
        if not any(short.kind == "points" for short in outcome.shortages):
            break
    if outcome.shortages:
        raise too_much(outcome.shortages[0].available)
    for number, (paid, _minor) in enumerate(ways[0]):
        await ask_refund(commerce, merchant_id, refund_id=_name_part(refund_id, paid, number))


def _name_part(refund_id: UUID, paid: Payment, number: int) -> UUID:
    """What a refund over a payment is known by: the first has the name of the whole."""
    return derive_id(refund_id, paid.intent_id) if number else refund_id


async def _plan_refund(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
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
    back = give_back(order, parts, refund_id, reason=reason, by=by)
    transfers = [*back.transfers]
    details = {"amount_minor": amount_minor + tender_minor, "reason": reason}
    audit = AuditRow(by, "order.refunded", "order", str(order.order_id), None, details)
    writes = [Write(record_rows, audit), *back.writes]
    facts = [*back.facts]
    if not overpaid:
        tender_part = derive_id(refund_id, "tenders")
        transfers += take_back_sale(order, tender_part, tender_minor, before_minor=before)
    after = before + tender_minor
    for number, (paid, minor) in enumerate(payments):
        part_id = _name_part(refund_id, paid, number)
        row = Refund(part_id, order.order_id, paid.intent_id, minor, reason, by, clock.now(), None, None, "")
        transfers += _reserve(order, paid, part_id, minor)
        writes.append(Write(payment.insert_refunds, row))
        fact = RefundRequested(order.order_id, part_id, minor, reason, by)
        facts.append(Fact(order.order_id, fact))
        if not overpaid:
            transfers += take_back_sale(order, part_id, minor, before_minor=after)
            after += minor
    if not overpaid and order.state in ("paid", "fulfilled"):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            award = await change_award(tx, order, before + tender_minor + amount_minor, refund_id)
        transfers += award.transfers
        writes += award.writes
    return Group(refund_id, tuple(transfers), tuple(writes), tuple(facts), document_id=order.order_id)


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
        answer = await commerce.providers[paid.provider].refund(
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
    """Book how a refund ended: the money has left, or everything is as before. The first answer counts."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        refund = await payment.find_refund(tx, refund_id=refund_id)
        if refund is None:
            raise NotFound("refund.unknown", _("There is no such refund."))
        moved = await ledger.list_document_transfers(tx, document_id=refund.order_id)
        paid = await payment.find_payment(tx, intent_id=refund.intent_id)
    assert paid is not None
    parts = (derive_id(refund_id, "control"), derive_id(refund_id, "money"))
    transfers = [post(p, "refund") if failure is None else void(p, "refund failed") for p in parts]
    sales = [t for t in moved if t.transfer_id in (derive_id(refund_id, "sale"), derive_id(refund_id, "tax"))]
    writes = [Write(payment.finish_refunds, payment.RefundEnd(refund_id, failure, clock.now()))]
    event: RefundDone | RefundFailed = RefundDone(refund.order_id, refund_id, refund.amount_minor)
    if failure is not None:
        event = RefundFailed(refund.order_id, refund_id, refund.amount_minor, failure)
        for sale in sales:
            taken_from = TAKEN_FROM[sale.debit_kind](paid.currency)
            due = order_due(refund.order_id, paid.currency)
            name = "tax back" if sale.debit_kind == "tax_payable" else "sale back"
            transfers.append(
                posted(derive_id(refund_id, name), due, taken_from, sale.amount, "refund failed")
            )
        transfers += restore_discounts(moved, refund_id, paid.currency)
        if sales:
            award = await _restore_award(commerce, merchant_id, refund)
            transfers += award.transfers
            writes += award.writes
    group_id = derive_id("refund end", refund_id, "failed" if failure is not None else "done")
    await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            tuple(transfers),
            tuple(writes),
            (Fact(refund.order_id, event),),
            document_id=refund.order_id,
        ),
    )


async def _restore_award(commerce: Commerce, merchant_id: MerchantId, refund: Refund) -> Back:
    """Points that come back to the member since the refund that had taken them failed."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=refund.order_id)
        before = max(0, order.sale_refunded_minor - refund.amount_minor)
        return await change_award(tx, order, before, derive_id(refund.refund_id, "failed"))
