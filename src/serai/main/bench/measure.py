"""Runs a contest: sides take turns, figures are computed turn by turn, medians and spreads are kept."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from serai.foundation import clock
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Figure, Side, Turn, find_generator_fault
from serai.main.bench.profile import HotSpot, profile_turn
from serai.main.bench.surroundings import Surroundings, look_around

Say = Callable[[str], None]


class Pace(msgspec.Struct, frozen=True):
    """How long to measure: ``runs`` turns of ``seconds`` for each side, after one of ``warm_up_s`` that is not kept.

    With ``profile`` each side that names a process for it runs once more at the end, sampled and not measured.
    """

    runs: int = 9
    seconds: float = 1.2
    warm_up_s: float = 1.2
    profile: bool = False


QUICK = Pace(runs=2, seconds=0.3, warm_up_s=0.2)
PROFILE_S = 5.0


class SideSummary(msgspec.Struct, frozen=True):
    """One side over all its turns: units per second, CPU (microseconds, by kind of process) and log (bytes) per
    unit, latency in ms."""

    rate: float
    rate_spread: tuple[float, float]
    counts: tuple[int, ...]
    cpu_us: dict[str, float]
    wal_bytes: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    generator_busy: float | None
    note: str
    hot_spots: tuple[HotSpot, ...] = ()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A measured figure, as ``--json`` prints it and as the history keeps it.

    Attributes:
        value: median of the turns.
        runs: number of turns.
        spread: lowest and highest turn.
        good: whether ``must`` is reached; None where nothing has to be, or where the generator set the pace.
        generator_bound: the generator set the pace in at least one turn, so the figure says nothing about Serai.
        doubts: what speaks against the figure, in words.
    """

    name: str
    value: float
    unit: str
    runs: int
    spread: tuple[float, float]
    good: bool | None
    generator_bound: bool
    must: float | None
    aim: float | None
    better: str
    meaning: str
    doubts: tuple[str, ...]
    sides: dict[str, SideSummary]
    surroundings: Surroundings | None
    measured_at: datetime


async def run_contest(
    arena: Arena, contest: Contest, figures: Sequence[Figure], pace: Pace, say: Say
) -> list[Result]:
    """Measure some figures of a contest. Fault when work was lost or an invariant is broken afterwards."""
    pace = msgspec.structs.replace(pace, runs=min(pace.runs, contest.runs_most or pace.runs))
    needed = frozenset(side for figure in figures for side in figure.sides)
    surroundings = await look_around(arena.url, arena.folder)
    async with contest.open(arena, needed) as sides:
        sides = {name: side for name, side in sides.items() if name in needed}
        turns = await take_turns(sides, pace, say)
        hot_spots = {
            name: await profile_turn(arena, side, PROFILE_S)
            for name, side in sides.items()
            if pace.profile and side.profiled
        }
    summaries = {
        name: summarise(turns[name], side.note, hot_spots.get(name, ())) for name, side in sides.items()
    }
    return [judge(figure, turns, summaries, surroundings) for figure in figures]


async def take_turns(sides: Mapping[str, Side], pace: Pace, say: Say) -> dict[str, list[Turn]]:
    """Let the sides work in turns, A B C, then C B A: what changes slowly weighs on all of them alike."""
    for name, side in sides.items():
        say(f"{name}: warming up")
        await side.run(pace.warm_up_s)
    turns: dict[str, list[Turn]] = {name: [] for name in sides}
    order = list(sides)
    for number in range(1, pace.runs + 1):
        for name in order:
            turn = await sides[name].run(pace.seconds)
            turns[name].append(turn)
            say(f"{name}: run {number} of {pace.runs}, {turn.rate:,.0f}/s")
        order.reverse()
    return turns


def judge(
    figure: Figure,
    turns: Mapping[str, Sequence[Turn]],
    summaries: Mapping[str, SideSummary],
    surroundings: Surroundings | None,
) -> Result:
    """Compute a figure from its sides' turns and say what it is worth."""
    runs = [
        figure.of_turns(dict(zip(figure.sides, each, strict=True)))
        for each in zip(*(turns[side] for side in figure.sides), strict=True)
    ]
    value = statistics.median(runs)
    faults = list_generator_faults(figure, turns)
    good = None
    if figure.must is not None and not faults:
        good = value >= figure.must if figure.better == "more" else value <= figure.must
    return Result(
        name=figure.name,
        value=round_figure(value),
        unit=figure.unit,
        runs=len(runs),
        spread=(round_figure(min(runs)), round_figure(max(runs))),
        good=good,
        generator_bound=bool(faults),
        must=figure.must,
        aim=figure.aim,
        better=figure.better,
        meaning=figure.meaning,
        doubts=(*faults, *list_doubts(surroundings)),
        sides={side: summaries[side] for side in figure.sides},
        surroundings=surroundings,
        measured_at=clock.now(),
    )


def list_generator_faults(figure: Figure, turns: Mapping[str, Sequence[Turn]]) -> list[str]:
    """Why the generator spoilt a figure: one reason per side, of the turn that shows it."""
    faults = []
    for side in figure.sides:
        found = [fault for turn in turns[side] if (fault := find_generator_fault(turn))]
        if found:
            faults.append(f"{side}: in {len(found)} of {len(turns[side])} runs {found[0]}")
    return faults


def list_doubts(surroundings: Surroundings | None) -> list[str]:
    """What about the machine makes a figure doubtful, though not wrong."""
    if surroundings is None:
        return []
    doubts = []
    if surroundings.load_before > surroundings.cores / 2:
        doubts.append(
            f"others worked on the machine: load {surroundings.load_before} on {surroundings.cores} cores before the start"
        )
    if not (surroundings.fsync and surroundings.synchronous_commit):
        doubts.append("the database does not wait for the disk: what it acknowledges may be lost")
    if surroundings.filesystem in ("tmpfs", "ramfs"):
        doubts.append("the database lies in memory: waiting for the disk costs nothing there")
    return doubts


def summarise(turns: Sequence[Turn], note: str, hot_spots: tuple[HotSpot, ...] = ()) -> SideSummary:
    """One side over all its turns."""
    rates = [turn.rate for turn in turns]
    count = sum(turn.count for turn in turns)
    latencies = [turn.latency_ms for turn in turns if turn.latency_ms]
    busy = [turn.generator.busy for turn in turns if turn.generator]
    kinds = turns[0].cpu_s
    return SideSummary(
        rate=round_figure(statistics.median(rates)),
        rate_spread=(round_figure(min(rates)), round_figure(max(rates))),
        counts=tuple(turn.count for turn in turns),
        cpu_us={
            kind: round(1e6 * sum(turn.cpu_s[kind] for turn in turns) / max(count, 1), 1) for kind in kinds
        },
        wal_bytes=round(sum(turn.wal_bytes for turn in turns) / max(count, 1), 1),
        latency_p50_ms=statistics.median(p50 for p50, _ in latencies) if latencies else None,
        latency_p99_ms=statistics.median(p99 for _, p99 in latencies) if latencies else None,
        generator_busy=round(max(busy), 3) if busy else None,
        note=note,
        hot_spots=hot_spots,
    )


def round_figure(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")
