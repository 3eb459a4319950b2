"""From events to deliveries: one per change and endpoint, numbered per object in the order of the event log."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.webhook import delivery_store, store
from serai.commerce.webhook.edit_endpoint import lock_endpoint, read_endpoint, record_change
from serai.commerce.webhook.types import Delivery, Endpoint
from serai.commerce.webhook.view import (
    TEST_EVENT,
    Envelope,
    ObjectStand,
    find_object,
    find_view,
    name_message,
    write_body,
)
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.event import Event
from serai.foundation.ids import new_id


async def record_events(tx: Transaction, events: Sequence[Event]) -> int:
    """Write what is to be delivered of some events of one merchant. Returns how many deliveries that are.

    Runs in the transaction of the event pump, so an event leaves its deliveries once. Endpoints hear of what happened
    since they exist; a paused one collects, a disabled one does not.
    """
    endpoints = [read_endpoint(row) for row in await store.list_endpoints(tx)]
    wanted: list[tuple[Endpoint, Event]] = []
    for event in events:
        view = find_view(event)
        for endpoint in endpoints:
            listens = (
                endpoint.state in ("active", "paused") and view is not None and view.name in endpoint.events
            )
            if listens and event.recorded_at >= endpoint.created_at:
                wanted.append((endpoint, event))
    if not wanted:
        return 0
    numbers = await _take_numbers(
        tx, [(endpoint.endpoint_id, _object_of(event)) for endpoint, event in wanted]
    )
    rows: list[tuple[Any, ...]] = []
    for (endpoint, event), sequence in zip(wanted, numbers, strict=True):
        view = find_view(event)
        assert view is not None
        rows.append(
            (
                new_id(),
                endpoint.endpoint_id,
                event.event_id,
                view.name,
                view.object_kind,
                _object_of(event),
                sequence,
                write_body(view, event, sequence),
            )
        )
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    await delivery_store.insert_deliveries(tx, columns, clock.now())
    return len(rows)


def _object_of(event: Event) -> UUID:
    view = find_view(event)
    assert view is not None
    return find_object(view, event)


async def _take_numbers(tx: Transaction, keys: list[tuple[UUID, UUID]]) -> list[int]:
    """The next number for each (endpoint, object), in the given order."""
    counts = Counter(keys)
    rows = await delivery_store.advance_sequences(
        tx, [key[0] for key in counts], [key[1] for key in counts], list(counts.values())
    )
    following = {
        (row["endpoint_id"], row["object_id"]): row["last"] - counts[row["endpoint_id"], row["object_id"]]
        for row in rows
    }
    numbers = []
    for key in keys:
        following[key] += 1
        numbers.append(following[key])
    return numbers


async def send_test(tx: Transaction, *, endpoint_id: UUID, by: str) -> Delivery:
    """A message that tells of nothing, to see an endpoint answer. NotFound ``webhook.endpoint_unknown``."""
    endpoint = await lock_endpoint(tx, endpoint_id)
    event_id, now = new_id(), clock.now()
    (sequence,) = await _take_numbers(tx, [(endpoint_id, endpoint_id)])
    envelope = Envelope(
        name_message(event_id),
        TEST_EVENT,
        endpoint.version,
        now,
        ObjectStand("endpoint", endpoint_id, sequence),
        {"endpoint_id": str(endpoint_id)},
    )
    body = msgspec.json.encode(envelope).decode()
    delivery_id = new_id()
    row = (delivery_id, endpoint_id, event_id, TEST_EVENT, "endpoint", endpoint_id, sequence, body)
    await delivery_store.insert_deliveries(tx, tuple([value] for value in row), now)
    await record_change(tx, by, "tested", endpoint_id)
    return Delivery(*(await delivery_store.find_delivery(tx, delivery_id)).values())
