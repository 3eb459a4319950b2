"""An event loop whose time is a number: nothing waits, and the same seed gives the same run, step for step."""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
MOST_STEPS = 400_000


class OutOfTimeError(AssertionError):
    """Nothing can happen any more although somebody still waits, or it never ends."""


class _NoFiles(selectors.BaseSelector):
    """Waits for nothing but time: what would be waited is added to the loop's clock instead."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        # The loop's own wake-up pipe; nobody writes to it, since there is no other thread.
        key = selectors.SelectorKey(
            fileobj, fileobj if isinstance(fileobj, int) else fileobj.fileno(), events, data
        )
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.steps += 1
        if timeout is None or self.steps > MOST_STEPS:
            raise OutOfTimeError(
                "somebody waits for what never comes" if timeout is None else "it never ends"
            )
        self.now += max(timeout, 0.0)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` is virtual seconds from 0."""

    def __init__(self) -> None:
        self._files = _NoFiles()
        super().__init__(self._files)

    def time(self) -> float:
        return self._files.now


def run_virtually(make: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time. OutOfTimeError when it cannot end."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(make)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.close()
