"""Restarts with back-off and the end of patience, on a clock that the tests turn; real processes where it matters."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.main.trial import wait_for

from serai.main.child import DEATHS_LIMIT, DEATHS_WINDOW_S, Child, describe_exit, rotate_log, spawn_process
from serai.main.logtail import LogTail


def make_child(tmp_path: Path, code: str = "raise SystemExit(3)") -> Child:
    log_path = tmp_path / "child.log"
    command = [sys.executable, "-c", code]
    return Child(
        "child",
        launch=lambda: spawn_process(command, environ=os.environ, log_path=log_path),
        log_path=log_path,
        group="web",
    )


def die(child: Child, now: float, *, counted: bool = True) -> str | None:
    """Let the child run to its end, then let the supervisor look."""
    child.start()
    assert child.process is not None
    child.process.wait(30)
    return child.find_death(now, counted=counted)


def test_the_first_death_is_followed_by_a_start_at_once(tmp_path: Path) -> None:
    child = make_child(tmp_path)
    assert die(child, 100.0) == "ended with code 3"
    assert child.is_due(100.0)
    assert child.find_death(100.0) is None


def test_later_deaths_wait_longer_and_longer(tmp_path: Path) -> None:
    child = make_child(tmp_path)
    die(child, 100.0)
    die(child, 100.0)
    assert not child.is_due(100.4)
    assert child.is_due(100.5)
    die(child, 101.0)
    assert not child.is_due(101.9)
    assert child.is_due(102.0)


def test_too_many_deaths_within_a_minute_are_the_end(tmp_path: Path) -> None:
    child = make_child(tmp_path)
    for number in range(DEATHS_LIMIT):
        assert not child.given_up
        die(child, 100.0 + number)
    assert child.given_up
    assert not child.is_due(1_000.0)


def test_deaths_spread_over_time_are_forgiven(tmp_path: Path) -> None:
    child = make_child(tmp_path)
    for number in range(3 * DEATHS_LIMIT):
        die(child, 100.0 + number * (DEATHS_WINDOW_S + 1) / (DEATHS_LIMIT - 1))
    assert not child.given_up


def test_deaths_for_want_of_the_database_do_not_count(tmp_path: Path) -> None:
    child = make_child(tmp_path)
    for number in range(2 * DEATHS_LIMIT):
        die(child, 100.0 + number, counted=False)
        assert not child.is_due(100.0 + number)
    assert not child.given_up


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = make_child(
        tmp_path,
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
    )
    tail = LogTail(child.log_path)
    child.start()
    wait_for(lambda: "deaf" in tail.read_lines())
    child.ask_to_stop()
    assert not child.wait_stopped(0.3)
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_the_last_line_of_a_log_is_found(tmp_path: Path) -> None:
    child = make_child(tmp_path, "print('first'); print('last words'); print()")
    assert child.read_last_line() == ""
    die(child, 1.0)
    assert child.read_last_line() == "last words"


def test_exit_codes_are_put_into_words() -> None:
    assert describe_exit(-signal.SIGKILL) == "was killed by SIGKILL"
    assert describe_exit(-99) == "was killed by signal 99"
    assert describe_exit(0) == "ended with code 0"


def test_a_log_is_rotated_under_a_writer_and_followed_across(tmp_path: Path) -> None:
    path = tmp_path / "web-1.log"
    with path.open("ab") as log:
        writer = subprocess.Popen(
            [sys.executable, "-c", "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"],
            stdin=subprocess.PIPE,
            stdout=log,
            text=True,
        )
    assert writer.stdin is not None
    tail = LogTail(path)

    def write(text: str) -> None:
        assert writer.stdin is not None
        size = path.stat().st_size
        writer.stdin.write(text + "\n")
        writer.stdin.flush()
        wait_for(lambda: path.stat().st_size != size)

    write("a" * 100)
    assert tail.read_lines() == ["a" * 100]
    assert not rotate_log(path, 200)
    assert rotate_log(path, 50)
    write("after")
    assert tail.read_lines() == ["after"]
    assert path.read_text() == "after\n"
    assert path.with_suffix(".log.1").read_text() == "a" * 100 + "\n"
    writer.stdin.close()
    assert writer.wait(30) == 0
