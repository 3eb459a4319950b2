"""The event log: facts written in the business transaction, read by subscribers in commit order.

Delivery is at least once and effect once: a subscriber's inbox row commits with what it did. Readers take only rows of
transactions that are older than every running one; otherwise a slow writer's rows would appear behind the cursor.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.foundation.database import Database, Transaction
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.metric import Counter

BATCH = 500

PASSED_OVER = Counter(
    "serai_events_passed_total", "Events that a subscriber took or passed over.", ("subscriber",)
)


class Fact(msgspec.Struct, frozen=True):
    """A fact to be recorded: the event's name is its Struct's class name, the subject is what it is about."""

    subject_id: UUID
    event: msgspec.Struct


class Event(msgspec.Struct, frozen=True):
    """A recorded fact as subscribers get it; ``data`` converts to the Struct of that ``name``."""

    merchant_id: UUID
    event_id: UUID
    name: str
    subject_id: UUID
    data: dict[str, Any]
    recorded_at: datetime


Handler = Callable[[Transaction, Sequence[Event]], Awaitable[None]]


class Subscriber(msgspec.Struct, frozen=True):
    """Who wants which events. ``handle`` gets one merchant's events in order, inside a transaction of that merchant."""

    name: str
    events: frozenset[str]
    handle: Handler


async def append_facts(tx: Transaction, facts: Sequence[Fact]) -> None:
    """Record facts in the running transaction."""
    if not facts:
        return
    await tx.execute(
        "INSERT INTO foundation.event (merchant_id, event_id, name, subject_id, data)"
        " SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::jsonb[])",
        tx.merchant_id,
        [new_id() for _ in facts],
        [type(fact.event).__name__ for fact in facts],
        [fact.subject_id for fact in facts],
        [fact.event for fact in facts],
    )


async def list_subject_events(tx: Transaction, *, subject_id: UUID, limit: int = 200) -> list[Event]:
    """The history of one subject, oldest first."""
    rows = await tx.fetch(
        "SELECT merchant_id, event_id, name, subject_id, data, recorded_at FROM foundation.event"
        " WHERE merchant_id = $1 AND subject_id = $2 ORDER BY event_id LIMIT $3",
        tx.merchant_id,
        subject_id,
        limit,
    )
    return [Event(*row.values()) for row in rows]


class EventTail:
    """What is recorded from now on, for a process that follows along and needs no cursor of its own (owner's role)."""

    def __init__(self) -> None:
        self._xact: int | None = None
        self._event_id = UUID(int=0)
        self._end = -1

    async def skip(self, owner: Database) -> bool:
        """Leave out what has been recorded so far. False when nothing can have been since the last call."""
        end: int = await owner.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        if end == self._end:
            return False
        self._end = end
        self._xact, self._event_id = end - 1, UUID(int=(1 << 128) - 1)
        return True

    async def read(self, owner: Database, *, limit: int = 2_000) -> list[Event] | None:
        """Events since the last call; None at the first call and when there are more than ``limit``: anything may have
        happened then. Events of transactions that run longer than others come with the end of the longest."""
        end = await owner.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        rows: list[Any] = []
        if self._xact is not None:
            rows = await owner.fetch(
                "SELECT merchant_id, event_id, name, subject_id, data, recorded_at, xact FROM foundation.event"
                " WHERE (xact, event_id) > ($1, $2) AND xact < $3 ORDER BY xact, event_id LIMIT $4",
                self._xact,
                self._event_id,
                end,
                limit + 1,
            )
        is_whole = self._xact is not None and len(rows) <= limit
        self._end = end
        if rows and is_whole:
            self._xact, self._event_id = rows[-1]["xact"], rows[-1]["event_id"]
        elif not is_whole:
            # Everything below has been decided; the next call begins there.
            self._xact, self._event_id = end - 1, UUID(int=(1 << 128) - 1)
        return [Event(*tuple(row)[:6]) for row in rows] if is_whole else None


async def pump_events(owner: Database, app: Database, subscriber: Subscriber, *, batch: int = BATCH) -> int:
    """Deliver the next events to one subscriber and move its cursor. Returns how many events were passed over.

    The cursor row is locked while it works, so two workers never deliver to one subscriber at the same time.
    """
    async with owner.pool.acquire() as connection, connection.transaction():
        cursor = await connection.fetchrow(
            "INSERT INTO foundation.subscription AS s (subscriber, xact, event_id) VALUES ($1, 0, $2)"
            " ON CONFLICT (subscriber) DO UPDATE SET moved_at = s.moved_at RETURNING xact, event_id",
            subscriber.name,
            UUID(int=0),
        )
        assert cursor is not None
        rows = await connection.fetch(
            "SELECT merchant_id, event_id, name, subject_id, data, recorded_at, xact FROM foundation.event"
            " WHERE (xact, event_id) > ($1, $2) AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            " ORDER BY xact, event_id LIMIT $3",
            cursor["xact"],
            cursor["event_id"],
            batch,
        )
        if not rows:
            return 0
        by_merchant: dict[UUID, list[Event]] = {}
        for row in rows:
            if row["name"] in subscriber.events:
                event = Event(*list(row.values())[:6])
                by_merchant.setdefault(event.merchant_id, []).append(event)
        for merchant_id, events in by_merchant.items():
            await _deliver(app, MerchantId(merchant_id), subscriber, events)
        await connection.execute(
            "UPDATE foundation.subscription SET xact = $2, event_id = $3, moved_at = now() WHERE subscriber = $1",
            subscriber.name,
            rows[-1]["xact"],
            rows[-1]["event_id"],
        )
    PASSED_OVER.add(subscriber.name, by=len(rows))
    return len(rows)


async def _deliver(
    app: Database, merchant_id: MerchantId, subscriber: Subscriber, events: Sequence[Event]
) -> None:
    async with app.transaction(merchant_id) as tx:
        fresh = await tx.fetch(
            "INSERT INTO foundation.inbox (merchant_id, subscriber, event_id)"
            " SELECT $1, $2, unnest($3::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id",
            merchant_id,
            subscriber.name,
            [event.event_id for event in events],
        )
        ids = {row["event_id"] for row in fresh}
        new = [event for event in events if event.event_id in ids]
        if new:
            await subscriber.handle(tx, new)


async def make_partitions(owner: Database, *, first_day: date, days: int = 7) -> int:
    """Make the log's daily partitions from a day on. Returns how many were missing."""
    made: int = await owner.fetchval("SELECT foundation.make_event_partitions($1::date, $2)", first_day, days)
    return made


async def delete_old_inbox(owner: Database, *, days: int) -> None:
    """Forget inbox rows that are older than any event that could still be delivered."""
    await owner.execute(
        "DELETE FROM foundation.inbox WHERE taken_at < now() - make_interval(days => $1)", days
    )


async def measure_lag(owner: Database) -> list[tuple[str, float]]:
    """Per subscriber, the age in seconds of the oldest event that it has not seen (0 when it has seen all)."""
    rows = await owner.fetch(
        "SELECT s.subscriber, coalesce(extract(epoch FROM now() - ("
        "   SELECT e.recorded_at FROM foundation.event e WHERE (e.xact, e.event_id) > (s.xact, s.event_id)"
        "   ORDER BY e.xact, e.event_id LIMIT 1)), 0)::float8 AS lag FROM foundation.subscription s ORDER BY 1"
    )
    return [(row["subscriber"], row["lag"]) for row in rows]
