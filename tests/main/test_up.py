"""`serai up` as an operator meets it: real processes, a real database, signals."""

import signal
import socket
import threading
from collections.abc import Callable
from uuid import uuid4

import asyncpg
import httpx
import pytest
from tests.conftest import make_database
from tests.main.trial import Trial, find_free_port, run_serai, wait_for

from serai.main.installation import open_installation

MakeTrial = Callable[..., Trial]


def test_it_starts_answers_and_leaves_nothing_behind_on_ctrl_c(make_trial: MakeTrial) -> None:
    trial = make_trial().open()
    assert trial.get("/database") == "serai"
    assert set(trial.find_children()) == {"postgres", "worker", "web-1", "web-2"}
    assert trial.stop(signal.SIGINT) == 0
    assert trial.list_processes() == []
    assert not trial.installation.state_path.exists()


def test_a_second_start_finds_what_the_first_one_left(make_trial: MakeTrial) -> None:
    trial = make_trial().open("--set-up")
    assert "quiet-harbour-42" in trial.output
    assert trial.stop() == 0
    trial.open("--set-up")
    assert "quiet-harbour-42" not in trial.output
    assert "migrations applied" not in trial.output
    assert (trial.installation.data_dir / "asked").read_text() == "x"


def test_the_owners_password_is_written_to_no_file(make_trial: MakeTrial) -> None:
    trial = make_trial().open("--set-up")
    assert trial.stop() == 0
    folder = trial.installation.data_dir
    holding = [p for p in folder.rglob("*") if p.is_file() and b"quiet-harbour-42" in p.read_bytes()]
    assert holding == []


@pytest.mark.kill
def test_a_killed_web_worker_is_replaced_while_the_shop_answers(make_trial: MakeTrial) -> None:
    trial = make_trial().open()
    before = trial.find_children()
    answers: list[int] = []
    done = threading.Event()

    def shop() -> None:
        while not done.is_set():
            answers.append(httpx.get(f"http://127.0.0.1:{trial.port}/", timeout=30).status_code)

    thread = threading.Thread(target=shop)
    thread.start()
    trial.kill_child("worker")
    trial.kill_child("web-1")
    wait_for(lambda: str(trial.find_children()["web-1"]) == trial.get())
    done.set()
    thread.join(60)
    after = trial.find_children()
    assert after["web-2"] == before["web-2"]
    assert after["web-1"] != before["web-1"]
    assert "web-1 was killed by SIGKILL" in trial.output
    assert set(answers) == {200}


@pytest.mark.kill
def test_the_only_web_worker_may_be_killed_and_callers_wait_instead_of_being_refused(
    make_trial: MakeTrial,
) -> None:
    trial = make_trial(workers="1").open()
    first = trial.get()
    trial.kill_child("web-1")
    assert trial.get() != first


@pytest.mark.kill
def test_a_killed_database_comes_back_and_the_others_stay(make_trial: MakeTrial) -> None:
    trial = make_trial().open()
    before = trial.find_children()
    trial.kill_child("postgres")
    assert trial.get("/database") == "serai"
    after = trial.find_children()
    assert {k: v for k, v in after.items() if k != "postgres"} == {
        k: v for k, v in before.items() if k != "postgres"
    }
    assert trial.stop() == 0
    assert trial.list_processes() == []


@pytest.mark.kill
def test_children_do_not_outlive_a_killed_supervisor_and_the_next_start_works(make_trial: MakeTrial) -> None:
    trial = make_trial().open()
    trial.stop(signal.SIGKILL)
    wait_for(lambda: all("postgres" in command for command in trial.list_processes()))
    trial.open()
    assert trial.get("/database") == "serai"
    assert trial.stop() == 0
    assert trial.list_processes() == []


def test_a_request_under_way_is_answered_before_the_stop(make_trial: MakeTrial) -> None:
    trial = make_trial().open()
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(trial.get("/slow")))
    thread.start()
    wait_for(lambda: _count_connections(trial.port))
    assert trial.stop() == 0
    thread.join(30)
    assert answers
    assert answers[0].isdigit()


def _count_connections(port: int) -> int:
    import psutil

    return sum(
        c.status == psutil.CONN_ESTABLISHED and c.laddr.port == port for c in psutil.net_connections("tcp")
    )


def test_a_child_that_cannot_live_ends_the_run_with_its_last_words(make_trial: MakeTrial) -> None:
    trial = make_trial().start("--worker-fails")
    assert trial.process is not None
    assert trial.process.wait(90) == 1
    assert "worker ended 5 times within 60 seconds" in trial.output
    assert "the worker cannot find its tools" in trial.output
    assert "Traceback" not in trial.output
    assert trial.list_processes() == []


def test_a_second_ctrl_c_waits_for_nobody(make_trial: MakeTrial) -> None:
    trial = make_trial().open("--worker-is-deaf")
    assert trial.process is not None
    trial.process.send_signal(signal.SIGINT)
    wait_for(lambda: "Stopping" in trial.output)
    trial.process.send_signal(signal.SIGINT)
    assert trial.process.wait(5) == 1
    wait_for(lambda: not trial.list_processes())
    trial.open()
    assert trial.get("/database") == "serai"


def test_a_deaf_child_is_killed_in_the_end_and_the_rest_stops_well(make_trial: MakeTrial) -> None:
    trial = make_trial().open("--worker-is-deaf")
    assert trial.stop() == 0
    assert "worker did not stop in time and had to be killed" in trial.output
    assert trial.list_processes() == []


def test_the_payment_sandbox_runs_with_the_set_ups_accounts_and_may_be_killed(make_trial: MakeTrial) -> None:
    trial = make_trial(sandbox_port=str(find_free_port()))
    accounts = open_installation(str(trial.installation.data_dir)).sandbox_accounts
    accounts.touch(mode=0o600)
    accounts.write_text(
        '[{"slug": "trial", "secret": "0123456789abcdef", "webhook_secret": "fedcba9876543210"}]'
    )
    trial.open("--sandbox")
    health = f"http://127.0.0.1:{trial.settings['sandbox_port']}/healthz"
    wait_for(lambda: _answers(health))
    trial.kill_child("sandbox")
    wait_for(lambda: _answers(health))
    assert trial.stop() == 0
    assert trial.list_processes() == []


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_verbose_shows_the_logs_of_the_children(make_trial: MakeTrial) -> None:
    trial = make_trial().open("--verbose")
    wait_for(lambda: "the worker says hello" in trial.output)


def test_a_second_start_on_the_same_data_is_refused(make_trial: MakeTrial) -> None:
    trial = make_trial().open()
    second = run_serai("up", **trial.settings)
    assert second.returncode == 1
    assert f"Serai already runs on {trial.installation.data_dir}" in second.stderr
    assert f"process {trial.process.pid}" in second.stderr  # type: ignore[union-attr]
    assert trial.get("/database") == "serai"


def test_a_taken_port_is_told_before_anything_is_started(make_trial: MakeTrial) -> None:
    trial = make_trial()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", trial.port))
        taken.listen()
        trial.start()
        assert trial.process is not None
        assert trial.process.wait(60) == 1
    assert f"Port {trial.port} on 127.0.0.1 cannot be used" in trial.output
    assert "--port" in trial.output
    assert not trial.installation.pgdata.exists()


async def test_it_runs_on_a_database_of_ones_own_and_resets_only_its_schemas(
    make_trial: MakeTrial, server_url: str
) -> None:
    name = f"own_{uuid4().hex[:12]}"
    url = await make_database(server_url, name)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE public.theirs AS SELECT 42 AS answer")
    trial = make_trial(database_url=url).open()
    assert trial.get("/database") == name
    assert "postgres" not in trial.find_children()
    assert not trial.installation.pgdata.exists()
    assert name not in trial.installation.state_path.read_text()
    assert trial.stop() == 0
    await connection.execute("CREATE TABLE foundation.ours (); CREATE SCHEMA job; CREATE TABLE job.ours ()")
    trial.open("--reset")
    assert await connection.fetchval("SELECT to_regclass('foundation.ours')") is None
    assert await connection.fetchval("SELECT to_regclass('job.ours')") is None
    assert await connection.fetchval("SELECT answer FROM public.theirs") == 42
    await connection.close()


def test_reset_starts_afresh(make_trial: MakeTrial) -> None:
    trial = make_trial().open("--set-up")
    trial.stop()
    trial.open("--set-up", "--reset")
    assert "quiet-harbour-42" in trial.output
    assert "migrations applied" in trial.output


def test_reset_asks_and_does_nothing_when_nobody_answers(make_trial: MakeTrial) -> None:
    trial = make_trial().open()
    trial.stop()
    refused = run_serai("up", "--reset", **trial.settings)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert (trial.installation.pgdata / "PG_VERSION").exists()
