"""The load generator, a process of its own: raw HTTP over keep-alive connections, and an honest account of itself.

It reads a plan as JSON from standard input and writes what happened as JSON to standard output. In a closed loop each
connection sends its next request when its answer has come, so what is measured is capacity; how the generator itself
fared (CPU, waiting for a core, late ticks) goes with the result, and whoever reads it decides whether to believe it.
Nothing of Serai is imported here but the meter, so that a process starts in a moment.
"""

import asyncio
import os
import sys
import time

import msgspec
import uvloop

from serai.main.bench.meter import read_own_wait_s

TICK_S = 0.002
KEY = b"{key}"
KEY_LENGTH = 32
END = b"\r\n\r\n"
LENGTH = b"content-length:"
GIVE_UP_S = 20.0


class Plan(msgspec.Struct, frozen=True):
    """What to send. ``requests`` are whole requests, taken in turns; ``{key}`` in one is replaced by a new key each time.

    Attributes:
        host, port: where to connect; loopback only.
        expect: the status that counts as done.
        seconds: for how long new requests are sent.
    """

    host: str
    port: int
    requests: list[str]
    connections: int
    seconds: float
    expect: int = 200


class Outcome(msgspec.Struct, frozen=True):
    """What happened. ``done`` counts expected answers; ``others`` counts the rest by status, 0 for a lost connection."""

    done: int
    others: dict[str, int]
    wall_s: float
    cpu_s: float
    wait_s: float
    late_p99_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    first_other: str = ""


class Run:
    """One run of a plan: what its connections share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.parts = [request.encode().split(KEY) for request in plan.requests]
        self.expect = str(plan.expect).encode()
        self.sent = 0
        self.done = 0
        self.open = 0
        self.others: dict[str, int] = {}
        self.first_other = ""
        self.latencies: list[float] = []
        self.deadline = 0.0
        self.finished = asyncio.Event()
        self._prefix = os.urandom(8).hex()

    def next_request(self) -> bytes:
        """The next request's bytes."""
        self.sent += 1
        parts = self.parts[self.sent % len(self.parts)]
        if len(parts) == 1:
            return parts[0]
        return f"{self._prefix}{self.sent:016x}".encode().join(parts)

    def note(self, status: bytes, body: bytes, took_s: float) -> None:
        """Count an answer."""
        if status == self.expect:
            self.done += 1
            self.latencies.append(took_s)
            return
        self.others[status.decode()] = self.others.get(status.decode(), 0) + 1
        self.first_other = self.first_other or body[:400].decode(errors="replace")

    def leave(self) -> None:
        """One connection less; the last one ends the run."""
        self.open -= 1
        if self.open == 0:
            self.finished.set()


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent_at = 0.0
        self._waits = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # TCP always gives one that writes

    def send(self) -> None:
        """Send the next request, or close when the time is over."""
        assert self._transport is not None
        now = time.perf_counter()
        if now >= self._run.deadline:
            self._transport.close()
            return
        self._sent_at, self._waits = now, True
        self._transport.write(self._run.next_request())

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        head_end = data.find(END)
        if head_end < 0:
            self._buffer = data
            return
        length = read_length(data[:head_end])
        if len(data) < head_end + len(END) + length:
            self._buffer = data
            return
        self._buffer, self._waits = b"", False
        self._run.note(data[9:12], data[head_end + len(END) :], time.perf_counter() - self._sent_at)
        self.send()

    def connection_lost(self, _error: Exception | None) -> None:
        if self._waits:
            self._run.note(b"0", b"the connection was closed before the answer", 0.0)
        self._run.leave()


def read_length(head: bytes) -> int:
    """The body's length that a response's head announces.

    Raises:
        ValueError: it announces none; then the end could only be guessed.
    """
    lowered = head.lower()
    start = lowered.find(LENGTH)
    if start < 0:
        if lowered[9:12] in (b"204", b"304"):
            return 0
        raise ValueError(f"a response without a length: {head[:200]!r}")
    start += len(LENGTH)
    end = lowered.find(b"\r", start)
    return int(lowered[start : end if end > 0 else None])


async def drive(plan: Plan) -> Outcome:
    """Connect, send for the plan's time, wait for the last answers, and tell."""
    loop = asyncio.get_running_loop()
    run = Run(plan)
    connections = []
    for _ in range(plan.connections):
        connections.append((await loop.create_connection(lambda: Connection(run), plan.host, plan.port))[1])
    run.open = len(connections)
    ticks: list[float] = []
    ticking = asyncio.create_task(tick(ticks))
    began, cpu, waited = time.perf_counter(), time.process_time(), read_own_wait_s()
    run.deadline = began + plan.seconds
    for connection in connections:
        connection.send()
    await asyncio.wait_for(run.finished.wait(), plan.seconds + GIVE_UP_S)
    wall_s = time.perf_counter() - began
    cpu_s, wait_s = time.process_time() - cpu, read_own_wait_s() - waited
    ticking.cancel()
    return Outcome(
        run.done,
        run.others,
        wall_s,
        cpu_s,
        wait_s,
        1000 * quantile(ticks, 0.99),
        1000 * quantile(run.latencies, 0.5),
        1000 * quantile(run.latencies, 0.99),
        run.first_other,
    )


async def tick(late: list[float]) -> None:
    """Note how late each tick of a fine clock comes: what is late here is sent late there."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        late.append(max(0.0, loop.time() - due))


def quantile(values: list[float], q: float) -> float:
    """A quantile of values in any order; 0 of none."""
    return sorted(values)[int(q * (len(values) - 1))] if values else 0.0


def main() -> None:
    """Run the plan that stands on standard input."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    outcome = uvloop.run(drive(plan))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
