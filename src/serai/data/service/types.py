"""What processes tell about themselves, and what comes of it."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from serai.foundation.metric import Family

Tone = Literal["ok", "warn", "bad"]


class Second(msgspec.Struct, frozen=True, array_like=True):
    """What one process did in one second. ``at`` is a whole second since 1970; times lie in buckets of
    ``LATENCY_BOUNDS_S``. ``lag_s`` is the oldest event that some subscriber has not seen, told by the worker alone."""

    at: int
    placed: int = 0
    paid: int = 0
    requests: int = 0
    failed: int = 0
    shed: int = 0
    buckets: tuple[int, ...] = ()
    batches: int = 0
    groups: int = 0
    depth: int = 0
    lane_buckets: tuple[int, ...] = ()
    busy: int = 0
    connections: int = 0
    waiting: int = 0
    commits: int = 0
    commit_s: float = 0.0
    loop_lag_s: float = 0.0
    lag_s: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """What a process answers: who it is, what it counts, and its last seconds, oldest first."""

    process: str
    pid: int
    families: list[Family] = []
    seconds: list[Second] = []


class Seen(msgspec.Struct, frozen=True):
    """Every process's report, and the names of those that did not answer."""

    reports: list[Report]
    missing: list[str]


class Lookout(Protocol):
    """Where a surface asks; the process that serves it knows how."""

    async def gather(self) -> Seen:
        """What every process of this machine reports."""

    async def list_lags(self) -> Sequence[tuple[str, float]] | None:
        """Seconds by which each subscriber is behind; None when the database does not answer in time."""


class Moment(msgspec.Struct, frozen=True):
    """A stretch of time over all processes, ``at`` its end. Rates are per second; None where nothing was measured."""

    at: int
    placed: float
    paid: float
    requests: float
    failed: float
    shed: float
    p50_ms: float | None
    p99_ms: float | None
    batch: float | None
    depth: float
    busy: float
    connections: float
    waiting: float
    commit_ms: float | None
    loop_lag_ms: float
    lag_s: float


class Finding(msgspec.Struct, frozen=True):
    """One thing that somebody should know, as a marked message with its data."""

    tone: Tone
    message: str
    data: dict[str, Any] = {}


class ProcessLine(msgspec.Struct, frozen=True):
    """One process as the board lists it; figures are None for one that did not answer."""

    process: str
    pid: int | None
    requests: float | None = None
    resident_bytes: float | None = None
    files: float | None = None
    loop_lag_ms: float | None = None


class Service(msgspec.Struct, frozen=True):
    """The whole picture: verdict first, then the last minutes, then who and what it is made of."""

    tone: Tone
    findings: tuple[Finding, ...]
    now: Moment
    moments: tuple[Moment, ...]
    processes: tuple[ProcessLine, ...]
    lags: tuple[tuple[str, float], ...]
