"""The life of a payment. Every function runs inside one transaction of the store, changes the four sums, derives the
status from them, and records the event. Nothing here waits or talks to the network.

    created -> requires_action -> authorised -> partly_captured -> captured -> partly_refunded -> refunded
    unpaid ones may end as failed, voided or expired; what is held and not captured can be released (voided)
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from serai_sandbox.pay.event import make_id, record_event
from serai_sandbox.pay.fault import FaultName, FaultParams, shift_amount, take_faults
from serai_sandbox.pay.loopback import check_loopback_url
from serai_sandbox.pay.refusal import Refusal, refuse_amount, refuse_state
from serai_sandbox.pay.store import Store
from serai_sandbox.pay.types import (
    UNPAID,
    CapturePayment,
    CreatePayment,
    Method,
    Outcome,
    Payment,
    Refund,
    RefundPayment,
    Status,
    render_payment,
)

DEFAULT_LIFE_MS = 30 * 60 * 1000
LIFE_LIMIT_MS = 30 * 24 * 3600 * 1000
REFUND_COUNT_LIMIT = 100
SWEEP_LIMIT = 100


@dataclass(frozen=True)
class Books:
    """The store and the address under which shoppers reach the pay pages."""

    store: Store
    public_url: str

    def render(self, payment: Payment) -> dict[str, Any]:
        """Return the payment with its refunds as the API shows it."""
        return render_payment(payment, self.store.list_refunds(payment.payment_id), self.public_url)


def derive_status(payment: Payment) -> Status:
    """Return the status that follows from the sums of a payment that has been authorised."""
    if payment.refunded_minor:
        is_all = payment.refunded_minor == payment.captured_minor and payment.capturable_minor == 0
        return "refunded" if is_all else "partly_refunded"
    if payment.captured_minor:
        return "captured" if payment.capturable_minor == 0 else "partly_captured"
    return "voided" if payment.capturable_minor == 0 else "authorised"


def create_payment(books: Books, account: str, request: CreatePayment, now_ms: int) -> Payment:
    """Store a new payment; raises Refusal for URLs off this machine and for a deadline in the past or too far off."""
    check_loopback_url(request.return_url, "return_url")
    if request.webhook_url is not None:
        check_loopback_url(request.webhook_url, "webhook_url")
    expires_ms = now_ms + DEFAULT_LIFE_MS
    if request.expires_at is not None:
        expires_ms = int(request.expires_at.timestamp() * 1000)
        if not now_ms < expires_ms <= now_ms + LIFE_LIMIT_MS:
            raise Refusal(422, "expiry", "expires_at must lie ahead, at most 30 days.", field="expires_at")
    payment = Payment(
        payment_id=make_id("pay"),
        account=account,
        reference=request.reference,
        created_ms=now_ms,
        expires_ms=expires_ms,
        amount_minor=request.amount_minor,
        currency=request.currency,
        capture=request.capture,
        return_url=request.return_url,
        webhook_url=request.webhook_url,
        description=request.description,
        locale=request.locale,
        lines_json=msgspec.json.encode(request.lines).decode(),
    )
    books.store.insert_payment(payment)
    return payment


def open_pay_page(books: Books, payment: Payment, now_ms: int) -> Payment:
    """Note that the shopper sees the page; an overdue payment expires instead."""
    if payment.status in UNPAID and payment.expires_ms <= now_ms:
        return expire_payment(books, payment, now_ms)
    if payment.status == "created":
        payment.status = "requires_action"
        books.store.update_payment(payment)
    return payment


def _end(
    books: Books, payment: Payment, status: Status, reason: str | None, kind: str, now_ms: int
) -> Payment:
    payment.status = status
    payment.reason = reason
    record_event(books.store, payment, kind, now_ms, books.public_url)
    books.store.update_payment(payment)
    return payment


def expire_payment(books: Books, payment: Payment, now_ms: int) -> Payment:
    """End an unpaid payment whose time is over."""
    return _end(books, payment, "expired", "expired", "payment.expired", now_ms)


def decide_payment(books: Books, payment: Payment, outcome: Outcome, method: Method, now_ms: int) -> Payment:
    """Carry out what the shopper chose. A payment already decided stays as it is: a second click charges nothing."""
    if payment.status not in UNPAID:
        return payment
    if payment.expires_ms <= now_ms:
        return expire_payment(books, payment, now_ms)
    payment.method = method
    if outcome == "cancelled":
        return _end(books, payment, "voided", "cancelled_by_shopper", "payment.voided", now_ms)
    faults: dict[FaultName, FaultParams] = {}
    if outcome == "paid":
        faults = take_faults(
            books.store,
            payment.account,
            payment_id=payment.payment_id,
            reference=payment.reference,
            names=("decline", "wrong_amount"),
            accepts=lambda fault: fault.fault == "decline" or fault.params.where == "everywhere",
        )
    if outcome == "declined" or "decline" in faults:
        return _end(books, payment, "failed", "declined", "payment.failed", now_ms)
    delta_minor = (faults["wrong_amount"].delta_minor or 0) if "wrong_amount" in faults else 0
    payment.authorised_minor = shift_amount(payment.amount_minor, delta_minor)
    _end(books, payment, "authorised", None, "payment.authorised", now_ms)
    if payment.capture == "automatic":
        return _capture(books, payment, payment.authorised_minor, now_ms)
    return payment


def _capture(books: Books, payment: Payment, amount_minor: int, now_ms: int) -> Payment:
    payment.captured_minor += amount_minor
    books.store.insert_movement(payment, "capture", amount_minor, now_ms, None)
    return _end(books, payment, derive_status(payment), None, "payment.captured", now_ms)


def capture_payment(books: Books, payment: Payment, request: CapturePayment, now_ms: int) -> Payment:
    """Take a part or all of what is held; raises Refusal when nothing is held or less than asked for."""
    if payment.capturable_minor == 0:
        raise refuse_state("captured", payment.status)
    amount_minor = payment.capturable_minor if request.amount_minor is None else request.amount_minor
    if amount_minor > payment.capturable_minor:
        raise refuse_amount("Less is held than should be captured.", payment.capturable_minor)
    return _capture(books, payment, amount_minor, now_ms)


def void_payment(books: Books, payment: Payment, now_ms: int) -> Payment:
    """Cancel an unpaid payment or let go of what is held and not captured. Repeating it changes nothing."""
    if payment.status == "voided" or (payment.released_minor and payment.capturable_minor == 0):
        return payment
    if payment.status in UNPAID:
        return _end(books, payment, "voided", "voided_by_merchant", "payment.voided", now_ms)
    if payment.capturable_minor == 0:
        raise refuse_state("voided", payment.status)
    payment.released_minor += payment.capturable_minor
    status = derive_status(payment)
    kind = "payment.voided" if status == "voided" else "payment.released"
    reason = "voided_by_merchant" if status == "voided" else None
    return _end(books, payment, status, reason, kind, now_ms)


def refund_payment(books: Books, payment: Payment, request: RefundPayment, now_ms: int) -> Refund | Refusal:
    """Give back a part or all of what was captured; the same reference and amount again return the same refund.

    Raises Refusal for what the merchant did wrong. An ordered refusal is returned, not raised: the fault it used up
    must commit.
    """
    known = books.store.find_refund_by_reference(payment.payment_id, request.reference)
    if known is not None:
        if known.amount_minor != request.amount_minor:
            raise Refusal(
                422, "refund_reference_reused", "This refund reference was used with another amount."
            )
        return known
    if payment.captured_minor == 0:
        raise refuse_state("refunded", payment.status)
    if request.amount_minor > payment.refundable_minor:
        raise refuse_amount("Less can be refunded than asked for.", payment.refundable_minor)
    if len(books.store.list_refunds(payment.payment_id)) >= REFUND_COUNT_LIMIT:
        raise Refusal(409, "refund_limit", f"A payment can have {REFUND_COUNT_LIMIT} refunds.")
    faults = take_faults(
        books.store,
        payment.account,
        payment_id=payment.payment_id,
        reference=payment.reference,
        names=("refund_fails", "refund_late"),
    )
    fails = faults.get("refund_fails")
    if fails is not None and fails.how == "refused":
        return Refusal(402, "refund_refused", "The shopper's bank refuses the refund.")
    late = fails or faults.get("refund_late")
    refund = Refund(
        refund_id=make_id("ref"),
        payment_id=payment.payment_id,
        reference=request.reference,
        amount_minor=request.amount_minor,
        status="pending",
        created_ms=now_ms,
        due_ms=now_ms + (late.delay_ms or 0) if late else now_ms,
        will_end="failed" if fails else "succeeded",
    )
    payment.refund_pending_minor += refund.amount_minor
    books.store.insert_refund(refund)
    books.store.update_payment(payment)
    return refund if late else finish_refund(books, payment, refund, now_ms)


def finish_refund(books: Books, payment: Payment, refund: Refund, now_ms: int) -> Refund:
    """Bring a pending refund to the end it was made for."""
    refund.status = refund.will_end
    payment.refund_pending_minor -= refund.amount_minor
    if refund.status == "succeeded":
        payment.refunded_minor += refund.amount_minor
        payment.status = derive_status(payment)
        books.store.insert_movement(payment, "refund", refund.amount_minor, now_ms, refund.refund_id)
    books.store.update_refund(refund)
    record_event(books.store, payment, f"refund.{refund.status}", now_ms, books.public_url, refund)
    books.store.update_payment(payment)
    return refund


def sweep_due(books: Books, now_ms: int) -> None:
    """Finish the refunds and expire the payments whose time has come, each in a transaction of its own."""
    for refund in books.store.list_due_refunds(now_ms, SWEEP_LIMIT):
        with books.store.transact():
            payment = books.store.find_payment(refund.payment_id)
            assert payment is not None, "a refund's payment exists by foreign key"
            finish_refund(books, payment, refund, now_ms)
    for payment in books.store.list_overdue_payments(now_ms, SWEEP_LIMIT):
        with books.store.transact():
            expire_payment(books, payment, now_ms)
