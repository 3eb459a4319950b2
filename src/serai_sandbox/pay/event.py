"""Recording what happened to a payment and preparing the messages that tell the merchant, well or badly."""

import uuid
from typing import Any

import msgspec

from serai_sandbox.pay.fault import Fault, FaultName, shift_amount, take_faults
from serai_sandbox.pay.store import Store
from serai_sandbox.pay.types import (
    Delivery,
    Event,
    Payment,
    Refund,
    format_time,
    render_payment,
    render_refund,
)

WEBHOOK_FAULTS: tuple[FaultName, ...] = (
    "webhook_never",
    "webhook_late",
    "webhook_duplicate",
    "webhook_out_of_order",
    "webhook_forged",
    "wrong_amount",
)
# A genuine message that follows a forged one comes this much later, so that the forged one is seen first.
AFTER_FORGED_MS = 300


def make_id(prefix: str) -> str:
    """Return a new unguessable id such as `pay_0f3c...` (122 random bits)."""
    return f"{prefix}_{uuid.uuid4().hex}"


def record_event(
    store: Store, payment: Payment, kind: str, now_ms: int, public_url: str, refund: Refund | None = None
) -> None:
    """Append an event with a snapshot of the payment and its messages. The caller writes the payment afterwards."""
    payment.event_count += 1
    content: dict[str, Any] = {
        "event_id": make_id("evt"),
        "type": kind,
        "created_at": format_time(now_ms),
        "sequence": payment.event_count,
        "payment": render_payment(payment, store.list_refunds(payment.payment_id), public_url),
    }
    if refund is not None:
        content["refund"] = render_refund(refund, payment.currency)
    store.insert_event(
        Event(
            event_id=content["event_id"],
            account=payment.account,
            payment_id=payment.payment_id,
            sequence=payment.event_count,
            type=kind,
            created_ms=now_ms,
            body=msgspec.json.encode(content),
        )
    )
    for delivery in plan_deliveries(store, payment, kind, content, now_ms):
        store.insert_delivery(delivery)


def plan_deliveries(
    store: Store, payment: Payment, kind: str, content: dict[str, Any], now_ms: int
) -> list[Delivery]:
    """Return the messages of one event: one genuine one, unless ordered faults want it otherwise."""
    if payment.webhook_url is None:
        return []

    def strikes(fault: Fault) -> bool:
        params = fault.params
        concerns_webhook = fault.fault != "wrong_amount" or params.where == "webhook"
        types = params.types or []
        return concerns_webhook and ("*" in types or kind in types)

    faults = take_faults(
        store,
        payment.account,
        payment_id=payment.payment_id,
        reference=payment.reference,
        names=WEBHOOK_FAULTS,
        accepts=strikes,
    )
    if "wrong_amount" in faults:
        content = falsify_amounts(content, faults["wrong_amount"].delta_minor or 0)
    genuine = Delivery(
        event_id=content["event_id"],
        account=payment.account,
        payment_id=payment.payment_id,
        sequence=payment.event_count,
        url=payment.webhook_url,
        body=msgspec.json.encode(content),
        due_ms=now_ms,
    )
    deliveries = []
    if "webhook_forged" in faults:
        forged_content = {**content, "event_id": make_id("evt")}
        deliveries.append(
            msgspec.structs.replace(
                genuine,
                event_id=forged_content["event_id"],
                body=msgspec.json.encode(forged_content),
                is_forged=True,
            )
        )
        genuine.due_ms += AFTER_FORGED_MS
        if not faults["webhook_forged"].genuine_follows:
            genuine.state = "suppressed"
    if "webhook_late" in faults:
        genuine.due_ms += faults["webhook_late"].delay_ms or 0
    if "webhook_out_of_order" in faults and genuine.state == "waiting":
        genuine.state = "held"
        genuine.due_ms += faults["webhook_out_of_order"].delay_ms or 0
    if "webhook_never" in faults:
        genuine.state = "suppressed"
    copies = (faults["webhook_duplicate"].times or 2) if "webhook_duplicate" in faults else 1
    return deliveries + [genuine] * (copies if genuine.state != "suppressed" else 1)


def falsify_amounts(content: dict[str, Any], delta_minor: int) -> dict[str, Any]:
    """Return the message with every non-zero amount of its payment off by delta_minor."""
    payment = dict(content["payment"])
    for name in ("amount_minor", "authorised_minor", "captured_minor"):
        if payment[name]:
            payment[name] = shift_amount(payment[name], delta_minor)
    return {**content, "payment": payment}
