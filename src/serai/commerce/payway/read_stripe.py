"""What Stripe's sessions, intents and refunds tell, in our words. Pure.

Held money is told by its intent alone: how much of it may still be taken, whether more than once, and until when. The last
two stand on the charge, which has to be asked for.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from serai.commerce.payway.adapter import RefundAnswer, find_uuid, tell
from serai.commerce.payway.logic import from_stripe
from serai.commerce.types import EventKind, ProviderEvent, ProviderPayment, StatementKind, StatementRow

NAME = "stripe"
REFUND_ANSWERS: dict[str, RefundAnswer] = {"succeeded": "done", "failed": "failed", "canceled": "failed"}
# Of a charge that does not say until when it is held: less than Stripe holds most cards.
HELD_AT_LEAST = timedelta(days=5)


def is_held(session: dict[str, Any]) -> bool:
    """Whether a session's money is held first, as it was asked for."""
    return (session.get("metadata") or {}).get("capture") == "manual"


def read_payment(session: dict[str, Any], intent: dict[str, Any] | None = None) -> ProviderPayment:
    """A session as a payment: open with its address, or with what it came to. ``intent``: of one whose money is held."""
    event = (read_intent(intent, "") if intent else None) or _read_session(session, "")
    pay_url = session.get("url") if session.get("status") == "open" else None
    return ProviderPayment(session["id"], pay_url, (event,) if event else ())


def _read_session(session: dict[str, Any], event_id: str) -> ProviderEvent | None:
    reference = find_uuid(session.get("client_reference_id"))
    if reference is None:
        return None
    kind: EventKind | None = None
    # Of held money a session tells the whole amount, however little of it was taken.
    if session["payment_status"] == "paid" and not is_held(session):
        kind = "captured"
    elif session["status"] == "expired":
        kind = "expired"
    if kind is None:
        return None
    currency = session["currency"].upper()
    amount = from_stripe(session["amount_total"], currency)
    return tell(NAME, kind, reference, session["id"], amount, currency, event_id=event_id)


def read_intent(intent: dict[str, Any], event_id: str) -> ProviderEvent | None:
    """A payment intent's state. A decline is none: on Stripe's page the shopper goes on with another card."""
    reference = find_uuid((intent.get("metadata") or {}).get("intent_id"))
    if reference is None or intent["status"] not in ("succeeded", "canceled", "requires_capture"):
        return None
    currency = intent["currency"].upper()
    whole = from_stripe(intent["amount"], currency)
    is_open, taken = intent["status"] == "requires_capture", from_stripe(count_taken(intent), currency)
    kind: EventKind = "captured" if taken else "authorised" if is_open else "voided"
    if kind == "voided" and intent.get("cancellation_reason") == "automatic":
        kind = "expired"
    told = tell(
        NAME, kind, reference, intent["id"], taken or whole, currency, event_id=event_id, payment_minor=whole
    )
    return msgspec.structs.replace(
        told,
        expires_at=_read_end(intent) if is_open else None,
        is_once=is_open and not takes_parts(intent),
        is_final=kind == "captured" and not is_open,
    )


def count_taken(intent: dict[str, Any]) -> int:
    """What has come of an intent, in Stripe's units; one that does not say so and has succeeded was taken whole."""
    whole: int = intent["amount"] if intent["status"] == "succeeded" else 0
    told: int | None = intent.get("amount_received")
    return whole if told is None else told


def _read_card(intent: dict[str, Any]) -> dict[str, Any]:
    """What an intent's charge says about its card; nothing where the charge was not asked for, or is no card's."""
    charge = intent.get("latest_charge")
    details = charge.get("payment_method_details") if isinstance(charge, dict) else None
    card = details.get("card") if isinstance(details, dict) else None
    return card if isinstance(card, dict) else {}


def takes_parts(intent: dict[str, Any]) -> bool:
    """Whether held money may be taken more than once: card and contract decide."""
    return bool((_read_card(intent).get("multicapture") or {}).get("status") == "available")


def _read_end(intent: dict[str, Any]) -> datetime:
    until = _read_card(intent).get("capture_before")
    if isinstance(until, int) and not isinstance(until, bool):
        return datetime.fromtimestamp(until, UTC)
    return datetime.fromtimestamp(int(intent["created"]), UTC) + HELD_AT_LEAST


def read_event(event_id: str, what: str, content: dict[str, Any]) -> ProviderEvent | None:
    match what:
        case (
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.expired"
        ):
            return _read_session(content, event_id)
        case (
            "payment_intent.succeeded"
            | "payment_intent.canceled"
            | "payment_intent.amount_capturable_updated"
        ):
            return read_intent(content, event_id)
        case "checkout.session.async_payment_failed":
            reference = find_uuid(content.get("client_reference_id"))
            return (
                tell(NAME, "failed", reference, content["id"], 0, "", event_id=event_id)
                if reference
                else None
            )
        case "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated":
            return _read_refund(content)
    return None


def _read_refund(refund: dict[str, Any]) -> ProviderEvent | None:
    named = refund.get("metadata") or {}
    reference, refund_id = find_uuid(named.get("intent_id")), find_uuid(named.get("refund_id"))
    answer = REFUND_ANSWERS.get(refund["status"])
    if reference is None or refund_id is None or answer is None:
        return None
    currency = refund["currency"].upper()
    return tell(
        NAME,
        "part_refunded" if answer == "done" else "refund_failed",
        reference,
        str(refund.get("payment_intent") or ""),
        from_stripe(refund["amount"], currency),
        currency,
        event_id=f"{refund['id']}:{answer}",
        refund_reference=refund_id,
    )


STATEMENT_KINDS: dict[str, StatementKind] = {
    "charge": "capture",
    "refund": "refund",
    "fee": "fee",
    "payout": "payout",
}


def read_transaction(found: dict[str, Any]) -> StatementRow:
    """A balance transaction with its source as a line. Its amounts are in the currency in which Stripe settles.

    Raises:
        KeyError, TypeError, ValueError: it is not in form.
    """
    told = found.get("source")
    source: dict[str, Any] = told if isinstance(told, dict) else {"id": told}
    named = source.get("metadata") or {}
    currency = found["currency"].upper()
    amount, fee = from_stripe(found["amount"], currency), from_stripe(found["fee"], currency)
    if from_stripe(found["net"], currency) != amount - fee:
        raise ValueError("the amount less the fee is not the net amount")
    kind = STATEMENT_KINDS.get(found["reporting_category"], "other")
    # What was taken back of a refund, or of a fee, is neither.
    if (kind == "capture" and amount < 0) or (kind in ("refund", "fee") and amount > 0):
        kind = "other"
    return StatementRow(
        found["id"],
        kind,
        str(named.get("intent_id") or ""),
        str(source.get("payment_intent") or source.get("id") or ""),
        str(named.get("refund_id") or source.get("id") or "") if kind == "refund" else "",
        abs(amount),
        fee,
        currency,
        datetime.fromtimestamp(found["created"], UTC),
    )
