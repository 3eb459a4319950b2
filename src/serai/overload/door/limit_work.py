"""How many requests may be under way at once: found from latency, by the gradient of a short window over a slow baseline.

window of requests ── p90 ──► short ──► gradient = tolerance · baseline / short, between 0.5 and 1
                               │            └─► limit · gradient, plus some growth only while the gradient is 1
                               └─► baseline: slowly, capped by what a quiet worker showed, and not at all while shedding

What goes wrong with limits of this kind is answered here one by one: a baseline that creeps up with hours of load (cap,
freeze), a limit that creeps up while latency is already bad (growth at gradient 1 only), a baseline that never learns that
the world has become slower (probe: a moment with few under way, in which the others wait rather than being refused), a probe
that is mistaken for the lowest limit (they are two figures), and a burst that slips through before the first of it completes
(admissions are counted by the gate, not completions).
"""

import random

from serai.overload.door.types import LimitPlan

LEAST_SAMPLES = 5


class Limiter:
    """The limit of one worker. Pure: it is told the time (seconds, monotonic)."""

    def __init__(self, plan: LimitPlan, seed: int | None = None) -> None:
        self.plan = plan
        self._limit = float(plan.initial)
        self.baseline_s = 0.0
        self.short_s = 0.0
        self.quiet_s = 0.0
        self._random = random.Random(seed)
        self._samples: list[float] = []
        self._window_from: float | None = None
        self._peak = 0
        self._is_shedding = False
        self._probe_from: float | None = None
        self._probe_due: float | None = None
        self.probes = 0

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        if self._probe_from is not None:
            return min(self.plan.probe, int(self._limit))
        return int(self._limit)

    @property
    def is_probing(self) -> bool:
        return self._probe_from is not None

    def note_pressure(self) -> None:
        """Somebody had to wait or was turned away: latency is no longer that of an unhurried worker."""
        self._is_shedding = True

    def record(self, taken_s: float, under_way: int, now: float) -> None:
        """A request has been served in ``taken_s``; ``under_way`` counts those at its end, itself included."""
        if self._window_from is None:
            self._window_from = now
        if self._probe_from is not None and now - taken_s < self._probe_from:
            # Begun before the probe: its latency is that of the crowd.
            if now - self._probe_from > self.plan.probe_most_s:
                self._end_probe(now)
            return
        self._samples.append(taken_s)
        self._peak = max(self._peak, under_way)
        lasted_s = now - self._window_from
        if lasted_s >= self.plan.window_s and (
            len(self._samples) >= self.plan.window_samples
            or (len(self._samples) >= LEAST_SAMPLES and lasted_s >= 10 * self.plan.window_s)
        ):
            self._close_window(now)

    def _close_window(self, now: float) -> None:
        samples = sorted(self._samples)
        short = max(samples[min(len(samples) - 1, int(0.9 * len(samples)))], 1e-6)
        peak, is_shedding = self._peak, self._is_shedding
        self._samples, self._peak, self._window_from, self._is_shedding = [], 0, now, False
        self.short_s = short
        if self._probe_from is not None:
            self.quiet_s = self.baseline_s = short
            self._end_probe(now)
            return
        self._follow(short, peak, is_shedding)
        self._move(short, peak)
        self._plan_probe(now, is_shedding)

    def _follow(self, short: float, peak: int, is_shedding: bool) -> None:
        """Let the baseline follow: up slowly and never while shedding or past its cap, down at once."""
        plan = self.plan
        if peak <= plan.probe:
            self.quiet_s = short if not self.quiet_s else 0.9 * self.quiet_s + 0.1 * short
        if not self.baseline_s:
            self.baseline_s = short
        elif short < self.baseline_s:
            self.baseline_s += (short - self.baseline_s) * 0.2
        elif not is_shedding:
            self.baseline_s += (short - self.baseline_s) * plan.baseline_weight
        if self.quiet_s:
            self.baseline_s = min(self.baseline_s, self.quiet_s * plan.baseline_cap)

    def _move(self, short: float, peak: int) -> None:
        plan = self.plan
        if peak < self._limit / 2:
            # So few never touched the limit: their latency says nothing of it.
            return
        gradient = min(1.0, max(0.5, plan.tolerance * self.baseline_s / short))
        aim = self._limit * gradient + (plan.growth if gradient >= 1.0 else 0.0)
        self._limit += (aim - self._limit) * (plan.smoothing if gradient < 1.0 else 1.0)
        self._limit = min(float(plan.most), max(float(plan.floor), self._limit))

    def _plan_probe(self, now: float, is_shedding: bool) -> None:
        """A probe is due only where the baseline is frozen: a limit that stands for long while requests wait."""
        if not is_shedding:
            self._probe_due = None
        elif self._probe_due is None:
            self._probe_due = now + self.plan.probe_every_s * self._random.uniform(0.8, 1.2)
        elif now >= self._probe_due:
            self._probe_due, self._probe_from = None, now
            self.probes += 1

    def _end_probe(self, now: float) -> None:
        self._probe_from, self._window_from = None, now
        self._samples, self._peak = [], 0
