"""Bulkheads: each class of requests holds no more database connections than its share of the pool."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serai.foundation.database import ACQUIRE_TIMEOUT_S
from serai.overload.door.types import KINDS, Kind

# Of the pool, by class; what is left over always remains for the more important ones and for the lane.
SHARES = (0.9, 0.7, 0.3, 0.15, 0.15, 0.15, 0.1, 0.1)


class Bulkheads:
    """The shares of one pool of ``size`` connections."""

    def __init__(self, size: int) -> None:
        self._rooms = [asyncio.Semaphore(max(1, int(size * share))) for share in SHARES[: len(KINDS)]]

    def open(self, kind: Kind) -> "Share":
        """The share of one request."""
        return Share(self._rooms[kind])


class Share:
    """What one request may hold. A request that holds a connection already gets the next one without waiting for its own
    class: two of them waiting for each other would never end."""

    __slots__ = ("_room", "_held")

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room = room
        self._held = 0

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Wait for a place, as long as for a connection at most. TimeoutError when there is none."""
        if self._held:
            yield
            return
        async with asyncio.timeout(ACQUIRE_TIMEOUT_S):
            await self._room.acquire()
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self._room.release()
