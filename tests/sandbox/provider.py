"""Drives the real sandbox process over loopback, and receives its webhooks as a shop would."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

import httpx

T = TypeVar("T")

SOURCES = Path(__file__).resolve().parents[2] / "src"


def wait_until(find: Callable[[], T], what: str, timeout_s: float = 15) -> T:
    """Return the first truthy value of find(); fails saying what was waited for."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain for {what}"
        time.sleep(0.02)


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Provider:
    """The sandbox as a process of its own, with an accounts file that grows by one account per merchant."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.accounts_file = directory / "accounts.json"
        self.accounts: list[dict[str, str]] = []
        self.options = options
        self.port = find_free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.add_account("first")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text("utf-8")

    def add_account(self, slug: str) -> dict[str, str]:
        account = {
            "slug": slug,
            "name": f"Shop <{slug}>",
            "secret": "sk-" + secrets.token_hex(16),
            "webhook_secret": "wh-" + secrets.token_hex(16),
        }
        self.accounts.append(account)
        fresh = self.accounts_file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(self.accounts), "utf-8")
        fresh.replace(self.accounts_file)
        return account

    def spawn(self, *options: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "serai_sandbox.pay", "--data", str(self.data), *options],
                env={**os.environ, "PYTHONPATH": str(SOURCES), **(environment or {})},
                stdout=log,
                stderr=log,
            )

    def start(self) -> None:
        port, accounts = str(self.port), str(self.accounts_file)
        self.process = self.spawn("--port", port, "--accounts", accounts, *self.options)
        wait_until(self._answers, "the sandbox to start")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the sandbox did not start:\n{self.log}"
        try:
            return httpx.get(self.url + "/healthz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the process and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(15)
        self.process = None
        return code


class Received(NamedTuple):
    headers: dict[str, str]
    body: bytes
    answered: int

    @property
    def event(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


class Receiver:
    """A shop's webhook endpoint: keeps what arrives by path, answers as told."""

    def __init__(self) -> None:
        self.received: dict[str, list[Received]] = {}
        self.answers: dict[str, list[int]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                queue = receiver.answers.get(self.path, [])
                status = queue.pop(0) if len(queue) > 1 else (queue or [200])[0]
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.setdefault(self.path, []).append(Received(headers, body, status))
                self.send_response(status)
                self.send_header("content-length", "0")
                if 300 <= status < 400:
                    self.send_header("location", "/redirected" + self.path)
                self.end_headers()

            def do_GET(self) -> None:
                text = f"<!doctype html><title>Shop</title><h1>Back at the shop</h1><p>{'x' * 8}".encode()
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Merchant:
    """One merchant with an account and a webhook path that no other test knows."""

    def __init__(self, provider: Provider, receiver: Receiver) -> None:
        self.slug = "m" + uuid4().hex[:12]
        self.account = provider.add_account(self.slug)
        self.provider = provider
        self.receiver = receiver
        self.path = f"/hook/{self.slug}"
        self.client = self.open_client()

    def open_client(self) -> httpx.Client:
        headers = {"authorization": "Bearer " + self.account["secret"]}
        return httpx.Client(
            base_url=self.provider.url, headers=headers, timeout=20, trust_env=False, verify=False
        )

    def body(self, **changes: Any) -> dict[str, Any]:
        body = {
            "reference": "order-" + uuid4().hex[:8],
            "amount_minor": 10_000,
            "currency": "CNY",
            "return_url": self.receiver.url + "/back?cart=7",
            "webhook_url": self.receiver.url + self.path,
        }
        return {**body, **changes}

    def post(self, path: str, body: Any = None, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"idempotency-key": key or uuid4().hex}
        return self.client.post(path, json={} if body is None else body, headers=headers, **options)

    def create(self, **changes: Any) -> dict[str, Any]:
        answer = self.post("/v1/payments", self.body(**changes))
        assert answer.status_code == 201, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    def decide(self, payment_id: str, outcome: str = "paid", **more: Any) -> dict[str, Any]:
        answer = self.client.post(f"/v1/test/pay/{payment_id}", json={"outcome": outcome, **more})
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def pay(self, *faults: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Create a payment and pay it, with faults ordered for it; return it as it is then."""
        payment = self.create(**changes)
        paid: dict[str, Any] = self.decide(payment["payment_id"], faults=list(faults))["payment"]
        return paid

    def show(self, payment_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/v1/payments/{payment_id}")
        assert answer.status_code == 200, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    def order_fault(self, fault: str, **more: Any) -> dict[str, Any]:
        answer = self.client.post("/v1/faults", json={"fault": fault, **more})
        assert answer.status_code == 201, answer.text
        ordered: dict[str, Any] = answer.json()
        return ordered

    def open_faults(self) -> list[dict[str, Any]]:
        """Return the faults not used up, asked over a connection of its own."""
        with self.open_client() as client:
            faults: list[dict[str, Any]] = client.get("/v1/faults").json()["faults"]
        return faults

    def list_event_types(self) -> list[str]:
        events = self.client.get("/v1/events").json()["events"]
        return [event["type"] for event in events]

    def list_deliveries(self, payment_id: str) -> list[dict[str, Any]]:
        deliveries: list[dict[str, Any]] = self.client.get(f"/v1/test/deliveries/{payment_id}").json()[
            "deliveries"
        ]
        return deliveries

    @property
    def received(self) -> list[Received]:
        return list(self.receiver.received.get(self.path, []))

    def wait_for_webhooks(self, count: int) -> list[Received]:
        """Return the first webhooks of this merchant once there are as many."""
        wait_until(lambda: len(self.received) >= count, f"{count} webhooks, got {len(self.received)}")
        return self.received

    def wait_for_quiet(self, payment_id: str) -> list[dict[str, Any]]:
        """Return the payment's deliveries once none is waiting any more."""

        def find() -> list[dict[str, Any]]:
            deliveries = self.list_deliveries(payment_id)
            return deliveries if all(item["state"] not in ("waiting", "held") for item in deliveries) else []

        return wait_until(find, "all webhooks to be settled")


def read_error(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error of a refused request, checking its form."""
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"]
    assert error["message"].endswith(".")
    return error
