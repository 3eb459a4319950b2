"""Token buckets in memory, one per key: so many at once, so many a second, and no more of them than are worth keeping.

Kept as one moment per key: when its bucket will be full again (the generic cell rate algorithm).
"""


class Buckets:
    """Buckets of one size. ``per_s`` 0 lets everything through. Times are seconds of one monotonic clock."""

    def __init__(self, per_s: float, burst: float, *, most: int = 20_000) -> None:
        self._step = 1 / per_s if per_s > 0 else 0.0
        self._depth = self._step * max(burst, 1.0)
        self._most = most
        self._full_at: dict[bytes, float] = {}
        self._older: dict[bytes, float] = {}

    def take(self, key: bytes, now: float) -> float:
        """Take one token. 0 when there was one, else the seconds until there is; asking in vain costs nothing."""
        if not self._step:
            return 0.0
        full_at = self._full_at.get(key)
        if full_at is None:
            full_at = self._older.pop(key, now)
        full_at = max(full_at, now)
        wait_s = full_at + self._step - self._depth - now
        if wait_s > 1e-9:
            self._keep(key, full_at)
            return wait_s
        self._keep(key, full_at + self._step)
        return 0.0

    def _keep(self, key: bytes, full_at: float) -> None:
        if len(self._full_at) >= self._most and key not in self._full_at:
            # Two generations: who has not come for a whole one is forgotten, at no cost for the others.
            self._older, self._full_at = self._full_at, {}
        self._full_at[key] = full_at

    def __len__(self) -> int:
        return len(self._full_at) + len(self._older)
