"""A real SMTP server on loopback that keeps what it gets and can refuse, stall and drop."""

import asyncio
import email
import email.policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.smtp import SMTP

Mood = Literal["take", "later", "never", "stall", "drop"]


class Post:
    """The handler of one server. ``mood`` decides about the next letters; ``taken`` are those it accepted."""

    def __init__(self) -> None:
        self.mood: Mood = "take"
        self.taken: list[EmailMessage] = []
        self.tries = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, enable_SMTPUTF8=True, hostname="post.localhost", loop=loop), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server:
            self._server.close()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        self.tries += 1
        match self.mood:
            case "later":
                return "451 Try again later"
            case "never":
                return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        match self.mood:
            case "stall":
                await asyncio.sleep(5)
            case "drop":
                server.transport.abort()
                return "250 OK"
        content = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(content, EmailMessage)
        self.taken.append(content)
        return "250 OK"
