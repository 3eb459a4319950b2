"""The ledger's database as far as the lane can tell: READ COMMITTED, row locks, unique keys, deadlocks, and every way to fail.

It stands behind ``serai.ledger.settle_groups.store`` and knows nothing of SQL. Written from PostgreSQL's documented rules, not
from our store: an insert of a key that a running transaction has inserted waits for that one's end; a lock is taken in the
order asked; a commit whose answer is lost has happened.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from serai.foundation.database import DatabaseUnreachable
from serai.foundation.event import Fact
from serai.ledger.logic import Movement, Reservation, Row
from serai.ledger.types import Account, Phase

Key = tuple[str, Any]
STATEMENT_TIMEOUT_S = 15.0


class Faults(msgspec.Struct, frozen=True):
    """How likely it is that a step of the database goes wrong."""

    lost: float = 0.0
    lost_after_commit: float = 0.0
    crash: float = 0.0
    freeze: float = 0.0
    freeze_s: float = 3.0


class SimTransaction:
    """One open transaction: what it has written, and the keys that it holds."""

    def __init__(self, database: "SimDatabase", merchant_id: Any) -> None:
        self.database = database
        self.merchant_id = merchant_id
        self.epoch = database.epoch
        self.rows: dict[Key, Any] = {}
        self.held: set[Key] = set()
        self.waits_for: SimTransaction | None = None
        self.over = asyncio.Event()
        self.facts: list[Fact] = []

    async def step(self) -> None:
        """One statement's way to the server and back."""
        await self.database.step(self)

    async def hold(self, key: Key) -> None:
        """Take a key, waiting for whoever has it; the one who would close a circle of waiters is refused."""
        database = self.database
        while (holder := database.holders.get(key)) is not None and holder is not self:
            self.waits_for = holder
            each: SimTransaction | None = holder
            while each is not None:
                if each is self:
                    self.waits_for = None
                    raise asyncpg.DeadlockDetectedError("deadlock detected")
                each = each.waits_for
            try:
                async with asyncio.timeout(STATEMENT_TIMEOUT_S):
                    await holder.over.wait()
            except TimeoutError:
                # A circle that runs through a lock of the process itself is none that the database could see.
                database.note("statement timeout")
                raise asyncpg.QueryCanceledError("canceling statement due to statement timeout") from None
            finally:
                self.waits_for = None
            database.check(self)
        database.holders[key] = self
        self.held.add(key)

    async def insert(self, key: Key, row: Any) -> None:
        if key in self.rows:
            raise asyncpg.UniqueViolationError(f"duplicate key {key}")
        await self.hold(key)
        if key in self.database.rows:
            raise asyncpg.UniqueViolationError(f"duplicate key {key}")
        self.rows[key] = row

    def read(self, key: Key) -> Any:
        return self.rows.get(key, self.database.rows.get(key))


class SimDatabase:
    """Committed rows by key, who holds which key, and a dice for faults."""

    def __init__(self, rng: random.Random, faults: Faults) -> None:
        self.rng = rng
        self.faults = faults
        self.rows: dict[Key, Any] = {}
        self.facts: list[Fact] = []
        self.holders: dict[Key, SimTransaction] = {}
        self.epoch = 0
        self.counts: dict[str, int] = {}
        self._frozen_until = 0.0

    def note(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def check(self, tx: SimTransaction) -> None:
        if tx.epoch != self.epoch:
            raise asyncpg.ConnectionDoesNotExistError("server closed the connection unexpectedly")

    async def step(self, tx: SimTransaction) -> None:
        loop = asyncio.get_running_loop()
        self.check(tx)
        await asyncio.sleep(self.rng.expovariate(500))
        if loop.time() < self._frozen_until:
            await asyncio.sleep(self._frozen_until - loop.time())
        self.check(tx)
        if self._happens(self.faults.freeze):
            self.note("freeze")
            self._frozen_until = loop.time() + self.faults.freeze_s
        if self._happens(self.faults.crash):
            self.note("crash")
            self.epoch += 1
        if self._happens(self.faults.lost):
            self.note("lost")
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        self.check(tx)

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self.rng.random() < chance

    @asynccontextmanager
    async def transaction(
        self, merchant_id: Any, mode: Literal["read", "write", "snapshot"] = "write"
    ) -> AsyncIterator[SimTransaction]:
        tx = SimTransaction(self, merchant_id)
        try:
            await tx.step()
            yield tx
            await tx.step()
            self.rows.update(tx.rows)
            self.facts += tx.facts
            if self._happens(self.faults.lost_after_commit):
                self.note("lost after commit")
                raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        except asyncpg.PostgresConnectionError as error:
            raise DatabaseUnreachable(str(error)) from error
        finally:
            for key in tx.held:
                del self.holders[key]
            tx.over.set()


class SimStore:
    """What ``serai.ledger.store`` offers to the lane, over the simulated database."""

    def __init__(self, *, takes_locks: bool = True) -> None:
        self.takes_locks = takes_locks

    async def lock_accounts(self, tx: SimTransaction, account_ids: Sequence[UUID]) -> dict[UUID, Row]:
        await tx.step()
        found: dict[UUID, Row] = {}
        for account_id in sorted(account_ids):
            if tx.read(("account", account_id)) is None:
                continue
            if self.takes_locks:
                await tx.hold(("account", account_id))
            known, sums = tx.read(("account", account_id))
            found[account_id] = Row(known, list(sums))
        return found

    async def lock_sums(self, tx: SimTransaction, accounts: Mapping[UUID, Account]) -> dict[UUID, Row]:
        return await self.lock_accounts(tx, list(accounts))

    async def add_accounts(self, tx: SimTransaction, accounts: Iterable[Account]) -> None:
        await tx.step()
        for each in sorted(accounts, key=lambda a: a.account_id):
            await tx.hold(("account", each.account_id))
            if tx.read(("account", each.account_id)) is None:
                tx.rows["account", each.account_id] = (each, (0, 0, 0, 0))

    async def list_reservations(
        self, tx: SimTransaction, pending_ids: Sequence[UUID]
    ) -> list[dict[str, Any]]:
        await tx.step()
        found = [tx.read(("transfer", each)) for each in pending_ids]
        return [
            {
                "transfer_id": m.transfer.transfer_id, "debit_id": m.debit_id, "credit_id": m.credit_id,
                "unit_id": m.unit_id, "amount": m.amount, "expires_at": m.transfer.expires_at,
            }
            for m in dict.fromkeys(each for each in found if each is not None)
            if m.transfer.phase is Phase.PENDING
        ]  # fmt: skip

    async def list_existing(
        self, tx: SimTransaction, transfer_ids: Sequence[UUID], pending_ids: Sequence[UUID]
    ) -> list[dict[str, Any]]:
        await tx.step()
        found = [tx.read(("transfer", each)) for each in transfer_ids]
        found += [tx.read(("resolution", each)) for each in pending_ids]
        return [
            {
                "transfer_id": m.transfer.transfer_id,
                "group_id": m.group.group_id,
                "pending_id": m.transfer.pending_id,
            }
            for m in found
            if m is not None
        ]

    async def write_transfers(self, tx: SimTransaction, movements: Sequence[Movement], at: datetime) -> None:
        await tx.step()
        for movement in movements:
            await tx.insert(("transfer", movement.transfer.transfer_id), movement)
            if movement.transfer.pending_id is not None:
                await tx.insert(("resolution", movement.transfer.pending_id), movement)

    async def write_sums(self, tx: SimTransaction, rows: Sequence[Row]) -> None:
        await tx.step()
        for row in sorted(rows, key=lambda each: each.account.account_id):
            key = ("account", row.account.account_id)
            if row.is_new:
                await tx.insert(key, (row.account, tuple(row.sums)))
            else:
                if self.takes_locks:
                    await tx.hold(key)
                tx.rows[key] = (row.account, tuple(row.sums))

    async def write_batch(
        self, tx: SimTransaction, rows: Sequence[Row], movements: Sequence[Movement], at: datetime
    ) -> None:
        await self.write_transfers(tx, movements, at)
        await self.write_sums(tx, rows)

    @staticmethod
    def reservation_of(row: dict[str, Any], resolved: set[UUID]) -> Reservation:
        return Reservation(*row.values(), row["transfer_id"] in resolved)


async def append_facts(tx: SimTransaction, facts: Sequence[Fact]) -> None:
    if facts:
        await tx.step()
        tx.facts += facts


async def write_documents(tx: SimTransaction, documents: list[UUID]) -> None:
    """The writer of the simulated orders: one row per document, under a unique key."""
    await tx.step()
    for each in documents:
        await tx.insert(("document", each), True)
