"""What may follow on an order: cancel, expire, refund, and money that comes late. All of it repeatable."""

import logging
from uuid import UUID

from serai.commerce.order.api import Stamp, check_move, deferred_of, load_order, stamp_orders
from serai.commerce.order.events import (
    OrderCancelled,
    OrderExpired,
    RefundDone,
    RefundFailed,
    RefundRequested,
)
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
from serai.commerce.promotion.api import (
    give_back_claims,
    refund_discounts,
    restore_discounts,
    return_discounts,
)
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Conflict, Invalid, NotFound, Outside, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Group, Outcome, Transfer, Write, pending, post, posted, void

__all__ = ["cancel_order", "expire_order", "refund_order", "settle_refund"]

log = logging.getLogger("serai.commerce")
ATTEMPTS = 3
# Where the sale of a refund was taken from, by the kind of the account.
TAKEN_FROM = {
    "sales_returns": sales_returns,
    "deferred_sales": deferred_sales,
    "tax_payable": tax_payable,
}


async def cancel_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    by: str,
    reason: str = "",
    unpaid_only: bool = False,
) -> Order:
    """Call an order off: its stock is free again, what was paid goes back. Doing it again changes nothing.

    ``unpaid_only``: not if it is paid, also when the payment comes in this very moment.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_cancel`` once it was fulfilled or has expired, or is paid and must not be.
    """
    order = await _load(commerce, merchant_id, order_id)
    for _attempt in range(ATTEMPTS):
        if order.state == "cancelled":
            break
        check_move(order, "expire" if unpaid_only else "cancel")
        reason = " ".join(reason.split())[:200]
        stamp = Stamp(order_id, cancelled_at=clock.now())
        fact = Fact(order_id, OrderCancelled(order_id, by, reason))
        audit = Write(
            record_rows, AuditRow(by, "order.cancelled", "order", str(order_id), None, {"reason": reason})
        )
        await _release(commerce, merchant_id, order, "cancel", stamp, fact, (audit,))
        # Refused means that a payment, a shipment or an expiry came between: look again and judge anew.
        order = await _load(commerce, merchant_id, order_id)
    if order.state != "cancelled":
        raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))
    await _stop_payments(commerce, merchant_id, order)
    for paid in order.payments:
        left = paid.captured_minor - _refunds_of(order, paid.intent_id)
        if left > 0:
            await _request_refund(
                commerce,
                merchant_id,
                order,
                paid,
                left,
                reason or "cancelled",
                by,
                f"cancel:{paid.intent_id}",
            )
    return await _load(commerce, merchant_id, order_id)


async def expire_order(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID) -> bool:
    """Give up waiting for a payment: the stock is free again. False when the order is not waiting any more."""
    order = await _load(commerce, merchant_id, order_id)
    if order.state != "awaiting_payment" or order.expires_at > clock.now():
        return False
    stamp = Stamp(order_id, expired_at=clock.now())
    outcome = await _release(
        commerce, merchant_id, order, "expire", stamp, Fact(order_id, OrderExpired(order_id)), ()
    )
    if outcome.passed:
        await _stop_payments(commerce, merchant_id, order)
    return outcome.passed


async def _release(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    what: str,
    stamp: Stamp,
    fact: Fact,
    writes: tuple[Write, ...],
) -> Outcome:
    """Void every open reservation of an order and take back what its buyer owed, in one group."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        pendings = await ledger.list_open_pendings(tx, document_id=order.order_id)
        moved = await ledger.list_document_transfers(tx, document_id=order.order_id)
    is_expected = any(pending.credit_kind == "order_due" for pending in pendings)
    if order.state == "awaiting_payment" and order.total_minor and not is_expected:
        # The payment came between the two reads, and with it what the order took of promotions.
        return Outcome(False)
    # A revived order can be released a second time, so the group is named after what it releases.
    group_id = derive_id(what, order.order_id, *sorted(p.transfer_id for p in pendings))
    transfers: list[Transfer] = [void(p.transfer_id, what) for p in pendings]
    if order.paid_at is not None:
        # What an unpaid order holds of promotions is among the pendings; what a paid one used is given back.
        transfers += give_back_claims(order.claims, group_id, order.currency)
        transfers += return_discounts(moved, group_id, order.currency)
    unshipped = deferred_of(moved)
    if unshipped > 0:
        due, deferred = order_due(order.order_id, order.currency), deferred_sales(order.currency)
        transfers.append(posted(derive_id(group_id, "due"), deferred, due, unshipped, what))
    if not transfers:
        # Between the reads a twin, a shipment or an expiry has taken everything: refused, and judged anew.
        return Outcome(False)
    return await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            tuple(transfers),
            (Write(stamp_orders, stamp), *writes),
            (fact,),
            document_id=order.order_id,
        ),
    )


async def _stop_payments(commerce: Commerce, merchant_id: MerchantId, order: Order) -> None:
    """Tell providers that an open payment is not wanted any more. If one pays all the same, the money is returned."""
    for paid in order.payments:
        if paid.state not in ("created", "authorised") or paid.provider_payment_id is None:
            continue
        try:
            await commerce.providers[paid.provider].void_payment(merchant_id, paid.provider_payment_id)
        except Outside as error:
            log.info("payment %s could not be stopped: %s", paid.intent_id, error)


def _refunds_of(order: Order, intent_id: UUID) -> int:
    return sum(r.amount_minor for r in order.refunds if r.intent_id == intent_id and r.state != "failed")


async def refund_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    amount_minor: int,
    reason: str,
    by: str,
    key: str,
    writes: tuple[Write, ...] = (),
) -> Order:
    """Give part or all of the money back. The same key again changes nothing. ``writes`` commit with the refund.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``refund.amount_invalid``, more than ``refundable`` or not above zero.
        Conflict: ``order.cannot_refund``.
    """
    order = await _load(commerce, merchant_id, order_id)
    if any(refund.refund_id == derive_id("refund", order_id, key) for refund in order.refunds):
        return order
    check_move(order, "refund")
    left = order.refundable_minor
    if isinstance(amount_minor, bool) or not 0 < amount_minor <= left:
        raise _too_much(left)
    paid = next(
        (p for p in order.payments if p.captured_minor - _refunds_of(order, p.intent_id) >= amount_minor),
        None,
    )
    if paid is None:
        raise Invalid(
            "refund.split",
            _("No single payment of this order is that large."),
            field="amount",
            refundable=left,
        )
    await _request_refund(commerce, merchant_id, order, paid, amount_minor, reason, by, key, writes=writes)
    return await _load(commerce, merchant_id, order_id)


def _too_much(refundable: int) -> Invalid:
    return Invalid(
        "refund.amount_invalid",
        _("The amount must be above zero and at most what can still be refunded."),
        field="amount",
        refundable=refundable,
    )


async def _request_refund(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    paid: Payment,
    amount_minor: int,
    reason: str,
    by: str,
    key: str,
    *,
    overpaid: bool = False,
    writes: tuple[Write, ...] = (),
) -> None:
    """Reserve the refund in the ledger, then ask the provider; what it does not answer is asked again by a job."""
    refund_id = derive_id("refund", order.order_id, key)
    transfers = _take_back(order, paid, refund_id, amount_minor, overpaid=overpaid)
    reason = " ".join(reason.split())[:200] or "refund"
    row = Refund(
        refund_id, order.order_id, paid.intent_id, amount_minor, reason, by, clock.now(), None, None, ""
    )
    details = {"amount_minor": amount_minor, "reason": reason}
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            refund_id,
            tuple(transfers),
            (
                Write(payment.insert_refunds, row),
                Write(
                    record_rows, AuditRow(by, "order.refunded", "order", str(order.order_id), None, details)
                ),
                *writes,
            ),
            (Fact(order.order_id, RefundRequested(order.order_id, refund_id, amount_minor, reason, by)),),
            document_id=order.order_id,
        ),
    )
    if outcome.shortages:
        raise _too_much(outcome.shortages[0].available)
    await ask_refund(commerce, merchant_id, refund_id=refund_id)


def _take_back(
    order: Order, paid: Payment, refund_id: UUID, amount_minor: int, *, overpaid: bool
) -> list[Transfer]:
    """The transfers of a refund: the money is reserved, and of a living order part of the sale is taken back."""
    currency = order.currency
    due = order_due(order.order_id, currency)
    transfers = [
        pending(
            derive_id(refund_id, "control"),
            refund_control(currency),
            refundable(paid.intent_id, currency),
            amount_minor,
            "refund",
        ),
        pending(
            derive_id(refund_id, "money"), due, psp_clearing(paid.provider, currency), amount_minor, "refund"
        ),
    ]
    # A cancelled or expired order owes nothing any more; of a living one, part of the sale is taken back.
    if order.state in ("paid", "fulfilled") and not overpaid:
        taken_from = sales_returns(currency) if order.state == "fulfilled" else deferred_sales(currency)
        # Taxes were owed when the goods were handed over, so a refund after that takes its share of them back.
        tax_minor = tax_refunded(order, amount_minor) if order.state == "fulfilled" else 0
        if amount_minor > tax_minor:
            transfers.append(
                posted(derive_id(refund_id, "sale"), taken_from, due, amount_minor - tax_minor, "refund")
            )
        if tax_minor:
            transfers.append(
                posted(derive_id(refund_id, "tax"), tax_payable(currency), due, tax_minor, "refund")
            )
        transfers += refund_discounts(
            order.claims,
            refund_id,
            currency,
            total_minor=order.total_minor,
            before_minor=order.refunded_minor,
            minor=amount_minor,
        )
    return transfers


def tax_refunded(order: Order, amount_minor: int) -> int:
    """What of a refund is tax: over all refunds of an order the same part as of its total, all of it in the end."""
    taxes = order.tax_minor + order.tax_included_minor
    if not taxes:
        return 0
    before = min(order.refunded_minor, order.total_minor)
    after = min(before + amount_minor, order.total_minor)
    return taxes * after // order.total_minor - taxes * before // order.total_minor


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
    group_id = derive_id("refund end", refund_id, "failed" if failure is not None else "done")
    await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            tuple(transfers),
            (Write(payment.finish_refunds, payment.RefundEnd(refund_id, failure, clock.now())),),
            (Fact(refund.order_id, event),),
            document_id=refund.order_id,
        ),
    )


async def refund_late_payment(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, intent_id: UUID
) -> None:
    """Return money that an order no longer expects: it was cancelled, sold out, or paid twice."""
    order = await _load(commerce, merchant_id, order_id)
    paid = next(p for p in order.payments if p.intent_id == intent_id)
    left = paid.captured_minor - _refunds_of(order, intent_id)
    if left > 0:
        # The late money made the order overpaid, whatever its state, so no sale is taken back for it.
        await _request_refund(
            commerce,
            merchant_id,
            order,
            paid,
            left,
            "payment came too late",
            "system",
            f"late:{intent_id}",
            overpaid=True,
        )


async def _load(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> Order:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)
