"""Adding processes up second by second, and the verdict."""

import msgspec
import pytest

from serai.data.service.logic import assess
from serai.data.service.types import Report, Second, Seen
from serai.foundation.metric import LATENCY_BOUNDS_S, Family

NOW = 1_800_000_000
SIZE = len(LATENCY_BOUNDS_S) + 1


def buckets(**counts: int) -> tuple[int, ...]:
    """Counts by the upper bound in milliseconds: ``ms5=3``."""
    found = [0] * SIZE
    for name, count in counts.items():
        found[LATENCY_BOUNDS_S.index(int(name.removeprefix("ms")) / 1000)] += count
    return tuple(found)


def report(process: str, *, last: int = NOW, seconds: int = 120, **more: object) -> Report:
    usual = Second(0, requests=10, buckets=buckets(ms10=10), connections=3, busy=1)
    steady = [msgspec.structs.replace(usual, at=at, **more) for at in range(last - seconds + 1, last + 1)]
    resident = Family("serai_process_resident_bytes", "gauge", "", [("", {}, 9e7)])
    return Report(process, 7, [resident], steady)


def healthy(*extra: Report) -> Seen:
    return Seen(
        [report("web-1"), report("web-2"), report("worker", requests=0, buckets=(0,) * SIZE), *extra], []
    )


def messages(seen: Seen, lags: object = ()) -> list[tuple[str, str]]:
    return [(each.tone, each.message % each.data) for each in assess(seen, lags, NOW).findings]  # type: ignore[arg-type]


def test_processes_are_added_up_second_by_second():
    service = assess(healthy(), [], NOW)
    assert service.tone == "ok"
    assert service.findings == ()
    assert service.now.requests == pytest.approx(20)
    assert service.now.connections == pytest.approx(9)
    assert service.moments[-1].at == NOW
    assert [m.at for m in service.moments[:2]] == [NOW - 298, NOW - 296]
    # Two minutes are known; before them there is nothing, and nothing is made up.
    assert service.moments[0].p99_ms is None
    assert service.moments[0].requests == 0
    assert [line.process for line in service.processes] == ["web-1", "web-2", "worker"]
    assert service.processes[0].resident_bytes == 9e7


def test_a_process_that_is_a_second_late_does_not_dent_the_line():
    seen = Seen([report("web-1"), report("web-2", last=NOW - 1), report("worker")], [])
    assert assess(seen, [], NOW).moments[-1].at == NOW - 1


def test_a_process_that_stands_still_is_not_waited_for():
    seen = Seen([report("web-1"), report("web-2", last=NOW - 200), report("worker")], [])
    assert assess(seen, [], NOW).moments[-1].at == NOW


def test_what_is_broken_comes_before_what_wants_looking_at():
    seen = Seen([report("web-1", shed=2), report("worker")], ["web-2"])
    found = messages(seen)
    assert [tone for tone, _text in found] == ["bad", "warn"]
    assert found[0][1] == "The process web-2 does not answer."
    assert assess(seen, [], NOW).tone == "bad"


def test_a_frozen_worker_is_not_told_as_none_at_all():
    assert messages(Seen([report("web-1")], ["worker"])) == [("bad", "The process worker does not answer.")]
    assert [tone for tone, _ in messages(Seen([report("web-1")], []))] == ["warn"]


@pytest.mark.parametrize(
    ("change", "tone"),
    [
        ({"failed": 1}, "bad"),
        ({"shed": 1}, "warn"),
        ({"buckets": buckets(ms10=9, ms5000=1)}, "warn"),
        ({"depth": 900}, "warn"),
        ({"waiting": 3}, "warn"),
        ({"commits": 1, "commit_s": 0.4}, "warn"),
        ({"loop_lag_s": 0.5}, "warn"),
    ],
)
def test_each_trouble_is_named(change, tone):
    found = messages(healthy(report("web-3", **change)))
    assert [each for each, _ in found] == [tone], found


@pytest.mark.parametrize(("lag_s", "tone"), [(3.0, None), (16.0, "warn"), (500.0, "bad")])
def test_a_subscriber_that_is_behind_is_named(lag_s, tone):
    found = messages(healthy(), [("letters", lag_s)])
    assert [each for each, _ in found] == ([tone] if tone else [])


def test_one_failure_among_thousands_is_no_breakdown():
    assert messages(healthy(report("web-3", seconds=1, failed=1))) == []


def test_a_database_without_an_answer_is_told():
    assert ("bad", "The database does not answer.") in messages(healthy(), None)


def test_nobody_there_at_all_is_still_a_picture():
    service = assess(Seen([], []), None, NOW)
    assert service.tone == "bad"
    assert len(service.moments) == 150
