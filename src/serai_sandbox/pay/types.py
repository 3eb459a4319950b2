"""What crosses the wire and what the store holds: payments, refunds, events, deliveries, and the requests for them.
Amounts are whole minor units; times are milliseconds since 1970 UTC inside and RFC 3339 text on the wire."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

AMOUNT_LIMIT_MINOR = 1_000_000_000_000

AmountMinor = Annotated[int, Meta(ge=1, le=AMOUNT_LIMIT_MINOR)]
Reference = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
CaptureMode = Literal["automatic", "manual"]
Status = Literal[
    "created",
    "requires_action",
    "authorised",
    "partly_captured",
    "captured",
    "partly_refunded",
    "refunded",
    "voided",
    "failed",
    "expired",
]
Outcome = Literal["paid", "declined", "cancelled"]
Method = Literal["card", "wallet"]

UNPAID: frozenset[str] = frozenset({"created", "requires_action"})


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the purchase, only shown to the shopper. `amount_minor` is the line's total."""

    title: Annotated[str, Meta(min_length=1, max_length=300)]
    amount_minor: Annotated[int, Meta(ge=-AMOUNT_LIMIT_MINOR, le=AMOUNT_LIMIT_MINOR)]
    quantity: Annotated[int, Meta(ge=0)] | Annotated[str, Meta(max_length=40)] = 1


class CreatePayment(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/payments`."""

    reference: Reference
    amount_minor: AmountMinor
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    return_url: Url
    webhook_url: Url | None = None
    capture: CaptureMode = "automatic"
    description: Annotated[str, Meta(max_length=500)] = ""
    locale: Annotated[str, Meta(max_length=20, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    lines: Annotated[list[Line], Meta(max_length=200)] = []
    expires_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


class CapturePayment(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of a capture. Without an amount all that is still held is captured."""

    amount_minor: AmountMinor | None = None


class RefundPayment(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of a refund. `reference` is the merchant's own id of the refund."""

    amount_minor: AmountMinor
    reference: Reference


class Payment(Struct):
    """A payment as the store holds it. Four sums say how far the money has come; `status` follows from them."""

    payment_id: str
    account: str
    reference: str
    created_ms: int
    expires_ms: int
    amount_minor: int
    currency: str
    capture: CaptureMode
    return_url: str
    webhook_url: str | None
    description: str
    locale: str
    lines_json: str
    status: Status = "created"
    reason: str | None = None
    method: str | None = None
    authorised_minor: int = 0
    captured_minor: int = 0
    released_minor: int = 0
    refunded_minor: int = 0
    refund_pending_minor: int = 0
    event_count: int = 0

    @property
    def capturable_minor(self) -> int:
        """What is held and neither captured nor released."""
        return self.authorised_minor - self.captured_minor - self.released_minor

    @property
    def refundable_minor(self) -> int:
        """What is captured and neither refunded nor on its way back."""
        return self.captured_minor - self.refunded_minor - self.refund_pending_minor

    def list_lines(self) -> list[Line]:
        """Return the lines shown to the shopper."""
        return msgspec.json.decode(self.lines_json, type=list[Line])


class Refund(Struct):
    """One refund of a payment. A pending one is due at `due_ms` and will then end as `will_end`."""

    refund_id: str
    payment_id: str
    reference: str
    amount_minor: int
    status: Literal["pending", "succeeded", "failed"]
    created_ms: int
    due_ms: int | None = None
    will_end: Literal["succeeded", "failed"] = "succeeded"


class Event(Struct):
    """A fact about a payment. `sequence` counts the events of one payment, `position` those of the whole sandbox."""

    event_id: str
    account: str
    payment_id: str
    sequence: int
    type: str
    created_ms: int
    body: bytes
    position: int = 0


class Delivery(Struct):
    """One message on its way to a webhook: waiting for `due_ms`, held for a later event, sent, or given up."""

    event_id: str
    account: str
    payment_id: str
    sequence: int
    url: str
    body: bytes
    due_ms: int
    state: Literal["waiting", "held", "sent", "given_up", "suppressed"] = "waiting"
    is_forged: bool = False
    attempt_count: int = 0
    answer_status: int | None = None
    answer_error: str | None = None
    delivery_id: int = 0


def format_time(at_ms: int) -> str:
    """Return RFC 3339 in UTC with milliseconds, as `2026-01-31T09:30:00.000Z`."""
    at = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def render_refund(refund: Refund, currency: str) -> dict[str, Any]:
    """Return the refund as the API shows it."""
    return {
        "refund_id": refund.refund_id,
        "payment_id": refund.payment_id,
        "reference": refund.reference,
        "amount_minor": refund.amount_minor,
        "currency": currency,
        "status": refund.status,
        "created_at": format_time(refund.created_ms),
    }


def render_payment(payment: Payment, refunds: list[Refund], public_url: str) -> dict[str, Any]:
    """Return the payment as the API and the webhooks show it."""
    return {
        "payment_id": payment.payment_id,
        "reference": payment.reference,
        "status": payment.status,
        "reason": payment.reason,
        "capture": payment.capture,
        "currency": payment.currency,
        "amount_minor": payment.amount_minor,
        "authorised_minor": payment.authorised_minor,
        "captured_minor": payment.captured_minor,
        "released_minor": payment.released_minor,
        "refunded_minor": payment.refunded_minor,
        "refund_pending_minor": payment.refund_pending_minor,
        "method": payment.method,
        "description": payment.description,
        "pay_url": f"{public_url}/pay/{payment.payment_id}",
        "created_at": format_time(payment.created_ms),
        "expires_at": format_time(payment.expires_ms),
        "refunds": [render_refund(refund, payment.currency) for refund in refunds],
    }
