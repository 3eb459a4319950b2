"""Web workers as processes: their command, their successors, and `serai web` with several of them."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from serai.main.child import Child, spawn_process
from serai.main.screen import Screen
from serai.main.supervisor import StopRequest, Supervisor


def make_web_command(fd: int, application: str) -> list[str]:
    """The command of one web worker on an inherited socket."""
    return [sys.executable, "-m", "serai.main.cli", "web", "--fd", str(fd), "--app", application]


def make_successor(
    command: Sequence[str], environ: Mapping[str, str], log_path: Path | None, pass_fds: Sequence[int]
) -> Callable[[int], "subprocess.Popen[bytes]"]:
    """What starts another process of a command that tells a descriptor when it is ready."""

    def succeed(writer: int) -> "subprocess.Popen[bytes]":
        return spawn_process(
            [*command, "--ready-fd", str(writer)],
            environ=environ,
            log_path=log_path,
            pass_fds=(*pass_fds, writer),
        )

    return succeed


def run_web(listener: socket.socket, workers: int, application: str, screen: Screen) -> None:
    """Keep several web workers on one socket, with their output where ours goes, until a signal stops them."""
    stop = StopRequest()
    stop.listen()
    supervisor = Supervisor(stop, say=screen.say)
    fd = listener.fileno()
    command = make_web_command(fd, application)
    try:
        for number in range(1, workers + 1):
            launch = partial(spawn_process, command, environ=os.environ, log_path=None, pass_fds=(fd,))
            succeed = make_successor(command, os.environ, None, (fd,))
            supervisor.add(Child(f"web-{number}", launch=launch, log_path=None, group="web", succeed=succeed))
        supervisor.run()
    finally:
        listener.close()
        supervisor.stop_all()
