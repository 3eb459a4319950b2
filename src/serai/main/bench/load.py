"""Loads over HTTP: starts the generator with a plan, counts the server's CPU meanwhile, and brings back one turn."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from serai.main.bench.arena import ADDRESS, Arena
from serai.main.bench.figure import Generator, Turn
from serai.main.bench.generator import KEY, Outcome, Plan
from serai.main.fault import Fault


def write_request(
    method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None = None
) -> str:
    """One HTTP/1.1 request as text. ``{key}`` may stand in a header."""
    assert not urlsplit(target).netloc
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", (body or b"").decode()])


async def drive_http(
    arena: Arena, port: int, requests: Sequence[str], seconds: float, *, connections: int, expect: int
) -> Turn:
    """Load a web worker for some seconds. Fault when it answers anything but what is expected."""
    plan = Plan(ADDRESS, port, list(requests), connections, seconds, expect)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "serai.main.bench.generator",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    used, log_end = arena.read_cpu(), await arena.read_wal_bytes()
    answer, _ = await process.communicate(msgspec.json.encode(plan))
    cpu_s, written = used(), await arena.read_wal_bytes() - log_end
    if process.returncode != 0:
        raise Fault("The load generator failed.", "What it says stands above.")
    outcome = msgspec.json.decode(answer, type=Outcome)
    if outcome.others:
        raise Fault(f"The server answered {outcome.others} besides {expect}.", outcome.first_other)
    generator = Generator(
        busy=outcome.cpu_s / outcome.wall_s,
        waiting=outcome.wait_s / outcome.wall_s,
        late_p99_ms=outcome.late_p99_ms,
        in_flight=connections,
    )
    latency = (round(outcome.latency_p50_ms, 2), round(outcome.latency_p99_ms, 2))
    return Turn(outcome.done, outcome.wall_s, cpu_s, generator, written, latency)


def keyed(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with a new idempotency key per request."""
    return {**headers, "idempotency-key": KEY.decode()}
