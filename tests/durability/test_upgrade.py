"""A new version's migrations while the shop of the one before goes on selling, over orders of years.

SERAI_LONG_TESTS=1 does it over a million past orders.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from tests.durability.running import RunningShop, find_breaches, open_running_shop, wait_for

from serai.foundation import migration
from serai.foundation.ids import derive_id, new_id
from serai.foundation.migration import LOCK_TIMEOUT_MS, Migration, apply_migrations, list_migrations
from serai.main.systems import SYSTEMS

LONG = os.environ.get("SERAI_LONG_TESTS") == "1"
PAST_ORDERS = 1_000_000 if LONG else 20_000
BUYERS = 4
AFTERWARDS = 20

# What a next version does to the tables that every order touches: grow, fill, index, check.
NEXT = (
    Migration(
        "commerce",
        9001,
        "grow",
        "ALTER TABLE commerce.sales_order ADD COLUMN next_note text;"
        " ALTER TABLE commerce.order_line ADD COLUMN next_weight integer NOT NULL DEFAULT 0;"
        " ALTER TABLE ledger.transfer ADD COLUMN next_tag text;"
        " ALTER TABLE commerce.sales_order ADD CONSTRAINT next_note_short CHECK (length(next_note) < 100) NOT VALID",
    ),
    Migration(
        "commerce",
        9002,
        "index",
        "-- outside a transaction\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS next_by_note ON commerce.sales_order (merchant_id, next_note);\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS next_by_tag ON ledger.transfer (next_tag);\n"
        "ALTER TABLE commerce.sales_order VALIDATE CONSTRAINT next_note_short;\n",
    ),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800 if LONG else 300)]


@pytest.fixture
async def running(server_url: str, tmp_path: Path) -> AsyncIterator[RunningShop]:
    shop = await open_running_shop(server_url, tmp_path, workers=2)
    yield shop
    await shop.close()


class Stream:
    """Orders that buyers place one after the other, and what they were told."""

    def __init__(self, running: RunningShop, sku_id: UUID) -> None:
        self.running = running
        self.sku_id = sku_id
        self.placed: list[UUID] = []
        self.done = False

    async def buy(self) -> None:
        while not self.done:
            self.placed.append(await self.running.place((self.sku_id, 1)))

    async def more(self, count: int) -> None:
        """Wait until so many more orders are placed."""
        goal = len(self.placed) + count

        async def reached() -> bool:
            return len(self.placed) >= goal

        await wait_for(reached, f"{count} orders more", seconds=60)


@asynccontextmanager
async def selling(running: RunningShop) -> AsyncIterator[Stream]:
    """Buyers in the shop while the block runs; afterwards everything they were told has to be true."""
    stream = Stream(running, await running.shop.add_product(stock=100_000))
    tasks = [asyncio.create_task(stream.buy()) for _ in range(BUYERS)]
    try:
        await stream.more(AFTERWARDS)
        yield stream
        await stream.more(AFTERWARDS)
        stream.done = True
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    rows = await running.platform.owner.fetch(
        "SELECT order_id FROM commerce.sales_order WHERE merchant_id = $1 AND order_id = ANY($2)",
        running.shop.merchant_id,
        stream.placed,
    )
    assert {row["order_id"] for row in rows} == set(stream.placed)
    assert len(set(stream.placed)) == len(stream.placed)
    assert not await find_breaches(running.platform.owner)


async def add_past(running: RunningShop) -> None:
    """Orders of years ago, copies of one that was called off."""
    sku_id = await running.shop.add_product(stock=1)
    order_id = await running.place((sku_id, 1))
    answer = await running.api.post(f"/api/v1/orders/{order_id}/cancellation", json={})
    assert answer.status_code in (200, 201), answer.text
    merchant_id = running.shop.merchant_id
    # A connection of its own: a million rows take longer than a shop's statement may.
    owner = await asyncpg.connect(running.platform.owner.url)
    rows = await owner.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'commerce' AND table_name = 'sales_order'"
        " AND is_generated = 'NEVER' AND column_name NOT IN ('merchant_id', 'order_id', 'number', 'placed_at', 'cart_id')"
    )
    columns = ", ".join(row["column_name"] for row in rows)
    await owner.execute(
        f"INSERT INTO commerce.sales_order (merchant_id, order_id, number, placed_at, {columns})"
        f" SELECT merchant_id, md5('past' || n)::uuid, 'P' || n, now() - interval '1 year' - n * interval '1 minute', {columns}"
        " FROM commerce.sales_order, generate_series(1, $3::integer) n WHERE merchant_id = $1 AND order_id = $2",
        merchant_id,
        order_id,
        PAST_ORDERS,
    )
    rows = await owner.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'commerce' AND table_name = 'order_line'"
        " AND is_generated = 'NEVER' AND column_name NOT IN ('merchant_id', 'order_id')"
    )
    columns = ", ".join(row["column_name"] for row in rows)
    await owner.execute(
        f"INSERT INTO commerce.order_line (merchant_id, order_id, {columns})"
        f" SELECT merchant_id, md5('past' || n)::uuid, {columns}"
        " FROM commerce.order_line, generate_series(1, $3::integer) n WHERE merchant_id = $1 AND order_id = $2",
        merchant_id,
        order_id,
        PAST_ORDERS,
    )
    await owner.execute("ANALYZE commerce.sales_order, commerce.order_line")
    await owner.close()


async def test_a_shop_sells_while_the_next_version_grows_its_tables(
    running: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_past(running)
    real = list_migrations(SYSTEMS)
    monkeypatch.setattr(migration, "list_migrations", lambda _systems: [*real, *NEXT])
    url = running.platform.owner.url
    waited: list[str] = []
    async with selling(running) as stream:
        # A report reads for long: whoever wants a table for itself has to wait, and nobody else with it.
        report = await asyncpg.connect(url)
        reading = report.transaction()
        await reading.start()
        await report.execute("SELECT count(*) FROM commerce.sales_order")
        upgrade = asyncio.create_task(apply_migrations(url, SYSTEMS, tell=waited.append))

        async def is_waiting() -> bool:
            return len(waited) >= 2 or upgrade.done()

        await wait_for(is_waiting, "the migration to be told that its table is taken")
        assert not upgrade.done()
        # Behind a queued lock of its own not one of these would come before the report ends.
        await stream.more(AFTERWARDS)
        assert not upgrade.done()
        await reading.rollback()
        await report.close()
        assert await upgrade == list(NEXT)
    assert any("commerce/9001_grow.sql waits" in text and "count(*)" in text for text in waited)
    assert await apply_migrations(url, SYSTEMS) == []


async def test_an_index_that_was_left_half_made_is_made_whole(
    running: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, merchant_id = running.platform.owner, running.shop.merchant_id
    url = running.platform.owner.url
    real = list_migrations(SYSTEMS)
    file = Migration(
        "commerce",
        9003,
        "unique",
        "-- outside a transaction\n"
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS next_place ON commerce.place (merchant_id, name);\n",
    )
    monkeypatch.setattr(migration, "list_migrations", lambda _systems: [*real, file])
    twins = [derive_id("twin", new_id()) for _ in range(2)]
    for place_id in twins:
        await owner.execute(
            "INSERT INTO commerce.place SELECT (jsonb_populate_record(p, jsonb_build_object('place_id', $2::uuid,"
            " 'name', 'Twin', 'code', $2::text))).* FROM commerce.place p WHERE merchant_id = $1 LIMIT 1",
            merchant_id,
            place_id,
        )
    with pytest.raises(migration.MigrationRefused, match="next_place"):
        await apply_migrations(url, SYSTEMS)
    await owner.execute(
        "UPDATE commerce.place SET name = 'Other' WHERE merchant_id = $1 AND place_id = $2",
        merchant_id,
        twins[0],
    )
    assert await apply_migrations(url, SYSTEMS) == [file]
    valid = await owner.fetchval(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'commerce.next_place'::regclass"
    )
    assert valid


def test_nobody_waits_for_a_migration_longer_than_a_blink() -> None:
    assert LOCK_TIMEOUT_MS <= 250
