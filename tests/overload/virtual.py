"""A worker in virtual time: processor sharing over a few servers, with patient-for-a-second clients in front of the gate.

Nothing here waits or asks the clock, so an hour takes seconds and a seed gives the same hour every time.
"""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from serai.overload.door.limit_work import Limiter
from serai.overload.door.queue_work import Gate, Waiting
from serai.overload.door.types import Kind, LimitPlan, QueuePlan

PATIENCE_S = 1.0


@dataclass
class Trace:
    """Arrivals a second and work per request (seconds of one server), both by virtual time."""

    lasts_s: float
    rate: Callable[[float], float]
    work: Callable[[float, random.Random], float]
    mix: tuple[tuple[Kind, float], ...] = ((Kind.CRITICAL, 0.2), (Kind.NORMAL, 0.6), (Kind.SHEDDABLE, 0.2))


@dataclass
class Machine:
    """So many servers; past ``thrash_at`` under way each further one costs all of them some of their speed."""

    servers: float = 2.0
    thrash_at: int = 40
    thrash: float = 0.01

    def speed(self, under_way: int) -> float:
        """How fast each of them gets on."""
        if not under_way:
            return 1.0
        shared = min(1.0, self.servers / under_way)
        return shared / (1 + self.thrash * max(0, under_way - self.thrash_at))


@dataclass
class Outcome:
    """What became of the requests of a run, by class."""

    offered: dict[Kind, int] = field(default_factory=dict)
    good: dict[Kind, int] = field(default_factory=dict)
    late: int = 0
    turned: int = 0
    limits: list[int] = field(default_factory=list)
    most_under_way: int = 0

    @property
    def goodput(self) -> int:
        return sum(self.good.values())


class FixedLimiter(Limiter):
    """A limit that somebody has chosen once and for all."""

    def __init__(self, limit: int) -> None:
        super().__init__(LimitPlan())
        self.fixed = limit

    @property
    def limit(self) -> int:
        return self.fixed


def run(
    trace: Trace,
    limiter: Limiter,
    *,
    seed: int,
    machine: Machine | None = None,
    queue: QueuePlan | None = None,
    started: Callable[[Waiting, float], None] = lambda _waiting, _now: None,
) -> Outcome:
    """Drive the gate through a trace. Arrivals are Poisson, seeded; latency counts from the arrival."""
    machine, chance, outcome = machine or Machine(), random.Random(seed), Outcome()
    gate = Gate(limiter, queue or QueuePlan())
    kinds, weights = zip(*trace.mix, strict=True)
    ends: list[tuple[float, int, Waiting, float]] = []
    now = gone = 0.0
    count = 0

    def begin(waiting: Waiting) -> None:
        nonlocal count
        count += 1
        started(waiting, now)
        heapq.heappush(ends, (gone + float(waiting.owner), count, waiting, now))
        outcome.most_under_way = max(outcome.most_under_way, gate.under_way)

    next_arrival = chance.expovariate(trace.rate(0.0))
    while True:
        if next_arrival >= trace.lasts_s:
            # Whoever is inside is still served.
            next_arrival = math.inf
            if not ends:
                return outcome
        speed = machine.speed(len(ends))
        ends_at = now + (ends[0][0] - gone) / speed if ends else math.inf
        due = gate.next_deadline() or math.inf
        at = min(next_arrival, ends_at, due)
        gone += (at - now) * speed
        now = at
        if at == ends_at:
            _end, _count, waiting, began = heapq.heappop(ends)
            step = gate.finish(waiting.kind, began, now)
            if now - waiting.arrived_s <= PATIENCE_S:
                outcome.good[waiting.kind] = outcome.good.get(waiting.kind, 0) + 1
            else:
                outcome.late += 1
        elif at == next_arrival:
            kind = chance.choices(kinds, weights)[0]
            outcome.offered[kind] = outcome.offered.get(kind, 0) + 1
            waiting = Waiting(kind, now, now + gate.plan.wait_s[kind], trace.work(now, chance))
            next_arrival = now + chance.expovariate(max(trace.rate(now), 1e-9))
            outcome.limits.append(limiter.limit)
            if gate.try_begin(kind):
                begin(waiting)
                continue
            step = gate.arrive(waiting)
        else:
            step = gate.advance(now)
        for each in step.begin:
            begin(each)
        outcome.turned += len(step.leave)


def best_static(trace: Trace, *, seed: int, machine: Machine | None = None) -> Outcome:
    """The best that any fixed limit reaches on the same trace."""
    runs = (
        run(trace, FixedLimiter(limit), seed=seed, machine=machine)
        for limit in (2, 3, 4, 6, 8, 12, 20, 40, 80)
    )
    return max(runs, key=lambda outcome: outcome.goodput)


# Nothing in front of the machine: everybody begins at once, as without a limiter.
NO_LIMIT = 1_000_000
