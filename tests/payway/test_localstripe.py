"""Our Stripe adapter against localstripe, somebody else's imitation of Stripe, as a process of its own.

It has no Checkout Sessions and no idempotency keys, so the payment is confirmed as a card form would, and what the adapter
does from there on is looked at: reading, refunding once, webhooks.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.durability.running import find_free_port, wait_for

from serai.commerce.payway.adapt_stripe import StripeAdapter
from serai.commerce.payway.types import StripeAccount
from serai.foundation.errors import Outside, Unauthorised

pytestmark = [
    pytest.mark.xdist_group("payway"),
    pytest.mark.skipif(
        importlib.util.find_spec("localstripe") is None, reason="localstripe is not installed"
    ),
]
SECRET = "whsec_of_the_test_with_localstripe"


class Imitation:
    """The process, a client of it, and what it has sent to a webhook."""

    def __init__(self, url: str, received: list[tuple[str, bytes]]) -> None:
        self.received = received
        self.client = httpx.AsyncClient(base_url=url, auth=("sk_test_12345", ""), trust_env=False, timeout=20)
        self.adapter = StripeAdapter(StripeAccount("sk_test_12345", SECRET), url, 10)

    async def pay(self, amount: int, card: str = "4242424242424242", **more: str) -> tuple[str, str]:
        """(our reference, the intent's id) of a payment confirmed with a test card."""
        reference = str(uuid4())
        method = await self.client.post(
            "/v1/payment_methods",
            data={
                "type": "card",
                "card[number]": card,
                "card[exp_month]": "12",
                "card[exp_year]": "2035",
                "card[cvc]": "123",
            },
        )
        intent = await self.client.post(
            "/v1/payment_intents",
            data={
                "amount": str(amount),
                "currency": "usd",
                "confirm": "true",
                "payment_method": method.json()["id"],
                "metadata[intent_id]": reference,
                **more,
            },
        )
        content = intent.json()
        return reference, str(content.get("id") or content["error"].get("payment_intent", {}).get("id"))


def spawn(folder: Path, port: int) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            stdout=log,
            stderr=log,
        )


@pytest.fixture(scope="session")
async def imitation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Imitation]:
    received: list[tuple[str, bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.headers["stripe-signature"], body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    folder: Path = tmp_path_factory.mktemp("localstripe")
    port = find_free_port()
    process = spawn(folder, port)
    opened = Imitation(f"http://127.0.0.1:{port}", received)

    async def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return (await opened.client.get("/v1/balance")).status_code < 500
        except httpx.TransportError:
            return False

    await wait_for(answers, "localstripe to answer")
    hook = {"url": f"http://127.0.0.1:{server.server_address[1]}", "secret": SECRET}
    assert (await opened.client.post("/_config/webhooks/test", json=hook)).status_code == 200
    yield opened
    await opened.client.aclose()
    await opened.adapter.close()
    process.terminate()
    process.wait(10)
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_confirmed_card_payment_is_read_as_captured(imitation: Imitation) -> None:
    reference, intent_id = await imitation.pay(2500)
    found = await imitation.adapter.load(uuid4(), intent_id)
    assert found is not None
    (event,) = found.events
    assert (event.kind, str(event.reference), event.amount_minor, event.payment_minor, event.currency) == (
        "captured",
        reference,
        2500,
        2500,
        "USD",
    )


async def test_a_refund_asked_for_twice_is_made_once_even_without_idempotency_keys(
    imitation: Imitation,
) -> None:
    _reference, intent_id = await imitation.pay(3000)
    refund_id = uuid4()
    assert [await imitation.adapter.refund(intent_id, refund_id, 1000) for _ in range(2)] == ["done", "done"]
    listed = (await imitation.client.get("/v1/refunds", params={"payment_intent": intent_id})).json()
    assert [each["amount"] for each in listed["data"]] == [1000]


async def test_its_webhook_is_believed_and_a_changed_one_is_not(imitation: Imitation) -> None:
    reference, _intent_id = await imitation.pay(1700)

    async def find() -> tuple[str, bytes] | None:
        return next(
            (
                m
                for m in imitation.received
                if reference.encode() in m[1] and b"payment_intent.succeeded" in m[1]
            ),
            None,
        )

    found: Any = await wait_for(find, "the webhook")
    signature, body = found
    event = await imitation.adapter.read({"stripe-signature": signature}, body)
    assert event is not None
    assert (event.kind, event.amount_minor) == ("captured", 1700)
    with pytest.raises(Unauthorised, match=r"webhook\.forged"):
        await imitation.adapter.read({"stripe-signature": signature}, body.replace(b"1700", b"9700"))


async def test_a_declined_card_captures_nothing(imitation: Imitation) -> None:
    reference, intent_id = await imitation.pay(1900, "4000000000000341")
    found = await imitation.adapter.load(uuid4(), intent_id)
    assert found is None or all(event.kind != "captured" for event in found.events)
    assert reference


async def test_what_it_does_not_know_is_none_and_what_it_cannot_do_is_said(imitation: Imitation) -> None:
    assert await imitation.adapter.load(uuid4(), "pi_unknown") is None
    with pytest.raises(Outside):
        await imitation.adapter.load(uuid4(), "cs_test_no_sessions_here")


async def test_held_money_is_read_as_held_once_and_taken_once_however_often_it_is_asked_for(
    imitation: Imitation,
) -> None:
    _reference, intent_id = await imitation.pay(4200, capture_method="manual")
    found = await imitation.adapter.load(uuid4(), intent_id)
    assert found is not None
    (held,) = found.events
    assert (held.kind, held.amount_minor, held.is_once, held.expires_at is not None) == (
        "authorised",
        4200,
        True,
        True,
    )
    capture_id = uuid4()
    assert [await imitation.adapter.capture(intent_id, capture_id, 4200) for _ in range(2)] == [
        "done",
        "done",
    ]
    taken = await imitation.adapter.load(uuid4(), intent_id)
    assert taken is not None
    assert [(e.kind, e.amount_minor, e.is_final) for e in taken.events] == [("captured", 4200, True)]


async def test_held_money_is_let_go_and_cannot_be_taken_any_more(imitation: Imitation) -> None:
    _reference, intent_id = await imitation.pay(4300, capture_method="manual")
    await imitation.adapter.void(intent_id)
    await imitation.adapter.void(intent_id)
    found = await imitation.adapter.load(uuid4(), intent_id)
    assert found is not None
    assert [event.kind for event in found.events] == ["voided"]
    assert await imitation.adapter.capture(intent_id, uuid4(), 4300) == "failed"
