"""Payments and refunds as records: intents, the provider's events, refunds. What they mean for an order is decided
above, in ``checkout`` and ``aftersale``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.payment import store
from serai.commerce.payment.logic import sum_events
from serai.commerce.payment.promise import provider_of
from serai.commerce.payment.types import Payment, PaymentEvent, Purpose, Refund
from serai.commerce.pledge.api import find_pledges
from serai.commerce.types import CaptureMode, ProviderEvent
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.ids import derive_id

__all__ = [
    "Payment",
    "PaymentEvent",
    "Refund",
    "find_payment",
    "list_payments",
    "list_refunds",
    "provider_of",
]


def intent_id_of(order_id: UUID, attempt: int) -> UUID:
    """The id of an order's nth attempt to pay."""
    return derive_id("intent", order_id, attempt)


async def open_intent(
    tx: Transaction,
    *,
    order_id: UUID,
    provider: str,
    amount_minor: int,
    currency: str,
    attempt: int,
    purpose: Purpose = "order",
    device: str = "",
    capture: CaptureMode = "automatic",
) -> Payment:
    """The order's nth attempt, made when it is not there."""
    intent_id = intent_id_of(order_id, attempt)
    await store.insert_intent(
        tx,
        intent_id,
        order_id,
        provider,
        amount_minor,
        currency,
        attempt,
        purpose,
        capture,
        clock.now(),
        device,
    )
    payment = await find_payment(tx, intent_id=intent_id)
    assert payment is not None
    return payment


async def note_provider(
    tx: Transaction, *, intent_id: UUID, provider_payment_id: str, pay_url: str | None
) -> None:
    """Keep what the provider calls the payment and where the shopper pays it."""
    await store.update_intent(tx, intent_id, provider_payment_id, pay_url)


async def find_payment(tx: Transaction, *, intent_id: UUID) -> Payment | None:
    """One attempt with its events."""
    row = await store.find_intent(tx, intent_id)
    return (await _payments(tx, [row]))[0] if row else None


async def list_payments(tx: Transaction, *, order_id: UUID) -> tuple[Payment, ...]:
    """All attempts to pay an order, first to last."""
    return await _payments(tx, await store.list_intents(tx, order_id))


async def _payments(tx: Transaction, rows: Sequence[Any]) -> tuple[Payment, ...]:
    if not rows:
        return ()
    by_intent: dict[UUID, list[PaymentEvent]] = {row["intent_id"]: [] for row in rows}
    for row in await store.list_events(tx, list(by_intent)):
        by_intent[row["intent_id"]].append(PaymentEvent(*list(row.values())[1:]))
    pledges = await find_pledges(tx, intent_ids=list(by_intent))
    payments = []
    for row in rows:
        events = tuple(by_intent[row["intent_id"]])
        state, captured, refunded = sum_events(events)
        payments.append(
            Payment(
                **dict(row),
                state=state,
                captured_minor=captured,
                refunded_minor=refunded,
                events=events,
                pledge=pledges.get(row["intent_id"]),
            )
        )
    return tuple(payments)


class EventRow(msgspec.Struct, frozen=True):
    """A provider's event to be kept, maybe beside a group of the lane."""

    intent_id: UUID
    event: ProviderEvent
    source: str
    kind: str


async def record_events(tx: Transaction, rows: Sequence[EventRow]) -> None:
    """Keep events, each provider event once; a writer for the lane's batches as well."""
    now = clock.now()
    await store.insert_events(
        tx,
        (
            [row.event.provider for row in rows],
            [row.event.event_id for row in rows],
            [row.intent_id for row in rows],
            [row.kind for row in rows],
            [row.event.amount_minor for row in rows],
            [row.source for row in rows],
            [row.event.data for row in rows],
            [now for _row in rows],
        ),
    )


async def insert_refunds(tx: Transaction, rows: Sequence[Refund]) -> None:
    """Keep new refunds; a writer for the lane's batches."""
    await store.insert_refunds(
        tx,
        (
            [row.refund_id for row in rows],
            [row.order_id for row in rows],
            [row.intent_id for row in rows],
            [row.amount_minor for row in rows],
            [row.reason for row in rows],
            [row.requested_by for row in rows],
            [row.requested_at for row in rows],
            [row.done_at for row in rows],
            [row.by_hand for row in rows],
        ),
    )


class RefundEnd(msgspec.Struct, frozen=True):
    """How a refund ended: done, or failed with the reason."""

    refund_id: UUID
    failure: str | None
    at: datetime


async def finish_refunds(tx: Transaction, rows: Sequence[RefundEnd]) -> None:
    """Mark refunds as done or failed; a writer for the lane's batches."""
    await store.finish_refunds(
        tx,
        (
            [row.refund_id for row in rows],
            [row.at if row.failure is None else None for row in rows],
            [row.at if row.failure is not None else None for row in rows],
            [row.failure or "" for row in rows],
        ),
    )


async def list_refunds(tx: Transaction, *, order_id: UUID) -> tuple[Refund, ...]:
    """All refunds of an order, first to last."""
    return tuple(Refund(**dict(row)) for row in await store.list_refunds(tx, order_id))


async def find_refund(tx: Transaction, *, refund_id: UUID) -> Refund | None:
    row = await store.find_refund(tx, refund_id)
    return Refund(**dict(row)) if row else None


async def list_open_refunds(
    owner: Database, *, before: datetime, limit: int = 100
) -> list[tuple[UUID, UUID]]:
    """(merchant, refund) of refunds without an answer, over all merchants."""
    return [tuple(row.values()) for row in await store.list_open_refunds(owner, before, limit)]


async def list_unsettled_orders(
    owner: Database, *, after: datetime, before: datetime, limit: int = 100
) -> list[tuple[UUID, UUID]]:
    """(merchant, order) of unpaid, expired and cancelled orders with a payment of unknown end, over all merchants."""
    orders = await store.list_unsettled_orders(owner, after, before, limit)
    # A balance is paid long after its order was placed.
    orders += await store.list_unsettled_balances(owner, after, before, limit)
    return list(dict.fromkeys(tuple(row.values()) for row in orders))


async def list_unresolved(
    owner: Database, *, after: datetime, before: datetime, limit: int = 100
) -> list[tuple[UUID, UUID]]:
    """(merchant, intent) of captured payments whose order is over and has given nothing back, over all merchants."""
    return [tuple(row.values()) for row in await store.list_unresolved(owner, after, before, limit)]
