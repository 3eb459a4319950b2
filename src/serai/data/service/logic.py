"""Adding processes up, second by second, and judging the last minute; pure."""

from collections.abc import Iterable, Sequence
from itertools import chain

from serai.data.service.types import Finding, Moment, ProcessLine, Report, Second, Seen, Service, Tone
from serai.foundation.errors import _
from serai.foundation.metric import LATENCY_BOUNDS_S, find_quantile

MINUTES_SHOWN = 5
STEP_S = 2
# Quantiles of two seconds would be noise; those of ten are a line.
SMOOTH_S = 10
JUDGED_S = 60
# Processes do not take their seconds in the same moment; one that is further behind than this is not waited for.
BEHIND_S = 4

SLOW_MS = 1_000.0
FAILED_SHARE = 0.01
FAILED_LEAST = 5
SHED_LEAST = 5
DEPTH_MOST = 500.0
LOOP_LAG_MS = 250.0
COMMIT_MS = 250.0
LAG_WARN_S = 15.0
LAG_BAD_S = 120.0


def assess(seen: Seen, lags: Sequence[tuple[str, float]] | None, now: int) -> Service:
    """The picture as of ``now`` (seconds since 1970). ``lags`` is None when the database did not answer."""
    by_second = _add_up(seen.reports)
    end = _find_end(seen.reports, now)
    moments = tuple(
        _summarise(by_second, at, STEP_S, SMOOTH_S)
        for at in range(end - 60 * MINUTES_SHOWN + STEP_S, end + 1, STEP_S)
    )
    last = _summarise(by_second, end, JUDGED_S, JUDGED_S)
    findings = tuple(sorted(_find(seen, lags, last), key=lambda each: each.tone != "bad"))
    tone: Tone = "ok"
    if findings:
        tone = findings[0].tone
    processes = [_describe(report, end) for report in seen.reports]
    processes += [ProcessLine(name, None) for name in seen.missing]
    return Service(
        tone,
        findings,
        last,
        moments,
        tuple(sorted(processes, key=lambda each: each.process)),
        tuple(sorted(lags or (), key=lambda each: (-each[1], each[0]))),
    )


def _add_up(reports: Iterable[Report]) -> dict[int, list[Second]]:
    by_second: dict[int, list[Second]] = {}
    for report in reports:
        for second in report.seconds:
            by_second.setdefault(second.at, []).append(second)
    return by_second


def _find_end(reports: Iterable[Report], now: int) -> int:
    """The last second that every process which keeps up has told about."""
    lasts = [report.seconds[-1].at for report in reports if report.seconds]
    return min((last for last in lasts if now - last <= BEHIND_S), default=now)


def _summarise(by_second: dict[int, list[Second]], end: int, span_s: int, smooth_s: int) -> Moment:
    own = list(chain.from_iterable(by_second.get(at, ()) for at in range(end - span_s + 1, end + 1)))
    wide = list(chain.from_iterable(by_second.get(at, ()) for at in range(end - smooth_s + 1, end + 1)))
    buckets = [sum(column) for column in zip(*(s.buckets for s in wide if s.buckets), strict=True)]
    batches, commits = sum(s.batches for s in own), sum(s.commits for s in own)
    return Moment(
        end,
        sum(s.placed for s in own) / span_s,
        sum(s.paid for s in own) / span_s,
        sum(s.requests for s in own) / span_s,
        sum(s.failed for s in own) / span_s,
        sum(s.shed for s in own) / span_s,
        _milliseconds(find_quantile(LATENCY_BOUNDS_S, buckets, 0.5)) if buckets else None,
        _milliseconds(find_quantile(LATENCY_BOUNDS_S, buckets, 0.99)) if buckets else None,
        sum(s.groups for s in own) / batches if batches else None,
        sum(s.depth for s in own) / span_s,
        sum(s.busy for s in own) / span_s,
        sum(s.connections for s in own) / span_s,
        sum(s.waiting for s in own) / span_s,
        1_000 * sum(s.commit_s for s in own) / commits if commits else None,
        1_000 * max((s.loop_lag_s for s in own), default=0.0),
        max((s.lag_s for s in own), default=0.0),
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1_000 * seconds


def _find(seen: Seen, lags: Sequence[tuple[str, float]] | None, last: Moment) -> Iterable[Finding]:
    for name in seen.missing:
        yield Finding("bad", _("The process %(name)s does not answer."), {"name": name})
    if not any(report.process.startswith("worker") for report in seen.reports) and not any(
        name.startswith("worker") for name in seen.missing
    ):
        yield Finding(
            "warn", _("No worker runs on this machine: letters and jobs wait unless one runs elsewhere.")
        )
    if lags is None:
        yield Finding("bad", _("The database does not answer."))
    failed = last.failed * JUDGED_S
    if failed >= FAILED_LEAST and last.failed > FAILED_SHARE * last.requests:
        yield Finding("bad", _("%(count)s requests failed within a minute."), {"count": round(failed)})
    if last.shed * JUDGED_S >= SHED_LEAST:
        count = round(last.shed * JUDGED_S)
        yield Finding("warn", _("%(count)s requests were sent away within a minute."), {"count": count})
    if last.p99_ms is not None and last.p99_ms > SLOW_MS:
        seconds = f"{last.p99_ms / 1_000:.1f}"
        yield Finding(
            "warn", _("One answer of a hundred takes longer than %(seconds)s s."), {"seconds": seconds}
        )
    if last.depth > DEPTH_MOST:
        count = round(last.depth)
        yield Finding("warn", _("%(count)s bookings wait for the ledger."), {"count": count})
    if last.waiting >= 1:
        yield Finding("warn", _("Requests wait for a connection to the database."))
    if last.commit_ms is not None and last.commit_ms > COMMIT_MS:
        yield Finding(
            "warn", _("The database's disk is slow: a commit takes %(ms)s ms."), {"ms": round(last.commit_ms)}
        )
    if last.loop_lag_ms > LOOP_LAG_MS:
        yield Finding(
            "warn", _("A process was held up for %(ms)s ms; the machine is short of CPU."), {"ms": round(last.loop_lag_ms)}
        )  # fmt: skip
    yield from _find_lags(lags or ())


def _find_lags(lags: Sequence[tuple[str, float]]) -> Iterable[Finding]:
    for name, lag_s in lags:
        if lag_s > LAG_WARN_S:
            tone: Tone = "bad" if lag_s > LAG_BAD_S else "warn"
            message = _("%(name)s is %(seconds)s s behind the event log.")
            yield Finding(tone, message, {"name": name, "seconds": round(lag_s)})


def _describe(report: Report, end: int) -> ProcessLine:
    figures = {
        family.name: sum(value for _suffix, _labels, value in family.samples)
        for family in report.families
        if family.kind == "gauge"
    }
    recent = [second for second in report.seconds if second.at > end - JUDGED_S]
    return ProcessLine(
        report.process,
        report.pid,
        sum(second.requests for second in recent) / JUDGED_S,
        figures.get("serai_process_resident_bytes"),
        figures.get("serai_process_open_files"),
        1_000 * max((second.loop_lag_s for second in recent), default=0.0),
    )
