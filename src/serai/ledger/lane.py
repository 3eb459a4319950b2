"""The lane: group commit for everything that moves stock, money or counters, and the only way into the ledger.

Callers hand in groups and wait. While one batch is at the database the next collects, so batches are small when it is
quiet and large under load, without a timer. A batch is one transaction:

    1  read the reservations that it resolves (rows that never change)
    2  lock every touched account in key order; the missing ones are opened with the sums that step 5 writes
    3  read which of its transfers exist already and which reservations are resolved, under the locks
    4  decide in memory, in arrival order (``logic.decide``)
    5  write sums and transfers with one statement, then the groups' documents and facts, one statement per writer
    6  commit, and only then answer

What may fail: a broken connection leaves the commit in doubt, so the batch is tried again and finds its own transfers; a
statement that breaks (a poisoned document) makes the batch split in halves until the culprit stands alone.
"""

import asyncio
from collections import deque
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from serai.foundation import clock
from serai.foundation.database import Database, DatabaseUnreachable, Transaction
from serai.foundation.errors import Limited, _
from serai.foundation.event import append_facts
from serai.foundation.ids import MerchantId
from serai.ledger import store
from serai.ledger.logic import Decision, Reservation, Row, check_group, decide
from serai.ledger.types import Account, Group, Outcome, Writer

BROKEN = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, DatabaseUnreachable, OSError, TimeoutError)
AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)


class LaneSettings(msgspec.Struct, frozen=True):
    """Limits of one lane.

    Attributes:
        batch_groups: most groups in one transaction; past some hundred, larger batches stop paying.
        queue_groups: most groups waiting; one more is refused as ``ledger.busy``.
        patience_s: how long a batch is tried again while the database does not answer.
    """

    batch_groups: int = 256
    queue_groups: int = 20_000
    patience_s: float = 20.0


class _Ticket(msgspec.Struct, eq=False):
    merchant_id: MerchantId
    group: Group
    answer: asyncio.Future[Outcome]


class Lane:
    """One lane of one process. :meth:`start` it inside the event loop, :meth:`stop` drains it."""

    def __init__(self, database: Database, settings: LaneSettings | None = None) -> None:
        self._database = database
        self._settings = settings or LaneSettings()
        self._waiting: dict[MerchantId, deque[_Ticket]] = {}
        self._order: deque[MerchantId] = deque()
        self._count = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.batches = 0
        self.groups = 0

    def start(self) -> None:
        """Begin to take batches."""
        self._task = asyncio.create_task(self._run(), name="ledger lane")

    async def stop(self) -> None:
        """Finish what waits, then end."""
        self._stopping = True
        self._wake.set()
        if self._task:
            await self._task

    @property
    def depth(self) -> int:
        """How many groups wait."""
        return self._count

    async def submit(self, merchant_id: MerchantId, group: Group) -> Outcome:
        """Hand in one group and wait until it is durable (or refused).

        Raises:
            ValueError: the group is malformed (a bug of the caller).
            Limited: ``ledger.busy``, too many groups wait.
            DatabaseUnreachable: the database did not answer within the lane's patience; the group may be sent again.
        """
        check_group(group)
        if self._stopping or self._count >= self._settings.queue_groups:
            raise Limited(
                "ledger.busy", _("The shop is very busy. Please try again in a moment."), retry_after_s=2
            )
        ticket = _Ticket(merchant_id, group, asyncio.get_running_loop().create_future())
        queue = self._waiting.get(merchant_id)
        if queue is None:
            queue = self._waiting[merchant_id] = deque()
            self._order.append(merchant_id)
        queue.append(ticket)
        self._count += 1
        self._wake.set()
        return await ticket.answer

    async def _run(self) -> None:
        while True:
            if not self._order:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                # Requests that were read in the same turn of the event loop join the first batch.
                await asyncio.sleep(0)
                continue
            await self._settle(self._take_batch())

    def _take_batch(self) -> list[_Ticket]:
        """The next batch: one merchant's groups in arrival order, merchants taking turns."""
        merchant_id = self._order.popleft()
        queue = self._waiting[merchant_id]
        batch = [queue.popleft() for _ in range(min(len(queue), self._settings.batch_groups))]
        self._count -= len(batch)
        if queue:
            self._order.append(merchant_id)
        else:
            del self._waiting[merchant_id]
        return [ticket for ticket in batch if not ticket.answer.done()]

    async def _settle(self, batch: list[_Ticket]) -> None:
        """Answer every ticket of a batch, splitting it where one of them breaks the statement."""
        if not batch:
            return
        try:
            outcomes = await self._try_patiently(batch[0].merchant_id, [ticket.group for ticket in batch])
        except Exception as error:  # noqa: BLE001 - the caller gets it; the lane itself must live on
            if len(batch) > 1 and not isinstance(error, DatabaseUnreachable):
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
                return
            for ticket in batch:
                if not ticket.answer.done():
                    ticket.answer.set_exception(error)
            return
        self.batches += 1
        self.groups += len(batch)
        for ticket, outcome in zip(batch, outcomes, strict=True):
            if not ticket.answer.done():
                ticket.answer.set_result(outcome)

    async def _try_patiently(self, merchant_id: MerchantId, groups: list[Group]) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.patience_s
        pause_s, again = 0.02, 0
        while True:
            try:
                return await settle_groups(self._database, merchant_id, groups, opens_first=again > 0)
            except AGAIN:
                again += 1
                if again > 3:
                    raise
            except BROKEN as error:
                if loop.time() > deadline:
                    raise DatabaseUnreachable(f"{type(error).__name__}: {error}") from error
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)


async def settle_groups(
    database: Database, merchant_id: MerchantId, groups: list[Group], *, opens_first: bool = False
) -> list[Outcome]:
    """Settle one batch in one transaction and return an outcome per group, in order.

    Accounts that do not exist yet are opened by the batch itself, with the sums they end up with. Should another lane
    open one of them in the same moment, the database refuses the batch; it is then settled with ``opens_first``: missing
    accounts in a transaction of their own, so that nothing waits for a foreign insert while holding locks.

    Raises:
        asyncpg.UniqueViolationError: another lane was faster; to be tried again with ``opens_first``.
    """
    accounts, pending_ids = _touched(groups)
    while True:
        async with database.transaction(merchant_id) as tx:
            if pending_ids:
                pendings = await store.list_reservations(tx, pending_ids)
                sides = {row[side] for row in pendings for side in ("debit_id", "credit_id")}
                rows = await store.lock_accounts(tx, list(sides.union(accounts)))
            else:
                pendings = []
                rows = await store.lock_sums(tx, accounts)
            missing = [account for account_id, account in accounts.items() if account_id not in rows]
            if not missing or not opens_first:
                for account in missing:
                    rows[account.account_id] = Row(account, [0, 0, 0, 0], is_new=True)
                decision = await _decide_locked(tx, groups, rows, pendings, pending_ids)
                await _write(tx, rows, decision)
                return decision.outcomes
        async with database.transaction(merchant_id) as tx:
            await store.add_accounts(tx, missing)


def _touched(groups: list[Group]) -> tuple[dict[UUID, Account], list[UUID]]:
    accounts: dict[UUID, Account] = {}
    pending_ids: list[UUID] = []
    for group in groups:
        for transfer in group.transfers:
            if transfer.pending_id is not None:
                pending_ids.append(transfer.pending_id)
                continue
            for account in (transfer.debit, transfer.credit):
                assert account is not None
                accounts[account.account_id] = account
    return accounts, pending_ids


async def _decide_locked(
    tx: Transaction, groups: list[Group], rows: dict[UUID, Row], pendings: list[Any], pending_ids: list[UUID]
) -> Decision:
    transfer_ids = [transfer.transfer_id for group in groups for transfer in group.transfers]
    found = await store.list_existing(tx, transfer_ids, pending_ids)
    existing = {row["transfer_id"]: row["group_id"] for row in found}
    resolved = {row["pending_id"] for row in found if row["pending_id"]}
    reservations: dict[UUID, Reservation] = {
        row["transfer_id"]: store.reservation_of(row, resolved) for row in pendings
    }
    return decide(rows, groups, existing, reservations, clock.now())


async def _write(tx: Transaction, rows: dict[UUID, Row], decision: Decision) -> None:
    if not decision.passed:
        return
    touched = [row for row in rows.values() if row.touched]
    await store.write_batch(tx, touched, decision.movements, clock.now())
    by_writer: dict[Writer, list[Any]] = {}
    for group in decision.passed:
        for write in group.writes:
            by_writer.setdefault(write.writer, []).append(write.row)
    for writer, batch_rows in by_writer.items():
        await writer(tx, batch_rows)
    await append_facts(tx, [fact for group in decision.passed for fact in group.facts])
