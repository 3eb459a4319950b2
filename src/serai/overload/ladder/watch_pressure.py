"""Each web worker's view of the ladder: its own level, what the others tell, and what merchants have decided.

twice a second ── own pressure ─► own level ── told to the others through the database
                  others' levels and merchants' switches ◄── read back in the same breath
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import ClassVar
from uuid import UUID

from serai.foundation.database import Database
from serai.foundation.ids import new_id
from serai.overload.ladder import store
from serai.overload.ladder.logic import Climber, list_saved

log = logging.getLogger("serai.overload")

NOTHING: Mapping[str, str] = MappingProxyType({})


def _take_note(talk: asyncio.Task[None]) -> None:
    """Look at how a talk ended, so that nobody complains that it was not looked at."""
    if not talk.cancelled():
        talk.exception()


class Ladder:
    """What is left out, as this worker knows it. Never asks the database in a request."""

    EVERY_S: ClassVar[float] = 0.4
    FRESH_S: ClassVar[float] = 5.0
    FORGET_S: ClassVar[float] = 60.0
    ANSWER_S: ClassVar[float] = 2.0

    def __init__(self) -> None:
        self.worker_id: UUID = new_id()
        self.climber = Climber()
        self.level = 0
        self._modes: dict[UUID, dict[str, str]] = {}
        self._saved: dict[UUID, frozenset[str]] = {}
        self._common = list_saved(0, NOTHING)

    def find_saved(self, merchant_id: UUID) -> frozenset[str]:
        """What is left out for a merchant's visitors."""
        return self._saved.get(merchant_id, self._common)

    def is_saved_by_any(self, name: str) -> bool:
        """Whether something is left out for all or for any merchant."""
        return name in self._common or any(name in saved for saved in self._saved.values())

    async def follow(
        self,
        owner: Database,
        count: Callable[[], tuple[int, int, int]],
        *,
        beside: Callable[[Database], Awaitable[None]] | None = None,
    ) -> None:
        """Keep in step until cancelled. ``count``: requests so far, how many of them found no room, and how many wait.
        ``beside`` learns what else workers have to know within a second."""
        asked, crowded, _waiting = count()
        talk: asyncio.Task[None] | None = None
        while True:
            now_asked, now_crowded, waiting = count()
            arrived, found_none = now_asked - asked, now_crowded - crowded
            asked, crowded = now_asked, now_crowded
            # When nothing moves although somebody waits, everybody waits.
            share = found_none / arrived if arrived else float(waiting > 0)
            own = self.climber.tell(share, time.monotonic())
            if own > self.level:
                self.apply(own, self._modes)
            if talk is None:
                talk = asyncio.create_task(self.exchange(owner, own, beside))
                # At the worker's end nobody asks any more what became of the last one.
                talk.add_done_callback(_take_note)
            # Not cancelled when it takes long: a database that is frozen does not take that either.
            await asyncio.wait({talk}, timeout=self.ANSWER_S)
            if not talk.done():
                self.apply(own, self._modes)
                continue
            if error := talk.exception():
                # Without the others its own level still holds.
                log.warning("workers could not tell each other their levels: %s", error)
                self.apply(own, self._modes)
            talk = None
            await asyncio.sleep(self.EVERY_S)

    async def exchange(
        self, owner: Database, own: int, beside: Callable[[Database], Awaitable[None]] | None = None
    ) -> None:
        """Tell the own level, learn the others' and the merchants' switches, and act on them."""
        if beside:
            await beside(owner)
        await store.tell_level(owner, self.worker_id, own, self.climber.pressure)
        rows = await store.list_levels(owner, self.FRESH_S)
        modes: dict[UUID, dict[str, str]] = {}
        for row in await store.list_decided(owner):
            modes.setdefault(row["merchant_id"], {})[row["name"]] = row["mode"]
        self.apply(max([own, *(row["level"] for row in rows)]), modes)

    async def leave(self, owner: Database) -> None:
        """The worker ends: its level counts no longer; so do levels of workers that ended without a word."""
        await store.forget_worker(owner, self.worker_id)
        await store.forget_silent(owner, self.FORGET_S)

    def apply(self, level: int, modes: dict[UUID, dict[str, str]]) -> None:
        """From now on, this is so."""
        if level != self.level:
            log.warning("degradation is at level %s", level, extra={"level_before": self.level})
        self.level, self._modes = level, modes
        self._common = list_saved(level, NOTHING)
        self._saved = {merchant_id: list_saved(level, own) for merchant_id, own in modes.items()}
