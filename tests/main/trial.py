"""Starting, watching and ending real processes of the command line, each on its own data directory and ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

from serai.foundation.embedded import prepare_cluster, stop_leftover
from serai.main.installation import Installation, end_leftovers, find_state

HERE = Path(__file__).parent
T = TypeVar("T")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(look: Callable[[], T | None], *, seconds: float = 40.0) -> T:
    """Look until something comes; a generous limit, since the machine may be busy with other tests."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{look} did not come true within {seconds:.0f} s")


def clean_environ(**settings: str) -> dict[str, str]:
    """Our environment without settings of ours, and with those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SERAI_")}
    return (
        kept
        | {
            "PYTHONPATH": os.pathsep.join([str(HERE), *kept.get("PYTHONPATH", "").split(os.pathsep)]),
            "COLUMNS": "160",
        }
        | {f"SERAI_{k.upper()}": v for k, v in settings.items()}
    )


def run_serai(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the real command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "serai.main.cli", *arguments],
        env=clean_environ(**settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


class Trial:
    """One installation in a folder of a test, run by the real supervisor with small processes."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.port = find_free_port()
        self.installation = Installation.at(str(data_dir))
        self.settings = {"data_dir": str(data_dir), "port": str(self.port), "workers": "2"} | settings
        self.output_path = data_dir.parent / f"{data_dir.name}.output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> "Trial":
        with self.output_path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "trial_up.py"), *arguments],
                env=clean_environ(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def open(self, *arguments: str) -> "Trial":
        """Start, and wait for the start screen."""
        self.start(*arguments)
        wait_for(lambda: "Serai is open" in self.output or self.has_ended)
        assert "Serai is open" in self.output, self.output
        return self

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    @property
    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def find_children(self) -> dict[str, int]:
        state = find_state(self.installation)
        return state.children if state else {}

    def kill_child(self, name: str) -> None:
        """SIGKILL to a child, then wait until another one has taken its place."""
        old = self.find_children()[name]
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: self.find_children().get(name, old) != old)

    def get(self, path: str = "/") -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30).text

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal the supervisor and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def list_processes(self) -> list[str]:
        """The command lines of processes that still belong to this installation, PostgreSQL's included."""
        mark = str(self.installation.data_dir)
        found = []
        for process in psutil.process_iter(["cmdline", "environ", "status"]):
            command = " ".join(process.info["cmdline"] or [])
            ours = (process.info["environ"] or {}).get("SERAI_DATA_DIR") == mark or mark in command
            if ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(command)
        return found

    def end(self) -> None:
        """Leave nothing behind, however the test went."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        end_leftovers(self.installation, wait_s=0)
        if (self.installation.pgdata / "PG_VERSION").exists():
            stop_leftover(prepare_cluster(self.installation.pgdata))
