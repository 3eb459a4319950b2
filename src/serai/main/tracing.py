"""OpenTelemetry, brought in only where an installation asks for traces: set-up, the span of a request, calls to others.

Context comes in and goes out as the W3C ``traceparent`` header. The caller's own decision whether to trace is followed; where
there is none, ``SERAI_TRACE_SHARE`` of the requests are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from litestar.types import HTTPScope
from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind, StatusCode

from serai import __version__
from serai.foundation.trace import use_tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

log = logging.getLogger("serai.trace")

QUEUE_SPANS = 8_192
BATCH_SPANS = 512
EXPORT_TIMEOUT_S = 5
_provider: TracerProvider | None = None


class HouseTracer:
    """The house's spans as OpenTelemetry's."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self.tracer = tracer

    def open_span(self, name: str, attributes: dict[str, Any]) -> AbstractContextManager[Any]:
        return self.tracer.start_as_current_span(name, attributes=attributes)

    def find_trace_id(self) -> str:
        context = trace.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else ""


def start_tracing(url: str, share: float, process: str, processor: SpanProcessor | None = None) -> None:
    """Export spans to a collector from now on. ``processor`` takes the exporter's place in tests."""
    # Half a second of imports and some MB that an installation without traces does not pay for.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    global _provider
    resource = Resource.create(
        {"service.name": "serai", "service.version": __version__, "service.instance.id": process}
    )
    _provider = TracerProvider(
        resource=resource, sampler=ParentBased(TraceIdRatioBased(share)), shutdown_on_exit=False
    )
    # A thread of its own sends; what does not fit into its queue is dropped, never waited for.
    _provider.add_span_processor(
        processor
        or BatchSpanProcessor(
            OTLPSpanExporter(endpoint=url, timeout=EXPORT_TIMEOUT_S),
            max_queue_size=QUEUE_SPANS,
            max_export_batch_size=BATCH_SPANS,
        )
    )
    use_tracer(HouseTracer(_provider.get_tracer("serai", __version__)))
    _trace_calls()
    log.info("traces go to %s", url)


def stop_tracing() -> None:
    """Send what is left and trace no more."""
    global _provider
    use_tracer(None)
    if _provider is not None:
        provider, _provider = _provider, None
        provider.shutdown()


class RequestSpan:
    """The span of one request."""

    def __init__(self, span: trace.Span, method: str) -> None:
        self._span = span
        self._method = method

    def end_request(self, route: str, status: int) -> None:
        """What is known only when it is answered."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


@contextmanager
def open_request_span(scope: HTTPScope) -> Iterator[RequestSpan]:
    """The span of a request, below the caller's where its headers name one."""
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in (b"traceparent", b"tracestate")
    }
    method = scope["method"]
    tracer = trace.get_tracer("serai") if _provider is None else _provider.get_tracer("serai", __version__)
    with tracer.start_as_current_span(
        method,
        context=extract(headers),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method, "url.path": scope["path"]},
    ) as span:
        yield RequestSpan(span, method)


_send = httpx.AsyncClient.send


def _trace_calls() -> None:
    """Every call to another party gets a span and carries our context, whichever client makes it.

    The providers' libraries bring clients of their own making, so it is done where all of them pass.
    """

    async def send(self: httpx.AsyncClient, request: httpx.Request, **more: Any) -> httpx.Response:
        if _provider is None:
            return await _send(self, request, **more)
        attributes = {"http.request.method": request.method, "server.address": request.url.host}
        tracer = _provider.get_tracer("serai", __version__)
        with tracer.start_as_current_span(
            f"call {request.url.host}", kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            if "traceparent" not in request.headers:
                inject(request.headers)
            response = await _send(self, request, **more)
            span.set_attribute("http.response.status_code", response.status_code)
            return response

    httpx.AsyncClient.send = send  # type: ignore[method-assign]  # the one place that every client of httpx passes
