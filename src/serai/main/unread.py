"""A request's body: read ahead and given again, or, where nobody read it, taken off the line before the answer.

A server that answers and hangs up while the other side still sends resets the connection: the sender sees a broken line
instead of "too large", and a client that keeps its connection finds it dead at its next request.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from litestar.types import Receive, Scope

# Less than this has arrived with the head of the request, as a rule, and the server itself reads it off.
SMALL_BYTES = 4_096
# What is sent beyond this, or slower, is not waited for.
DRAIN_BYTES = 4_000_000
DRAIN_LIMIT_S = 3.0
CLOSE = (b"connection", b"close")


def has_body(scope: Scope) -> bool:
    """Whether more than a small body comes with the request."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return not value.isdigit() or int(value[:12]) > SMALL_BYTES
        if name == b"transfer-encoding":
            return True
    return False


def replay(messages: Iterable[Any], receive: Receive) -> Receive:
    """A ``receive`` that gives messages which were read already, and then what comes after them."""
    kept = deque(messages)

    async def give() -> Any:
        return kept.popleft() if kept else await receive()

    return give


class Body:
    """Stands before ``receive`` and knows whether the body has come to its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = False

    async def receive(self) -> Any:
        """The next message of the request."""
        message = await self._receive()
        self.is_over = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> bool:
        """Read what is left and throw it away. False when there was too much of it, or it came too slowly."""
        try:
            async with asyncio.timeout(DRAIN_LIMIT_S):
                left = DRAIN_BYTES
                while not self.is_over and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return False
        return self.is_over
