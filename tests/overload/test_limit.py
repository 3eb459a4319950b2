"""The limit on requests under way, in virtual time: close to the best fixed limit, and none of the known defects."""

import math
import random
from collections.abc import Callable

import pytest
from tests.overload.virtual import NO_LIMIT, FixedLimiter, Trace, best_static, run

from serai.overload.door.limit_work import Limiter
from serai.overload.door.types import Kind, LimitPlan

MEAN_S = 0.01


def vary(mean_s: float) -> Callable[[float, random.Random], float]:
    return lambda _now, chance: chance.expovariate(1 / mean_s)


# Two servers and 10 ms of work: 200 requests a second are all there is.
TRACES = {
    "step": Trace(60, lambda now: 140 if now < 15 or now > 50 else 600, vary(MEAN_S)),
    "spike": Trace(60, lambda now: 1500 if now % 20 < 3 else 120, vary(MEAN_S)),
    "slow drift": Trace(
        120, lambda _now: 240, lambda now, chance: chance.expovariate(1 / (MEAN_S * (1 + 3 * now / 120)))
    ),
    "bimodal": Trace(50, lambda _now: 300, lambda _now, chance: 0.005 if chance.random() < 0.9 else 0.1),
}


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("seed", [1, 2])
def test_nine_tenths_of_the_best_fixed_limit_are_reached(name: str, seed: int) -> None:
    trace = TRACES[name]
    best = best_static(trace, seed=seed).goodput
    assert run(trace, Limiter(LimitPlan(), seed), seed=seed).goodput >= 0.9 * best


@pytest.mark.parametrize("name", TRACES)
def test_without_a_limit_it_collapses(name: str) -> None:
    trace = TRACES[name]
    best = best_static(trace, seed=1).goodput
    bare = run(trace, FixedLimiter(NO_LIMIT), seed=1)
    assert bare.turned == 0
    assert bare.goodput < 0.5 * best, "too weak a trace to prove anything"


@pytest.mark.parametrize("name", ["step", "slow drift", "bimodal"])
def test_critical_requests_are_served_through_it(name: str) -> None:
    outcome = run(TRACES[name], Limiter(LimitPlan(), 1), seed=1)
    assert outcome.good[Kind.CRITICAL] >= 0.97 * outcome.offered[Kind.CRITICAL]
    assert outcome.good[Kind.SHEDDABLE] < 0.7 * outcome.offered[Kind.SHEDDABLE]


def test_an_hour_of_jitter_at_four_fifths_of_the_capacity_sheds_nobody() -> None:
    """Sentinel #2160 and Envoy #18152: stalls and waves that mean nothing made limits trip."""

    def stall(_now: float, chance: random.Random) -> float:
        return MEAN_S * chance.uniform(0.5, 1.5) + (0.1 if chance.random() < 1 / 1600 else 0)

    wave = Trace(3600, lambda now: 150 * (1 + 0.1 * math.sin(now / 7)), stall)
    outcome = run(wave, Limiter(LimitPlan(), 1), seed=1)
    assert sum(outcome.offered.values()) > 500_000
    assert outcome.turned == 0
    assert outcome.late == 0


def feed(limiter: Limiter, taken_s: float, under_way: int, *, windows: int, start: float = 0.0) -> float:
    """Whole windows of equal requests; returns the time at their end."""
    now = start
    for _ in range(windows * limiter.plan.window_samples):
        now += 0.005
        limiter.record(taken_s, under_way, now)
    return now


def test_a_quiet_limit_neither_grows_nor_shrinks() -> None:
    limiter = Limiter(LimitPlan(), 1)
    now = feed(limiter, 0.01, 2, windows=5)
    feed(limiter, 0.2, 3, windows=50, start=now)
    assert limiter.limit == limiter.plan.initial


def test_the_limit_does_not_grow_while_latency_is_bad() -> None:
    """Netflix's PR #134: the queue's term lifted the limit at a gradient of 0.8."""
    limiter = Limiter(LimitPlan(), 1)
    now = feed(limiter, 0.01, 20, windows=3)
    seen = [limiter.limit]
    for _ in range(40):
        # A little past the tolerance: a gradient just below one.
        now = feed(limiter, limiter.baseline_s * 2.3, limiter.limit, windows=1, start=now)
        seen.append(limiter.limit)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < seen[0]


def test_the_baseline_does_not_creep_up_under_hours_of_load() -> None:
    """Netflix #165: a slow baseline learns the overload, and the limit grows with it."""
    limiter = Limiter(LimitPlan(), 1)
    now = feed(limiter, 0.01, 2, windows=20)
    feed(limiter, 0.05, 18, windows=3_000, start=now)
    assert limiter.baseline_s <= 0.01 * limiter.plan.baseline_cap * 1.001


def test_the_baseline_is_frozen_while_somebody_waits() -> None:
    """Envoy PR #11579."""
    limiter = Limiter(LimitPlan(probe_every_s=1e9), 1)
    now = feed(limiter, 0.01, 15, windows=20)
    before = limiter.baseline_s
    for _ in range(500):
        limiter.note_pressure()
        now = feed(limiter, 0.019, 15, windows=1, start=now)
    assert limiter.baseline_s == before


def test_a_world_that_has_become_slower_for_good_is_learnt_by_a_probe() -> None:
    """Frozen alone, the limit would stay at its floor for ever."""
    trace = Trace(240, lambda now: 140 if now < 30 else 70, lambda now, _chance: 0.01 if now < 30 else 0.05)
    learning, frozen = Limiter(LimitPlan(), 1), Limiter(LimitPlan(probe_every_s=1e9), 1)
    run(trace, learning, seed=1)
    run(trace, frozen, seed=1)
    assert learning.probes > 0
    assert learning.baseline_s > 2 * frozen.baseline_s


def test_a_probe_refuses_nobody_who_would_not_have_waited_too_long() -> None:
    """Envoy answered 503 in the window in which it measured."""
    limiter = Limiter(LimitPlan(probe_every_s=5.0), 1)
    trace = Trace(
        120,
        lambda now: 230 if now % 10 < 2 else 140,
        lambda _now, chance: 0.01 * chance.uniform(0.5, 1.5),
        ((Kind.CRITICAL, 1.0),),
    )
    outcome = run(trace, limiter, seed=1)
    assert limiter.probes > 0
    assert outcome.turned == 0


def test_probe_and_floor_are_two_figures() -> None:
    """Envoy #46532: the lowest limit was also the limit of the probe."""
    limiter = Limiter(LimitPlan(floor=10, probe=2), 1)
    now = feed(limiter, 0.01, 15, windows=5)
    while not limiter.is_probing:
        limiter.note_pressure()
        now = feed(limiter, 0.5, 15, windows=1, start=now)
    assert limiter.limit == 2
    while limiter.is_probing:
        now += 0.01
        limiter.record(0.005, 2, now)
    assert limiter.limit == 10


def test_requests_from_before_a_probe_do_not_count_in_it() -> None:
    limiter = Limiter(LimitPlan(), 1)
    now = feed(limiter, 0.01, 15, windows=5)
    while not limiter.is_probing:
        limiter.note_pressure()
        now = feed(limiter, 0.5, 15, windows=1, start=now)
    began = now
    for _ in range(3):
        now += 0.01
        limiter.record(now - began + 3.0, 4, now)
    for _ in range(60):
        now += 0.01
        limiter.record(0.005, 3, now)
    assert not limiter.is_probing
    assert limiter.baseline_s == pytest.approx(0.005)


def test_a_probe_ends_even_if_nothing_begins_in_it() -> None:
    limiter = Limiter(LimitPlan(), 1)
    now = feed(limiter, 0.01, 15, windows=5)
    while not limiter.is_probing:
        limiter.note_pressure()
        now = feed(limiter, 0.5, 15, windows=1, start=now)
    limiter.record(60.0, 15, now + limiter.plan.probe_most_s + 0.01)
    assert not limiter.is_probing


def test_a_burst_cannot_slip_through_before_the_first_of_it_ends() -> None:
    """Sentinel #2450 and #1470: counting completions lets a thousand in at once."""
    burst = Trace(2, lambda now: 50_000 if now < 0.02 else 1, lambda _now, _chance: 0.05)
    outcome = run(burst, Limiter(LimitPlan(), 1), seed=1)
    assert outcome.most_under_way < 2 * LimitPlan().initial
