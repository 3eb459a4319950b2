"""SQL of payments and refunds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serai.foundation.database import Database, Transaction

INTENT = (
    "intent_id, order_id, provider, amount_minor, currency, attempt, provider_payment_id, pay_url, created_at,"
    " purpose, device, capture"
)
REFUND = (
    "refund_id, order_id, intent_id, amount_minor, reason, requested_by, requested_at, done_at, failed_at, failure,"
    " by_hand"
)


async def insert_intent(
    tx: Transaction,
    intent_id: UUID,
    order_id: UUID,
    provider: str,
    amount_minor: int,
    currency: str,
    attempt: int,
    purpose: str,
    capture: str,
    at: datetime,
    device: str,
) -> None:
    await tx.execute(
        "INSERT INTO commerce.payment_intent (merchant_id, intent_id, order_id, provider, amount_minor, currency, attempt,"
        "   purpose, capture, created_at, device)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        intent_id,
        order_id,
        provider,
        amount_minor,
        currency,
        attempt,
        purpose,
        capture,
        at,
        device,
    )


async def update_intent(
    tx: Transaction, intent_id: UUID, provider_payment_id: str, pay_url: str | None
) -> None:
    await tx.execute(
        "UPDATE commerce.payment_intent SET provider_payment_id = $3, pay_url = coalesce($4, pay_url)"
        " WHERE merchant_id = $1 AND intent_id = $2",
        tx.merchant_id,
        intent_id,
        provider_payment_id,
        pay_url,
    )


async def list_intents(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {INTENT} FROM commerce.payment_intent WHERE merchant_id = $1 AND order_id = $2 ORDER BY attempt",
        tx.merchant_id,
        order_id,
    )


async def find_intent(tx: Transaction, intent_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {INTENT} FROM commerce.payment_intent WHERE merchant_id = $1 AND intent_id = $2",
        tx.merchant_id,
        intent_id,
    )


async def list_events(tx: Transaction, intent_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        "SELECT intent_id, kind, amount_minor, source, received_at, provider_event_id FROM commerce.payment_event"
        " WHERE merchant_id = $1 AND intent_id = ANY($2) ORDER BY received_at, provider_event_id",
        tx.merchant_id,
        intent_ids,
    )


async def insert_events(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.payment_event (merchant_id, provider, provider_event_id, intent_id, kind, amount_minor,"
        "   source, data, received_at)"
        " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::jsonb[],"
        "   $9::timestamptz[]) ON CONFLICT DO NOTHING",
        tx.merchant_id,
        *columns,
    )


async def insert_refunds(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "INSERT INTO commerce.refund (merchant_id, refund_id, order_id, intent_id, amount_minor, reason, requested_by,"
        "   requested_at, done_at, by_hand) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[],"
        "   $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[], $10::bool[])",
        tx.merchant_id,
        *columns,
    )


async def finish_refunds(tx: Transaction, columns: tuple[list[Any], ...]) -> None:
    await tx.execute(
        "UPDATE commerce.refund r SET done_at = f.done_at, failed_at = f.failed_at, failure = f.failure"
        " FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[]) f (id, done_at, failed_at, failure)"
        " WHERE r.merchant_id = $1 AND r.refund_id = f.id",
        tx.merchant_id,
        *columns,
    )


async def list_refunds(tx: Transaction, order_id: UUID) -> list[Any]:
    return await tx.fetch(
        f"SELECT {REFUND} FROM commerce.refund WHERE merchant_id = $1 AND order_id = $2 ORDER BY requested_at, refund_id",
        tx.merchant_id,
        order_id,
    )


async def find_refund(tx: Transaction, refund_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {REFUND} FROM commerce.refund WHERE merchant_id = $1 AND refund_id = $2",
        tx.merchant_id,
        refund_id,
    )


async def list_open_refunds(owner: Database, before: datetime, limit: int) -> list[Any]:
    """Refunds of all merchants that no provider has answered (owner's role)."""
    return await owner.fetch(
        "SELECT merchant_id, refund_id FROM commerce.refund WHERE done_at IS NULL AND failed_at IS NULL"
        " AND requested_at < $1 ORDER BY requested_at LIMIT $2",
        before,
        limit,
    )


async def list_unsettled_orders(owner: Database, after: datetime, before: datetime, limit: int) -> list[Any]:
    """Orders of all merchants with a payment that was started and whose end nobody has told (owner's role).

    Expired and cancelled ones belong to them: the shopper may have paid while the provider could not tell us.
    """
    # In random turns, lest the oldest abandoned payments keep the others from ever being looked at.
    return await owner.fetch(
        "SELECT o.merchant_id, o.order_id FROM commerce.sales_order o"
        " WHERE o.state IN ('awaiting_payment', 'expired', 'cancelled', 'awaiting_deposit')"
        " AND o.placed_at BETWEEN $1 AND $2"
        " AND EXISTS (SELECT FROM commerce.payment_intent i"
        "   WHERE i.merchant_id = o.merchant_id AND i.order_id = o.order_id"
        "   AND NOT EXISTS (SELECT FROM commerce.payment_event e"
        "     WHERE e.merchant_id = i.merchant_id AND e.intent_id = i.intent_id"
        "     AND e.kind IN ('captured', 'failed', 'voided', 'expired')))"
        " ORDER BY o.state <> 'awaiting_payment', random() LIMIT $3",
        after,
        before,
        limit,
    )


async def list_unresolved(owner: Database, after: datetime, before: datetime, limit: int) -> list[Any]:
    """Payments of all merchants that were captured for an order which is over, and of which nothing was returned (owner's
    role). Whether an order of a market's checkout may live again is the market's to say, so those are left out."""
    return await owner.fetch(
        "SELECT i.merchant_id, i.intent_id FROM commerce.sales_order o JOIN commerce.payment_intent i"
        "   ON i.merchant_id = o.merchant_id AND i.order_id = o.order_id AND i.capture <> 'manual'"
        " WHERE o.state IN ('expired', 'cancelled') AND o.channel <> 'market' AND o.placed_at BETWEEN $1 AND $2"
        " AND EXISTS (SELECT FROM commerce.payment_event e WHERE e.merchant_id = i.merchant_id"
        "   AND e.intent_id = i.intent_id AND e.kind = 'captured')"
        " AND NOT EXISTS (SELECT FROM commerce.refund r WHERE r.merchant_id = i.merchant_id AND r.intent_id = i.intent_id)"
        " ORDER BY random() LIMIT $3",
        after,
        before,
        limit,
    )


async def list_unsettled_balances(
    owner: Database, after: datetime, before: datetime, limit: int
) -> list[Any]:
    """Orders of all merchants with a payment of a balance that was started and whose end nobody has told (owner's role)."""
    return await owner.fetch(
        "SELECT i.merchant_id, i.order_id FROM commerce.payment_intent i JOIN commerce.sales_order o"
        "   ON o.merchant_id = i.merchant_id AND o.order_id = i.order_id"
        " WHERE i.purpose = 'balance'"
        " AND i.created_at BETWEEN $1 AND $2"
        " AND o.state IN ('awaiting_balance', 'lapsed', 'cancelled') AND NOT EXISTS (SELECT FROM commerce.payment_event e"
        "   WHERE e.merchant_id = i.merchant_id AND e.intent_id = i.intent_id"
        "   AND e.kind IN ('captured', 'failed', 'voided', 'expired'))"
        " ORDER BY o.state <> 'awaiting_balance', random() LIMIT $3",
        after,
        before,
        limit,
    )
