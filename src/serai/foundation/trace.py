"""Where time goes, as spans of a trace. Off unless an exporter is configured, and then nearly free.

The house writes ``with span("quote"): …``. Without a tracer that enters one shared object that does nothing; with one
(``serai.main.tracing`` sets it up) it is an OpenTelemetry span below the current one, over all that the block awaits.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar

# Which request is at work, for its log lines; set at the edge.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class Tracer(Protocol):
    """What the house needs of a tracer."""

    def open_span(self, name: str, attributes: dict[str, Any]) -> AbstractContextManager[Any]:
        """A span for a block."""

    def find_trace_id(self) -> str:
        """The current trace's id, 32 hexadecimal digits, or an empty text."""


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


_NOTHING = _Nothing()
_tracer: Tracer | None = None


def use_tracer(tracer: Tracer | None) -> None:
    """Trace from now on with this tracer; None: no more."""
    global _tracer
    _tracer = tracer


def is_tracing() -> bool:
    return _tracer is not None


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span over a block; attributes are texts, numbers or truth values."""
    if _tracer is None:
        return _NOTHING
    return _tracer.open_span(name, attributes)


def find_trace_id() -> str:
    """The id of the trace that runs here, or an empty text."""
    return _tracer.find_trace_id() if _tracer is not None else ""


P = ParamSpec("P")
T = TypeVar("T")


def traced(name: str) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """A span over each call of a coroutine function."""

    def wrap(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with span(name):
                return await function(*args, **kwargs)

        return call

    return wrap
