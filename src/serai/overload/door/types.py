"""Classes of requests, what becomes of a request at the door, and the figures that the door works by."""

from enum import IntEnum

import msgspec


class Kind(IntEnum):
    """How important a request is, most important first. Rehearsals keep the four classes among themselves, below all
    that is live."""

    CRITICAL = 0
    NORMAL = 1
    SHEDDABLE = 2
    BOT = 3
    SHADOW_CRITICAL = 4
    SHADOW_NORMAL = 5
    SHADOW_SHEDDABLE = 6
    SHADOW_BOT = 7

    @property
    def code(self) -> str:
        return self.name.lower()


KINDS = tuple(Kind)


class Turned(msgspec.Struct, frozen=True):
    """Why a request was not served: ``code`` for programs, and after how many seconds it may come again."""

    status: int
    code: str
    retry_after_s: int


class LimitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How the limit on requests under way moves. Times in seconds."""

    initial: int = 20
    floor: int = 6
    most: int = 200
    # Latency is measured at this many requests under way when the baseline is looked for anew.
    probe: int = 4
    # A window ends when it has lasted this long and seen that many requests.
    window_s: float = 0.1
    window_samples: int = 50
    # The short latency may be this much above the baseline before the limit gives way.
    tolerance: float = 2.0
    # How fast the limit follows, how fast the baseline does, and by how many requests a quiet limit grows a window.
    smoothing: float = 0.2
    baseline_weight: float = 0.01
    growth: float = 2.0
    # The baseline stays below this many times the latency of a quiet worker.
    baseline_cap: float = 2.0
    probe_every_s: float = 30.0
    probe_most_s: float = 1.0


class QueuePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Who may wait, and how long. Shares are of the limit, counting a class with all less important ones."""

    most: int = 256
    wait_s: tuple[float, ...] = (4.0, 1.0, 0.7, 0.3, 0.5, 0.3, 0.2, 0.1)
    shares: tuple[float, ...] = (1.0, 0.8, 0.4, 0.1, 0.1, 0.1, 0.05, 0.05)
    # A queue that has not been empty for so long is served from its young end.
    lifo_after_s: float = 0.2


class DoorCounts(msgspec.Struct):
    """What the door of one worker has done since it opened; lists go by class."""

    admitted: list[int]
    waited: list[int]
    turned: dict[str, int]
    limited: int = 0
