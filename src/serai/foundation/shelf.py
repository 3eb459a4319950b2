"""What a process keeps in memory of tables that change slowly, and how it learns that they did.

Rows of goods, prices, rates and places are read once and kept. A statement that changes such a table leaves a row in
``foundation.change`` (a trigger sees to it). Before a request uses what is kept, the process asks for changes that were
committed until then: one small query for all requests that wait at that moment, not one each. What a request sees is
therefore never older than the request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
# What was loaded, by key, each with the ids it is about; a change of one of them takes it away.
Loaded = Mapping[K, tuple[V, Iterable[UUID]]]
Load = Callable[[list[K]], Awaitable[Loaded[K, V]]]

MOST_KEPT = 400_000
# More changes than this at once: everything is dropped.
MOST_CHANGES = 2_000
# A transaction that nobody gets to: with the first look nothing is on the shelf yet.
NEVER = 1 << 62
# Where more than a few share a look, looks begin at most this often; what comes in between waits for the next one together.
LOOK_EVERY_S = 0.01
FEW = 4

LOOK = (
    "SELECT s.xmin, c.merchant_id, c.change_id, c.ids"
    " FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin) s"
    " LEFT JOIN LATERAL (SELECT merchant_id, change_id, ids FROM foundation.change WHERE xact >= $1"
    "   ORDER BY xact LIMIT $2) c ON true"
)


class Asks(Protocol):
    """What a shelf needs of a database: statements as the owner, since changes are of all merchants."""

    async def fetch(self, sql: str, *args: Any) -> list[Any]: ...


class Shelf:
    """Kept values by merchant, kind and key."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._kept: dict[UUID, dict[str, dict[Hashable, Any]]] = {}
        self._by_id: dict[UUID, dict[UUID, set[tuple[str, Hashable]]]] = {}
        self._changes: dict[UUID, int] = {}
        self._all_changes = 0
        self._most = most
        self.count = 0

    def mark(self, merchant_id: UUID) -> tuple[int, int]:
        """How much has changed so far; asked before values are read, and given to :meth:`put`."""
        return self._all_changes, self._changes.get(merchant_id, 0)

    def kind(self, merchant_id: UUID, kind: str) -> Mapping[Hashable, Any]:
        """What is kept of one kind."""
        return self._kept.get(merchant_id, {}).get(kind, {})

    def put(
        self,
        merchant_id: UUID,
        kind: str,
        values: Mapping[Hashable, tuple[Any, Iterable[UUID]]],
        mark: tuple[int, int],
    ) -> None:
        """Keep values, unless something of the merchant changed since ``mark``: they may be from before."""
        if mark != self.mark(merchant_id):
            return
        if self.count + len(values) > self._most:
            self.forget_all()
        kept = self._kept.setdefault(merchant_id, {}).setdefault(kind, {})
        by_id = self._by_id.setdefault(merchant_id, {})
        for key, (value, ids) in values.items():
            self.count += key not in kept
            kept[key] = value
            for each in ids:
                by_id.setdefault(each, set()).add((kind, key))

    def forget(self, merchant_id: UUID, ids: Iterable[UUID] | None = None) -> None:
        """Drop what is about some ids, or all of a merchant."""
        self._changes[merchant_id] = self._changes.get(merchant_id, 0) + 1
        kept = self._kept.get(merchant_id)
        if kept is None:
            return
        if ids is None:
            self.count -= sum(map(len, kept.values()))
            del self._kept[merchant_id]
            self._by_id.pop(merchant_id, None)
            return
        by_id = self._by_id[merchant_id]
        for each in ids:
            for kind, key in by_id.pop(each, ()):
                if kept[kind].pop(key, self) is not self:
                    self.count -= 1

    def forget_all(self) -> None:
        """Drop everything."""
        self._all_changes += 1
        self._kept.clear()
        self._by_id.clear()
        self._changes.clear()
        self.count = 0


class Watch:
    """Keeps a shelf true: :meth:`catch_up` returns when it holds nothing older than the call."""

    def __init__(self, shelf: Shelf, owner: Asks) -> None:
        self.shelf = shelf
        self.looks = 0
        self._owner = owner
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._xmin: int | None = None
        self._seen: set[UUID] = set()
        self._looked_at = -LOOK_EVERY_S
        self._shared_by = 0

    async def catch_up(self) -> None:
        """Drop what was changed by any transaction that has committed until now. Raises what the database raises."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="changes")
        await answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                # Requests that were read in the same turn of the event loop share the look.
                pause_s = self._looked_at + LOOK_EVERY_S - loop.time() if self._shared_by > FEW else 0.0
                await asyncio.sleep(max(0.0, pause_s))
                waiting, self._waiting = self._waiting, []
                self._shared_by = len(waiting)
                self._looked_at = loop.time()
                error: BaseException | None = None
                try:
                    await self._look()
                except Exception as found:  # noqa: BLE001 - those who wait get it
                    error = found
                    self._xmin = None
                for answer in waiting:
                    if answer.done():
                        continue
                    if error is None:
                        answer.set_result(None)
                    else:
                        answer.set_exception(error)
        finally:
            self._task = None

    async def _look(self) -> None:
        self.looks += 1
        first = self._xmin is None
        rows = await self._owner.fetch(LOOK, NEVER if self._xmin is None else self._xmin, MOST_CHANGES + 1)
        if first or len(rows) > MOST_CHANGES:
            self.shelf.forget_all()
            self._seen.clear()
        else:
            seen = set()
            for row in rows:
                if row["change_id"] is None:
                    continue
                seen.add(row["change_id"])
                if row["change_id"] not in self._seen:
                    self.shelf.forget(row["merchant_id"], row["ids"])
            # Rows of transactions younger than the oldest running one come again: they are known by their ids.
            self._seen = seen
        self._xmin = rows[0]["xmin"]


async def keep(
    shelf: Shelf | None, merchant_id: UUID, kind: str, keys: Sequence[K], load: Load[K, V]
) -> dict[K, V]:
    """The values of some keys, from the shelf where they are kept, else loaded; unknown keys are left out."""
    if shelf is None:
        return {key: value for key, (value, _ids) in (await load(list(keys))).items()}
    kept = shelf.kind(merchant_id, kind)
    found: dict[K, V] = {}
    missing = []
    for key in keys:
        value = kept.get(key, shelf)
        if value is shelf:
            missing.append(key)
        elif value is not None:
            found[key] = value
    if missing:
        mark = shelf.mark(merchant_id)
        loaded = await load(missing)
        found |= {key: value for key, (value, _ids) in loaded.items()}
        keeping: dict[Hashable, tuple[Any, Iterable[UUID]]] = {key: loaded[key] for key in loaded}
        for key in missing:
            # That there is nothing is kept as well, until something of that id appears. Of other keys nobody would tell.
            if key not in loaded and isinstance(key, UUID):
                keeping[key] = (None, (key,))
        shelf.put(merchant_id, kind, keeping, mark)
    return found


async def delete_old_changes(owner: Any, *, hours: int) -> None:
    """Forget what every process has long seen."""
    await owner.execute(
        "DELETE FROM foundation.change WHERE made_at < now() - make_interval(hours => $1)", hours
    )
