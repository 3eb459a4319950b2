"""What a process counts about itself: counters, histograms and gauges that cost next to nothing to move.

One process, one thread, so a figure is an entry of a dictionary and needs no lock. ``take_families`` gives them all as plain
data; ``serai.main.seen`` gathers those of every process and writes them the way Prometheus reads them. Names, labels and
units follow its rules: seconds and bytes, ``_total`` for what only grows.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

# Upper bounds in seconds; what takes longer lands behind the last. Fine where orders live, coarse beyond.
LATENCY_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZE_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 192.0, 256.0)

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]


class Family(msgspec.Struct, frozen=True):
    """One metric with all its samples: (suffix of the name, labels, value)."""

    name: str
    kind: Kind
    text: str
    samples: list[tuple[str, dict[str, str], float]]


class Counter:
    """What only grows. ``name`` ends in ``_total``."""

    kind: Kind = "counter"

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        self.name, self.text, self.labels = name, text, labels
        self.values: dict[Labels, float] = {} if labels else {(): 0.0}
        _METRICS.append(self)

    def add(self, *values: str, by: float = 1.0) -> None:
        """Count once more (or ``by`` so much) for these label values."""
        self.values[values] = self.values.get(values, 0.0) + by

    def get(self, *values: str) -> float:
        return self.values.get(values, 0.0)

    def sum(self) -> float:
        """Over all label values."""
        return sum(self.values.values())

    def family(self) -> Family:
        samples = [("", dict(zip(self.labels, each, strict=True)), v) for each, v in self.values.items()]
        return Family(self.name, self.kind, self.text, samples)


class Gauge:
    """What goes up and down, read when asked; several readers (one per part) may add to one gauge."""

    kind: Kind = "gauge"

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        self.name, self.text, self.labels = name, text, labels
        self._readers: list[Callable[[], Iterable[tuple[Labels, float]]]] = []
        _METRICS.append(self)

    def read_from(self, reader: Callable[[], Iterable[tuple[Labels, float]]]) -> Callable[[], None]:
        """Ask this function for (label values, value). Returns what takes it away again."""
        self._readers.append(reader)
        return lambda: self._readers.remove(reader)

    def get(self, *values: str) -> float:
        return sum(value for reader in self._readers for labels, value in reader() if labels == values)

    def family(self) -> Family:
        found: dict[Labels, float] = {}
        for reader in self._readers:
            for labels, value in reader():
                found[labels] = found.get(labels, 0.0) + value
        samples = [("", dict(zip(self.labels, each, strict=True)), v) for each, v in found.items()]
        return Family(self.name, self.kind, self.text, samples)


class Series:
    """The observations under one set of label values: how many per bucket (the last is what lies above), their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Histogram:
    """How observations spread over buckets."""

    kind: Kind = "histogram"

    def __init__(
        self, name: str, text: str, labels: Labels = (), bounds: tuple[float, ...] = LATENCY_BOUNDS_S
    ) -> None:
        self.name, self.text, self.labels, self.bounds = name, text, labels, bounds
        self.series: dict[Labels, Series] = {}
        self.all = Series(bounds)
        _METRICS.append(self)

    def observe(self, value: float, *values: str) -> None:
        """Note a value; in seconds unless the name says otherwise."""
        series = self.series.get(values)
        if series is None:
            series = self.series[values] = Series(self.bounds)
        series.observe(value)
        self.all.observe(value)

    def family(self) -> Family:
        samples: list[tuple[str, dict[str, str], float]] = []
        for values, series in self.series.items():
            labels = dict(zip(self.labels, values, strict=True))
            so_far = 0
            for bound, count in zip((*map(_bound_text, self.bounds), "+Inf"), series.counts, strict=True):
                so_far += count
                samples.append(("_bucket", {**labels, "le": bound}, so_far))
            samples += [("_count", labels, so_far), ("_sum", labels, series.total)]
        return Family(self.name, self.kind, self.text, samples)


def _bound_text(bound: float) -> str:
    return repr(float(bound))


_METRICS: list[Counter | Gauge | Histogram] = []


def take_families() -> list[Family]:
    """Everything that this process counts, as of now."""
    return [metric.family() for metric in _METRICS]


def find_quantile(bounds: tuple[float, ...], counts: list[int], share: float) -> float | None:
    """The value below which a share of the observations lies, straight between the bounds of its bucket.

    None without observations; what lies above the last bound is told as that bound, the least that it can be.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, so_far = share * total, 0
    for index, count in enumerate(counts):
        if count and so_far + count >= wanted:
            if index == len(bounds):
                return bounds[-1]
            lower = bounds[index - 1] if index else 0.0
            return lower + (bounds[index] - lower) * (wanted - so_far) / count
        so_far += count
    return bounds[-1]
