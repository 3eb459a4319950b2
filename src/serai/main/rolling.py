"""Replacing web workers one by one while the shop sells.

For each: start its successor on the same listening socket and wait until that says it is ready; make it the child that is
watched; ask the old one to leave, which takes no new work and finishes what it has. A successor that does not get ready ends
the replacement, and everybody who still works stays. The supervisor's loop calls ``step`` ten times a second.
"""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from serai.main.child import Child

READY_WITHIN_S = 60.0
# Longer than a worker's own limits for leaving (see serving.py).
LEAVE_WITHIN_S = 20.0


class Rolling:
    """One replacement of some children, from the wish to the last old process's end."""

    def __init__(
        self, children: Sequence[Child], *, say: Callable[[str], None], on_change: Callable[[], None]
    ) -> None:
        self._waiting = deque(child for child in children if child.succeed is not None)
        self._say = say
        self._on_change = on_change
        self._newcomer: subprocess.Popen[bytes] | None = None
        self._reader = -1
        self._ready_by = 0.0
        self._leaving: list[tuple[str, subprocess.Popen[bytes], float]] = []
        self._count = len(self._waiting)
        self.has_failed = False

    def step(self) -> bool:
        """Go on as far as can be without waiting. True when all is done."""
        now = time.monotonic()
        self._see_off(now)
        if self._newcomer is not None:
            self._look_at_newcomer(self._waiting[0], self._newcomer, now)
        elif self._waiting and not self._leaving:
            self._call_newcomer(self._waiting[0], now)
        is_done = not self._waiting and not self._leaving
        if is_done and not self.has_failed:
            self._say(f"{self._count} web workers were replaced")
        return is_done

    def _call_newcomer(self, child: Child, now: float) -> None:
        assert child.succeed is not None
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        try:
            self._newcomer = child.succeed(writer)
        except OSError as error:
            self._fail(f"the successor of {child.name} could not be started: {error}")
        finally:
            os.close(writer)
        self._ready_by = now + READY_WITHIN_S

    def _look_at_newcomer(self, child: Child, newcomer: "subprocess.Popen[bytes]", now: float) -> None:
        try:
            is_ready = os.read(self._reader, 1) == b"1"
            # The end of the pipe without a word: it has ended, or will never tell.
            is_lost = not is_ready
        except BlockingIOError:
            is_ready, is_lost = False, now > self._ready_by
        if is_lost:
            self._fail(f"the successor of {child.name} did not get ready")
            return
        if not is_ready:
            return
        self._close_reader()
        self._newcomer = None
        self._waiting.popleft()
        old = child.process
        child.process = newcomer
        self._on_change()
        if old is not None and old.poll() is None:
            with suppress(ProcessLookupError):
                old.send_signal(signal.SIGUSR1)
            self._leaving.append((child.name, old, now + LEAVE_WITHIN_S))

    def _see_off(self, now: float) -> None:
        for each in list(self._leaving):
            name, process, leave_by = each
            if process.poll() is not None:
                self._leaving.remove(each)
            elif now > leave_by:
                self._say(f"the old {name} did not leave and is ended")
                process.kill()

    def _fail(self, what: str) -> None:
        self.has_failed = True
        self._waiting.clear()
        self._end_newcomer()
        self._say(f"{what}; those that work stay (see its log)")

    def _close_reader(self) -> None:
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1

    def _end_newcomer(self) -> None:
        self._close_reader()
        if self._newcomer is not None:
            self._newcomer.kill()
            self._newcomer.wait(5)
            self._newcomer = None

    def end(self) -> None:
        """Everything is about to stop: neither newcomers nor those who leave are waited for any longer."""
        self._waiting.clear()
        self._end_newcomer()
        for _name, process, _leave_by in self._leaving:
            process.terminate()
        for _name, process, _leave_by in self._leaving:
            with suppress(subprocess.TimeoutExpired):
                process.wait(LEAVE_WITHIN_S)
        self._leaving.clear()
