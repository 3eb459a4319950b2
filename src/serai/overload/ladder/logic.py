"""From pressure to a level, and from a level and a merchant's decisions to what is left out."""

import re
from collections.abc import Mapping

from serai.overload.ladder.types import LEVELS, SWITCHES, Level

HALF_LIFE_S = 2.0


class Climber:
    """The level of one worker over time. Pure: it is told the time (seconds, monotonic)."""

    def __init__(self, levels: tuple[Level, ...] = LEVELS) -> None:
        self._levels = levels
        self._above_since: list[float | None] = [None] * len(levels)
        self._below_since: float | None = None
        self._told_at: float | None = None
        self.pressure = 0.0
        self.level = 0

    def tell(self, share: float, now: float) -> int:
        """The share of requests that found no room since the last time (0 to 1); returns the level from now on."""
        passed = now - self._told_at if self._told_at is not None else HALF_LIFE_S
        self._told_at = now
        weight = 0.5 ** (max(0.0, passed) / HALF_LIFE_S)
        self.pressure = self.pressure * weight + min(1.0, max(0.0, share)) * (1 - weight)
        reached = 0
        for place, level in enumerate(self._levels):
            since = self._above_since[place]
            if self.pressure < level.on_at:
                self._above_since[place] = None
            elif since is None:
                self._above_since[place] = now
            elif now - since >= level.on_after_s:
                reached = level.number
        if reached > self.level:
            self.level, self._below_since = reached, None
        else:
            self._descend(now)
        return self.level

    def _descend(self, now: float) -> None:
        """One level at a time: what comes back costs something again."""
        if not self.level:
            return
        current = self._levels[self.level - 1]
        if self.pressure >= current.off_at:
            self._below_since = None
        elif self._below_since is None:
            self._below_since = now
        elif now - self._below_since >= current.off_after_s:
            self.level, self._below_since = self.level - 1, now


def list_saved(level: int, modes: Mapping[str, str]) -> frozenset[str]:
    """The names of what is left out at a level, given a merchant's decisions by switch."""
    return frozenset(
        switch.name
        for switch in SWITCHES
        if (mode := modes.get(switch.name, "auto")) == "saving" or (mode == "auto" and level >= switch.level)
    )


_REFUSED = tuple(
    (switch.name, switch.status, methods, re.compile(pattern))
    for switch in SWITCHES
    for methods, pattern in switch.routes
)


def find_refusal(saved: frozenset[str], method: str, path: str) -> int | None:
    """The status that a request is answered with because what it asks for is left out; None when it is served."""
    for name, status, methods, pattern in _REFUSED:
        if name in saved and method in methods and pattern.match(path):
            return status
    return None
