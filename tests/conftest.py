"""Real PostgreSQL for every test: one server and one database per test worker, one merchant of its own per test.

Tenancy does the isolation: a test never sees another test's rows, so nothing is truncated between them and the whole
database is checked against the invariants when the worker ends.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from serai.foundation.database import Database, open_database
from serai.foundation.embedded import prepare_cluster, start_server, stop_server
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.migration import apply_migrations
from serai.ledger.api import Lane
from serai.main.systems import SYSTEMS


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a PostgreSQL server: SERAI_TEST_DATABASE_URL, or an embedded one of this test worker."""
    given = os.environ.get("SERAI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    cluster = prepare_cluster(tmp_path_factory.mktemp("postgres") / "data")
    # A test database may be lost with the machine; what is tested with kill -9 sets its own.
    process = start_server(cluster, fsync="off", full_page_writes="off", shared_buffers="128MB")
    yield cluster.url()
    stop_server(process)


async def make_database(server_url: str, name: str) -> str:
    """Create an empty database on the server and return its address."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    parts = urlsplit(server_url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def database_url(server_url: str) -> str:
    """A migrated database of this test worker, owner role."""

    async def prepare() -> str:
        url = await make_database(server_url, f"serai_test_{uuid4().hex[:12]}")
        await apply_migrations(url, SYSTEMS)
        return url

    return asyncio.run(prepare())


@pytest.fixture(scope="session")
async def db(database_url: str) -> AsyncIterator[Database]:
    """Pool of the application's role."""
    database = await open_database(database_url, size=16)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def owner(database_url: str) -> AsyncIterator[Database]:
    """Pool of the owner's role, past row-level security."""
    database = await open_database(database_url, role=None, size=3)
    yield database
    await database.close()


@pytest.fixture
async def lane(db: Database) -> AsyncIterator[Lane]:
    running = Lane(db)
    running.start()
    yield running
    await running.stop()


@pytest.fixture
def merchant_id() -> MerchantId:
    """A merchant that no other test knows."""
    return MerchantId(new_id())
