"""kill -9 under a stream of orders: nothing that was acknowledged is lost, nothing is done twice, and the books close.

The moments are random; the seed is printed, and SERAI_KILL_SEED repeats it. SERAI_LONG_TESTS=1 kills twenty times each.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.durability.premises import Buyers, Premises
from tests.durability.running import wait_for
from tests.main.trial import run_serai
from tests.shop import Shop

from serai.main.child import DEATHS_LIMIT, DEATHS_WINDOW_S
from serai.main.platform import Platform

LONG = os.environ.get("SERAI_LONG_TESTS") == "1"
KILLS = 20 if LONG else 3
BUYERS = 8
PAUSE_S = 0.5 if LONG else 0.05
BUSY = 1 if LONG else BUYERS // 2
MOST_ORDERS = 10_000 if LONG else 800
FEWEST_ORDERS = 20
STOCK = 100_000
# A child that dies more often than this is given up on, rightly; the tests stay below.
REST_S = DEATHS_WINDOW_S / (DEATHS_LIMIT - 2) if LONG else 0.0

pytestmark = [
    pytest.mark.kill,
    pytest.mark.slow,
    pytest.mark.xdist_group("premises"),
    pytest.mark.timeout(1200 if LONG else 240),
]

Tools = tuple[Platform, Shop]
Kill = Callable[[int], Awaitable[None]]


@pytest.fixture
def seed() -> int:
    chosen = int(os.environ.get("SERAI_KILL_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"SERAI_KILL_SEED={chosen}")
    return chosen


@asynccontextmanager
async def buying(premises: Premises, tools: Tools, seed: int) -> AsyncIterator[Buyers]:
    """Buyers in the shop while the block runs; afterwards everything they were told has to be true."""
    platform, shop = tools
    sku_id = await shop.add_product(stock=STOCK)
    buyers = Buyers(premises, shop, await shop.make_key(), sku_id, seed=seed)
    stream = asyncio.create_task(buyers.buy(buyers=BUYERS, limit=MOST_ORDERS, pause_s=PAUSE_S))
    try:

        async def has_begun() -> bool:
            if stream.done():
                stream.result()
            return len(buyers.purchases) > FEWEST_ORDERS

        await wait_for(has_begun, "the first orders")
        yield buyers
        seen = len(buyers.purchases)

        async def goes_on() -> bool:
            return stream.done() or len(buyers.purchases) > seen + BUYERS

        await wait_for(goes_on, "orders after the last kill")
        buyers.done.set()
        await stream
        print(
            f"{len(buyers.purchases)} orders, {buyers.unanswered} calls unanswered, told again: {buyers.told}"
        )
        await buyers.assert_whole(platform, STOCK)
    finally:
        stream.cancel()
        await buyers.close()


async def kill_at_random(seed: int, kill: Kill) -> None:
    """Kill several times, each at a random moment after the last one's consequences are over."""
    rng = random.Random(seed)
    for number in range(KILLS):
        await asyncio.sleep(REST_S + rng.uniform(0.2, 1.5))
        await kill(number)


async def test_web_workers_are_killed(premises: Premises, tools: Tools, seed: int) -> None:
    async def kill(number: int) -> None:
        async def is_busy() -> bool:
            return buyers.under_way >= BUSY

        name = f"web-{1 + number % 2}"
        await wait_for(is_busy, "calls under way")
        await premises.wait_replaced(name, premises.kill(name))

    async with buying(premises, tools, seed) as buyers:
        await kill_at_random(seed, kill)
    assert buyers.unanswered > 0, "no call was under way at any kill: the test has shown nothing"


async def test_postgresql_is_killed(premises: Premises, tools: Tools, seed: int) -> None:
    platform, _shop = tools
    assert await platform.owner.fetchval("SHOW fsync") == "on"

    async def kill(number: int) -> None:
        match number % 3:
            case 0:
                await premises.wait_replaced("postgres", premises.kill("postgres"))
            case 1:
                premises.kill_backend(random.Random(seed + number))
            case 2:
                await premises.wait_replaced("postgres", premises.kill_server_whole())

    async with buying(premises, tools, seed):
        await kill_at_random(seed, kill)


async def test_the_worker_and_the_payment_provider_are_killed(
    premises: Premises, tools: Tools, seed: int
) -> None:
    async def kill(number: int) -> None:
        name = ("worker", "sandbox")[number % 2]
        await premises.wait_replaced(name, premises.kill(name))

    async with buying(premises, tools, seed):
        await kill_at_random(seed, kill)


async def test_everything_is_killed_at_the_same_moment_and_comes_back(
    premises: Premises, tools: Tools, seed: int
) -> None:
    before = premises.find_children()
    assert set(before) == {"postgres", "worker", "sandbox", "web-1", "web-2"}
    async with buying(premises, tools, seed):
        for name in before:
            premises.kill(name)
        for name, pid in before.items():
            await premises.wait_replaced(name, pid)


async def test_the_supervisor_is_killed_and_a_second_start_goes_on(
    premises: Premises, tools: Tools, seed: int
) -> None:
    async with buying(premises, tools, seed):
        await asyncio.to_thread(premises.stop, signal.SIGKILL)
        await asyncio.to_thread(premises.run_again)


def test_serai_check_finds_nothing_afterwards(premises: Premises, tools: Tools) -> None:
    checked = run_serai("check", **premises.settings)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "BREACH" not in checked.stdout
