"""What is left at three times the load that a worker can bear: goodput against its maximum, and critical requests."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from serai.main.bench.arena import ADDRESS, Arena
from serai.main.bench.figure import Contest, Figure, Generator, Side, Turn, ratio
from serai.main.bench.load import drive_http, write_request
from serai.main.bench.open_generator import OpenOutcome, OpenPlan
from serai.main.bench.shop import open_shop
from serai.main.fault import Fault

PRODUCTS = 500
CONNECTIONS = 16
TIMES = 3
# Shorter floods end before anybody has lost patience.
LEAST_S = 8.0
REST_S = 3.0
# A cookie that no kept page answers to: every request is worked on.
HEADERS = {"accept-language": "en", "accept": "text/html", "cookie": "recent=x"}
PATHS = {"critical": "/account/sign-in", "normal": "/help", "sheddable": "/search?q=none"}
SHARES = {"critical": 0.2, "normal": 0.6, "sheddable": 0.2}


def _share(turns: Mapping[str, Turn]) -> float:
    turn = turns["critical"]
    return turn.count / turn.cpu_s["planned"]


FIGURES = (
    ratio(
        "overload.goodput_3x",
        "offered_3x",
        "capacity",
        "answers within a second at three times the load that a web worker bears, over the most that it bears",
        must=0.9,
    ),
    Figure(
        name="overload.critical_3x",
        unit="ratio",
        meaning="critical requests answered within a second at three times the load, of all that were sent",
        sides=("critical",),
        of_turns=_share,
        must=0.999,
    ),
)


class Flood:
    """Offers three times what the worker was just seen to bear, in an open loop."""

    def __init__(self, arena: Arena, port: int, requests: Mapping[str, str]) -> None:
        self._arena = arena
        self._port = port
        self._requests = requests

    async def bear(self, seconds: float) -> Turn:
        """The most that the worker does, in a closed loop over the same mix."""
        # What the flood before left behind has to be over.
        await asyncio.sleep(REST_S)
        mix = [self._requests[kind] for kind, share in SHARES.items() for _ in range(round(share * 5))]
        return await drive_http(self._arena, self._port, mix, seconds, connections=CONNECTIONS, expect=200)

    async def offer(self, seconds: float) -> tuple[OpenOutcome, dict[str, float]]:
        """Three times as much. Fault when the generator failed."""
        seconds = max(seconds, LEAST_S)
        rate = TIMES * (await self.bear(LEAST_S / 4)).rate
        plan = OpenPlan(ADDRESS, self._port, dict(self._requests), SHARES, rate, seconds)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "serai.main.bench.open_generator",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        used = self._arena.read_cpu()
        answer, _ = await process.communicate(msgspec.json.encode(plan))
        if process.returncode != 0:
            raise Fault("The load generator failed.", "What it says stands above.")
        return msgspec.json.decode(answer, type=OpenOutcome), used()

    async def all_good(self, seconds: float) -> Turn:
        """Answers in time, of every class."""
        outcome, cpu_s = await self.offer(seconds)
        return Turn(sum(outcome.good.values()), outcome.wall_s, cpu_s, _judge(outcome))

    async def critical_good(self, seconds: float) -> Turn:
        """Critical answers in time; how many were planned goes along."""
        outcome, cpu_s = await self.offer(seconds)
        planned = float(outcome.planned["critical"])
        return Turn(outcome.good["critical"], outcome.wall_s, cpu_s | {"planned": planned}, _judge(outcome))


def _judge(outcome: OpenOutcome) -> Generator:
    return Generator(
        busy=outcome.cpu_s / outcome.wall_s,
        waiting=0.0,
        late_p99_ms=outcome.late_p99_ms,
        in_flight=CONNECTIONS,
        unsent=outcome.unsent,
    )


@asynccontextmanager
async def open_overload(arena: Arena, _needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """One web worker without limits per address, since all load comes from one."""
    shop = await open_shop(arena, "overload", products=PRODUCTS)
    await arena.gather_statistics()
    requests = {kind: write_request("GET", path, shop.host, HEADERS) for kind, path in PATHS.items()}
    async with arena.run_web() as port:
        flood = Flood(arena, port, requests)
        note = "one in five critical, three normal, one sheddable"
        yield {
            "capacity": Side(flood.bear, f"{CONNECTIONS} connections, {note}", "web"),
            "offered_3x": Side(flood.all_good, f"open loop, {note}", "web"),
            "critical": Side(flood.critical_good, f"open loop, {note}", "web"),
        }
    await arena.require_clean()


CONTESTS = (Contest("overload", FIGURES, open_overload, is_long=True),)
