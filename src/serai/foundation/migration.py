"""Migrations: numbered plain SQL files per system, applied once each, in order, under an advisory lock.

A file that was applied may not change afterwards: its checksum is kept and compared at every start.
"""

import hashlib
from collections.abc import Sequence
from importlib.resources import files

import asyncpg
import msgspec

from serai.foundation.errors import Outside

LOCK_KEY = 0x5E7A1
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 600_000


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


async def apply_migrations(url: str, systems: Sequence[str]) -> list[Migration]:
    """Bring the database to this version and return what was applied (empty when it was there already).

    Raises:
        MigrationRefused: a file fails, was changed after it had been applied, or the server is too old.
    """
    try:
        connection = await asyncpg.connect(url, command_timeout=STATEMENT_TIMEOUT_MS / 1000)
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise Outside("database", f"{type(error).__name__}: {error}") from error
    try:
        if connection.get_server_version().major < 15:
            raise MigrationRefused("PostgreSQL 15 or newer is needed")
        await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        return await _apply_missing(connection, list_migrations(systems), systems)
    finally:
        await connection.close()


async def list_applied(connection: asyncpg.Connection) -> list[str]:
    """What has been applied to a database, as ``system/number``; empty where there is no Serai."""
    if not await connection.fetchval("SELECT to_regclass('foundation.migration') IS NOT NULL"):
        return []
    rows = await connection.fetch("SELECT system, number FROM foundation.migration ORDER BY system, number")
    return [f"{row['system']}/{row['number']}" for row in rows]


async def _apply_missing(
    connection: asyncpg.Connection, migrations: list[Migration], systems: Sequence[str]
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
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO foundation.migration (system, number, name, checksum) VALUES ($1, $2, $3, $4)",
                    migration.system,
                    migration.number,
                    migration.name,
                    migration.checksum,
                )
        except asyncpg.PostgresError as error:
            raise MigrationRefused(f"{label}: {error}") from error
        applied.append(migration)
    return applied
