"""Webhooks as a shop sees them: signed, in order, repeated until they are accepted."""

import hashlib
import hmac
import signal
import time
from pathlib import Path

import pytest
from tests.sandbox.provider import Merchant, Provider, Received, Receiver, read_error, wait_until


def is_genuine(received: Received, secret: str) -> bool:
    """What the protocol asks a shop to do, written from its description."""
    fields = dict(part.split("=", 1) for part in received.headers["sandbox-signature"].split(","))
    expected = hmac.new(
        secret.encode(), fields["t"].encode() + b"." + received.body, hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected, fields["v1"]) and abs(time.time() - int(fields["t"])) < 300


def test_webhooks_are_signed_and_arrive_in_order(merchant: Merchant) -> None:
    payment = merchant.pay()
    received = merchant.wait_for_webhooks(2)
    assert [item.event["type"] for item in received] == ["payment.authorised", "payment.captured"]
    assert [item.event["sequence"] for item in received] == [1, 2]
    assert received[0].event["payment"]["status"] == "authorised"
    assert received[1].event["payment"] == payment
    assert all(is_genuine(item, merchant.account["webhook_secret"]) for item in received)
    assert not is_genuine(received[0], merchant.account["webhook_secret"] + "x")
    assert not is_genuine(received[0]._replace(body=received[1].body), merchant.account["webhook_secret"])


def test_the_events_list_says_the_same_as_the_webhooks(merchant: Merchant) -> None:
    payment = merchant.pay()
    merchant.post(f"/v1/payments/{payment['payment_id']}/refunds", {"amount_minor": 5, "reference": "r"})
    received = [item.event for item in merchant.wait_for_webhooks(3)]
    assert received[2]["type"] == "refund.succeeded"
    assert received[2]["refund"]["reference"] == "r"
    listed = merchant.client.get("/v1/events").json()["events"]
    for event in listed:
        del event["position"]
    assert listed == received


def test_a_refused_webhook_comes_again_until_it_is_accepted(merchant: Merchant, receiver: Receiver) -> None:
    receiver.answers[merchant.path] = [500, 307, 204]
    payment = merchant.create()
    merchant.decide(payment["payment_id"], "declined")
    deliveries = merchant.wait_for_quiet(payment["payment_id"])
    assert [item.answered for item in merchant.received] == [500, 307, 204]
    assert "/redirected" + merchant.path not in receiver.received
    assert len({item.event["event_id"] for item in merchant.received}) == 1
    assert all(is_genuine(item, merchant.account["webhook_secret"]) for item in merchant.received)
    assert [(item["state"], item["attempt_count"], item["answer_status"]) for item in deliveries] == [
        ("sent", 3, 204)
    ]


def test_a_webhook_nobody_accepts_is_given_up(merchant: Merchant, receiver: Receiver) -> None:
    receiver.answers[merchant.path] = [503]
    payment = merchant.create()
    merchant.decide(payment["payment_id"], "cancelled")
    deliveries = merchant.wait_for_quiet(payment["payment_id"])
    assert [(item["state"], item["attempt_count"]) for item in deliveries] == [("given_up", 4)]
    assert len(merchant.received) == 4
    assert merchant.list_event_types() == ["payment.voided"]


def test_a_webhook_to_a_local_name_arrives_with_that_host(merchant: Merchant, receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    payment = merchant.create(webhook_url=f"http://shop.localhost:{port}{merchant.path}")
    merchant.decide(payment["payment_id"], "declined")
    assert merchant.wait_for_webhooks(1)[0].headers["host"] == f"shop.localhost:{port}"


def test_a_payment_without_webhook_url_sends_none(merchant: Merchant) -> None:
    payment = merchant.pay(webhook_url=None)
    assert merchant.list_deliveries(payment["payment_id"]) == []
    assert merchant.list_event_types() == ["payment.authorised", "payment.captured"]


@pytest.mark.parametrize("field", ["webhook_url", "return_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://10.0.0.1/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/hook",
        "http://127.0.0.1@example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://user:word@127.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "http://example.com\t/",
        "http://2130706433/",
        "http://[::2]/",
        "http://127.0.0.1:99999/",
        "file:///etc/hosts",
        "javascript:alert(1)",
        "//127.0.0.1/",
        "/relative",
    ],
)
def test_urls_that_leave_this_machine_are_refused(merchant: Merchant, field: str, url: str) -> None:
    error = read_error(merchant.post("/v1/payments", merchant.body(reference="gone", **{field: url})), 422)
    assert error["code"] in ("url_not_loopback", "url_malformed")
    assert error["field"] == field
    assert merchant.client.get("/v1/payments?reference=gone").json()["payments"] == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_webhooks_not_yet_accepted_are_sent_after_a_restart(
    tmp_path: Path, receiver: Receiver, how: signal.Signals
) -> None:
    provider = Provider(tmp_path, "--webhook-backoff-ms", "300")
    provider.start()
    merchant = Merchant(provider, receiver)
    receiver.answers[merchant.path] = [500]
    payment = merchant.pay()
    merchant.wait_for_webhooks(1)
    provider.stop(how)
    receiver.answers[merchant.path] = [200]
    before = len(merchant.received)
    provider.start()
    wait_until(lambda: len({item.event["type"] for item in merchant.received[before:]}) == 2, "both webhooks")
    assert {item["state"] for item in merchant.wait_for_quiet(payment["payment_id"])} == {"sent"}
    merchant.client.close()
    provider.stop()
