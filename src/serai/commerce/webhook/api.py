"""Webhooks out: endpoints, deliveries with their attempts, sending again, and checking signatures."""

from datetime import timedelta
from uuid import UUID

from serai.commerce.types import Page
from serai.commerce.webhook import delivery_store, store
from serai.commerce.webhook.check_address import check_endpoint_url, resolve_outside
from serai.commerce.webhook.edit_endpoint import (
    add_endpoint,
    add_receiver,
    change_endpoint,
    delete_endpoint,
    list_secrets,
    lock_endpoint,
    read_endpoint,
    record_change,
    rotate_secret,
    set_endpoint_state,
    unknown_endpoint,
)
from serai.commerce.webhook.keep_receipts import ANSWERS, list_receipts, set_answer, shown_data
from serai.commerce.webhook.logic import check_url, verify_message
from serai.commerce.webhook.record_deliveries import send_test
from serai.commerce.webhook.send_message import USER_AGENT, send_message
from serai.commerce.webhook.types import (
    DELIVERY_STATES,
    Attempt,
    Delivery,
    Endpoint,
    EndpointCounts,
    EndpointTerms,
    NewSecret,
    Receipt,
)
from serai.commerce.webhook.view import NAMES, TEST_EVENT, VERSIONS, VIEWS, list_event_kinds
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _

__all__ = [
    "ANSWERS",
    "DELIVERY_STATES",
    "NAMES",
    "TEST_EVENT",
    "USER_AGENT",
    "VERSIONS",
    "VIEWS",
    "Attempt",
    "Delivery",
    "Endpoint",
    "EndpointTerms",
    "NewSecret",
    "Receipt",
    "add_endpoint",
    "add_receiver",
    "change_endpoint",
    "check_endpoint_url",
    "check_url",
    "resolve_outside",
    "send_message",
    "count_deliveries",
    "delete_endpoint",
    "delete_old_deliveries",
    "list_attempts",
    "list_deliveries",
    "list_endpoints",
    "list_event_kinds",
    "list_receipts",
    "list_secrets",
    "load_delivery",
    "load_endpoint",
    "resend_delivery",
    "resend_parked",
    "rotate_secret",
    "send_test",
    "set_answer",
    "set_endpoint_state",
    "shown_data",
    "verify_message",
]

# Rows that one statement deletes: upkeep goes on the next time.
DELETED_AT_ONCE = 20_000


async def list_endpoints(tx: Transaction) -> list[Endpoint]:
    """All endpoints that are not deleted, the oldest first; the console's receiver among them."""
    return [read_endpoint(row) for row in await store.list_endpoints(tx)]


async def load_endpoint(tx: Transaction, *, endpoint_id: UUID) -> Endpoint:
    """One endpoint. NotFound ``webhook.endpoint_unknown``."""
    row = await store.find_endpoint(tx, endpoint_id)
    if row is None:
        raise unknown_endpoint()
    return read_endpoint(row)


async def count_deliveries(tx: Transaction) -> dict[UUID, EndpointCounts]:
    """How many deliveries stand where, per endpoint that has any."""
    return {
        row["endpoint_id"]: EndpointCounts(row["waiting"], row["delivered"], row["parked"])
        for row in await delivery_store.count_deliveries(tx)
    }


async def list_deliveries(
    tx: Transaction,
    *,
    endpoint_id: UUID | None = None,
    state: str | None = None,
    event: str | None = None,
    object_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Delivery]:
    """Deliveries, the newest first. Invalid ``list.cursor_invalid``."""
    try:
        before = UUID(cursor) if cursor else None
    except ValueError as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
    limit = min(limit, 100)
    rows = await delivery_store.list_deliveries(tx, endpoint_id, state, event, object_id, before, limit + 1)
    items = tuple(Delivery(*row.values()) for row in rows[:limit])
    return Page(items, str(items[-1].delivery_id) if len(rows) > limit else None)


async def load_delivery(tx: Transaction, *, delivery_id: UUID) -> Delivery:
    """One delivery. NotFound ``webhook.delivery_unknown``."""
    row = await delivery_store.find_delivery(tx, delivery_id)
    if row is None:
        raise NotFound("webhook.delivery_unknown", _("There is no such message (any more)."))
    return Delivery(*row.values())


async def list_attempts(tx: Transaction, *, delivery_id: UUID) -> list[Attempt]:
    """The last 50 attempts of a delivery, the newest first."""
    return [Attempt(*row.values()) for row in await delivery_store.list_attempts(tx, delivery_id)]


async def resend_delivery(tx: Transaction, *, delivery_id: UUID, by: str) -> Delivery:
    """Send a message again, delivered or parked or waiting for its pause: the same id, body and number.

    Raises:
        NotFound: ``webhook.delivery_unknown``, ``webhook.endpoint_unknown`` when its endpoint was deleted.
        Conflict: ``webhook.under_way``, it is being sent at this moment.
    """
    delivery = await load_delivery(tx, delivery_id=delivery_id)
    await lock_endpoint(tx, delivery.endpoint_id)
    row = await delivery_store.requeue(tx, delivery_id, clock.now())
    if row is None:
        raise Conflict("webhook.under_way", _("This message is being sent at this moment."))
    await record_change(
        tx, by, "resent", delivery.endpoint_id, {"state": delivery.state}, {"delivery": str(delivery_id)}
    )
    return Delivery(*row.values())


async def resend_parked(tx: Transaction, *, endpoint_id: UUID, by: str) -> int:
    """Send everything again that an endpoint has parked. Returns how many. NotFound ``webhook.endpoint_unknown``."""
    await lock_endpoint(tx, endpoint_id)
    count = await delivery_store.requeue_parked(tx, endpoint_id, clock.now())
    if count:
        await record_change(tx, by, "parked_resent", endpoint_id, after={"count": count})
    return count


async def delete_old_deliveries(tx: Transaction, *, days: int) -> int:
    """Forget deliveries that were made longer ago, whatever became of them. Returns how many went."""
    return await delivery_store.delete_old(tx, clock.now() - timedelta(days=days), DELETED_AT_ONCE)
