"""Web workers are replaced under traffic: no request fails, and a bad successor replaces nobody."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import psutil
import pytest
from tests.main.trial import Trial, run_serai

MakeTrial = Callable[..., Trial]
REPLACED = "web workers were replaced"
WITHIN_S = 90
# Whoever runs the tests may have SIGHUP ignored, and children inherit that.
ASK = signal.SIGUSR2 if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else signal.SIGHUP


async def wait_until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not look():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


class Callers:
    """Traffic that never rests: some on lines that stay open, some with a new line each time, some slow."""

    def __init__(self, trial: Trial) -> None:
        self.url = f"http://127.0.0.1:{trial.port}"
        self.done = asyncio.Event()
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []

    async def _ask(self, client: httpx.AsyncClient, path: str) -> None:
        try:
            answer = await client.get(f"{self.url}{path}")
        except httpx.TransportError as error:
            self.failures.append(f"{path}: {error!r}")
            await asyncio.sleep(0.05)
            return
        if answer.status_code == 200:
            self.answers[answer.text] += 1
        else:
            self.failures.append(f"{path}: {answer.status_code}")

    async def stay(self) -> None:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            while not self.done.is_set():
                await self._ask(client, "/")
                await asyncio.sleep(0.005)

    async def come_anew(self) -> None:
        while not self.done.is_set():
            async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
                await self._ask(client, "/")

    async def take_time(self) -> None:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            while not self.done.is_set():
                await self._ask(client, "/slow")

    async def run_while(self, act: Callable[[], Awaitable[None]]) -> None:
        """Call without a rest while ``act`` runs."""
        calls = [self.stay() for _ in range(4)] + [self.come_anew() for _ in range(2)] + [self.take_time()]
        tasks = [asyncio.create_task(call) for call in calls]
        try:
            await wait_until(lambda: self.answers.total() > 20, "the first answers")
            await act()
        finally:
            self.done.set()
            await asyncio.gather(*tasks)


def web_pids(trial: Trial) -> set[int]:
    return {pid for name, pid in trial.find_children().items() if name.startswith("web-")}


@pytest.mark.parametrize("workers", ["1", "3"])
async def test_no_request_fails_while_all_web_workers_are_replaced_twice(
    make_trial: MakeTrial, workers
) -> None:
    trial = make_trial(workers=workers)
    trial.open()
    assert trial.process is not None
    process = trial.process
    callers = Callers(trial)
    before = web_pids(trial)
    others = {n: p for n, p in trial.find_children().items() if not n.startswith("web-")}

    async def replace_twice() -> None:
        for times in (1, 2):
            process.send_signal(ASK)
            await wait_until(lambda t=times: trial.output.count(REPLACED) == t, trial.output)  # type: ignore[misc]

    await callers.run_while(replace_twice)
    assert callers.failures == []
    after = web_pids(trial)
    assert len(after) == int(workers)
    assert not before & after
    assert not any(psutil.pid_exists(pid) for pid in before)
    # Every newcomer has served somebody: lines did not stay with the old ones.
    assert {str(pid) for pid in after} & set(callers.answers)
    assert {n: p for n, p in trial.find_children().items() if not n.startswith("web-")} == others
    assert trial.stop() == 0


async def test_a_successor_that_cannot_live_replaces_nobody(make_trial: MakeTrial, tmp_path) -> None:
    broken = tmp_path / "broken"
    # One alone: when it answers, it has been started before the version breaks.
    trial = make_trial(workers="1", mail_from=str(broken))
    trial.open()
    before = web_pids(trial)
    callers = Callers(trial)
    process = trial.process
    assert process is not None
    broken.touch()

    async def try_to_replace() -> None:
        process.send_signal(ASK)
        await wait_until(lambda: "did not get ready" in trial.output, trial.output)

    await callers.run_while(try_to_replace)
    assert callers.failures == []
    assert web_pids(trial) == before
    broken.unlink()
    process.send_signal(ASK)
    await wait_until(lambda: REPLACED in trial.output, trial.output)
    assert not web_pids(trial) & before


async def test_a_stop_in_the_middle_leaves_nobody_behind(make_trial: MakeTrial) -> None:
    trial = make_trial(workers="3")
    trial.open()
    before = web_pids(trial)
    process = trial.process
    assert process is not None
    process.send_signal(ASK)
    await wait_until(lambda: web_pids(trial) != before, "the first replacement")
    assert await asyncio.to_thread(trial.stop) == 0
    assert trial.list_processes() == []


async def test_the_command_asks_the_running_installation(make_trial: MakeTrial) -> None:
    trial = make_trial(workers="1")
    data_dir = str(trial.installation.data_dir)
    nobody = await asyncio.to_thread(run_serai, "restart", data_dir=data_dir)
    assert nobody.returncode != 0
    assert "Nothing runs" in nobody.stdout + nobody.stderr
    trial.open()
    before = web_pids(trial)
    asked = await asyncio.to_thread(run_serai, "restart", data_dir=data_dir)
    assert asked.returncode == 0, asked.stderr
    await wait_until(lambda: REPLACED in trial.output, trial.output)
    assert not before & web_pids(trial)


async def test_a_killed_old_worker_is_no_death_of_the_new_one(make_trial: MakeTrial) -> None:
    trial = make_trial(workers="2")
    trial.open()
    process = trial.process
    assert process is not None
    for _ in range(3):
        before, count = web_pids(trial), trial.output.count(REPLACED)
        process.send_signal(ASK)
        await wait_until(lambda b=before: web_pids(trial) != b, "a replacement")  # type: ignore[misc]
        for pid in before - web_pids(trial):
            os.kill(pid, signal.SIGKILL)
        await wait_until(lambda c=count: trial.output.count(REPLACED) > c, trial.output)  # type: ignore[misc]
    assert "given up" not in trial.output
    assert len(web_pids(trial)) == 2
