"""``/metrics``: what all processes of this machine count, in the text format of Prometheus, for those who may read it."""

import asyncio
import hmac
from collections.abc import Iterator
from typing import Any

from litestar import MediaType, Request, Response, get
from prometheus_client import Metric, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from serai.data.service.types import Report, Seen
from serai.foundation.database import Database
from serai.foundation.errors import Forbidden, Unauthorised, _
from serai.foundation.event import measure_lag
from serai.foundation.job import count_waiting
from serai.foundation.metric import Family
from serai.main.seen import Window
from serai.main.settings import HouseSettings

DATABASE_WITHIN_S = 1.0
HERE = frozenset(("127.0.0.1", "::1", "localhost"))
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def require_reader(request: Request[Any, Any, Any], house: HouseSettings) -> None:
    """Let pass whoever has the token; without a token set, whoever asks from this machine and through no proxy.

    A proxy on this machine makes every stranger look local, so anything that smells of one is refused.
    """
    if house.metrics_token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {house.metrics_token}".encode()):
            raise Unauthorised("metrics.token_needed", _("The token for metrics is missing or wrong."))
        return
    client = request.client.host if request.client else ""
    host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
    is_forwarded = bool(house.public_url) or any(name in request.headers for name in FORWARDED)
    if client not in HERE or host not in HERE or is_forwarded:
        raise Forbidden(
            "metrics.closed",
            _("Metrics answer on this machine only. Set SERAI_METRICS_TOKEN to read them from elsewhere."),
        )


@get("/metrics", include_in_schema=False, media_type=MediaType.TEXT)
async def answer_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Everything that is counted, of every process, each figure with its process's name."""
    require_reader(request, request.app.state.house)
    window: Window = request.app.state.window
    seen, families = await asyncio.gather(window.gather(), measure_database(request.app.state.platform.owner))
    return Response(render_metrics(seen, families), media_type=CONTENT_TYPE)


async def measure_database(owner: Database) -> list[Family]:
    """What the database alone knows: lag of subscribers, jobs. When it does not answer in time, that is told instead."""
    asking = asyncio.create_task(_ask_database(owner))
    await asyncio.wait({asking}, timeout=DATABASE_WITHIN_S)
    families: list[Family] = []
    if not asking.done():
        # A frozen database does not take the cancellation either, so it is not waited for.
        asking.cancel()
        asking.add_done_callback(_forget_outcome)
    elif asking.exception() is None:
        families = asking.result()
    up = Family(
        "serai_database_up",
        "gauge",
        "Whether the database answered in time.",
        [("", {}, float(bool(families)))],
    )
    return [up, *families]


def _forget_outcome(task: "asyncio.Task[list[Family]]") -> None:
    if not task.cancelled():
        task.exception()


async def _ask_database(owner: Database) -> list[Family]:
    lags = await measure_lag(owner)
    due, parked, oldest_s = await count_waiting(owner)
    return [
        Family(
            "serai_event_lag_seconds",
            "gauge",
            "Age of the oldest event that a subscriber has not seen.",
            [("", {"subscriber": name}, lag_s) for name, lag_s in lags],
        ),
        Family("serai_jobs_due", "gauge", "Jobs whose time has come.", [("", {}, due)]),
        Family("serai_jobs_due_seconds", "gauge", "How long the oldest due job waits.", [("", {}, oldest_s)]),
        Family("serai_jobs_parked", "gauge", "Jobs that nobody tries any more.", [("", {}, parked)]),
    ]


class _Gathered(Collector):
    """The families of all processes under one name each."""

    def __init__(self, seen: Seen, families: list[Family]) -> None:
        self._seen = seen
        self._families = families

    def collect(self) -> Iterator[Metric]:
        metrics: dict[str, Metric] = {}
        for family in (*self._families, _tell_up(self._seen)):
            _add(metrics, family, {})
        for report in self._seen.reports:
            for family in (*report.families, *_derive(report)):
                _add(metrics, family, {"process": report.process})
        yield from metrics.values()


def _add(metrics: dict[str, Metric], family: Family, labels: dict[str, str]) -> None:
    metric = metrics.get(family.name)
    # The library puts `_total` to a counter's samples itself.
    name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    if metric is None:
        metric = metrics[family.name] = Metric(name, family.text, family.kind)
    suffix = "_total" if family.kind == "counter" else ""
    for ending, own, value in family.samples:
        metric.add_sample(f"{name}{suffix}{ending}", {**labels, **own}, value)


def _tell_up(seen: Seen) -> Family:
    samples = [("", {"process": report.process}, 1.0) for report in seen.reports]
    samples += [("", {"process": name}, 0.0) for name in seen.missing]
    return Family("serai_process_up", "gauge", "Whether a process of this machine answered in time.", samples)


def _derive(report: Report) -> list[Family]:
    """Orders by name, since they are what everybody asks for first."""
    facts = next((f.samples for f in report.families if f.name == "serai_facts_total"), [])
    by_event = {labels["event"]: value for _suffix, labels, value in facts}
    return [
        Family(
            f"serai_orders_{word}_total",
            "counter",
            f"Orders {word}, counted when committed, repeats left out.",
            [("", {}, by_event.get(event, 0.0))],
        )
        for word, event in (("placed", "OrderPlaced"), ("paid", "OrderPaid"))
    ]


def render_metrics(seen: Seen, families: list[Family]) -> bytes:
    """The text for Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gathered(seen, families))
    return generate_latest(registry)
