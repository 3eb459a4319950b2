"""What every process of this machine counts, gathered into one answer.

Each process listens on a Unix socket of its own in the data directory's ``run/seen``, named like the process. Whoever asks
gets its metrics and its last minutes second by second, as JSON. One of the web workers answers for all: it asks every socket,
puts the process's name on each figure and leaves the adding up to the reader. No shared memory, no file that grows, and no
database: this works when nothing else does. A process that does not answer in time is told as down.
"""

import asyncio
import logging
import os
import socket
import stat
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from serai.data.service.types import Report, Second, Seen
from serai.foundation import clock, database, measure_http
from serai.foundation.metric import Counter, Gauge, Series, take_families
from serai.ledger import measure

log = logging.getLogger("serai.seen")

SECONDS_KEPT = 600
ANSWER_WITHIN_S = 1.0
MOST_ANSWER_BYTES = 8_000_000
MOST_PROCESSES = 200

LOOP_LAG = Gauge(
    "serai_event_loop_lag_seconds", "How late the event loop woke up, at worst in the last 10 s."
)
RESIDENT = Gauge("serai_process_resident_bytes", "Memory that is really there for this process.")
FILES = Gauge("serai_process_open_files", "Open files and connections of this process.")
CPU = Counter("serai_process_cpu_seconds_total", "CPU that this process has used.")
FAILED_SAMPLES = Counter("serai_seen_failures_total", "Times that this process could not look at itself.")


def measure_resident() -> int:
    """This process's memory in bytes, 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def count_files() -> int:
    """Open descriptors of this process, 0 where the system does not tell."""
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


RESIDENT.read_from(lambda: [((), measure_resident())])
FILES.read_from(lambda: [((), count_files())])


class Sampler:
    """Looks at this process once a second and keeps what changed."""

    def __init__(self) -> None:
        self.seconds: deque[Second] = deque(maxlen=SECONDS_KEPT)
        # Told from outside, by the process that looks after it.
        self.event_lag_s = 0.0
        self._before: dict[str, float] = {}
        self._before_series: dict[str, list[int]] = {}
        self._lags: deque[float] = deque([0.0], maxlen=10)
        self._forget = LOOP_LAG.read_from(lambda: [((), max(self._lags))])

    def close(self) -> None:
        self._forget()

    def take(self, lag_s: float = 0.0) -> Second:
        """The second that ends now."""
        self._lags.append(lag_s)
        facts = measure.FACTS
        commits = database.COMMIT_SECONDS.all
        second = Second(
            int(clock.now().timestamp()),
            self._grown("placed", facts.get("OrderPlaced")),
            self._grown("paid", facts.get("OrderPaid")),
            self._grown("requests", measure_http.REQUESTS.sum()),
            self._grown("failed", measure_http.FAILED.sum()),
            self._grown("shed", measure_http.SHED.sum()),
            self._grown_series("requests", measure_http.SECONDS.all),
            self._grown("batches", measure.BATCHES.sum()),
            self._grown("groups", measure.BATCH_GROUPS.all.total),
            int(measure.DEPTH.get()),
            self._grown_series("lane", measure.GROUP_SECONDS.all),
            int(database.CONNECTIONS.get("busy")),
            int(database.CONNECTIONS.get("busy") + database.CONNECTIONS.get("idle")),
            int(database.WAITING.get()),
            sum(self._grown_series("commits", commits)),
            self._grown_float("commit_s", commits.total),
            round(lag_s, 4),
            self.event_lag_s,
        )
        self.seconds.append(second)
        return second

    def _grown_float(self, name: str, value: float) -> float:
        before = self._before.get(name, 0.0)
        self._before[name] = value
        return value - before

    def _grown(self, name: str, value: float) -> int:
        return round(self._grown_float(name, value))

    def _grown_series(self, name: str, series: Series) -> tuple[int, ...]:
        before = self._before_series.get(name) or [0] * len(series.counts)
        self._before_series[name] = list(series.counts)
        return tuple(now - then for now, then in zip(series.counts, before, strict=True))

    async def run(self) -> None:
        """Take every second until cancelled."""
        loop = asyncio.get_running_loop()
        next_at = loop.time() + 1.0
        while True:
            await asyncio.sleep(max(next_at - loop.time(), 0.0))
            lag_s = max(loop.time() - next_at, 0.0)
            # After a stop of the whole process the missed seconds are not made up for.
            next_at = max(next_at + 1.0, loop.time())
            try:
                self.take(lag_s)
            except Exception:  # counting must never end a process
                FAILED_SAMPLES.add()
                log.exception("this process could not look at itself")


class Window:
    """The socket through which a process lets itself be seen."""

    def __init__(self, folder: Path | None, process: str) -> None:
        self.folder = folder
        self.process = process
        self.sampler = Sampler()
        self._inode = 0
        self._path = Path()
        self._server: asyncio.Server | None = None

    def report(self) -> Report:
        """This process as it is now."""
        CPU.values[()] = time.process_time()
        return Report(self.process, os.getpid(), take_families(), list(self.sampler.seconds))

    async def open(self) -> None:
        """Listen under this process's name; one of that name that is about to leave gives way. OSError when that fails."""
        folder = self.folder
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        _remove_dead(folder)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        draft = folder / f".{self.process}-{os.getpid()}"
        self._path = folder / f"{self.process}.sock"
        with _ShortPath(folder) as near:
            draft.unlink(missing_ok=True)
            listener.bind(f"{near}/{draft.name}")
            listener.listen(16)
            draft.replace(self._path)
        self._inode = self._path.stat().st_ino
        listener.setblocking(False)
        self._server = await asyncio.start_unix_server(self._answer, sock=listener)

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(msgspec.json.encode(self.report()))
            await asyncio.wait_for(writer.drain(), ANSWER_WITHIN_S)
        except (OSError, TimeoutError):
            pass
        finally:
            writer.close()

    def close(self) -> None:
        """Listen no more; the name is given up unless a newcomer has taken it."""
        self.sampler.close()
        if self._server is not None:
            self._server.close()
            with suppress(OSError):
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()

    async def gather(self) -> Seen:
        """Ask every process of this folder. This one answers for itself, without its socket."""
        folder = self.folder
        if folder is None:
            return Seen([self.report()], [])
        names = sorted(each.stem for each in folder.glob("*.sock"))[:MOST_PROCESSES]
        others = [name for name in names if name != self.process]
        answers = await asyncio.gather(*(_ask(folder, name) for name in others))
        reports = [self.report(), *(answer for answer in answers if answer is not None)]
        missing = [name for name, answer in zip(others, answers, strict=True) if answer is None]
        return Seen(sorted(reports, key=lambda each: each.process), missing)


class _ShortPath:
    """A folder under a name that fits into a socket's address (108 bytes), however deep it lies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = -1

    def __enter__(self) -> str:
        self._fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._fd}"

    def __exit__(self, *_error: object) -> None:
        os.close(self._fd)


def _remove_dead(folder: Path) -> None:
    """Sockets that nobody listens on any more, of processes that were killed."""
    for path in folder.glob("*.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, _ShortPath(folder) as near:
            # A full queue is a living process that is busy.
            probe.setblocking(False)
            try:
                inode = path.stat().st_ino
                probe.connect(f"{near}/{path.name}")
            except ConnectionRefusedError:
                with suppress(OSError):
                    if path.stat().st_ino == inode and stat.S_ISSOCK(path.stat().st_mode):
                        path.unlink()
            except OSError:
                continue


async def _ask(folder: Path, name: str) -> Report | None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            with _ShortPath(folder) as near:
                reader, writer = await asyncio.open_unix_connection(f"{near}/{name}.sock")
            try:
                answer = await reader.read(MOST_ANSWER_BYTES)
                while more := await reader.read(MOST_ANSWER_BYTES):
                    answer += more
                    if len(answer) > MOST_ANSWER_BYTES:
                        return None
            finally:
                writer.close()
        return msgspec.json.decode(answer, type=Report)
    except (OSError, TimeoutError, msgspec.MsgspecError):
        return None


def find_folder(data_dir: str) -> Path | None:
    """Where the sockets of an installation lie; None without a data directory."""
    return Path(data_dir).expanduser().absolute() / "run" / "seen" if data_dir else None


@asynccontextmanager
async def open_window(data_dir: str, process: str, kind: str) -> AsyncIterator[Window]:
    """Let this process be seen while the block runs.

    Without a data directory, or where no socket can be made, it sees itself alone; the latter is logged.
    """
    window = Window(find_folder(data_dir), process or f"{kind}-{os.getpid()}")
    try:
        await window.open()
    except OSError as error:
        log.warning("other processes cannot see this one: %s", error)
        window.folder = None
    sampling = asyncio.create_task(window.sampler.run(), name="sampler")
    try:
        yield window
    finally:
        sampling.cancel()
        window.close()
