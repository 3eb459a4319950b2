"""Somebody else's system that hears webhooks, over real HTTP on loopback, and that misbehaves on demand."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from serai.commerce.webhook.api import verify_message
from serai.foundation import clock


class Heard(msgspec.Struct, frozen=True):
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


class Consumer:
    """Answers each request by ``answer``: a status, or one of ``drop``, ``slow``, ``huge`` and ``redirect``."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answer: Callable[[Heard], int | str] = lambda heard: 204
        self.pause_s = 0.0
        self.redirect_to = ""
        self.sent_bytes = 0
        self.most_at_once = 0
        self.most_of_one_object = 0
        self._under_way: Counter[str] = Counter()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def verify(self, *secrets: str) -> list[str]:
        """Ids of everything heard, each checked as a consumer should."""
        return [verify_message(secrets, each.headers, each.body, now=clock.now()) for each in self.heard]

    def numbers(self) -> dict[str, list[int]]:
        """Per object the sequence numbers in the order in which they arrived."""
        found: dict[str, list[int]] = {}
        for each in self.heard:
            about = each.message["object"]
            found.setdefault(about["id"], []).append(about["sequence"])
        return found

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = {
                k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            heard = Heard(lines[0].split(" ")[1], headers, body)
            self.heard.append(heard)
            await self._answer(heard, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, heard: Heard, writer: asyncio.StreamWriter) -> None:
        about = heard.message["object"]["id"] if heard.body.startswith(b"{") else ""
        self._under_way[about] += 1
        self.most_at_once = max(self.most_at_once, self._under_way.total())
        self.most_of_one_object = max(self.most_of_one_object, self._under_way[about])
        await asyncio.sleep(self.pause_s)
        self._under_way[about] -= 1
        match self.answer(heard):
            case "drop":
                writer.transport.abort()
            case "slow":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
                for _ in range(100):
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.1)
            case "huge":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
                for _ in range(100_000):
                    writer.write(b"y" * 10_000)
                    self.sent_bytes += 10_000
                    await writer.drain()
            case "redirect":
                writer.write(
                    f"HTTP/1.1 307 Away\r\nlocation: {self.redirect_to}\r\ncontent-length: 0\r\n\r\n".encode()
                )
            case int(status):
                writer.write(f"HTTP/1.1 {status} So\r\ncontent-length: 5\r\n\r\nheard".encode())
                await writer.drain()


@asynccontextmanager
async def open_consumer() -> AsyncIterator[Consumer]:
    """A consumer that listens while the block runs."""
    consumer = Consumer()
    server = await asyncio.start_server(consumer.handle, "127.0.0.1", 0)
    consumer.port = server.sockets[0].getsockname()[1]
    try:
        yield consumer
    finally:
        server.close()
