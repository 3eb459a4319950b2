"""The simulated carrier as a process of its own, and a post box that it sends its webhooks to."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest
from tests.sandbox.provider import find_free_port, wait_until

from serai.commerce.carrier.caravan import CaravanAccount, CaravanCarrier
from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.ledger.api import Lane

ACCOUNT = CaravanAccount(secrets.token_hex(16), secrets.token_hex(16))


class PostBox:
    """Takes what the carrier sends: (headers, body) in order of arrival."""

    def __init__(self) -> None:
        self.messages: Queue[tuple[dict[str, str], bytes]] = Queue()
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                box.messages.put(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def take(self, count: int = 1) -> list[tuple[dict[str, str], bytes]]:
        """The next messages; fails when they do not come."""
        return [self.messages.get(timeout=20) for _n in range(count)]


class Simulator:
    """The running carrier, and what a test makes it do."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {ACCOUNT.secret}"}, trust_env=False
        )

    def fault(self, name: str, count: int = 1, **params: Any) -> None:
        answer = self.client.post("/v1/faults", json={"fault": name, "count": count, "params": params})
        assert answer.status_code == 201

    def advance(self, shipment_id: str, kind: str, place: str = "Dayton") -> dict[str, Any]:
        answer = self.client.post(f"/v1/test/advance/{shipment_id}", json={"kind": kind, "place": place})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def load(self, shipment_id: str) -> dict[str, Any]:
        return self.client.get(f"/v1/shipments/{shipment_id}").json()


@pytest.fixture(scope="session")
def carrier_url() -> Iterator[str]:
    port = find_free_port()
    account = f"shop:{ACCOUNT.secret}:{ACCOUNT.webhook_secret}"
    process = subprocess.Popen(
        [sys.executable, "-m", "serai_sandbox.carrier", "--port", str(port), "--account", account],
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(answers, "the carrier")
    yield url
    process.terminate()
    assert process.wait(15) == 0


@pytest.fixture
def simulator(carrier_url: str) -> Iterator[Simulator]:
    made = Simulator(carrier_url)
    yield made
    made.client.close()


@pytest.fixture(scope="session")
def post_box() -> Iterator[PostBox]:
    box = PostBox()
    yield box
    box.server.shutdown()
    box.server.server_close()


@pytest.fixture
async def commerce(
    db: Database,
    lane: Lane,
    provider: Any,
    carrier_url: str,
    post_box: PostBox,
) -> Any:
    """The tools of commerce with the carrier among them; it reaches this installation at the post box."""
    adapter = CaravanCarrier(carrier_url, ACCOUNT, 2.0)
    settings = CommerceSettings(public_url=post_box.url)
    yield Commerce(
        db,
        lane,
        {"sandbox": provider},
        settings,
        b"test secret of guests' links",
        carriers={"caravan": adapter},
    )
    await adapter.close()
