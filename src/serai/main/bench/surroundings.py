"""What a figure was measured on: cores, load, database, Python, and how long the disk takes to keep a promise."""

import os
import platform
import statistics
import time
from contextlib import suppress
from pathlib import Path

import asyncpg
import msgspec

import serai

SYNCS = 50
BLOCK = b"\0" * 8192


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """The machine and what shared it.

    Attributes:
        load_before: 1-minute load average before the first turn; more than a little means that others worked here too.
        cpu_pressure_before: share of the last 10 s in which something waited for a core, before the first turn.
        sync_ms: median of writing 8 kB and forcing it to the disk that the database lies on.
    """

    serai: str
    cores: int
    cpu: str
    load_before: float
    cpu_pressure_before: float | None
    postgresql: str
    fsync: bool
    synchronous_commit: bool
    sync_ms: float
    filesystem: str
    python: str
    system: str


async def look_around(url: str, folder: Path) -> Surroundings:
    """Describe the machine, the database at ``url`` and the disk under ``folder``."""
    connection = await asyncpg.connect(url)
    try:
        version, fsync, synchronous = [
            await connection.fetchval("SELECT current_setting($1)", name)
            for name in ("server_version", "fsync", "synchronous_commit")
        ]
    finally:
        await connection.close()
    return Surroundings(
        serai=serai.__version__,
        cores=len(os.sched_getaffinity(0)),
        cpu=read_cpu_name(),
        load_before=round(os.getloadavg()[0], 2),
        cpu_pressure_before=read_cpu_pressure(),
        postgresql=version.split()[0],
        fsync=fsync == "on",
        synchronous_commit=synchronous == "on",
        sync_ms=round(time_sync_ms(folder), 3),
        filesystem=find_filesystem(folder),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
    )


def read_cpu_name() -> str:
    """The processor's name as the kernel tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def read_cpu_pressure() -> float | None:
    """Share (0..1) of the last 10 s in which some process waited for a core; None where the kernel does not say."""
    with suppress(OSError, IndexError, ValueError):
        some = Path("/proc/pressure/cpu").read_text().splitlines()[0]
        return float(some.split("avg10=")[1].split()[0]) / 100
    return None


def time_sync_ms(folder: Path) -> float:
    """Median time in ms to write one block and force it to disk."""
    path = folder / "sync.probe"
    times = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(SYNCS):
            began = time.perf_counter()
            os.pwrite(descriptor, BLOCK, 0)
            os.fdatasync(descriptor)
            times.append(1000 * (time.perf_counter() - began))
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(times)


def find_filesystem(folder: Path) -> str:
    """Kind of the file system that a folder lies on; a database in memory would make no promise at all."""
    best, kind = "", "unknown"
    with suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            point, found = line.split()[1:3]
            if folder.resolve().is_relative_to(point) and len(point) >= len(best):
                best, kind = point, found
    return kind
