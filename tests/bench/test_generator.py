"""The load generator says exactly what it sent, what came back, and how it fared itself."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from serai.main.bench.generator import Outcome, Plan, read_length
from serai.main.bench.load import keyed, write_request

HEADERS = {"accept": "text/plain"}


@asynccontextmanager
async def serve(
    status: str = "200 OK", *, close_after: int = 0, pause_s: float = 0.0
) -> AsyncIterator[tuple[int, Counter]]:
    """A small server that counts requests by their idempotency key. Yields its port and the counter."""
    seen: Counter = Counter()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.partition("content-length: ")[2].partition("\r")[0] or 0)
                await reader.readexactly(length)
                seen[head.partition("idempotency-key: ")[2].partition("\r")[0]] += 1
                if close_after and sum(seen.values()) > close_after:
                    return
                await asyncio.sleep(pause_s)
                # In two pieces, so that an answer does not arrive whole.
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 4\r\n".encode())
                await writer.drain()
                writer.write(b"\r\nfine")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()


async def generate(port: int, *requests: str, connections: int = 4, seconds: float = 0.2) -> Outcome:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "serai.main.bench.generator",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    plan = Plan("127.0.0.1", port, list(requests), connections, seconds)
    answer, _ = await process.communicate(msgspec.json.encode(plan))
    assert process.returncode == 0
    return msgspec.json.decode(answer, type=Outcome)


async def test_what_was_answered_is_what_the_server_saw_each_with_a_key_of_its_own() -> None:
    request = write_request("POST", "/x", "shop.localhost", keyed(HEADERS), b'{"a":1}')
    async with serve() as (port, seen):
        outcome = await generate(port, request)
    assert outcome.done == sum(seen.values()) > 0
    assert set(seen.values()) == {1}
    assert outcome.others == {}
    assert 0 < outcome.latency_p50_ms <= outcome.latency_p99_ms
    assert outcome.cpu_s > 0


async def test_other_answers_are_counted_apart_with_the_first_of_them() -> None:
    async with serve("503 Busy") as (port, seen):
        outcome = await generate(port, write_request("GET", "/x", "h", HEADERS))
    assert (outcome.done, outcome.others) == (0, {"503": sum(seen.values())})
    assert outcome.first_other == "fine"


async def test_a_connection_lost_before_its_answer_is_told() -> None:
    async with serve(close_after=6) as (port, _seen):
        outcome = await generate(port, write_request("GET", "/x", "h", HEADERS), connections=2)
    assert outcome.done == 6
    assert outcome.others == {"0": 2}


async def test_each_connection_waits_for_its_answer() -> None:
    async with serve(pause_s=0.05) as (port, _seen):
        outcome = await generate(port, write_request("GET", "/x", "h", HEADERS), connections=3, seconds=0.3)
    # 0.3 s hold six pauses at most; the last request is sent just before the end.
    assert outcome.done <= 3 * 7
    assert outcome.latency_p50_ms >= 50


def test_an_answer_without_a_length_is_not_guessed_at() -> None:
    assert read_length(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y") == 12
    assert read_length(b"HTTP/1.1 304 Not Modified\r\netag: x") == 0
    with pytest.raises(ValueError, match="without a length"):
        read_length(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked")
