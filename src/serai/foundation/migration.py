"""Migrations: numbered plain SQL files per system, applied once each, in order, under an advisory lock.

A file that was applied may not change afterwards: its checksum is kept and compared at every start.

They run while a shop serves. A table's lock is asked for so briefly that nobody queues behind the request for longer; where
it is not given, the file is undone and tried again later. A file with the line ``-- outside a transaction`` is run statement
by statement, for indexes that are made CONCURRENTLY; each of its statements must bear being run twice.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from importlib.resources import files

import asyncpg
import msgspec

from serai.foundation.errors import Outside

LOCK_KEY = 0x5E7A1
# So long may everybody else wait for a table that a migration wants to lock.
LOCK_TIMEOUT_MS = 200
# So long a migration looks for a moment in which its tables are free.
PATIENCE_S = 600.0
PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
STATEMENT_TIMEOUT_MS = 600_000
OUTSIDE = re.compile(r"^-- outside a transaction$", re.MULTILINE)
INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+) ON (\w+)\.")
Tell = Callable[[str], None]


class Migration(msgspec.Struct, frozen=True):
    """One SQL file of one system."""

    system: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


class MigrationRefused(Outside):
    """The database cannot be brought to this version; the reason says which file and why."""

    def __init__(self, reason: str) -> None:
        super().__init__("migration", reason, retryable=False)


def list_migrations(systems: Sequence[str]) -> list[Migration]:
    """All migrations in order of application: systems as given, files by number."""
    found = []
    for system in systems:
        folder = files(f"serai.{system}") / "migrations"
        if not folder.is_dir():
            continue
        for entry in sorted(folder.iterdir(), key=lambda e: e.name):
            if entry.name.endswith(".sql"):
                number, _, name = entry.name.removesuffix(".sql").partition("_")
                found.append(Migration(system, int(number), name, entry.read_text(encoding="utf-8")))
    return found


async def apply_migrations(
    url: str, systems: Sequence[str], *, tell: Tell = lambda _text: None
) -> list[Migration]:
    """Bring the database to this version and return what was applied (empty when it was there already).

    Args:
        tell: hears in a sentence what a migration waits for.

    Raises:
        MigrationRefused: a file fails, was changed after it had been applied, found no free moment, or the server is too old.
    """
    try:
        connection = await asyncpg.connect(url, command_timeout=STATEMENT_TIMEOUT_MS / 1000)
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise Outside("database", f"{type(error).__name__}: {error}") from error
    try:
        if connection.get_server_version().major < 15:
            raise MigrationRefused("PostgreSQL 15 or newer is needed")
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        return await _apply_missing(connection, list_migrations(systems), systems, tell)
    finally:
        await connection.close()


async def list_applied(connection: asyncpg.Connection) -> list[str]:
    """What has been applied to a database, as ``system/number``; empty where there is no Serai."""
    if not await connection.fetchval("SELECT to_regclass('foundation.migration') IS NOT NULL"):
        return []
    rows = await connection.fetch("SELECT system, number FROM foundation.migration ORDER BY system, number")
    return [f"{row['system']}/{row['number']}" for row in rows]


async def _apply_missing(
    connection: asyncpg.Connection, migrations: list[Migration], systems: Sequence[str], tell: Tell
) -> list[Migration]:
    for system in systems:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {system}")  # sql: a system's own name
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS foundation.migration (system text, number integer, name text NOT NULL,"
        " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (system, number))"
    )
    rows = await connection.fetch("SELECT system, number, checksum FROM foundation.migration")
    known = {(row["system"], row["number"]): row["checksum"] for row in rows}
    applied = []
    for migration in migrations:
        label = f"{migration.system}/{migration.number:04}_{migration.name}.sql"
        checksum = known.get((migration.system, migration.number))
        if checksum is not None:
            if checksum != migration.checksum:
                raise MigrationRefused(f"{label} was changed after it had been applied to this database")
            continue
        try:
            if OUTSIDE.search(migration.sql):
                await _apply_outside(connection, migration)
            else:
                await _apply_patiently(connection, migration, label, tell)
        except asyncpg.PostgresError as error:
            raise MigrationRefused(f"{label}: {error}") from error
        applied.append(migration)
    return applied


async def _apply_patiently(
    connection: asyncpg.Connection, migration: Migration, label: str, tell: Tell
) -> None:
    """Apply a file whole, in a moment when its tables are free."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + PATIENCE_S
    pause_s = PAUSE_S
    while True:
        try:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await _note(connection, migration)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            holders = await _list_holders(connection)
            if loop.time() > give_up:
                raise MigrationRefused(
                    f"{label}: its tables were not free for a moment in {PATIENCE_S:.0f} s; open for long: {holders}"
                ) from None
            tell(f"{label} waits for a free moment; open for long: {holders}")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


async def _apply_outside(connection: asyncpg.Connection, migration: Migration) -> None:
    """Run a file's statements one by one. What an interrupted run left of an index is removed first."""
    await connection.execute("SET lock_timeout = 0")
    for statement in re.split(r";[ \t]*$", OUTSIDE.sub("", migration.sql), flags=re.MULTILINE):
        if not statement.strip():
            continue
        index = INDEX.search(statement)
        if index is not None:
            name, schema = index.groups()
            half_made = await connection.fetchval(
                "SELECT NOT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = $1 AND n.nspname = $2",
                name,
                schema,
            )
            if half_made:
                drop = f"DROP INDEX CONCURRENTLY {schema}.{name}"  # sql: what our own file calls it
                await connection.execute(drop)
        await connection.execute(statement)
    await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    await _note(connection, migration)


async def _note(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO foundation.migration (system, number, name, checksum) VALUES ($1, $2, $3, $4)",
        migration.system,
        migration.number,
        migration.name,
        migration.checksum,
    )


async def _list_holders(connection: asyncpg.Connection) -> str:
    """Who has had a transaction open for longest, for whoever wonders what a migration waits for."""
    rows = await connection.fetch(
        "SELECT pid, round(extract(epoch FROM now() - xact_start)) AS seconds, left(query, 60) AS query FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - interval '0.5 seconds'"
        " ORDER BY xact_start LIMIT 3"
    )
    return "; ".join(f"process {row['pid']} ({row['seconds']} s): {row['query']}" for row in rows) or "nobody"
