"""The data directory of one installation: where everything lies, who runs it, and how commands find its database."""

import fcntl
import hashlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from serai.main.fault import Fault

DATABASE_NAME = "serai"
FREE_MB_FIRST = 2_500  # the demo merchant takes 1.8 GB with its write-ahead log
FREE_MB_AGAIN = 100
LEFTOVER_WAIT_S = 10.0


class State(msgspec.Struct, frozen=True):
    """What a running ``serai up`` tells other commands. Holds no secret: an own database address stays in the
    environment, ``database_url`` is filled for the embedded one only."""

    pid: int
    web_url: str
    database_url: str | None
    children: dict[str, int]


class FirstRun(msgspec.Struct, frozen=True):
    """What the set-up reports; ``owner_password`` is there only when it was made just now."""

    owner_email: str = ""
    owner_password: str = ""


class Installation(msgspec.Struct, frozen=True):
    """A data directory and the names in it."""

    data_dir: Path

    @classmethod
    def at(cls, data_dir: str) -> "Installation":
        """The installation at a place, without touching it."""
        return cls(Path(data_dir).expanduser().absolute())

    @property
    def sandbox_accounts(self) -> Path:
        """The payment sandbox's accounts with their secrets, written by the set-up."""
        return self.secret_dir / "pay_accounts.json"

    @property
    def provider_accounts(self) -> Path:
        """The accounts at the simulated providers, written for their process."""
        return self.secret_dir / "provider_accounts.json"

    @property
    def pgdata(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def secret_dir(self) -> Path:
        return self.data_dir / "secret"

    @property
    def sandbox_dir(self) -> Path:
        return self.data_dir / "sandbox"

    @property
    def set_up_path(self) -> Path:
        """The fingerprints of the databases that have been set up from here."""
        return self.data_dir / "set-up.json"

    @property
    def state_path(self) -> Path:
        return self.run_dir / "state.json"

    @property
    def lock_path(self) -> Path:
        return self.run_dir / "lock"


def open_installation(data_dir: str) -> Installation:
    """Make the folders that are missing. OSError or Fault when the place cannot be used."""
    installation = Installation.at(data_dir)
    if not installation.data_dir.exists():
        installation.data_dir.mkdir(parents=True)
    for folder in (
        installation.log_dir,
        installation.run_dir,
        installation.secret_dir,
        installation.sandbox_dir,
    ):
        folder.mkdir(mode=0o700, exist_ok=True)
    _try_writing(installation.run_dir / f".probe-{os.getpid()}")
    return installation


def _try_writing(path: Path) -> None:
    """Let a full or read-only disk show itself now, rather than in the middle of something."""
    try:
        path.write_bytes(b"x" * 4096)
    except OSError as error:
        # Writing knows the place no more; opening did.
        raise OSError(error.errno, error.strerror, str(path.parent)) from error
    finally:
        path.unlink(missing_ok=True)


def require_space(installation: Installation) -> None:
    """Fault when the disk is so full that a database would soon stop."""
    needed_mb = FREE_MB_AGAIN if (installation.pgdata / "PG_VERSION").exists() else FREE_MB_FIRST
    free_mb = shutil.disk_usage(installation.data_dir).free // 1_000_000
    if free_mb < needed_mb:
        raise Fault(
            f"Only {free_mb} MB are free at {installation.data_dir}; Serai needs {needed_mb} MB to start.",
            "Free some space, or set SERAI_DATA_DIR to a folder on another disk.",
        )


@contextmanager
def hold_lock(installation: Installation) -> Iterator[None]:
    """Hold the installation alone. The kernel lets go of the lock when the process ends, however it ends.

    Raises:
        Fault: another process holds it; the message names that process.
    """
    with installation.lock_path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _explain_held(installation) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def is_locked(installation: Installation) -> bool:
    """Whether some process runs this installation now."""
    if not installation.lock_path.exists():
        return False
    with installation.lock_path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _explain_held(installation: Installation) -> Fault:
    pid = installation.lock_path.read_text().strip() or "unknown"
    state = find_state(installation)
    where = f" at {state.web_url}" if state else ""
    return Fault(
        f"Serai already runs on {installation.data_dir}{where} (process {pid}).",
        f"Use that one, stop it with `kill {pid}` or Ctrl-C in its window,",
        "or set SERAI_DATA_DIR (and another --port) to run a second installation.",
    )


def find_state(installation: Installation) -> State | None:
    """What the running supervisor wrote; None when there is nothing readable."""
    try:
        return msgspec.json.decode(installation.state_path.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def write_state(installation: Installation, state: State) -> None:
    """Replace the state file at one stroke, readable by the owner only."""
    draft = installation.state_path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(state))
    draft.replace(installation.state_path)


def remove_state(installation: Installation) -> None:
    installation.state_path.unlink(missing_ok=True)


def is_set_up(installation: Installation, database_url: str) -> bool:
    """Whether the set-up has been completed on this database, so that a start need not ask it."""
    return _fingerprint(database_url) in _read_set_up(installation)


def mark_set_up(installation: Installation, database_url: str) -> None:
    """Remember that the set-up has been completed on this database."""
    known = [*_read_set_up(installation), _fingerprint(database_url)]
    installation.set_up_path.write_bytes(msgspec.json.encode(known))


def _fingerprint(database_url: str) -> str:
    return hashlib.blake2b(database_url.encode(), digest_size=16).hexdigest()


def _read_set_up(installation: Installation) -> list[str]:
    if not installation.set_up_path.exists():
        return []
    return msgspec.json.decode(installation.set_up_path.read_bytes(), type=list[str])


def end_leftovers(installation: Installation, wait_s: float = LEFTOVER_WAIT_S) -> None:
    """Wait for the children of a supervisor that was killed (they are ending by themselves), then kill what is left.

    To be called with the lock held. PostgreSQL is left to its own care at the next start.
    """
    state = find_state(installation)
    if state is None:
        return
    deadline = time.monotonic() + wait_s
    left = [pid for name, pid in state.children.items() if name != "postgres" and _is_ours(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [pid for pid in left if _is_ours(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    remove_state(installation)


def _is_ours(pid: int) -> bool:
    """A number may have been given to a stranger meanwhile, so look at what the process is."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"serai.main.cli" in command or b"serai_sandbox" in command


def find_database_url(installation: Installation, own_url: str) -> str | None:
    """The address to use: one's own, or that of the embedded database when ``serai up`` runs here; else None."""
    if own_url:
        return own_url
    if is_locked(installation):
        state = find_state(installation)
        return state.database_url if state else None
    return None
