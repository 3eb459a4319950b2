"""`serai web` and `serai worker` alone, as they run on many machines beside one database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.main.trial import clean_environ, find_free_port, wait_for


class Command:
    """One long-running command of the real command line."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "serai.main.cli", *arguments],
                env=clean_environ(data_dir=str(folder / "var"), **settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def list_children(self) -> list[int]:
        return [p.pid for p in psutil.Process(self.process.pid).children()]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def commands() -> Iterator[list[Command]]:
    running: list[Command] = []
    yield running
    for command in running:
        if command.process.poll() is None:
            command.stop()


def fetch_pid(port: int) -> int | None:
    try:
        return int(httpx.get(f"http://127.0.0.1:{port}/", timeout=10).text)
    except httpx.TransportError:
        return None


def test_one_web_worker_serves_in_its_own_process(
    tmp_path: Path, server_url: str, commands: list[Command]
) -> None:
    port = find_free_port()
    command = Command(
        tmp_path, "web", "--app", "trial_app:create_app", "--port", str(port), database_url=server_url
    )
    commands.append(command)
    assert wait_for(lambda: fetch_pid(port)) == command.process.pid
    assert command.stop() == 0


@pytest.mark.kill
def test_several_web_workers_are_kept_alive(tmp_path: Path, server_url: str, commands: list[Command]) -> None:
    port = find_free_port()
    arguments = ["web", "--app", "trial_app:create_app", "--port", str(port), "--workers", "2"]
    command = Command(tmp_path, *arguments, database_url=server_url)
    commands.append(command)
    killed = wait_for(lambda: fetch_pid(port))
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: len(command.list_children()) == 2 and killed not in command.list_children())
    assert fetch_pid(port) in command.list_children()
    children = command.list_children()
    assert command.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in children)


def test_a_worker_ends_its_work_when_told_to_stop(
    tmp_path: Path, server_url: str, commands: list[Command]
) -> None:
    command = Command(tmp_path, "worker", "--app", "trial_app:run_worker", database_url=server_url)
    commands.append(command)
    wait_for(lambda: "worker started" in command.output)
    assert command.stop() == 0
    assert "worker ended" in command.output
