"""CPU time and waiting of processes, out of /proc."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def read_cpu_s(pid: int) -> float:
    """CPU seconds of a process's living threads, to the nanosecond; 0 for a process that is gone."""
    total_ns = 0
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e9


def read_tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process, of its living children, and of those children that ended and were waited for."""
    ended_s = 0.0
    with suppress(OSError, ValueError):
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        ended_s = (int(fields[13]) + int(fields[14])) / TICKS_PER_S
    return read_cpu_s(pid) + ended_s + sum(read_tree_cpu_s(child) for child in list_children(pid))


def list_children(pid: int) -> list[int]:
    """The living children of a process."""
    children: list[int] = []
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                children += map(int, (task / "children").read_text().split())
    return children


def read_cpu_by_kind(pids: Iterable[tuple[str, int]]) -> dict[str, float]:
    """CPU seconds by kind of process, children included."""
    total: dict[str, float] = {}
    for kind, pid in pids:
        total[kind] = total.get(kind, 0.0) + read_tree_cpu_s(pid)
    return total


def read_own_wait_s() -> float:
    """Seconds in which this process's main thread could have run but had no core."""
    return int((PROC / "self" / "schedstat").read_text().split()[1]) / 1e9
