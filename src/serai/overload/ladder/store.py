"""Rows of switches, and of what web workers tell each other."""

from datetime import datetime
from uuid import UUID

from serai.foundation.database import Database, Rows, Transaction


async def list_switches(tx: Transaction) -> Rows:
    return await tx.fetch(
        "SELECT name, mode, changed_by, changed_at FROM overload.switch WHERE merchant_id = $1",
        tx.merchant_id,
    )


async def save_switch(tx: Transaction, name: str, mode: str, by: str, at: datetime) -> str | None:
    """Set a mode and return the one before."""
    before: str | None = await tx.fetchval(
        "SELECT mode FROM overload.switch WHERE merchant_id = $1 AND name = $2 FOR UPDATE",
        tx.merchant_id,
        name,
    )
    await tx.execute(
        "INSERT INTO overload.switch (merchant_id, name, mode, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (merchant_id, name) DO UPDATE SET mode = $3, changed_by = $4, changed_at = $5",
        tx.merchant_id,
        name,
        mode,
        by,
        at,
    )
    return before


async def list_decided(owner: Database) -> Rows:
    """Every merchant's decisions that differ from ``auto``."""
    return await owner.fetch("SELECT merchant_id, name, mode FROM overload.switch WHERE mode <> 'auto'")


async def tell_level(owner: Database, worker_id: UUID, level: int, pressure: float) -> None:
    """Say how pressed a worker is, by the database's clock."""
    await owner.execute(
        "INSERT INTO overload.worker (worker_id, level, pressure, told_at) VALUES ($1, $2, $3, clock_timestamp())"
        " ON CONFLICT (worker_id) DO UPDATE SET level = $2, pressure = $3, told_at = clock_timestamp()",
        worker_id,
        level,
        pressure,
    )


async def forget_worker(owner: Database, worker_id: UUID) -> None:
    await owner.execute("DELETE FROM overload.worker WHERE worker_id = $1", worker_id)


async def forget_silent(owner: Database, after_s: float) -> None:
    """Drop what workers told that have been silent for long."""
    await owner.execute(
        "DELETE FROM overload.worker WHERE told_at < clock_timestamp() - make_interval(secs => $1)", after_s
    )


async def list_levels(db: Database, within_s: float) -> Rows:
    """What workers have told in the last seconds."""
    return await db.fetch(
        "SELECT worker_id, level, pressure FROM overload.worker"
        " WHERE told_at > clock_timestamp() - make_interval(secs => $1)",
        within_s,
    )
