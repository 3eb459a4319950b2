"""The edge of a web process as it is seen: every request gets an id, is counted and timed, and joins its caller's trace."""

import itertools
import re
import secrets
from time import perf_counter
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from serai.foundation import measure_http
from serai.foundation.trace import find_trace_id, is_tracing, request_id
from serai.main.tracing import open_request_span

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
KNOWN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class _UnderWay:
    """How many requests are being answered."""

    def __init__(self) -> None:
        self.count = 0


UNDER_WAY = _UnderWay()
measure_http.UNDER_WAY.read_from(lambda: [((), UNDER_WAY.count)])

_prefix = secrets.token_hex(6)
_numbers = itertools.count(1)


def find_route(scope: Scope) -> str:
    """The template of ours that answered, from a list that cannot grow by what callers write."""
    template = scope.get("path_template")
    if isinstance(template, str) and template:
        return template
    path: str = scope["path"]
    if path.startswith("/static/"):
        return "/static"
    if path.startswith("/mcp"):
        return "/mcp"
    state: dict[str, Any] = scope.get("state") or {}
    return "kept page" if state.get("is_kept") else "none"


def _choose_id(scope: HTTPScope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and KNOWN_ID.fullmatch(value):
            return value.decode()
    return f"{_prefix}-{next(_numbers):x}"


class Watched:
    """Stands before the application and notes what comes and how it is answered."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        identity = _choose_id(scope)
        token = request_id.set(identity)
        began = perf_counter()
        UNDER_WAY.count += 1
        answer = _Answer(send, identity)
        try:
            if is_tracing():
                with open_request_span(scope) as span:
                    await self._inner(scope, receive, answer.send)
                    span.end_request(find_route(scope), answer.status)
            else:
                await self._inner(scope, receive, answer.send)
        finally:
            UNDER_WAY.count -= 1
            request_id.reset(token)
            _note(scope, answer.status, perf_counter() - began)


class _Answer:
    """An answer on its way out."""

    __slots__ = ("status", "_send", "_identity")

    def __init__(self, send: Send, identity: str) -> None:
        # A caller who hangs up before the answer counts as 499, as proxies have it.
        self.status = 499
        self._send = send
        self._identity = identity.encode()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self._identity)]
            if trace := find_trace_id():
                headers.append((b"x-trace-id", trace.encode()))
            message["headers"] = headers
        await self._send(message)


def _note(scope: HTTPScope, status: int, seconds: float) -> None:
    route = find_route(scope)
    method = scope["method"] if scope["method"] in METHODS else "other"
    measure_http.REQUESTS.add(method, route, str(status))
    if route != "/static":
        measure_http.SECONDS.observe(seconds, route)
    if status in (429, 503):
        measure_http.SHED.add(str(status))
    elif status >= 500:
        measure_http.FAILED.add(route)
