"""What is measured: figures with names, the contests whose sides they compare, and what one turn of a side yields."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from serai.main.bench.arena import Arena

BUSY_LIMIT = 0.8
# Ready to run but without a core: past this, what is measured is the queue for the generator's core.
BUSY_OR_WAITING_LIMIT = 0.95


class Generator(msgspec.Struct, frozen=True):
    """How the process was that made the load of one turn.

    Attributes:
        busy: its CPU time as a share of one core.
        waiting: the share of the time in which it could have run but had no core.
        late_p99_ms: by how much its clock ticks came late, 99th percentile.
        in_flight: requests that it kept open at once.
        unsent: requests of an open loop that it had no connection left for.
    """

    busy: float
    waiting: float
    late_p99_ms: float
    in_flight: int
    unsent: int = 0


class Turn(msgspec.Struct, frozen=True):
    """One turn of one side.

    Attributes:
        count: units of work that were done and acknowledged.
        wall_s: time they took together.
        cpu_s: CPU seconds by kind of process (``web``, ``worker``, ``database``, ``client``).
        generator: of a load made by a process of its own; None where the measured code drives itself.
        wal_bytes: what the database wrote to its log meanwhile.
        latency_ms: (median, 99th percentile) of one unit, where it was taken.
    """

    count: int
    wall_s: float
    cpu_s: Mapping[str, float] = {}
    generator: Generator | None = None
    wal_bytes: int = 0
    latency_ms: tuple[float, float] | None = None

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.count / self.wall_s


def find_generator_fault(turn: Turn) -> str | None:
    """Why the generator, and not what it asked, set the pace of a turn; None when it did not.

    In a closed loop the server runs dry when the generator pauses for longer than the requests in flight last it.
    """
    generator = turn.generator
    if generator is None:
        return None
    if generator.unsent:
        return f"the generator had no connection left for {generator.unsent} requests"
    if generator.busy > BUSY_LIMIT:
        return f"the generator used {generator.busy:.0%} of its core"
    if generator.busy + generator.waiting > BUSY_OR_WAITING_LIMIT:
        return f"the generator waited for a core {generator.waiting:.0%} of the time"
    dry_ms = 1000 * generator.in_flight / turn.rate if turn.count else 0.0
    if generator.late_p99_ms > dry_ms:
        return f"the generator was {generator.late_p99_ms:.0f} ms late, its requests last {dry_ms:.0f} ms"
    return None


class Side(msgspec.Struct, frozen=True):
    """One way of doing the work.

    Attributes:
        run: works for about so many seconds.
        note: what exactly it does.
        profiled: the kind of process that a profile should look into; empty when there is none.
    """

    run: Callable[[float], Awaitable[Turn]]
    note: str = ""
    profiled: str = ""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A named figure, computed from one turn of each side that it needs.

    Attributes:
        must: the value it has to reach, in the direction of ``better``; None when it is only reported.
        aim: what we would like to see.
    """

    name: str
    unit: str
    meaning: str
    sides: tuple[str, ...]
    of_turns: Callable[[Mapping[str, Turn]], float]
    better: Literal["more", "less"] = "more"
    must: float | None = None
    aim: float | None = None


def ratio(
    name: str, over: str, under: str, meaning: str, *, must: float | None = None, aim: float | None = None
) -> Figure:
    """How many times as much per second one side does as another."""
    return Figure(
        name=name,
        unit="ratio",
        meaning=meaning,
        sides=(over, under),
        of_turns=lambda turns: turns[over].rate / turns[under].rate,
        must=must,
        aim=aim,
    )


def cpu_ratio(name: str, over: str, under: str, kinds: tuple[str, ...], meaning: str) -> Figure:
    """How many times as much CPU one side needs per unit as another. Says more than a rate where others share the cores:
    they slow both sides down, but not always alike."""

    def each_s(turn: Turn) -> float:
        return sum(turn.cpu_s.get(kind, 0.0) for kind in kinds) / turn.count

    return Figure(
        name=name,
        unit="ratio",
        meaning=meaning,
        sides=(over, under),
        of_turns=lambda turns: each_s(turns[over]) / each_s(turns[under]),
    )


def cpu_per_unit(
    name: str,
    side: str,
    kinds: tuple[str, ...],
    meaning: str,
    *,
    unit: Literal["us", "ms"],
    must: float | None = None,
) -> Figure:
    """CPU time that processes of these kinds use per unit of work."""
    scale = {"us": 1e6, "ms": 1e3}[unit]
    return Figure(
        name=name,
        unit=unit,
        meaning=meaning,
        sides=(side,),
        of_turns=lambda turns: scale * sum(turns[side].cpu_s[kind] for kind in kinds) / turns[side].count,
        better="less",
        must=must,
    )


class Contest(msgspec.Struct, frozen=True):
    """Figures that are measured together.

    ``open`` prepares an arena for some of the sides and yields them by name; when it ends it makes sure that all work
    that was counted is in the database and that every invariant holds. One that takes long (``is_long``) is measured only
    when it is named; one whose turns take long has at most ``runs_most`` of them.
    """

    name: str
    figures: tuple[Figure, ...]
    open: Callable[["Arena", frozenset[str]], AbstractAsyncContextManager[Mapping[str, Side]]]
    is_long: bool = False
    runs_most: int | None = None
