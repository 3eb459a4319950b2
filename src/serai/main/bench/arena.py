"""A place of its own to measure in: a fresh database cluster with fsync on, a merchant, and Serai's processes.

Everything lies in one temporary folder and is removed at the end. Processes listen on loopback, on ports that were free.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from subprocess import Popen, TimeoutExpired

from serai.commerce.settings import CommerceSettings
from serai.foundation import clock
from serai.foundation.database import Database, open_database
from serai.foundation.embedded import Cluster, prepare_cluster, start_server, stop_leftover, stop_server
from serai.foundation.invariant import check_invariants
from serai.foundation.migration import apply_migrations
from serai.main.bench.meter import read_cpu_by_kind
from serai.main.check import list_invariants
from serai.main.child import spawn_process
from serai.main.connecting import ensure_database
from serai.main.fault import Fault
from serai.main.installation import DATABASE_NAME
from serai.main.serving import bind_listener
from serai.main.systems import SYSTEMS
from serai.main.up import answers
from serai.main.web_workers import make_web_command

PREFIX = "serai-bench-"
READY_S = 60
ADDRESS = "127.0.0.1"
WEB_APP = "serai.main.web:create_app"
POOL = 18  # the sixteen of the classical rival and two to look


class Arena:
    """Open with :func:`open_arena`. ``db`` acts as the application, ``owner`` past row-level security."""

    def __init__(
        self, folder: Path, url: str, db: Database, owner: Database, postmaster: int, quick: bool
    ) -> None:
        self.folder = folder
        self.url = url
        self.db = db
        self.owner = owner
        self.quick = quick
        self.settings = CommerceSettings()
        self._pids: list[tuple[str, int]] = [("database", postmaster), ("client", os.getpid())]

    def pid_of(self, kind: str) -> int:
        """The first process of a kind. KeyError when there is none."""
        return dict(reversed(self._pids))[kind]

    def read_cpu(self) -> Callable[[], dict[str, float]]:
        """Begin to count CPU seconds; the function returned tells them by kind of process."""
        pids = [pair for pair in self._pids if pair[0] != "client"]
        before, own = read_cpu_by_kind(pids), time.process_time()

        def used() -> dict[str, float]:
            after = read_cpu_by_kind(pids)
            return {kind: after[kind] - before[kind] for kind in after} | {
                "client": time.process_time() - own
            }

        return used

    @asynccontextmanager
    async def run_web(
        self, environ: dict[str, str] | None = None, *, application: str = WEB_APP, workers: int = 1
    ) -> AsyncIterator[int]:
        """Web workers on one socket, as `serai up` runs them. Yields their port. ``application`` tries another one:
        ``module:name``."""
        listener = bind_listener(ADDRESS, 0)
        port: int = listener.getsockname()[1]
        command = make_web_command(listener.fileno(), application)
        try:
            async with AsyncExitStack() as stack:
                for _ in range(workers):
                    running = self.run_process("web", command, environ or {}, pass_fds=(listener.fileno(),))
                    process = await stack.enter_async_context(running)
                await self._wait(process, "web", lambda: answers(ADDRESS, port))
                yield port
        finally:
            listener.close()

    @asynccontextmanager
    async def run_process(
        self,
        kind: str,
        command: Sequence[str],
        environ: dict[str, str],
        pass_fds: Sequence[int] = (),
    ) -> AsyncIterator["Popen[bytes]"]:
        """A process of ours, counted under its kind, stopped at the end."""
        given = {name: value for name, value in os.environ.items() if not name.startswith("SERAI_")}
        here = {"SERAI_DATABASE_URL": self.url, "SERAI_DATA_DIR": str(self.folder / "var")}
        process = spawn_process(
            command, environ=given | here | environ, log_path=self.folder / f"{kind}.log", pass_fds=pass_fds
        )
        entry = (kind, process.pid)
        self._pids.append(entry)
        try:
            yield process
        finally:
            self._pids.remove(entry)
            await asyncio.to_thread(stop_process, process)

    async def _wait(self, process: "Popen[bytes]", kind: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_S
        while not await asyncio.to_thread(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / f"{kind}.log").read_text(errors="replace")[-1500:]
                raise Fault(f"The {kind} process of the bench did not get ready.", f"Its log ends:\n{log}")
            await asyncio.sleep(0.1)

    async def wait_ready(self, process: "Popen[bytes]", kind: str, port: int) -> None:
        """Wait until a process answers on its port. Fault with the end of its log when it does not."""
        await self._wait(process, kind, lambda: answers(ADDRESS, port))

    async def gather_statistics(self) -> None:
        """What autovacuum has done after some minutes, done now; call it when no table of interest is empty any more.

        Over an empty table it would do harm: plans made then read the whole table, and sessions keep them.
        """
        await self.owner.execute("ANALYZE")

    async def read_wal_bytes(self) -> int:
        """Where the database's log ends; the difference of two readings is what was written."""
        return int(await self.owner.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))

    async def require_clean(self) -> None:
        """Fault when an invariant is broken: a figure that was reached by losing something is none."""
        broken = [v for v in await check_invariants(self.owner, list_invariants()) if not v.holds]
        if broken:
            names = ", ".join(verdict.invariant.name for verdict in broken)
            raise Fault(f"After the load these invariants are broken: {names}.", str(broken[0].offending[:2]))


def find_free_port() -> int:
    """A port that was free a moment ago."""
    with bind_listener(ADDRESS, 0) as listener:
        port: int = listener.getsockname()[1]
    return port


def stop_process(process: "Popen[bytes]") -> None:
    """Ask a process to end, and kill it when it does not."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(8)
    except TimeoutExpired:
        process.kill()
        process.wait(5)


@asynccontextmanager
async def open_arena(*, quick: bool = False, server: dict[str, str] | None = None) -> AsyncIterator[Arena]:
    """Make a cluster, migrate it, and remove all of it at the end. ``server`` changes settings of the database."""
    sweep_leftovers()
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # The database may run as another user, who has to get through.
        os.chmod(folder, 0o711)
        cluster = await asyncio.to_thread(prepare_cluster, folder / "pg")
        process = await asyncio.to_thread(lambda: start_server(cluster, **(server or {})))
        stack.push_async_callback(asyncio.to_thread, stop_server, process)
        await ensure_database(cluster.url())
        url = cluster.url(DATABASE_NAME)
        await apply_migrations(url, SYSTEMS)
        owner = await open_database(url, role=None, size=2, statement_timeout_ms=300_000)
        stack.push_async_callback(owner.close)
        db = await open_database(url, size=POOL, statement_timeout_ms=60_000)
        stack.push_async_callback(db.close)
        # Rows of a day without a partition would all lie in the rest table, where no installation has them.
        await owner.fetchval("SELECT foundation.make_event_partitions($1::date, 2)", clock.now().date())
        yield Arena(folder, url, db, owner, process.pid, quick)


def sweep_leftovers() -> None:
    """Remove what a bench left behind that was killed with -9, its database included."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not pid.isdecimal() or Path(f"/proc/{pid}").exists() or not os.access(folder, os.W_OK):
            continue
        if (folder / "pg" / "postmaster.pid").exists():
            stop_leftover(Cluster(folder / "pg", folder, folder, None))
        shutil.rmtree(folder, ignore_errors=True)
