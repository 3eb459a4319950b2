"""Answers that come late, wrong, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response
from litestar.types import Receive, Scope, Send

from serai_sandbox.counter.books import Books

AnyRequest = Request[Any, Any, Any]
AnyResponse = Response[Any]
BODY_LIMIT = 256 * 1024


class Silence(Response[None]):
    """Nothing, until the client leaves or the patience is over; then the line breaks in the middle of an answer."""

    def __init__(self, delay_ms: int) -> None:
        super().__init__(None)
        self._delay_s = delay_ms / 1000

    def to_asgi_response(self, request: AnyRequest, **kwargs: Any) -> Callable[..., Awaitable[None]]:  # type: ignore[override]  # a narrower answer than the framework's
        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            leave = asyncio.ensure_future(_wait_for_leave(receive))
            await asyncio.wait({leave}, timeout=self._delay_s)
            if leave.done():
                return
            leave.cancel()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})

        return respond


async def _wait_for_leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer(
    books: Books, provider: str, reference: str, on: str, work: Callable[[], AnyResponse]
) -> AnyResponse:
    """Do the work and answer as ordered: ``error_500`` and ``no_answer`` strike before it, ``slow`` and ``lost_answer``
    after it, so with the latter everything has happened and only the answer is gone."""
    if books.take(provider, reference, on, "error_500"):
        return Response({"error": "ordered"}, status_code=500)
    if fault := books.take(provider, reference, on, "no_answer"):
        return Silence(fault.delay_ms)
    done = work()
    if fault := books.take(provider, reference, on, "slow"):
        await asyncio.sleep(fault.delay_ms / 1000)
    if fault := books.take(provider, reference, on, "lost_answer"):
        return Silence(fault.delay_ms) if fault.how == "drop" else Response(None, status_code=504)
    return done


async def read_body(request: AnyRequest) -> bytes:
    """The body, cut at a size that no honest request reaches."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            break
    return bytes(body[:BODY_LIMIT])
