"""The queue at the gate: deadlines, order under pressure, reserve, and who gives way to whom."""

import pytest
from tests.overload.virtual import FixedLimiter, Trace, run

from serai.overload.door.queue_work import FULL, LATE, OUTRANKED, Gate, Waiting
from serai.overload.door.types import KINDS, Kind, QueuePlan


def make_gate(limit: int, **plan: object) -> Gate:
    return Gate(FixedLimiter(limit), QueuePlan(**plan))  # type: ignore[arg-type]  # figures by name


def wait(gate: Gate, kind: Kind, now: float, name: str = "") -> Waiting:
    waiting = Waiting(kind, now, now + gate.plan.wait_s[kind], name)
    step = gate.arrive(waiting)
    assert waiting not in [left for left, _reason in step.leave]
    return waiting


def fill(gate: Gate, kind: Kind) -> int:
    begun = 0
    while gate.try_begin(kind):
        begun += 1
    return begun


def test_a_fifth_is_reserved_for_what_is_critical() -> None:
    gate = make_gate(10)
    assert fill(gate, Kind.NORMAL) == 8
    assert fill(gate, Kind.CRITICAL) == 2


@pytest.mark.parametrize(("kind", "most"), [(Kind.SHEDDABLE, 8), (Kind.BOT, 2), (Kind.SHADOW_BOT, 1)])
def test_less_important_classes_have_smaller_shares(kind: Kind, most: int) -> None:
    assert fill(make_gate(20), kind) == most


def test_shares_count_all_that_is_less_important_together() -> None:
    gate = make_gate(10)
    assert fill(gate, Kind.SHEDDABLE) == 4
    assert fill(gate, Kind.NORMAL) == 4


def test_the_first_come_is_the_first_served_while_it_goes_well() -> None:
    gate = make_gate(1)
    assert gate.try_begin(Kind.CRITICAL)
    for name in "abc":
        wait(gate, Kind.CRITICAL, 0.01, name)
    assert [each.owner for each in gate.finish(Kind.CRITICAL, 0.0, 0.1).begin] == ["a"]


def test_under_pressure_the_last_come_is_the_first_served() -> None:
    gate = make_gate(1)
    assert gate.try_begin(Kind.CRITICAL)
    for place, name in enumerate("abc"):
        wait(gate, Kind.CRITICAL, place / 10, name)
    assert [each.owner for each in gate.finish(Kind.CRITICAL, 0.0, 1.0).begin] == ["c"]


def test_the_more_important_begins_first_whenever_it_came() -> None:
    gate = make_gate(1)
    assert gate.try_begin(Kind.CRITICAL)
    for kind in (Kind.BOT, Kind.SHADOW_CRITICAL, Kind.NORMAL, Kind.CRITICAL, Kind.SHEDDABLE):
        wait(gate, kind, 0.0, kind.code)
    order = []
    for _ in range(5):
        kind = order[-1] if order else Kind.CRITICAL
        order += [each.kind for each in gate.finish(kind, 0.0, 0.1).begin]
    assert order == sorted(order)


def test_work_past_its_deadline_never_begins() -> None:
    gate = make_gate(1)
    assert gate.try_begin(Kind.NORMAL)
    late = wait(gate, Kind.NORMAL, 0.0)
    fresh = wait(gate, Kind.NORMAL, 0.9)
    step = gate.finish(Kind.NORMAL, 0.0, 1.0)
    assert step.leave == [(late, LATE)]
    assert step.begin == [fresh]


def test_no_work_begins_late_in_a_whole_overloaded_run() -> None:
    begun: list[float] = []

    def note(waiting: Waiting, now: float) -> None:
        begun.append(waiting.deadline_s - now)

    trace = Trace(20, lambda _now: 900, lambda _now, chance: chance.expovariate(100))
    outcome = run(trace, FixedLimiter(6), seed=3, started=note)
    assert outcome.turned > 1_000
    assert min(begun) > 0


def test_a_full_queue_turns_the_newcomer_away() -> None:
    gate = make_gate(1, most=2)
    assert gate.try_begin(Kind.NORMAL)
    wait(gate, Kind.NORMAL, 0.0)
    wait(gate, Kind.NORMAL, 0.0)
    third = Waiting(Kind.NORMAL, 0.1, 1.1)
    assert gate.arrive(third).leave == [(third, FULL)]
    assert gate.waiting == 2


def test_a_full_queue_makes_room_for_the_more_important() -> None:
    gate = make_gate(1, most=2)
    assert gate.try_begin(Kind.CRITICAL)
    robot = wait(gate, Kind.SHEDDABLE, 0.0)
    wait(gate, Kind.NORMAL, 0.0)
    buyer = Waiting(Kind.CRITICAL, 0.1, 4.1)
    assert gate.arrive(buyer).leave == [(robot, OUTRANKED)]
    assert gate.finish(Kind.CRITICAL, 0.0, 0.2).begin == [buyer]


def test_whoever_gives_up_takes_no_place() -> None:
    gate = make_gate(1)
    assert gate.try_begin(Kind.NORMAL)
    first, second = wait(gate, Kind.NORMAL, 0.0), wait(gate, Kind.NORMAL, 0.0)
    gate.give_up(first)
    gate.give_up(first)
    assert gate.waiting == 1
    assert gate.finish(Kind.NORMAL, 0.0, 0.1).begin == [second]
    assert gate.waiting == 0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_counts_come_out_even(seed: int) -> None:
    """As many begin as end, nobody is counted twice, and an empty gate is empty."""
    rates = {0: 50.0, 1: 1_000.0, 2: 5_000.0}
    mix = tuple((kind, 1.0) for kind in KINDS)
    trace = Trace(2, lambda now: rates[int(now * 3) % 3], lambda _n, c: c.expovariate(80), mix)
    begun: list[Waiting] = []
    outcome = run(
        trace, FixedLimiter(1 + seed), seed=seed, started=lambda waiting, _now: begun.append(waiting)
    )
    assert len(begun) == len({id(each) for each in begun})
    assert outcome.goodput + outcome.late + outcome.turned == sum(outcome.offered.values())
    assert outcome.most_under_way <= 1 + seed
