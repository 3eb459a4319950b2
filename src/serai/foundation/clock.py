"""The only source of "now", in UTC, so that tests and simulations may turn it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731


def now() -> datetime:
    """The present moment, timezone-aware, UTC."""
    return _now()


@contextmanager
def clock_at(moment: datetime | Callable[[], datetime]) -> Iterator[None]:
    """Replace the clock inside the block by a fixed moment or by a function of one's own."""
    global _now
    before = _now
    _now = moment if callable(moment) else (lambda: moment)
    try:
        yield
    finally:
        _now = before


@contextmanager
def clock_shifted(by: timedelta) -> Iterator[None]:
    """Let the clock inside the block run ahead (or behind) by a fixed amount."""
    before = _now
    with clock_at(lambda: before() + by):
        yield
