"""An open loop of load, a process of its own: every request has the moment at which it should be sent, whatever came back
so far, and its latency counts from that moment. It says how late it sent, so that its reader can tell its faults from the
server's.
"""

import asyncio
import random
import sys
import time

import msgspec
import uvloop

from serai.main.bench.generator import END, quantile, read_length


class OpenPlan(msgspec.Struct, frozen=True):
    """Requests by class with their shares, ``rate`` a second for ``seconds``; an answer counts within ``patience_s``."""

    host: str
    port: int
    requests: dict[str, str]
    shares: dict[str, float]
    rate: float
    seconds: float
    patience_s: float = 1.0
    # More than a worker holds at once: it turns away before the generator runs out.
    connections: int = 1_000
    seed: int = 1


class OpenOutcome(msgspec.Struct, frozen=True):
    """By class: how many were to be sent, how many were answered well in time; and by how much sending came late."""

    planned: dict[str, int]
    good: dict[str, int]
    turned: int
    lost: int
    unsent: int
    late_p99_ms: float
    cpu_s: float
    wall_s: float


class Line(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # TCP always gives one that writes

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(END)
        if end < 0 or len(self.buffer) < end + len(END) + read_length(self.buffer[:end]):
            return
        status, self.buffer = int(self.buffer[9:12]), b""
        if self.answer and not self.answer.done():
            self.answer.set_result(status)

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_lost = True
        if self.answer and not self.answer.done():
            self.answer.set_result(0)


class Load:
    """One run of a plan."""

    def __init__(self, plan: OpenPlan) -> None:
        self.plan = plan
        self.good = dict.fromkeys(plan.shares, 0)
        self.planned = dict.fromkeys(plan.shares, 0)
        self.turned = self.lost = self.unsent = self.made = 0
        self.late: list[float] = []
        self.idle: list[Line] = []

    def _find_idle(self) -> Line | None:
        """A connection that is open and free; those that ended meanwhile count no longer."""
        while self.idle:
            line = self.idle.pop()
            if not line.is_lost:
                return line
            self.made -= 1
        return None

    async def ask(self, kind: str, due: float) -> None:
        """Send one request at its moment, on a connection that is free."""
        plan, loop = self.plan, asyncio.get_running_loop()
        line = self._find_idle()
        if line is None:
            if self.made >= plan.connections:
                self.unsent += 1
                return
            self.made += 1
            _transport, line = await loop.create_connection(Line, plan.host, plan.port)
        assert line.transport is not None
        line.answer = loop.create_future()
        line.transport.write(plan.requests[kind].encode())
        status = await line.answer
        if line.is_lost:
            self.made -= 1
        else:
            self.idle.append(line)
        if status in (429, 503):
            self.turned += 1
        elif status == 200 and time.perf_counter() - due <= plan.patience_s:
            self.good[kind] += 1
        else:
            self.lost += 1


async def drive(plan: OpenPlan) -> OpenOutcome:
    """Send what is planned, wait for the last answers, and tell."""
    load, chance = Load(plan), random.Random(plan.seed)
    kinds, weights = list(plan.shares), list(plan.shares.values())
    tasks: set[asyncio.Task[None]] = set()
    began, cpu = time.perf_counter(), time.process_time()
    due = began
    while True:
        due += chance.expovariate(plan.rate)
        if due > began + plan.seconds:
            break
        if (wait_s := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        load.late.append(max(0.0, time.perf_counter() - due))
        kind = chance.choices(kinds, weights)[0]
        load.planned[kind] += 1
        task = asyncio.create_task(load.ask(kind, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks, timeout=20)
    return OpenOutcome(
        load.planned,
        load.good,
        load.turned,
        load.lost,
        load.unsent,
        1000 * quantile(load.late, 0.99),
        time.process_time() - cpu,
        time.perf_counter() - began,
    )


def main() -> None:
    """Run the plan that stands on standard input."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=OpenPlan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(drive(plan))))


if __name__ == "__main__":
    main()
