"""The ladder: levels with hysteresis, what they leave out, and how workers and merchants agree on it."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
import pytest
from tests.shop import Shop

from serai.foundation.database import Database
from serai.foundation.errors import Invalid, NotFound
from serai.foundation.ids import new_id
from serai.overload.ladder.api import Ladder, find_refusal, list_saved, list_states, load_pressure, set_switch
from serai.overload.ladder.logic import Climber
from serai.overload.ladder.types import LEVELS, SWITCHES


def climb(climber: Climber, share: float, seconds: float, start: float) -> float:
    now = start
    while now < start + seconds:
        now += 0.5
        climber.tell(share, now)
    return now


def test_a_short_burst_leaves_nothing_out() -> None:
    climber = Climber()
    now = climb(climber, 0.0, 10, 0.0)
    now = climb(climber, 1.0, 1, now)
    climb(climber, 0.0, 60, now)
    assert climber.level == 0


def test_pressure_climbs_fast_and_comes_down_slowly_one_level_at_a_time() -> None:
    climber = Climber()
    now = climb(climber, 0.9, 30, 0.0)
    assert climber.level == 4
    seen = [4]
    for _ in range(600):
        now = climb(climber, 0.0, 0.5, now)
        if climber.level != seen[-1]:
            seen.append(climber.level)
    assert seen == [4, 3, 2, 1, 0]


def test_between_its_thresholds_a_level_stays_as_it_is() -> None:
    level = LEVELS[1]
    between = (level.on_at + level.off_at) / 2
    risen, fresh = Climber(), Climber()
    now = climb(risen, 0.2, 60, 0.0)
    assert risen.level == 2
    climb(risen, between, 600, now)
    assert risen.level == 2, "it must not go before it is calm"
    climb(fresh, between, 600, 0.0)
    assert fresh.level == 1, "nor come"


def test_a_pressure_that_flutters_around_a_threshold_turns_no_switch_often() -> None:
    climber, now, turns, before = Climber(), 0.0, 0, 0
    for step in range(2_000):
        now = climb(climber, 0.12 if step % 2 else 0.2, 3, now)
        turns += climber.level != before
        before = climber.level
    assert turns <= 3


def test_levels_and_switches_are_whole_as_data() -> None:
    assert [level.number for level in LEVELS] == [1, 2, 3, 4]
    assert all(level.off_at < level.on_at < 1 for level in LEVELS)
    assert [level.on_at for level in LEVELS] == sorted(level.on_at for level in LEVELS)
    assert len({switch.name for switch in SWITCHES}) == len(SWITCHES)
    assert all(switch.title and switch.effect and switch.owner for switch in SWITCHES)


def test_each_level_leaves_out_more_and_what_a_merchant_decides_goes_first() -> None:
    saved = [list_saved(level, {}) for level in range(5)]
    assert saved[0] == frozenset()
    assert all(lower < higher for lower, higher in pairwise(saved))
    assert saved[4] == {switch.name for switch in SWITCHES}
    assert list_saved(0, {"facets": "saving"}) == {"facets"}
    assert "facets" not in list_saved(4, {"facets": "serving"})


@pytest.mark.parametrize(
    "path", ["/checkout", "/cart", "/p/ice", "/api/v1/orders", "/account/sign-in", "/search"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_buyers_need_is_never_left_out(method: str, path: str) -> None:
    assert find_refusal(list_saved(4, {}), method, path) is None


async def test_switches_are_kept_per_merchant(db: Database, shop: Shop) -> None:
    async with db.transaction(shop.merchant_id) as tx:
        assert await set_switch(tx, name="facets", mode="saving", by="a@b.example") == "auto"
        assert await set_switch(tx, name="facets", mode="serving", by="a@b.example") == "saving"
        assert (await list_states(tx))["facets"].mode == "serving"
        with pytest.raises(NotFound):
            await set_switch(tx, name="tills", mode="saving", by="a@b.example")
        with pytest.raises(Invalid):
            await set_switch(tx, name="facets", mode="'; DROP", by="a@b.example")


async def test_the_most_pressed_worker_speaks_for_all(owner: Database, db: Database) -> None:
    calm, pressed = Ladder(), Ladder()
    await pressed.exchange(owner, 3)
    await calm.exchange(owner, 0)
    assert calm.level == 3
    assert "facets" in calm.find_saved(new_id())
    assert (await load_pressure(db)).level == 3
    await pressed.leave(owner)
    await calm.exchange(owner, 0)
    assert calm.level == 0
    await calm.leave(owner)


async def test_a_switch_reaches_another_worker_with_its_next_look(
    owner: Database, db: Database, shop: Shop
) -> None:
    ladder = Ladder()
    async with db.transaction(shop.merchant_id) as tx:
        await set_switch(tx, name="suggestions", mode="saving", by="a@b.example")
    await ladder.exchange(owner, 0)
    assert "suggestions" in ladder.find_saved(shop.merchant_id)
    assert "suggestions" not in ladder.find_saved(new_id())
    await ladder.leave(owner)
    assert ladder.EVERY_S < 1


async def test_what_a_worker_told_that_died_counts_no_longer(owner: Database) -> None:
    dead, alive = Ladder(), Ladder()
    await dead.exchange(owner, 4)
    await owner.execute(
        "UPDATE overload.worker SET told_at = told_at - interval '1 minute 1 second' WHERE worker_id = $1",
        dead.worker_id,
    )
    await alive.exchange(owner, 0)
    assert alive.level == 0
    await alive.leave(owner)
    rows = await owner.fetch("SELECT 1 FROM overload.worker WHERE worker_id = $1", dead.worker_id)
    assert rows == []


async def test_workers_follow_by_themselves_and_survive_a_database_that_is_away(owner: Database) -> None:
    class Away:
        def __init__(self) -> None:
            self.asked = 0

        async def execute(self, *_args: Any) -> None:
            self.asked += 1
            raise OSError("gone")

    ladder, away, asked = Ladder(), Away(), 0

    def count() -> tuple[int, int, int]:
        nonlocal asked
        asked += 100
        return asked, asked, 5

    task = asyncio.create_task(ladder.follow(away, count))  # type: ignore[arg-type]  # a database that is away
    async with asyncio.timeout(60):
        while ladder.level == 0:  # noqa: ASYNC110 - it follows by its own clock
            await asyncio.sleep(0.05)
    assert away.asked > 1
    assert not task.done()
    task.cancel()


async def test_pages_leave_out_what_is_switched_off(
    transport: httpx.ASGITransport, application: Any, db: Database, shop: Shop
) -> None:
    keeper = application.keeper

    async def turn(mode: str) -> None:
        async with db.transaction(shop.merchant_id) as tx:
            for switch in SWITCHES:
                await set_switch(tx, name=switch.name, mode=mode, by="a@b.example")
        wanted = {switch.name for switch in SWITCHES} if mode == "saving" else set()
        async with asyncio.timeout(60):
            while keeper.ladder.find_saved(shop.merchant_id) != wanted:  # noqa: ASYNC110 - it follows by itself
                await asyncio.sleep(0.02)

    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        await turn("serving")
        assert (await client.get("/suggest", params={"q": "ice"})).status_code == 200
        full = await client.get("/search")
        await turn("saving")
        suggested = await client.get("/suggest", params={"q": "ice"})
        assert (suggested.status_code, suggested.content) == (204, b"")
        compared = await client.get("/compare")
        assert compared.status_code == 503
        assert compared.headers["retry-after"] == "60"
        exported = await client.get("/api/v1/exports/products")
        assert exported.json()["code"] == "overload.switched_off"
        brief = await client.get("/search")
        assert brief.status_code == full.status_code == 200
        assert (await client.get("/cart")).status_code == 200
    await turn("auto")
