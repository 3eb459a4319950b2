"""Schedules: installed as often as one likes, fired once over all workers, and not stopped by one that fails."""

import asyncio
from uuid import uuid4

import pytest
from tests.conftest import make_database

from serai.foundation.database import open_database
from serai.foundation.job import Schedule, install_jobs, run_schedules


@pytest.mark.slow
async def test_a_schedule_fires_again_and_again_once_over_two_workers_although_another_fails(server_url: str):
    url = await make_database(server_url, f"serai_job_{uuid4().hex[:12]}")
    await asyncio.gather(*(install_jobs(url) for _ in range(3)))
    await install_jobs(url)
    fired: list[int] = []
    failed: list[int] = []
    enough = asyncio.Event()

    def work(worker: int) -> tuple[Schedule, Schedule]:
        async def tick() -> None:
            fired.append(worker)
            if len(fired) >= 3 and len(failed) >= 2:
                enough.set()

        async def fail() -> None:
            failed.append(worker)
            raise RuntimeError("this schedule always fails")

        return Schedule("tick", "* * * * * */1", tick), Schedule("fail", "* * * * * */1", fail)

    stopped = asyncio.Event()
    databases = [await open_database(url, role=None, size=4) for _ in range(2)]
    running = [
        asyncio.create_task(run_schedules(database, work(n), stopped)) for n, database in enumerate(databases)
    ]
    started = asyncio.get_running_loop().time()
    await asyncio.wait_for(enough.wait(), 60)
    lasted_s = asyncio.get_running_loop().time() - started
    stopped.set()
    await asyncio.wait_for(asyncio.gather(*running), 15)
    for database in databases:
        await database.close()
    assert len(fired) <= lasted_s + 2, "each firing belongs to one worker"
