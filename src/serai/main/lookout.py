"""What the console asks to see the service, and the worker's own look at how far subscribers are behind."""

import asyncio
import logging
from collections.abc import Sequence

from serai.data.service.types import Seen
from serai.foundation.database import Database
from serai.foundation.event import measure_lag
from serai.main.seen import Sampler, Window

log = logging.getLogger("serai.seen")

ANSWER_WITHIN_S = 1.0
LOOK_EVERY_S = 2.0

Lags = Sequence[tuple[str, float]]


class HouseLookout:
    """The processes of this machine and its database."""

    def __init__(self, window: Window, owner: Database) -> None:
        self._window = window
        self._owner = owner

    async def gather(self) -> Seen:
        return await self._window.gather()

    async def list_lags(self) -> Lags | None:
        return await find_lags(self._owner)


async def find_lags(owner: Database) -> Lags | None:
    """How far each subscriber is behind, in seconds; None when the database does not answer in time."""
    asking = asyncio.create_task(measure_lag(owner))
    await asyncio.wait({asking}, timeout=ANSWER_WITHIN_S)
    if not asking.done():
        # A database that is frozen does not take the cancellation either, so it is not waited for.
        asking.cancel()
        asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return None
    return None if asking.exception() else asking.result()


async def watch_lag(owner: Database, sampler: Sampler, stopped: asyncio.Event) -> None:
    """Note again and again how far the last subscriber is behind, until stopped."""
    while not stopped.is_set():
        lags = await find_lags(owner)
        if lags is not None:
            sampler.event_lag_s = round(max((lag_s for _name, lag_s in lags), default=0.0), 2)
        await asyncio.sleep(LOOK_EVERY_S)
