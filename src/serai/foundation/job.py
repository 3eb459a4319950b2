"""Jobs and schedules by pgqueuer, on the same database: enqueued in the business transaction, run by the worker."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import msgspec
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from serai.foundation.database import Database

log = logging.getLogger("serai.job")

SCHEMA = "job"


class Schedule(msgspec.Struct, frozen=True):
    """Work that comes again and again: ``cron`` has five fields, or six with seconds last."""

    name: str
    cron: str
    run: Callable[[], Awaitable[object]]


def _configure() -> None:
    # pgqueuer reads the schema of its tables from its environment when it is first used.
    os.environ.setdefault("PGQUEUER_SCHEMA", SCHEMA)


async def install_jobs(url: str) -> None:
    """Make or upgrade pgqueuer's tables (owner's role), safe to repeat and to run at the same time twice."""
    _configure()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext('serai install jobs'))")
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")  # sql: our own constant
        queries = Queries(AsyncpgDriver(connection))
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            await queries.install()
    finally:
        await connection.close()


async def run_schedules(owner: Database, schedules: Sequence[Schedule], stopped: asyncio.Event) -> None:
    """Run schedules until stopped; over several workers each firing runs once. A failed run is logged and comes again."""
    _configure()
    while not stopped.is_set():
        queuer = PgQueuer.from_asyncpg_pool(owner.pool)
        for schedule in schedules:
            _register(queuer, schedule)
        running = asyncio.create_task(queuer.run(), name="schedules")
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        queuer.shutdown.set()
        stopping.cancel()
        results = await asyncio.gather(running, return_exceptions=True)
        if not stopped.is_set():
            log.warning("the schedules stopped and start again: %r", results[0])
            await asyncio.sleep(1)


def _register(queuer: PgQueuer, schedule: Schedule) -> None:
    async def run(_firing: object) -> None:
        try:
            await schedule.run()
        except Exception:  # the worker's loop: one failed run must not end the others
            log.exception("schedule %s failed", schedule.name)

    queuer.schedule(schedule.name, schedule.cron, clean_old=True)(run)
