"""A shorter way in for the one call that a peak is made of: whole orders, ``POST /api/v1/orders``.

The framework costs such a call a third of its time. What is well formed is answered here by the same function that
answers behind the framework; whatever is not, goes through the framework with its body and gets the framework's answer.
"""

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response
from litestar.types import Receive, Scope, Send

from serai.commerce.call.api import API, Asked, recognise_caller
from serai.commerce.call.check_types import check_types
from serai.commerce.checkout.http import answer_order
from serai.commerce.checkout.read_body import OrderBody
from serai.foundation.errors import Outside, Refused
from serai.foundation.http import answer_outside, answer_refused
from serai.main.unread import replay

PATH = f"{API}/orders"
MOST_BYTES = 65_536
# A number with a point or an exponent, perhaps inside a text: only then whole numbers have to be looked at one by one.
BROKEN_NUMBER = re.compile(rb"[:\[,]\s*-?\d+[.eE]")

_decoder = msgspec.json.Decoder(OrderBody)


# What is answered to anything else that went wrong: the database went away, or a bug.
Failure = Callable[[Request[Any, Any, Any], Exception], Response[Any]]


class _Call:
    """As much of a request as the answering function asks of it."""

    __slots__ = ("app", "headers", "scope")

    def __init__(self, app: Litestar, scope: Scope, headers: dict[str, str]) -> None:
        self.app = app
        self.scope = scope
        self.headers = headers


class OrderDoor:
    """Answers whole orders; :meth:`answer` gives what the framework shall receive instead, None when it is done."""

    def __init__(self, app: Litestar, answer_failure: Failure) -> None:
        self._app = app
        self._answer_failure = answer_failure
        self.answered = 0

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer the call, or give back a ``receive`` with everything that was read of it."""
        if scope["path"] != PATH or scope.get("method") != "POST":
            return receive
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        length = headers.get("content-length", "")
        if (
            not length.isdecimal()
            or int(length[:9]) > MOST_BYTES
            or len(headers) != len(list(scope["headers"]))
        ):
            return receive
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return receive
        body = await _read(receive)
        if body is None:
            return None
        try:
            data = _decoder.decode(body)
            if BROKEN_NUMBER.search(body):
                check_types(msgspec.json.decode(body), data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Refused):
            return replay([{"type": "http.request", "body": body, "more_body": False}], receive)
        scope["litestar_app"], scope["path_template"] = self._app, PATH
        response = await self._respond(scope, headers, data)
        await _send(send, response)
        self.answered += 1
        return None

    async def _respond(self, scope: Scope, headers: dict[str, str], data: OrderBody) -> Response[Any]:
        try:
            asked = cast(Asked, _Call(self._app, scope, headers))
            return await answer_order(asked, await recognise_caller(asked, "checkout:write"), data)
        except Refused as error:
            return answer_refused(Request(scope), error)
        except Outside as error:
            return answer_outside(Request(scope), error)
        except Exception as error:  # noqa: BLE001 - the last resort answers it, as behind the framework
            return self._answer_failure(Request(scope), error)


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when the other side has gone."""
    parts = []
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send(send: Send, response: Response[Any]) -> None:
    body = msgspec.json.encode(response.content)
    headers = [
        (b"content-type", str(response.media_type or "application/json").encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in response.headers.items()),
    ]
    await send({"type": "http.response.start", "status": response.status_code or 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
