"""Migrations: once each, in order, whole or not at all, and never from a file that was changed afterwards."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tests.conftest import make_database

from serai.foundation import migration
from serai.foundation.errors import Outside
from serai.foundation.migration import Migration, MigrationRefused, apply_migrations, list_migrations
from serai.main.systems import SYSTEMS

FIRST = Migration("foundation", 1, "first", "CREATE TABLE foundation.one (n integer)")
SECOND = Migration(
    "foundation",
    2,
    "second",
    "CREATE TABLE foundation.two (n integer); INSERT INTO foundation.two VALUES (2)",
)
HALF = "CREATE TABLE foundation.three (n integer); INSERT INTO foundation.nine VALUES (1)"
BROKEN = Migration("foundation", 3, "broken", HALF)


@pytest.fixture
async def empty_url(server_url: str) -> str:
    return await make_database(server_url, f"serai_empty_{uuid4().hex[:12]}")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let these be the files of the house."""

    def choose(*files: Migration) -> None:
        monkeypatch.setattr(migration, "list_migrations", lambda _systems: list(files))

    return choose


async def fetchval(url: str, sql: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_files_are_applied_once_and_in_order(empty_url: str, use: Any):
    use(FIRST)
    assert await apply_migrations(empty_url, ["foundation"]) == [FIRST]
    use(FIRST, SECOND)
    assert await apply_migrations(empty_url, ["foundation"]) == [SECOND]
    assert await apply_migrations(empty_url, ["foundation"]) == []
    assert await fetchval(empty_url, "SELECT count(*) FROM foundation.two") == 1


async def test_a_broken_file_is_refused_by_name_and_leaves_nothing_of_itself(empty_url: str, use: Any):
    use(FIRST, BROKEN)
    with pytest.raises(MigrationRefused) as refused:
        await apply_migrations(empty_url, ["foundation"])
    assert "foundation/0003_broken.sql" in refused.value.reason
    assert "nine" in refused.value.reason
    assert await fetchval(empty_url, "SELECT to_regclass('foundation.three')") is None
    assert await fetchval(empty_url, "SELECT to_regclass('foundation.one')") is not None
    assert await fetchval(empty_url, "SELECT array_agg(number) FROM foundation.migration") == [1]
    mended = Migration("foundation", 3, "broken", "CREATE TABLE foundation.three (n integer)")
    use(FIRST, mended)
    assert await apply_migrations(empty_url, ["foundation"]) == [mended]


async def test_a_file_that_was_changed_after_it_had_been_applied_is_refused(empty_url: str, use: Any):
    use(FIRST)
    await apply_migrations(empty_url, ["foundation"])
    use(Migration("foundation", 1, "first", FIRST.sql + " -- changed"), SECOND)
    with pytest.raises(MigrationRefused, match="changed after"):
        await apply_migrations(empty_url, ["foundation"])
    assert await fetchval(empty_url, "SELECT to_regclass('foundation.two')") is None


async def test_runs_at_the_same_time_apply_every_file_once(empty_url: str, use: Any):
    slow = Migration("foundation", 2, "slow", "SELECT pg_sleep(0.3); " + SECOND.sql)
    use(FIRST, slow)
    applied = await asyncio.gather(*(apply_migrations(empty_url, ["foundation"]) for _ in range(4)))
    assert sorted(len(each) for each in applied) == [0, 0, 0, 2]
    assert await fetchval(empty_url, "SELECT count(*) FROM foundation.two") == 1


async def test_a_file_waits_for_a_free_moment_and_nobody_waits_behind_it(
    empty_url: str, use: Any, monkeypatch: pytest.MonkeyPatch
):
    use(FIRST)
    await apply_migrations(empty_url, ["foundation"])
    reader = await asyncpg.connect(empty_url)
    reading = reader.transaction()
    await reading.start()
    await reader.execute("SELECT * FROM foundation.one")
    use(FIRST, Migration("foundation", 2, "grow", "ALTER TABLE foundation.one ADD COLUMN m integer"))
    told: asyncio.Queue[str] = asyncio.Queue()
    growing = asyncio.create_task(apply_migrations(empty_url, ["foundation"], tell=told.put_nowait))
    assert "foundation/0002_grow.sql waits for a free moment" in await told.get()
    assert f"process {reader.get_server_pid()}" in await told.get()
    # Who comes meanwhile is served, again and again.
    for _ in range(3):
        assert await fetchval(empty_url, "INSERT INTO foundation.one VALUES (1) RETURNING n") == 1
    await reading.rollback()
    assert len(await growing) == 1
    monkeypatch.setattr(migration, "PATIENCE_S", 0.0)
    await reader.execute("BEGIN; SELECT * FROM foundation.one")
    use(FIRST, growing.result()[0], Migration("foundation", 3, "more", "DROP TABLE foundation.one"))
    with pytest.raises(MigrationRefused, match="were not free"):
        await apply_migrations(empty_url, ["foundation"])
    await reader.close()
    assert await fetchval(empty_url, "SELECT count(*) FROM foundation.one") == 3


async def test_a_second_machine_waits_however_long_the_first_takes(empty_url: str, use: Any):
    use(FIRST)
    first = await asyncpg.connect(empty_url)
    await first.execute("SELECT pg_advisory_lock($1)", migration.LOCK_KEY)
    second = asyncio.create_task(apply_migrations(empty_url, ["foundation"]))
    await asyncio.sleep(migration.LOCK_TIMEOUT_MS / 1000 * 2)
    assert not second.done()
    await first.close()
    assert await second == [FIRST]


async def test_the_houses_own_files_apply_to_an_empty_database_and_to_none_twice(empty_url: str):
    applied = await apply_migrations(empty_url, SYSTEMS)
    assert applied == list_migrations(SYSTEMS)
    numbers = [(each.system, each.number) for each in applied]
    assert len(set(numbers)) == len(numbers)
    assert await apply_migrations(empty_url, SYSTEMS) == []


async def test_a_database_that_is_not_there_is_told_as_such(tmp_path: Path):
    with pytest.raises(Outside) as refused:
        await apply_migrations(f"postgresql://nobody@/none?host={tmp_path}", SYSTEMS)
    assert refused.value.party == "database"
