"""Processes that see each other over their sockets: long paths, the killed, the frozen, and successors of one name."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from serai.foundation import measure_http
from serai.foundation.metric import find_quantile
from serai.main.metrics_page import render_metrics
from serai.main.seen import SECONDS_KEPT, Sampler, Window, open_window

CHILD = """
import asyncio, sys
from serai.main.seen import open_window

async def main():
    async with open_window(sys.argv[1], sys.argv[2], "web"):
        print("open", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def start_child(folder: Path, name: str) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(folder), name, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert (await child.stdout.readline()) == b"open\n"
    return child


async def end_child(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.kill()
    await child.wait()


async def test_every_process_is_seen_from_each_however_deep_the_folder(tmp_path):
    folder = tmp_path / ("deep" * 20) / ("deeper" * 15)
    child = await start_child(folder, "web-2")
    try:
        async with open_window(str(folder), "web-1", "web") as window:
            seen = await window.gather()
            assert [report.process for report in seen.reports] == ["web-1", "web-2"]
            assert seen.reports[1].pid == child.pid
            assert seen.missing == []
            text = render_metrics(seen, []).decode()
            assert 'serai_process_up{process="web-2"} 1.0' in text
            assert text.count('serai_process_resident_bytes{process="') == 2
    finally:
        await end_child(child)


async def test_a_frozen_process_is_told_as_down_and_comes_back(tmp_path):
    child = await start_child(tmp_path, "web-2")
    try:
        async with open_window(str(tmp_path), "web-1", "web") as window:
            os.kill(child.pid, signal.SIGSTOP)
            seen = await window.gather()
            assert seen.missing == ["web-2"]
            assert 'serai_process_up{process="web-2"} 0.0' in render_metrics(seen, []).decode()
            os.kill(child.pid, signal.SIGCONT)

            async def is_back() -> None:
                while (await window.gather()).missing:
                    pass

            await asyncio.wait_for(is_back(), 60)
    finally:
        await end_child(child)


async def test_a_killed_process_is_down_until_a_newcomer_clears_up(tmp_path):
    child = await start_child(tmp_path, "web-2")
    async with open_window(str(tmp_path), "web-1", "web") as window:
        child.kill()
        await child.wait()
        assert (await window.gather()).missing == ["web-2"]
        async with open_window(str(tmp_path), "web-3", "web"):
            assert (await window.gather()).missing == []


async def test_a_successor_takes_the_name_and_its_leaving_forerunner_does_not_take_it_away(tmp_path):
    forerunner = Window(tmp_path / "run" / "seen", "web-1")
    await forerunner.open()
    child = await start_child(tmp_path, "web-1")
    try:
        forerunner.close()
        async with open_window(str(tmp_path), "web-9", "web") as window:
            [report] = [r for r in (await window.gather()).reports if r.process == "web-1"]
            assert report.pid == child.pid
    finally:
        await end_child(child)


async def test_a_folder_that_cannot_be_made_costs_only_the_view_of_others(tmp_path):
    (tmp_path / "run").write_text("a file where a folder should be")
    async with open_window(str(tmp_path), "", "web") as window:
        seen = await window.gather()
    assert [report.process for report in seen.reports] == [f"web-{os.getpid()}"]


async def test_an_answer_that_is_no_report_counts_as_down(tmp_path):
    folder = tmp_path / "run" / "seen"
    folder.mkdir(parents=True)

    async def lie(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"process": 5, "families": "none"')
        writer.close()

    liar = await asyncio.start_unix_server(lie, str(folder / "web-2.sock"))
    async with liar, open_window(str(tmp_path), "web-1", "web") as window:
        assert (await window.gather()).missing == ["web-2"]


@pytest.fixture
def sampler():
    sampler = Sampler()
    yield sampler
    sampler.close()


def test_a_second_holds_what_came_since_the_one_before(sampler):
    sampler.take()
    for _ in range(3):
        measure_http.REQUESTS.add("GET", "/test", "200")
        measure_http.SECONDS.observe(0.02, "/test")
    first, second = sampler.take(), sampler.take()
    assert (first.requests, second.requests) == (3, 0)
    assert sum(first.buckets) == 3
    assert sum(second.buckets) == 0
    quantile = find_quantile(measure_http.SECONDS.bounds, list(first.buckets), 0.99)
    assert quantile is not None
    assert 0.01 < quantile <= 0.025


def test_only_the_last_minutes_are_kept(sampler):
    for _ in range(SECONDS_KEPT + 5):
        sampler.take()
    assert len(sampler.seconds) == SECONDS_KEPT
