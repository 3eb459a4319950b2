"""Held money at the simulated Stripe: authorised for a time, captured once or in parts, let go.

Whether a payment may be captured in parts depends on card and contract, so a session asks for it, and gets it where the
books say so: ordered for a payment as ``parts`` on ``pay``, as faults are.
"""

import time
from typing import Any

from serai_sandbox.counter.books import Books, Trade
from serai_sandbox.stripe.fail import Fail

NAME = "stripe"
HELD_S = 7 * 86_400


def read_session(form: dict[str, str]) -> dict[str, Any]:
    """What a session says about holding its money."""
    capture = form.get("payment_intent_data[capture_method]", "automatic")
    if capture not in ("automatic", "automatic_async", "manual"):
        raise Fail(400, "invalid_request_error", "Invalid payment_intent_data[capture_method]")
    wanted = form.get("payment_method_options[card][request_multicapture]", "never")
    named = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
    return {"capture": capture, "wants_parts": wanted == "if_available", "named": named}


def authorise(books: Books, trade: Trade) -> None:
    """The shopper has agreed: the money is held and nothing taken."""
    ordered = books.take(NAME, trade.reference, "pay", "parts") is not None
    fault = books.take(NAME, trade.reference, "pay", "wrong_amount")
    trade.status, trade.paid_s = "held", time.time()
    trade.extra |= {
        "held": trade.amount + (fault.delta if fault else 0),
        "parts": ordered and bool(trade.extra.get("wants_parts")),
        "until": int(time.time()) + HELD_S,
    }
    books.keep(trade)


def left(trade: Trade) -> int:
    """What may still be captured."""
    return trade.extra["held"] - trade.paid_amount if trade.status == "held" else 0


def capture(books: Books, trade: Trade, form: dict[str, str]) -> str:
    """Capture, and the event that tells of it."""
    if trade.status != "held":
        raise Fail(400, "invalid_request_error", "Nothing to capture.", "payment_intent_unexpected_state")
    amount = int(form.get("amount_to_capture") or left(trade))
    if not 0 < amount <= left(trade):
        raise Fail(
            400, "invalid_request_error", "The amount is more than may be captured.", "amount_too_large"
        )
    if "final_capture" in form and not trade.extra["parts"]:
        raise Fail(400, "invalid_request_error", "final_capture needs multicapture.", "parameter_unknown")
    if fault := books.take(NAME, trade.reference, "capture", "fails", "wrong_amount"):
        if fault.name == "fails":
            raise Fail(
                402, "card_error", "The bank refuses the capture.", "capture_charge_authorization_expired"
            )
        amount += fault.delta
    trade.paid_amount += amount
    trade.extra.setdefault("captures", []).append([amount, time.time()])
    for name, value in form.items():
        if name.startswith("metadata["):
            trade.extra["metadata"] = trade.extra["metadata"] | {name[9:-1]: value}
    is_final = form.get("final_capture", "true") != "false" or trade.paid_amount >= trade.extra["held"]
    if is_final:
        trade.status = "paid"
    books.keep(trade)
    return "payment_intent.succeeded" if is_final else "payment_intent.amount_capturable_updated"


def cancel(books: Books, trade: Trade, reason: str) -> None:
    """Let go of what is held."""
    if trade.status != "held":
        raise Fail(
            400, "invalid_request_error", "This cannot be canceled.", "payment_intent_unexpected_state"
        )
    trade.status = "closed"
    trade.extra["reason"] = reason
    books.keep(trade)


def show_intent(trade: Trade) -> dict[str, Any]:
    """The payment intent of money that is held first."""
    states = {
        "open": "requires_payment_method",
        "held": "requires_capture",
        "paid": "succeeded",
        "closed": "canceled",
    }
    return {
        "id": trade.extra["intent"],
        "object": "payment_intent",
        "status": states[trade.status],
        "capture_method": "manual",
        "amount": trade.extra.get("held", trade.amount),
        "amount_capturable": left(trade),
        "amount_received": trade.paid_amount,
        "currency": trade.currency,
        "created": int(trade.created_s),
        "metadata": trade.extra["metadata"],
        "cancellation_reason": trade.extra.get("reason"),
        "latest_charge": trade.extra["intent"].replace("pi_", "ch_") if trade.extra.get("held") else None,
    }


def expand(trade: Trade, intent: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """An intent with its charge in full, where that was asked for."""
    if form.get("expand[0]") != "latest_charge" or not intent.get("latest_charge"):
        return intent
    charge = {
        "id": intent["latest_charge"],
        "object": "charge",
        "captured": trade.status == "paid",
        "payment_method_details": {
            "type": "card",
            "card": {
                "capture_before": trade.extra["until"],
                "multicapture": {"status": "available" if trade.extra["parts"] else "unavailable"},
            },
        },
    }
    return intent | {"latest_charge": charge}
