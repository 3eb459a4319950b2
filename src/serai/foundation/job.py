"""Jobs, written by the business transaction and run by the worker, and schedules, fired by pgqueuer.

Jobs are rows of a merchant under row-level security, which pgqueuer's own queue cannot be. A job runs at least once: a
failed one comes again with growing pauses and is parked with its reason after the last try.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import NotFound, Outside, Refused, _
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.metric import Counter

log = logging.getLogger("serai.job")

SCHEMA = "job"
MAX_TRIES = 9
FIRST_PAUSE_S = 10
MAX_PAUSE_S = 3 * 3600
# Longer than any handler may take: only the job of a dead worker is taken by another one.
LEASE_S = 300
BATCH = 20
POLL_S = 0.5

JOBS = Counter(
    "serai_jobs_total", "Tries of jobs, by name and outcome (done, failed, parked).", ("job", "outcome")
)
SCHEDULES = Counter(
    "serai_schedules_total", "Firings of schedules, by name and outcome.", ("schedule", "outcome")
)


class Job(msgspec.Struct, frozen=True):
    """A job as its handler gets it; ``tries`` counts this one. ``payload`` is what was enqueued, as JSON values."""

    merchant_id: MerchantId
    job_id: UUID
    name: str
    payload: Any
    tries: int


JobHandler = Callable[[Job], Awaitable[None]]


class ParkedJob(msgspec.Struct, frozen=True):
    """A job that nobody tries any more, and why. ``payload`` is what was enqueued, as JSON values."""

    job_id: UUID
    name: str
    tries: int
    reason: str
    made_at: datetime
    parked_at: datetime
    payload: Any


async def enqueue(tx: Transaction, name: str, payload: Any) -> UUID:
    """Leave work for the worker; it exists if and only if the transaction commits. Returns the job's id."""
    job_id, now = new_id(), clock.now()
    await tx.execute(
        "INSERT INTO foundation.job (merchant_id, job_id, name, payload, due_at, made_at) VALUES ($1, $2, $3, $4, $5, $5)",
        tx.merchant_id,
        job_id,
        name,
        payload,
        now,
    )
    return job_id


async def list_parked(tx: Transaction, *, limit: int = 50) -> list[ParkedJob]:
    """The merchant's parked jobs, the newest first."""
    rows = await tx.fetch(
        "SELECT job_id, name, tries, reason, made_at, parked_at, payload FROM foundation.job"
        " WHERE merchant_id = $1 AND parked_at IS NOT NULL ORDER BY parked_at DESC, job_id LIMIT $2",
        tx.merchant_id,
        limit,
    )
    return [ParkedJob(*row.values()) for row in rows]


async def count_parked(tx: Transaction) -> int:
    """How many of the merchant's jobs are parked."""
    count: int = await tx.fetchval(
        "SELECT count(*)::int FROM foundation.job WHERE merchant_id = $1 AND parked_at IS NOT NULL",
        tx.merchant_id,
    )
    return count


async def retry_parked(tx: Transaction, *, job_id: UUID) -> ParkedJob:
    """Let a parked job be tried afresh, with all its tries. NotFound ``job.not_parked``."""
    return _parked_or_refuse(
        await tx.fetchrow(
            "UPDATE foundation.job SET parked_at = NULL, tries = 0, due_at = $3 FROM (SELECT job_id AS id, tries AS tried,"
            "   parked_at AS since FROM foundation.job WHERE merchant_id = $1 AND job_id = $2 AND parked_at IS NOT NULL"
            "   FOR UPDATE) found WHERE merchant_id = $1 AND job_id = found.id"
            " RETURNING job_id, name, found.tried, reason, made_at, found.since, payload",
            tx.merchant_id,
            job_id,
            clock.now(),
        )
    )


async def drop_parked(tx: Transaction, *, job_id: UUID) -> ParkedJob:
    """Give a parked job up for good. NotFound ``job.not_parked``."""
    return _parked_or_refuse(
        await tx.fetchrow(
            "DELETE FROM foundation.job WHERE merchant_id = $1 AND job_id = $2 AND parked_at IS NOT NULL"
            " RETURNING job_id, name, tries, reason, made_at, parked_at, payload",
            tx.merchant_id,
            job_id,
        )
    )


def _parked_or_refuse(row: Any) -> ParkedJob:
    if row is None:
        raise NotFound("job.not_parked", _("This work is not parked (any more)."))
    return ParkedJob(*row.values())


async def run_due_jobs(owner: Database, handlers: Mapping[str, JobHandler], *, batch: int = BATCH) -> int:
    """Run the jobs that are due, over all merchants, at the same time. Returns how many were tried."""
    now = clock.now()
    rows = await owner.fetch(
        "UPDATE foundation.job j SET tries = j.tries + 1, due_at = $2 FROM ("
        "   SELECT merchant_id, job_id FROM foundation.job WHERE parked_at IS NULL AND due_at <= $1 AND name = ANY ($4)"
        "   ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) due"
        " WHERE j.merchant_id = due.merchant_id AND j.job_id = due.job_id"
        " RETURNING j.merchant_id, j.job_id, j.name, j.payload, j.tries",
        now,
        now + timedelta(seconds=LEASE_S),
        batch,
        list(handlers),
    )
    await asyncio.gather(*(_run_job(owner, Job(*row.values()), handlers[row["name"]]) for row in rows))
    return len(rows)


async def _run_job(owner: Database, job: Job, handle: JobHandler) -> None:
    try:
        await handle(job)
    except Exception as error:  # noqa: BLE001 - the worker's loop: one failed job must not end the others
        final = isinstance(error, Refused) or (isinstance(error, Outside) and not error.retryable)
        reason = f"{type(error).__name__}: {error}"[:500]
        if final or job.tries >= MAX_TRIES:
            log.error("job %s %s is parked after %s tries: %s", job.name, job.job_id, job.tries, reason)
            JOBS.add(job.name, "parked")
            await _park(owner, job, reason)
            return
        JOBS.add(job.name, "failed")
        pause_s = min(FIRST_PAUSE_S * 4 ** (job.tries - 1), MAX_PAUSE_S)
        log.warning("job %s %s failed and comes again in %s s: %s", job.name, job.job_id, pause_s, reason)
        await owner.execute(
            "UPDATE foundation.job SET due_at = $3, reason = $4 WHERE merchant_id = $1 AND job_id = $2",
            job.merchant_id,
            job.job_id,
            clock.now() + timedelta(seconds=pause_s),
            reason,
        )
        return
    JOBS.add(job.name, "done")
    await owner.execute(
        "DELETE FROM foundation.job WHERE merchant_id = $1 AND job_id = $2", job.merchant_id, job.job_id
    )


async def _park(owner: Database, job: Job, reason: str) -> None:
    await owner.execute(
        "UPDATE foundation.job SET parked_at = $3, reason = $4 WHERE merchant_id = $1 AND job_id = $2",
        job.merchant_id,
        job.job_id,
        clock.now(),
        reason,
    )


async def count_waiting(owner: Database) -> tuple[int, int, float]:
    """Over all merchants: jobs that are due, jobs that are parked, and for how many seconds the oldest due one waits."""
    row = await owner.fetchrow(
        "SELECT count(*) FILTER (WHERE parked_at IS NULL AND due_at <= $1) AS due,"
        " count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,"
        " coalesce(extract(epoch FROM $1 - min(due_at) FILTER (WHERE parked_at IS NULL AND due_at <= $1)), 0)::float8"
        " AS oldest_s FROM foundation.job",
        clock.now(),
    )
    assert row is not None
    return row["due"], row["parked"], row["oldest_s"]


async def run_jobs(owner: Database, handlers: Mapping[str, JobHandler], stopped: asyncio.Event) -> None:
    """Run jobs as they come until stopped; while the database is away, wait for it."""
    while not stopped.is_set():
        try:
            pause_s = 0.0 if await run_due_jobs(owner, handlers) else POLL_S
        except Exception:  # the worker's loop
            log.exception("jobs could not be read")
            pause_s = POLL_S * 4
        if pause_s:
            await asyncio.sleep(pause_s)


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
            SCHEDULES.add(schedule.name, "done")
        except Exception:  # the worker's loop: one failed run must not end the others
            SCHEDULES.add(schedule.name, "failed")
            log.exception("schedule %s failed", schedule.name)

    queuer.schedule(schedule.name, schedule.cron, clean_old=True)(run)
