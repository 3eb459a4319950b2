"""The supervisor: keeps PostgreSQL, web workers, worker and payment sandbox alive, and stops them in order.

One loop in one thread looks at every child ten times a second. There is nothing concurrent in here, so each decision
(restart, wait, give up, stop) is made with all others at rest.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

from serai.foundation.errors import Outside
from serai.main.child import DEATHS_LIMIT, DEATHS_WINDOW_S, STOP_TIMEOUT_S, Child, rotate_log
from serai.main.fault import Fault
from serai.main.logtail import LogTail
from serai.main.rolling import Rolling

LOOK_EVERY_S = 0.1
ROTATE_EVERY_S = 5.0
# While the database is away, the others' deaths are its fault and must not use up their tries.
DATABASE_GRACE_S = 20.0
STOP_ORDER = ("web", "worker", "sandbox", "database")


def has_terminal() -> bool:
    """Whether this process belongs to a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


Say = Callable[[str], None]
ShowLine = Callable[[str, str], None]


class StopRequest:
    """Turns SIGINT and SIGTERM into a wish to stop; the second one runs ``force`` at once."""

    def __init__(self) -> None:
        self.force: Callable[[], None] | None = None
        self._event = threading.Event()
        self._renewal = threading.Event()
        self._had_terminal = False

    def listen(self) -> None:
        """Take over the signals; from the main thread only."""
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)
        # Whose only meaning is ours: `serai restart` sends it.
        signal.signal(signal.SIGUSR2, lambda _number, _frame: self._renewal.set())
        # `nohup` and the like have it ignored, and mean it.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._had_terminal = has_terminal()
            signal.signal(signal.SIGHUP, self._handle_hangup)

    def _handle_hangup(self, number: int, frame: FrameType | None) -> None:
        """Somebody wishes fresh web workers; or the terminal that we ran in has been closed, and that means stop."""
        if self._had_terminal and not has_terminal():
            self._handle(number, frame)
        else:
            self._renewal.set()

    def take_renewal(self) -> bool:
        """Whether fresh web workers were wished since the last call."""
        is_wished = self._renewal.is_set()
        self._renewal.clear()
        return is_wished

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._event.is_set() and self.force is not None:
            self.force()
        self._event.set()

    @property
    def made(self) -> bool:
        return self._event.is_set()

    def make(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake at once when a stop is wished."""
        return self._event.wait(seconds)


class Supervisor:
    """Watches children until a stop is wished or an essential one cannot be kept alive."""

    def __init__(
        self,
        stop: StopRequest,
        *,
        say: Say,
        on_change: Callable[[], None] = lambda: None,
        log_limit_bytes: int = 10_000_000,
        show_log: ShowLine | None = None,
        on_force: Callable[[], None] = lambda: None,
    ) -> None:
        self.children: list[Child] = []
        self._show_log = show_log
        self._tails: dict[str, LogTail] = {}
        self._stop = stop
        self._say = say
        self._on_change = on_change
        self._on_force = on_force
        self._log_limit_bytes = log_limit_bytes
        self._rotate_at = 0.0
        self._database_died_at = float("-inf")
        self._rolling: Rolling | None = None
        stop.force = self._force_end

    def add(self, child: Child) -> None:
        """Start a child and keep it. A start that fails here is raised, since nothing has worked yet."""
        self.children.append(child)
        if self._show_log is not None and child.log_path is not None:
            self._tails[child.name] = LogTail(child.log_path)
        child.start()
        self._on_change()

    def look(self) -> None:
        """Look once at everything. Fault when an essential child cannot be kept alive."""
        now = time.monotonic()
        self._show_logs()
        for child in self.children:
            how = child.find_death(now, counted=child.group == "database" or not self._is_database_away(now))
            if how is not None:
                self._note_death(child, how, now)
            if child.is_due(now):
                self._restart(child, now)
        self._renew()
        if now >= self._rotate_at:
            self._rotate_at = now + ROTATE_EVERY_S
            for child in self.children:
                if child.log_path is not None:
                    rotate_log(child.log_path, self._log_limit_bytes)

    def _renew(self) -> None:
        """Begin a replacement of the web workers that somebody wishes, and go on with one that is under way."""
        if self._rolling is None and self._stop.take_renewal():
            self._say("Replacing the web workers one by one")
            self._rolling = Rolling(self.children, say=self._say, on_change=self._on_change)
        if self._rolling is not None and self._rolling.step():
            self._rolling = None

    def _show_logs(self) -> None:
        if self._show_log is not None:
            for name, tail in self._tails.items():
                for line in tail.read_lines():
                    self._show_log(name, line)

    def run(self) -> None:
        """Look until a stop is wished. Raises as :meth:`look`."""
        while not self._stop.wait(LOOK_EVERY_S):
            self.look()

    def _is_database_away(self, now: float) -> bool:
        return now - self._database_died_at < DATABASE_GRACE_S

    def _note_death(self, child: Child, how: str, now: float) -> None:
        if child.group == "database":
            self._database_died_at = now
        self._say(f"{child.name} {how}" + ("" if child.given_up else "; starting it again"))
        self._on_change()
        if child.given_up:
            self._give_up(child)

    def _restart(self, child: Child, now: float) -> None:
        try:
            child.start()
        except (OSError, Outside) as error:
            # After a kill the old server's last processes may hold its shared memory for a moment.
            child.note_death(now, counted=child.group != "database" or not self._is_database_away(now))
            self._say(f"{child.name} could not be started: {error}")
            if child.given_up:
                self._give_up(child)
            return
        self._say(f"{child.name} runs again (process {child.pid})")
        self._on_change()

    def _give_up(self, child: Child) -> None:
        what = f"{child.name} ended {DEATHS_LIMIT} times within {DEATHS_WINDOW_S:.0f} seconds and is not started again."
        last = child.read_last_line()
        advice = [f"Its log: {child.log_path}"] if child.log_path else []
        advice += [f"The last line there: {last}"] if last else []
        if child.essential:
            raise Fault(what, *advice)
        self._say(" ".join([what, *advice, "The rest goes on without it."]))

    def stop_all(self) -> list[str]:
        """Stop the children group by group, in order. Returns the names of those that had to be killed."""
        if self._rolling is not None:
            self._rolling.end()
        killed = []
        for group in (*STOP_ORDER, None):
            members = [
                c for c in self.children if c.group == group or (group is None and c.group not in STOP_ORDER)
            ]
            for child in members:
                child.ask_to_stop()
            deadline = time.monotonic() + STOP_TIMEOUT_S
            for child in members:
                if not child.wait_stopped(max(deadline - time.monotonic(), 0.1)):
                    killed.append(child.name)
        self._show_logs()
        return killed

    def _force_end(self) -> None:
        """A second wish to stop: no more waiting. PostgreSQL recovers from its log at the next start."""
        for child in self.children:
            if child.group != "database":
                child.kill()
        self._on_force()
        os._exit(1)


def count_running(children: Sequence[Child]) -> dict[str, int]:
    """The pids of the children that run, by name."""
    return {child.name: child.pid for child in children if child.pid is not None}
