"""The event log: no gap behind a slow writer, and one effect per event however often it is delivered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from serai.foundation.database import Database, Transaction, open_database
from serai.foundation.event import (
    Event,
    Fact,
    Subscriber,
    append_facts,
    list_subject_events,
    measure_lag,
    pump_events,
)
from serai.foundation.ids import MerchantId, new_id

CONDITION = " AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


class ThingHappened(msgspec.Struct, frozen=True):
    number: int


class OtherHappened(msgspec.Struct, frozen=True):
    number: int


async def write(db: Database, merchant_id: MerchantId, *numbers: int, subject_id: UUID | None = None) -> None:
    async with db.transaction(merchant_id) as tx:
        await append_facts(tx, [Fact(subject_id or new_id(), ThingHappened(n)) for n in numbers])


class Collector:
    """A subscriber whose effect is one row per event, so that effects can be counted in the database."""

    def __init__(self, owner: Database, db: Database) -> None:
        self.subscriber = Subscriber(f"test-{new_id()}", frozenset({"ThingHappened"}), self.handle)
        self.owner, self.db = owner, db
        self.fail_after: int | None = None
        self.handled = 0

    async def handle(self, tx: Transaction, events: Sequence[Event]) -> None:
        for n, event in enumerate(events):
            if self.fail_after is not None and n >= self.fail_after:
                raise RuntimeError("crashed half-way")
            await tx.execute(
                "INSERT INTO identity.audit (merchant_id, audit_id, actor, action, subject_kind, subject_id, after)"
                " VALUES ($1, $2, $3, 'taken', 'event', $4, $5)",
                tx.merchant_id,
                new_id(),
                self.subscriber.name,
                str(event.event_id),
                event.data,
            )
        self.handled += len(events)

    async def taken(self, merchant_id: MerchantId) -> list[int]:
        async with self.db.transaction(merchant_id, "read") as tx:
            rows = await tx.fetch(
                "SELECT after FROM identity.audit WHERE merchant_id = $1 AND actor = $2 ORDER BY audit_id",
                merchant_id,
                self.subscriber.name,
            )
        return [row["after"]["number"] for row in rows]

    async def drain(self, *, batch: int = 500, owner: Database | None = None) -> None:
        while await pump_events(owner or self.owner, self.db, self.subscriber, batch=batch):
            pass


@pytest.fixture
async def collector(owner: Database, db: Database) -> Collector:
    """A subscriber that stands behind all that other tests have written."""
    made = Collector(owner, db)
    await owner.execute(
        "INSERT INTO foundation.subscription (subscriber, xact, event_id)"
        " SELECT $1, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, $2",
        made.subscriber.name,
        UUID(int=2**128 - 1),
    )
    return made


async def test_events_come_in_order_once_and_only_those_asked_for(
    db: Database, merchant_id: MerchantId, collector: Collector
):
    await write(db, merchant_id, 1, 2, 3)
    async with db.transaction(merchant_id) as tx:
        await append_facts(tx, [Fact(new_id(), OtherHappened(99))])
        await append_facts(tx, [])
    await write(db, merchant_id, 4)
    await collector.drain(batch=2)
    await collector.drain()
    assert await collector.taken(merchant_id) == [1, 2, 3, 4]


async def test_an_event_is_written_only_with_its_transaction(db: Database, merchant_id: MerchantId):
    subject_id = new_id()
    with pytest.raises(ZeroDivisionError):
        async with db.transaction(merchant_id) as tx:
            await append_facts(tx, [Fact(subject_id, ThingHappened(1))])
            raise ZeroDivisionError
    await write(db, merchant_id, 2, 3, subject_id=subject_id)
    async with db.transaction(merchant_id, "read") as tx:
        history = await list_subject_events(tx, subject_id=subject_id)
    assert [(event.name, event.data["number"]) for event in history] == [
        ("ThingHappened", 2),
        ("ThingHappened", 3),
    ]
    async with db.transaction(MerchantId(new_id()), "read") as tx:
        assert await list_subject_events(tx, subject_id=subject_id) == []


async def take_behind_slow_writer(db: Database, merchant_id: MerchantId, collector: Collector) -> list[int]:
    """What a subscriber has in the end when one writer began before another and committed after the first pump."""
    async with db.transaction(merchant_id) as slow:
        await append_facts(slow, [Fact(new_id(), ThingHappened(1))])
        await write(db, merchant_id, 2)
        await collector.drain()
    await collector.drain()
    return await collector.taken(merchant_id)


async def test_a_slow_writer_leaves_no_gap_behind_the_cursor(
    db: Database, merchant_id: MerchantId, collector: Collector
):
    assert await take_behind_slow_writer(db, merchant_id, collector) == [1, 2]


async def test_without_its_condition_on_running_transactions_the_pump_would_lose_events(
    db: Database, merchant_id: MerchantId, collector: Collector, monkeypatch: pytest.MonkeyPatch
):
    """Shows that the test above can fail: the same pump without the condition never sees the slow writer's event."""
    fetch: Callable[..., Awaitable[Any]] = asyncpg.Connection.fetch
    removed = 0

    async def fetch_without(self: Any, sql: str, *args: Any, **more: Any) -> Any:
        nonlocal removed
        removed += CONDITION in sql
        return await fetch(self, sql.replace(CONDITION, ""), *args, **more)

    monkeypatch.setattr(asyncpg.Connection, "fetch", fetch_without)
    assert await take_behind_slow_writer(db, merchant_id, collector) == [2]
    assert removed


async def test_a_handler_that_crashes_half_way_has_no_half_effect_and_comes_again(
    db: Database, owner: Database, merchant_id: MerchantId, collector: Collector
):
    await write(db, merchant_id, 1, 2, 3)
    collector.fail_after = 2
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await pump_events(owner, db, collector.subscriber)
    assert await collector.taken(merchant_id) == []
    collector.fail_after = None
    await collector.drain()
    assert await collector.taken(merchant_id) == [1, 2, 3]


async def test_a_crash_between_the_effect_and_the_cursor_does_not_repeat_the_effect(
    db: Database, owner: Database, merchant_id: MerchantId, collector: Collector
):
    other = MerchantId(new_id())
    await write(db, merchant_id, 1, 2)
    await write(db, other, 7)
    name = collector.subscriber.name
    before = await owner.fetchrow(
        "SELECT xact, event_id FROM foundation.subscription WHERE subscriber = $1", name
    )
    assert before is not None
    await collector.drain()
    # As if the worker had died after its handlers committed and before its cursor did.
    await owner.execute(
        "UPDATE foundation.subscription SET xact = $2, event_id = $3 WHERE subscriber = $1",
        name,
        *before.values(),
    )
    await collector.drain()
    assert await collector.taken(merchant_id) == [1, 2]
    assert await collector.taken(other) == [7]
    assert collector.handled == 3


async def test_a_crash_in_one_merchants_handler_does_not_repeat_anothers(
    db: Database, owner: Database, collector: Collector
):
    first, second = MerchantId(new_id()), MerchantId(new_id())
    await write(db, first, 1)
    await write(db, second, 1, 2)
    collector.fail_after = 1
    with pytest.raises(RuntimeError):
        await pump_events(owner, db, collector.subscriber)
    assert (await collector.taken(first), await collector.taken(second)) == ([1], [])
    collector.fail_after = None
    await collector.drain()
    assert (await collector.taken(first), await collector.taken(second)) == ([1], [1, 2])


async def test_workers_share_a_subscriber_without_doing_anything_twice(
    db: Database, database_url: str, merchant_id: MerchantId, collector: Collector
):
    workers = [await open_database(database_url, role=None, size=1) for _ in range(3)]
    for n in range(30):
        await write(db, merchant_id, n)
    await asyncio.gather(*(collector.drain(batch=4, owner=worker) for worker in workers))
    for worker in workers:
        await worker.close()
    assert await collector.taken(merchant_id) == list(range(30))
    assert collector.handled == 30


async def test_the_lag_tells_whether_a_subscriber_is_behind(
    db: Database, owner: Database, merchant_id: MerchantId, collector: Collector
):
    await write(db, merchant_id, 1)
    await asyncio.sleep(0.02)
    assert dict(await measure_lag(owner))[collector.subscriber.name] > 0
    await collector.drain()
    assert dict(await measure_lag(owner))[collector.subscriber.name] == 0


async def test_the_days_get_their_partitions_once(db: Database, owner: Database):
    sql = "SELECT foundation.make_event_partitions('2001-01-01'::date, 3)"
    assert [await owner.fetchval(sql) for _ in range(2)] == [3, 0]
    bounds = await owner.fetchval(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = 'foundation.event_20010102'::regclass"
    )
    assert "2001-01-02 00:00:00" in bounds
    assert "2001-01-03 00:00:00" in bounds
