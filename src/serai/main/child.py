"""One child process of the supervisor: started, watched, restarted with back-off, given up on, stopped."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

DEATHS_LIMIT = 5
DEATHS_WINDOW_S = 60.0
BACKOFF_S = (0.0, 0.5, 1.0, 2.0)
STOP_TIMEOUT_S = 6.0  # a second more than the children allow themselves
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


class Child:
    """A process that is meant to run always.

    Args:
        name: as people see it, also the name of its log.
        launch: starts the process and returns it; may raise OSError or Outside.
        stop: asks the process to end and waits until it has.
        log_path: where its output goes; None when it shares ours.
        group: children of one group are stopped together.
        essential: whether the installation ends when this child cannot be kept alive.
    """

    def __init__(
        self,
        name: str,
        *,
        launch: Callable[[], "subprocess.Popen[bytes]"],
        log_path: Path | None,
        group: str,
        stop: Callable[["subprocess.Popen[bytes]"], None] | None = None,
        essential: bool = True,
        succeed: Callable[[int], "subprocess.Popen[bytes]"] | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self.group = group
        self.essential = essential
        self.process: subprocess.Popen[bytes] | None = None
        self.given_up = False
        # Starts a process that takes this one's place once it has written "1" to the descriptor it is given.
        self.succeed = succeed
        self._launch = launch
        self._stop = stop
        self._deaths: deque[float] = deque()
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        self.process = self._launch()

    def find_death(self, now: float, *, counted: bool = True) -> str | None:
        """How the process died, once, when it did since the last look; a new start is then due after the back-off.

        ``counted`` is False for deaths that have their cause elsewhere, such as in a database that is being restarted.
        """
        if self.process is None or self.process.poll() is None:
            return None
        how = describe_exit(self.process.returncode)
        self.process = None
        self.note_death(now, counted=counted)
        return how

    def note_death(self, now: float, *, counted: bool = True) -> None:
        """Remember a death (or a failed start), and when to start again."""
        while self._deaths and now - self._deaths[0] > DEATHS_WINDOW_S:
            self._deaths.popleft()
        if counted:
            self._deaths.append(now)
        step = max(len(self._deaths) - 1, 0) if counted else len(BACKOFF_S) - 2
        self._start_at = now + BACKOFF_S[min(step, len(BACKOFF_S) - 1)]
        self.given_up = len(self._deaths) >= DEATHS_LIMIT

    def is_due(self, now: float) -> bool:
        """Whether the process is down and should be started now."""
        return self.process is None and not self.given_up and now >= self._start_at

    def ask_to_stop(self) -> None:
        """Send SIGTERM, unless the child has its own way to stop."""
        if self.process and self.process.poll() is None and self._stop is None:
            self.process.terminate()

    def wait_stopped(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Wait for the end, with SIGKILL after the time limit. True when it ended by itself."""
        if self.process is None:
            return True
        if self._stop is not None:
            self._stop(self.process)
        try:
            self.process.wait(timeout_s)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self) -> None:
        """SIGKILL to the process and all that it started."""
        if self.process and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self.process.wait(5)

    def read_last_line(self) -> str:
        """The last line of the log that says something, or an empty text."""
        if self.log_path is None:
            return ""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(log.seek(0, os.SEEK_END) - 4096, 0))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def spawn_process(
    command: Sequence[str], *, environ: Mapping[str, str], log_path: Path | None, pass_fds: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, so that Ctrl-C reaches the supervisor alone and stops come in order.

    Its output is appended to ``log_path``, or goes where ours goes (None).
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        # Asked of the kernel, since a supervisor killed with -9 can tell nobody. The parent may be gone already.
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    with ExitStack() as stack:
        output = stack.enter_context(log_path.open("ab")) if log_path else None
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environ),
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )


def rotate_log(path: Path, limit_bytes: int) -> bool:
    """Copy a log that has grown too big beside itself and empty it; the process writes on (it appends)."""
    try:
        if path.stat().st_size <= limit_bytes:
            return False
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)
    except FileNotFoundError:
        return False
    return True


def describe_exit(returncode: int) -> str:
    """A return code in words."""
    if returncode >= 0:
        return f"ended with code {returncode}"
    try:
        return f"was killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was killed by signal {-returncode}"
