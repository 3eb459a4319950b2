"""SQL of endpoints, their secrets, and of what came to the console's receiver."""

from datetime import datetime
from typing import Any
from uuid import UUID

from serai.commerce.webhook.types import EndpointTerms, Receipt
from serai.foundation.database import Rows, Transaction

ENDPOINT = (
    "endpoint_id, url, description, events, version, is_receiver, receiver_status, state, why_disabled, failures,"
    " failing_since, held_until, created_by, created_at, changed_at"
)
RECEIPT = (
    "receipt_id, endpoint_id, message_id, verdict, event, object_id, sequence, is_repeat, answered, headers, body,"
    " received_at"
)


async def insert_endpoint(
    tx: Transaction, endpoint_id: UUID, terms: EndpointTerms, is_receiver: bool, by: str
) -> Any:
    # The log's own clock: an event of a later transaction is later in it as well.
    return await tx.fetchrow(
        "INSERT INTO commerce.webhook_endpoint (merchant_id, endpoint_id, url, description, events, version, is_receiver,"
        f"   created_by, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), now()) RETURNING {ENDPOINT}",
        tx.merchant_id,
        endpoint_id,
        terms.url,
        terms.description,
        list(terms.events),
        terms.version,
        is_receiver,
        by,
    )


async def list_endpoints(tx: Transaction) -> Rows:
    return await tx.fetch(
        f"SELECT {ENDPOINT} FROM commerce.webhook_endpoint WHERE merchant_id = $1 AND state <> 'deleted'"
        " ORDER BY endpoint_id",
        tx.merchant_id,
    )


async def count_endpoints(tx: Transaction) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM commerce.webhook_endpoint WHERE merchant_id = $1 AND state <> 'deleted'",
        tx.merchant_id,
    )
    return count


async def find_endpoint(tx: Transaction, endpoint_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {ENDPOINT} FROM commerce.webhook_endpoint"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND state <> 'deleted'",
        tx.merchant_id,
        endpoint_id,
    )


async def lock_endpoint(tx: Transaction, endpoint_id: UUID) -> Any:
    return await tx.fetchrow(
        f"SELECT {ENDPOINT} FROM commerce.webhook_endpoint"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND state <> 'deleted' FOR NO KEY UPDATE",
        tx.merchant_id,
        endpoint_id,
    )


async def try_endpoint(tx: Transaction, endpoint_id: UUID, now: datetime) -> Any:
    """The endpoint, locked, unless another worker is choosing for it or nothing may be sent."""
    return await tx.fetchrow(
        f"SELECT {ENDPOINT} FROM commerce.webhook_endpoint WHERE merchant_id = $1 AND endpoint_id = $2"
        " AND state = 'active' AND (held_until IS NULL OR held_until <= $3) FOR NO KEY UPDATE SKIP LOCKED",
        tx.merchant_id,
        endpoint_id,
        now,
    )


async def update_terms(tx: Transaction, endpoint_id: UUID, terms: EndpointTerms, at: datetime) -> Any:
    return await tx.fetchrow(
        "UPDATE commerce.webhook_endpoint SET url = $3, description = $4, events = $5, version = $6, changed_at = $7"
        f" WHERE merchant_id = $1 AND endpoint_id = $2 RETURNING {ENDPOINT}",
        tx.merchant_id,
        endpoint_id,
        terms.url,
        terms.description,
        list(terms.events),
        terms.version,
        at,
    )


async def update_state(tx: Transaction, endpoint_id: UUID, state: str, why: str, at: datetime) -> Any:
    return await tx.fetchrow(
        "UPDATE commerce.webhook_endpoint SET state = $3, why_disabled = $4, changed_at = $5, failures = 0,"
        "   failing_since = NULL, held_until = NULL"
        f" WHERE merchant_id = $1 AND endpoint_id = $2 RETURNING {ENDPOINT}",
        tx.merchant_id,
        endpoint_id,
        state,
        why,
        at,
    )


async def update_receiver(tx: Transaction, endpoint_id: UUID, status: int) -> None:
    await tx.execute(
        "UPDATE commerce.webhook_endpoint SET receiver_status = $3"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND is_receiver",
        tx.merchant_id,
        endpoint_id,
        status,
    )


async def clear_failures(tx: Transaction, endpoint_id: UUID) -> None:
    await tx.execute(
        "UPDATE commerce.webhook_endpoint SET failures = 0, failing_since = NULL, held_until = NULL"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND failures > 0",
        tx.merchant_id,
        endpoint_id,
    )


async def save_failures(
    tx: Transaction, endpoint_id: UUID, failures: int, since: datetime, held_until: datetime | None
) -> None:
    await tx.execute(
        "UPDATE commerce.webhook_endpoint SET failures = $3, failing_since = $4, held_until = $5"
        " WHERE merchant_id = $1 AND endpoint_id = $2",
        tx.merchant_id,
        endpoint_id,
        failures,
        since,
        held_until,
    )


async def insert_secret(tx: Transaction, endpoint_id: UUID, secret_id: UUID, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO commerce.webhook_secret (merchant_id, endpoint_id, secret_id, made_at) VALUES ($1, $2, $3, $4)",
        tx.merchant_id,
        endpoint_id,
        secret_id,
        at,
    )


async def end_secrets(tx: Transaction, endpoint_id: UUID, ends_at: datetime) -> None:
    await tx.execute(
        "UPDATE commerce.webhook_secret SET ends_at = least(coalesce(ends_at, $3), $3)"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND (ends_at IS NULL OR ends_at > $3)",
        tx.merchant_id,
        endpoint_id,
        ends_at,
    )


async def list_secrets(tx: Transaction, endpoint_id: UUID, now: datetime) -> Rows:
    """Those that sign, the newest first."""
    return await tx.fetch(
        "SELECT secret_id, made_at, ends_at FROM commerce.webhook_secret"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND (ends_at IS NULL OR ends_at > $3)"
        " ORDER BY ends_at DESC NULLS FIRST LIMIT 5",
        tx.merchant_id,
        endpoint_id,
        now,
    )


async def has_receipt(tx: Transaction, endpoint_id: UUID, message_id: str) -> bool:
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM commerce.webhook_receipt WHERE merchant_id = $1 AND endpoint_id = $2"
        "   AND message_id = $3 AND verdict = 'good')",
        tx.merchant_id,
        endpoint_id,
        message_id,
    )
    return found


async def insert_receipt(tx: Transaction, receipt: Receipt) -> None:
    await tx.execute(
        f"INSERT INTO commerce.webhook_receipt (merchant_id, {RECEIPT})"  # sql: a constant
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tx.merchant_id,
        receipt.receipt_id,
        receipt.endpoint_id,
        receipt.message_id,
        receipt.verdict,
        receipt.event,
        receipt.object_id,
        receipt.sequence,
        receipt.is_repeat,
        receipt.answered,
        receipt.headers,
        receipt.body,
        receipt.received_at,
    )


async def keep_newest_receipts(tx: Transaction, endpoint_id: UUID, keep: int) -> None:
    await tx.execute(
        "DELETE FROM commerce.webhook_receipt WHERE merchant_id = $1 AND endpoint_id = $2 AND receipt_id <= ("
        "   SELECT receipt_id FROM commerce.webhook_receipt WHERE merchant_id = $1 AND endpoint_id = $2"
        "   ORDER BY receipt_id DESC OFFSET $3 LIMIT 1)",
        tx.merchant_id,
        endpoint_id,
        keep,
    )


async def list_receipts(tx: Transaction, endpoint_id: UUID, limit: int) -> Rows:
    return await tx.fetch(
        f"SELECT {RECEIPT} FROM commerce.webhook_receipt WHERE merchant_id = $1 AND endpoint_id = $2"
        " ORDER BY receipt_id DESC LIMIT $3",
        tx.merchant_id,
        endpoint_id,
        limit,
    )
