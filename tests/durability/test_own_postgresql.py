"""One's own PostgreSQL: the parts that lean on the database most pass on the system's server as on the embedded one."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.durability.own_postgresql import OLDEST_MAJOR, run_own_postgresql

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("tests/ledger", "tests/journeys", "tests/tidy/test_schema.py")
LIMIT_S = 300

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(LIMIT_S + 60),
    pytest.mark.xdist_group("own postgresql"),
]


@pytest.fixture(scope="module")
def own_url() -> Iterator[str]:
    with run_own_postgresql() as url:
        yield url


def test_the_server_is_the_systems_own_and_as_old_as_allowed(own_url: str) -> None:
    async def ask() -> int:
        connection = await asyncpg.connect(own_url)
        try:
            return int(await connection.fetchval("SHOW server_version_num")) // 10_000
        finally:
            await connection.close()

    assert asyncio.run(ask()) >= OLDEST_MAJOR


@pytest.mark.parametrize("part", PARTS)
def test_the_part_passes_there(own_url: str, part: str) -> None:
    # A pytest of its own: the server is chosen once per session, and this one has chosen the embedded one.
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SERAI_"))
    }
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", part],
        cwd=ROOT,
        env=environ | {"SERAI_TEST_DATABASE_URL": own_url},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
    assert " skipped" not in run.stdout
