"""Which events leave the house."""

from collections.abc import Sequence

from serai.commerce.webhook.record_deliveries import record_events
from serai.commerce.webhook.view import BY_INNER
from serai.foundation.database import Transaction
from serai.foundation.event import Event, Subscriber


async def _record(tx: Transaction, events: Sequence[Event]) -> None:
    await record_events(tx, events)


WEBHOOKS = Subscriber("webhooks", frozenset(BY_INNER), _record)
