"""The lane: group commit for everything that moves stock, money or counters, and the only way into the ledger.

Callers hand in groups and wait. While one batch is at the database the next collects, so batches are small when it is
quiet and large under load, without a timer. A batch is one transaction:

    1  read the reservations that it resolves (rows that never change)
    2  lock every touched account in key order; the missing ones are opened with the sums that step 5 writes
    3  read which of its transfers exist already and which reservations are resolved, under the locks
    4  decide in memory, in arrival order (``logic.decide``)
    5  write sums and transfers with one statement, then the groups' documents and facts, one statement per writer
    6  commit, and only then answer

Groups that resolve nothing and whose documents are new rows (orders) go a faster way: documents first, then 2-6, with a
second batch writing its documents meanwhile. Such a batch passes whole; when a group in it is refused or repeated, it is
undone and settled in the order above.

What may fail: a broken connection leaves the commit in doubt, so the batch is tried again and finds its own transfers; a
statement that breaks (a poisoned document) makes the batch split in halves until the culprit stands alone.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from uuid import UUID

import asyncpg
import msgspec

from serai.foundation.database import Database, DatabaseUnreachable
from serai.foundation.errors import Limited, _
from serai.foundation.ids import MerchantId
from serai.foundation.trace import span
from serai.ledger import measure
from serai.ledger.logic import check_group
from serai.ledger.settle_groups import NotAllPassError, settle_early, settle_groups
from serai.ledger.types import Group, Outcome, is_early

BROKEN = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, DatabaseUnreachable, OSError, TimeoutError)
AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)


class LaneSettings(msgspec.Struct, frozen=True):
    """Limits of one lane.

    Attributes:
        batch_groups: most groups in one transaction; past some hundred, larger batches stop paying.
        early_batches: most batches of early groups under way at once.
        overlap_groups: how many early groups must wait for a further batch to start beside one under way.
        queue_groups: most groups waiting; one more is refused as ``ledger.busy``.
        patience_s: how long a batch is tried again while the database does not answer.
    """

    batch_groups: int = 192
    early_batches: int = 3
    overlap_groups: int = 32
    queue_groups: int = 20_000
    patience_s: float = 20.0


class _Ticket(msgspec.Struct, eq=False):
    merchant_id: MerchantId
    group: Group
    answer: asyncio.Future[Outcome]


# Whose groups, and whether they are early: what one batch has in common.
_Line = tuple[MerchantId, bool]


class Lane:
    """One lane of one process. :meth:`start` it inside the event loop, :meth:`stop` drains it."""

    def __init__(self, database: Database, settings: LaneSettings | None = None) -> None:
        self._database = database
        self._settings = settings or LaneSettings()
        self._waiting: dict[_Line, deque[_Ticket]] = {}
        self._order: deque[_Line] = deque()
        self._count = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._under_way: dict[asyncio.Task[None], _Line] = {}
        self._early_ids: set[UUID] = set()
        self._twins: list[_Ticket] = []
        self._turn = asyncio.Lock()
        self._backoff = _Backoff()
        self.batches = 0
        self.groups = 0
        self.undone = 0
        self._forget_depth: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to take batches."""
        self._forget_depth = measure.DEPTH.read_from(lambda: [((), self._count)])
        self._task = asyncio.create_task(self._run(), name="ledger lane")

    async def stop(self) -> None:
        """Finish what waits, then end."""
        self._stopping = True
        self._wake.set()
        if self._task:
            await self._task
            self._task = None
            self._forget_depth()

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
            measure.GROUPS.add("busy")
            raise Limited(
                "ledger.busy", _("The shop is very busy. Please try again in a moment."), retry_after_s=2
            )
        ticket = _Ticket(merchant_id, group, asyncio.get_running_loop().create_future())
        self._enqueue(ticket)
        self._count += 1
        self._wake.set()
        began = perf_counter()
        with span("lane group", waiting=self._count):
            outcome = await ticket.answer
        measure.GROUP_SECONDS.observe(perf_counter() - began)
        return outcome

    def _enqueue(self, ticket: _Ticket) -> None:
        line = (ticket.merchant_id, is_early(ticket.group))
        queue = self._waiting.get(line)
        if queue is None:
            queue = self._waiting[line] = deque()
            self._order.append(line)
        queue.append(ticket)

    async def _run(self) -> None:
        while True:
            line = self._choose_line()
            if line is not None:
                self._begin(line)
                continue
            if self._stopping and not self._order and not self._under_way:
                return
            self._wake.clear()
            await self._wake.wait()
            # Requests that were read in the same turn of the event loop join the first batch.
            await asyncio.sleep(0)

    def _choose_line(self) -> _Line | None:
        """The next line that may start a batch now; lines take turns.

        One batch at a time, and further ones of early groups while enough of them wait to be worth a transaction.
        """
        for line in self._order:
            _merchant_id, is_early_line = line
            beside = sum(other[1] == is_early_line for other in self._under_way.values())
            worth_it = is_early_line and len(self._waiting[line]) >= self._settings.overlap_groups
            if beside == 0 or (worth_it and beside < self._settings.early_batches):
                return line
        return None

    def _begin(self, line: _Line) -> None:
        batch = self._take_batch(line)
        if not batch:
            # Nothing but twins, which come again when a batch ends; begun now they would only spin until then.
            return
        task = asyncio.create_task(self._work(line, batch), name="ledger batch")
        self._under_way[task] = line
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        line = self._under_way.pop(task)
        if line[1]:
            twins, self._twins = self._twins, []
            for ticket in twins:
                self._enqueue(ticket)
        self._wake.set()

    def _take_batch(self, line: _Line) -> list[_Ticket]:
        """The next batch of a line, in order of arrival.

        An early group whose twin is under way waits for it: two transactions that write one document before their locks
        could wait for each other.
        """
        self._order.remove(line)
        queue = self._waiting[line]
        taken = [queue.popleft() for _ in range(min(len(queue), self._settings.batch_groups))]
        if queue:
            self._order.append(line)
        else:
            del self._waiting[line]
        batch = [ticket for ticket in taken if not ticket.answer.done()]
        self._count -= len(taken)
        if not line[1]:
            return batch
        alone = []
        for ticket in batch:
            if ticket.group.group_id in self._early_ids:
                self._twins.append(ticket)
                self._count += 1
            else:
                self._early_ids.add(ticket.group.group_id)
                alone.append(ticket)
        return alone

    async def _work(self, line: _Line, batch: list[_Ticket]) -> None:
        try:
            await self._settle(batch, early=line[1])
        finally:
            if line[1]:
                self._early_ids.difference_update(ticket.group.group_id for ticket in batch)

    async def _settle(self, batch: list[_Ticket], *, early: bool) -> None:
        """Answer every ticket of a batch, splitting it where one of them breaks the statement."""
        if not batch:
            return
        merchant_id, groups = batch[0].merchant_id, [ticket.group for ticket in batch]
        began, way = perf_counter(), "early"
        try:
            outcomes = await self._try_early(merchant_id, groups) if early else None
            if outcomes is None:
                way = "full"
                outcomes = await self._try_patiently(merchant_id, groups)
        except Exception as error:  # noqa: BLE001 - the caller gets it; the lane itself must live on
            if len(batch) > 1 and not isinstance(error, DatabaseUnreachable):
                middle = len(batch) // 2
                await self._settle(batch[:middle], early=False)
                await self._settle(batch[middle:], early=False)
                return
            for ticket in batch:
                if not ticket.answer.done():
                    ticket.answer.set_exception(error)
            return
        self.batches += 1
        self.groups += len(batch)
        measure.note_batch(groups, outcomes, perf_counter() - began, way)
        for ticket, outcome in zip(batch, outcomes, strict=True):
            if not ticket.answer.done():
                ticket.answer.set_result(outcome)

    async def _try_early(self, merchant_id: MerchantId, groups: list[Group]) -> list[Outcome] | None:
        """Outcomes when all pass at the first try; None when the batch has to go the way that settles everything."""
        if not self._backoff.allows():
            return None
        try:
            outcomes = await settle_early(self._database, merchant_id, groups, self._turn)
        except (NotAllPassError, asyncpg.PostgresError, *BROKEN):
            self._backoff.failed()
            self.undone += 1
            return None
        self._backoff.passed()
        return outcomes

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
                if isinstance(error, ValueError):
                    # The driver could not encode an argument: a poisoned document, not a broken connection.
                    raise
                if loop.time() > deadline:
                    raise DatabaseUnreachable(f"{type(error).__name__}: {error}") from error
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)


class _Backoff:
    """How many batches skip the early way after one had to be undone: a sold-out SKU would undo every one of them."""

    MOST = 64

    def __init__(self) -> None:
        self._rest = 0
        self._last = 1

    def allows(self) -> bool:
        self._rest -= self._rest > 0
        return self._rest == 0

    def failed(self) -> None:
        self._last = min(2 * self._last, self.MOST)
        self._rest = self._last

    def passed(self) -> None:
        self._last = 1
