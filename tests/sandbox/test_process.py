"""The process: starting, refusing to start, stopping, and what survives."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.sandbox.provider import Merchant, Provider, Receiver, find_free_port, wait_until


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_everything_survives_a_restart(tmp_path: Path, receiver: Receiver, how: signal.Signals) -> None:
    provider = Provider(tmp_path)
    provider.start()
    merchant = Merchant(provider, receiver)
    body = merchant.body()
    created = merchant.post("/v1/payments", body, key="k").json()
    paid = merchant.pay()
    path = f"/v1/payments/{paid['payment_id']}/refunds"
    merchant.post(path, {"amount_minor": 1, "reference": "r"})
    merchant.order_fault("decline", count=3)
    merchant.wait_for_webhooks(3)
    merchant.wait_for_quiet(paid["payment_id"])
    paid = merchant.show(paid["payment_id"])
    events = merchant.client.get("/v1/events").json()
    code = provider.stop(how)
    assert code == (0 if how == signal.SIGTERM else -signal.SIGKILL)
    provider.start()
    assert merchant.post("/v1/payments", body, key="k").json() == created
    assert merchant.show(paid["payment_id"]) == paid
    assert merchant.client.get("/v1/events").json() == events
    assert merchant.client.get("/v1/faults").json()["faults"][0]["remaining"] == 3
    assert merchant.pay()["status"] == "failed"
    merchant.client.close()
    provider.stop()


def test_an_answered_payment_survives_a_kill_in_full_flight(tmp_path: Path, receiver: Receiver) -> None:
    provider = Provider(tmp_path)
    provider.start()
    merchant = Merchant(provider, receiver)
    acknowledged: list[str] = []

    def buy() -> None:
        with merchant.open_client() as client:
            for n in range(10_000):
                try:
                    answer = client.post(
                        "/v1/payments", json=merchant.body(), headers={"idempotency-key": f"{id(client)}-{n}"}
                    )
                    payment_id = answer.json()["payment_id"]
                    client.post(f"/v1/test/pay/{payment_id}", json={"outcome": "paid"}).raise_for_status()
                except httpx.TransportError:
                    return
                acknowledged.append(payment_id)

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(buy) for _ in range(3)]
        wait_until(lambda: len(acknowledged) >= 20, "some payments")
        provider.stop(signal.SIGKILL)
        for job in jobs:
            job.result()
    provider.start()
    for payment_id in acknowledged:
        assert merchant.show(payment_id)["captured_minor"] == 10_000
    merchant.client.close()
    provider.stop()


def test_it_stops_at_once_although_answers_hang(tmp_path: Path, receiver: Receiver) -> None:
    provider = Provider(tmp_path)
    provider.start()
    merchant = Merchant(provider, receiver)
    merchant.order_fault("no_answer", params={"delay_ms": 600_000})
    merchant.order_fault("slow", params={"delay_ms": 600_000}, count=2)

    def ask() -> str:
        try:
            return str(merchant.client.get("/v1/events").status_code)
        except httpx.TransportError as error:
            return type(error).__name__

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(ask) for _ in range(2)]
        wait_until(lambda: not merchant.open_faults(), "both requests to hang")
        started = time.monotonic()
        assert provider.stop() == 0
        assert time.monotonic() - started < 4
        assert sorted(job.result() for job in jobs) == ["200", "RemoteProtocolError"]
    merchant.client.close()
    assert "Traceback" not in provider.log


def test_a_taken_port_is_said_plainly(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", provider.port))
        taken.listen()
        process = provider.spawn("--port", str(provider.port), "--accounts", str(provider.accounts_file))
        assert process.wait(15) == 2
    assert f"port {provider.port}" in provider.log
    assert "Traceback" not in provider.log


def test_two_processes_do_not_share_one_directory(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    provider.start()
    second = provider.spawn("--port", str(find_free_port()), "--accounts", str(provider.accounts_file))
    assert second.wait(15) == 2
    assert "already runs" in provider.log
    assert httpx.get(provider.url + "/healthz").json() == {"status": "ok"}
    provider.stop()


def test_a_data_directory_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    provider.data = tmp_path / "file" / "data"
    (tmp_path / "file").write_text("not a directory", "utf-8")
    process = provider.spawn("--port", str(provider.port), "--accounts", str(provider.accounts_file))
    assert process.wait(15) == 2
    assert "cannot write" in provider.log
    assert "Traceback" not in provider.log


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ("", "cannot read"),
        ("[{", "truncated"),
        ("[]", "no account"),
        ('[{"slug": "a", "secret": "short", "webhook_secret": "0123456789abcdef"}]', "secret"),
        ('[{"slug": "A B", "secret": "0123456789abcdef", "webhook_secret": "0123456789abcdef"}]', "slug"),
    ],
)
def test_unusable_accounts_keep_it_from_starting(tmp_path: Path, accounts: str, said: str) -> None:
    provider = Provider(tmp_path)
    provider.accounts_file.write_text(accounts, "utf-8")
    if not accounts:
        provider.accounts_file.unlink()
    process = provider.spawn("--port", str(provider.port), "--accounts", str(provider.accounts_file))
    assert process.wait(15) == 2
    assert said in provider.log
    assert "Traceback" not in provider.log
    assert "0123456789abcdef" not in provider.log


def test_an_accounts_file_others_may_read_is_refused(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    provider.accounts_file.chmod(0o644)
    process = provider.spawn("--port", str(provider.port), "--accounts", str(provider.accounts_file))
    assert process.wait(15) == 2
    assert "chmod 600" in provider.log


def test_without_any_account_it_does_not_start(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    process = provider.spawn("--port", str(provider.port))
    assert process.wait(15) == 2
    assert "no account" in provider.log


@pytest.mark.parametrize("source", ["data directory", "environment", "command line"])
def test_accounts_may_come_from_elsewhere(tmp_path: Path, source: str) -> None:
    provider = Provider(tmp_path)
    account = provider.accounts[0]
    options, environment = ["--port", str(provider.port)], {}
    if source == "data directory":
        provider.data.mkdir()
        provider.accounts_file.rename(provider.data / "accounts.json")
    elif source == "environment":
        environment = {"SERAI_SANDBOX_ACCOUNTS": provider.accounts_file.read_text("utf-8")}
    else:
        options += ["--account", f"{account['slug']}:{account['secret']}:{account['webhook_secret']}"]
    provider.process = provider.spawn(*options, environment=environment)
    wait_until(provider._answers, "the sandbox to start")
    headers = {"authorization": "Bearer " + account["secret"]}
    assert httpx.get(provider.url + "/v1/events", headers=headers).status_code == 200
    assert provider.stop() == 0


def test_only_the_owner_can_read_the_state_and_the_log_holds_no_secret(
    tmp_path: Path, receiver: Receiver
) -> None:
    provider = Provider(tmp_path)
    provider.start()
    merchant = Merchant(provider, receiver)
    merchant.pay()
    merchant.wait_for_webhooks(2)
    assert provider.data.stat().st_mode & 0o077 == 0
    if os.path.exists("/proc"):
        assert provider.process is not None
        command = Path(f"/proc/{provider.process.pid}/cmdline").read_bytes()
        assert merchant.account["secret"].encode() not in command
    merchant.client.close()
    provider.stop()
    assert merchant.account["secret"] not in provider.log
    assert merchant.account["webhook_secret"] not in provider.log
