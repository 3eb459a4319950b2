"""Each fault one can order, as the shop experiences it, and that it ends when its count is used up."""

import time
from typing import Any

import httpx
import pytest
from tests.sandbox.provider import Merchant, Received, Receiver, read_error, wait_until
from tests.sandbox.test_webhook import is_genuine


def list_types(received: list[Received]) -> list[str]:
    return [item.event["type"] for item in received]


def test_slow_delays_the_answer_and_still_does_the_work(merchant: Merchant) -> None:
    merchant.order_fault("slow", params={"delay_ms": 700, "on": ["create"]})
    started = time.monotonic()
    payment = merchant.create()
    assert time.monotonic() - started >= 0.7
    assert merchant.client.get("/v1/faults").json()["faults"] == []
    assert merchant.show(payment["payment_id"])["status"] == "created"


def test_a_slow_answer_does_not_hold_up_others(merchant: Merchant, rival: Merchant) -> None:
    merchant.order_fault("slow", params={"delay_ms": 60_000})
    with pytest.raises(httpx.ReadTimeout):
        merchant.client.get("/v1/events", timeout=0.3)
    assert rival.client.get("/v1/events", timeout=5).status_code == 200


def test_no_answer_hangs_until_the_client_gives_up_and_does_nothing(merchant: Merchant) -> None:
    merchant.order_fault("no_answer")
    body = merchant.body()
    with pytest.raises(httpx.ReadTimeout):
        merchant.post("/v1/payments", body, key="k", timeout=0.5)
    assert merchant.client.get(f"/v1/payments?reference={body['reference']}").json()["payments"] == []
    assert merchant.post("/v1/payments", body, key="k").status_code == 201


def test_no_answer_drops_the_line_when_its_patience_is_over(merchant: Merchant) -> None:
    merchant.order_fault("no_answer", params={"delay_ms": 100})
    with pytest.raises(httpx.RemoteProtocolError):
        merchant.client.get("/v1/events")


def test_error_500_does_nothing(merchant: Merchant) -> None:
    payment = merchant.pay(amount_minor=100)
    merchant.order_fault("error_500", scope=f"payment:{payment['payment_id']}", params={"on": ["refund"]})
    path = f"/v1/payments/{payment['payment_id']}/refunds"
    assert (
        read_error(merchant.post(path, {"amount_minor": 100, "reference": "r"}), 500)["code"]
        == "provider_error"
    )
    assert merchant.show(payment["payment_id"])["refunded_minor"] == 0
    assert merchant.post(path, {"amount_minor": 100, "reference": "r"}).status_code == 201


@pytest.mark.parametrize("operation", ["create", "capture", "refund", "void"])
def test_timeout_after_charge_has_done_it_and_the_retry_does_not_do_it_again(
    merchant: Merchant, operation: str
) -> None:
    held = merchant.pay(capture="manual", amount_minor=100)
    path = f"/v1/payments/{held['payment_id']}"
    merchant.post(path + "/capture", {"amount_minor": 50})
    command: tuple[str, dict[str, Any]] = {
        "create": ("/v1/payments", merchant.body(reference="new")),
        "capture": (path + "/capture", {"amount_minor": 20}),
        "refund": (path + "/refunds", {"amount_minor": 20, "reference": "r"}),
        "void": (path + "/void", {}),
    }[operation]
    merchant.order_fault("timeout_after_charge", params={"on": [operation]})
    assert read_error(merchant.post(*command, key="k"), 504)["code"] == "provider_timeout"
    after = merchant.show(held["payment_id"])
    expected = {"create": (50, 0, 0), "capture": (70, 0, 0), "refund": (50, 20, 0), "void": (50, 0, 50)}[
        operation
    ]
    assert (after["captured_minor"], after["refunded_minor"], after["released_minor"]) == expected
    assert merchant.post(*command, key="k").status_code < 300
    assert merchant.show(held["payment_id"]) == after
    made = merchant.client.get("/v1/payments?reference=new").json()["payments"]
    assert len(made) == (1 if operation == "create" else 0)


def test_timeout_after_charge_can_break_the_line(merchant: Merchant) -> None:
    payment = merchant.pay(capture="manual", amount_minor=100)
    merchant.order_fault("timeout_after_charge", params={"how": "drop"})
    with pytest.raises(httpx.RemoteProtocolError):
        merchant.post(f"/v1/payments/{payment['payment_id']}/capture")
    assert merchant.show(payment["payment_id"])["captured_minor"] == 100


def test_timeout_after_charge_leaves_the_shopper_without_a_redirect(merchant: Merchant) -> None:
    payment = merchant.create()
    decided = merchant.decide(payment["payment_id"], faults=[{"fault": "timeout_after_charge"}])
    assert decided["redirect_url"] is None
    assert decided["payment"]["status"] == "captured"
    assert list_types(merchant.wait_for_webhooks(2)) == ["payment.authorised", "payment.captured"]


def test_decline_refuses_a_shopper_who_pays(merchant: Merchant) -> None:
    merchant.order_fault("decline")
    payment = merchant.pay()
    assert (payment["status"], payment["reason"], payment["authorised_minor"]) == ("failed", "declined", 0)
    assert merchant.pay()["status"] == "captured"


def test_webhook_never_sends_nothing_but_keeps_the_event(merchant: Merchant) -> None:
    payment = merchant.pay({"fault": "webhook_never", "count": None})
    assert [item["state"] for item in merchant.list_deliveries(payment["payment_id"])] == ["suppressed"] * 2
    # A webhook of a later payment arrives, so these two are not merely on their way.
    merchant.decide(merchant.create()["payment_id"], "declined")
    assert list_types(merchant.wait_for_webhooks(1)) == ["payment.failed"]
    assert merchant.list_event_types() == ["payment.authorised", "payment.captured", "payment.failed"]


def test_webhook_never_may_name_the_events_it_swallows(merchant: Merchant) -> None:
    payment = merchant.pay({"fault": "webhook_never", "params": {"types": ["payment.captured"]}})
    assert [item["state"] for item in merchant.wait_for_quiet(payment["payment_id"])] == [
        "sent",
        "suppressed",
    ]
    assert list_types(merchant.received) == ["payment.authorised"]


def test_webhook_late_waits_its_delay(merchant: Merchant) -> None:
    started = time.monotonic()
    merchant.pay({"fault": "webhook_late", "count": 2, "params": {"delay_ms": 800}})
    received = merchant.wait_for_webhooks(1)
    assert time.monotonic() - started >= 0.8
    assert list_types(received)[0] == "payment.authorised"


def test_webhook_duplicate_sends_equal_copies(merchant: Merchant) -> None:
    merchant.pay({"fault": "webhook_duplicate", "params": {"times": 3, "types": ["payment.captured"]}})
    received = merchant.wait_for_webhooks(4)
    assert list_types(received) == ["payment.authorised"] + ["payment.captured"] * 3
    assert len({item.body for item in received}) == 2
    assert all(is_genuine(item, merchant.account["webhook_secret"]) for item in received)


def test_webhook_out_of_order_brings_the_capture_first(merchant: Merchant) -> None:
    merchant.pay({"fault": "webhook_out_of_order", "params": {"delay_ms": 600_000}})
    received = merchant.wait_for_webhooks(2)
    assert list_types(received) == ["payment.captured", "payment.authorised"]
    assert [item.event["sequence"] for item in received] == [2, 1]


def test_webhook_out_of_order_does_not_wait_for_ever(merchant: Merchant) -> None:
    merchant.pay({"fault": "webhook_out_of_order", "params": {"delay_ms": 300}}, capture="manual")
    assert list_types(merchant.wait_for_webhooks(1)) == ["payment.authorised"]


@pytest.mark.parametrize("genuine_follows", [False, True])
def test_webhook_forged_has_a_wrong_signature(
    merchant: Merchant, receiver: Receiver, genuine_follows: bool
) -> None:
    receiver.answers[merchant.path] = [401, 200]
    fault = {
        "fault": "webhook_forged",
        "params": {"types": ["payment.captured"], "genuine_follows": genuine_follows},
    }
    payment = merchant.pay(fault, capture="manual")
    merchant.wait_for_webhooks(1)
    merchant.wait_for_quiet(payment["payment_id"])
    merchant.post(f"/v1/payments/{payment['payment_id']}/capture")
    deliveries = merchant.wait_for_quiet(payment["payment_id"])
    captured = [item for item in merchant.received if item.event["type"] == "payment.captured"]
    verdicts = [is_genuine(item, merchant.account["webhook_secret"]) for item in captured]
    assert verdicts == ([False, True] if genuine_follows else [False])
    forged = [item for item in deliveries if item["is_forged"]]
    assert [(item["state"], item["attempt_count"]) for item in forged] == [("sent", 1)]


def test_wrong_amount_charges_something_else(merchant: Merchant) -> None:
    payment = merchant.pay({"fault": "wrong_amount", "params": {"delta_minor": -900}}, amount_minor=1_000)
    sums = (payment["amount_minor"], payment["authorised_minor"], payment["captured_minor"])
    assert sums == (1_000, 100, 100)
    assert merchant.wait_for_webhooks(2)[1].event["payment"]["captured_minor"] == 100


def test_wrong_amount_may_be_only_in_the_webhook(merchant: Merchant) -> None:
    fault = {"fault": "wrong_amount", "count": 2, "params": {"where": "webhook", "delta_minor": 5}}
    payment = merchant.pay(fault, amount_minor=1_000)
    told = merchant.wait_for_webhooks(2)[1].event["payment"]
    assert (told["amount_minor"], told["captured_minor"]) == (1_005, 1_005)
    assert payment["captured_minor"] == 1_000
    assert merchant.client.get("/v1/events").json()["events"][1]["payment"]["captured_minor"] == 1_000


def test_a_wrong_amount_is_never_zero_nor_right(merchant: Merchant) -> None:
    assert merchant.pay({"fault": "wrong_amount"}, amount_minor=1)["captured_minor"] == 2


def test_refund_fails_at_once(merchant: Merchant) -> None:
    payment = merchant.pay({"fault": "refund_fails"}, amount_minor=100)
    path = f"/v1/payments/{payment['payment_id']}/refunds"
    body = {"amount_minor": 100, "reference": "r"}
    assert read_error(merchant.post(path, body, key="k"), 402)["code"] == "refund_refused"
    assert merchant.show(payment["payment_id"]) == payment
    assert merchant.post(path, body, key="k").status_code == 201


def test_refund_fails_later_and_gives_the_amount_free(merchant: Merchant) -> None:
    payment = merchant.pay(
        {"fault": "refund_fails", "params": {"how": "later", "delay_ms": 400}}, amount_minor=100
    )
    path = f"/v1/payments/{payment['payment_id']}/refunds"
    made = merchant.post(path, {"amount_minor": 100, "reference": "r"}).json()
    assert made["status"] == "pending"
    read_error(merchant.post(path, {"amount_minor": 1, "reference": "r2"}), 422)
    failed = merchant.wait_for_webhooks(3)[2].event
    assert (failed["type"], failed["refund"]["status"]) == ("refund.failed", "failed")
    after = merchant.show(payment["payment_id"])
    assert (after["status"], after["refunded_minor"], after["refund_pending_minor"]) == ("captured", 0, 0)
    assert merchant.post(path, {"amount_minor": 100, "reference": "r3"}).json()["status"] == "succeeded"


def test_refund_late_succeeds_later(merchant: Merchant) -> None:
    payment = merchant.pay({"fault": "refund_late", "params": {"delay_ms": 400}}, amount_minor=100)
    path = f"/v1/payments/{payment['payment_id']}/refunds"
    assert merchant.post(path, {"amount_minor": 60, "reference": "r"}, key="k").json()["status"] == "pending"
    pending = merchant.show(payment["payment_id"])
    assert (pending["status"], pending["refunded_minor"], pending["refund_pending_minor"]) == (
        "captured",
        0,
        60,
    )
    wait_until(lambda: merchant.show(payment["payment_id"])["refunded_minor"] == 60, "the refund")
    assert (
        merchant.post(path, {"amount_minor": 60, "reference": "r"}, key="k").json()["status"] == "succeeded"
    )
    assert merchant.show(payment["payment_id"])["status"] == "partly_refunded"


def test_a_fault_ends_with_its_count_and_goes_by_scope(merchant: Merchant) -> None:
    merchant.order_fault("error_500", count=2, scope="reference:mine", params={"on": ["create"]})
    statuses = [
        merchant.post("/v1/payments", merchant.body(reference=reference)).status_code
        for reference in ("mine", "other", "mine", "mine")
    ]
    assert statuses == [500, 201, 500, 201]


def test_a_fault_of_the_payment_goes_before_one_of_the_account(merchant: Merchant) -> None:
    merchant.order_fault("wrong_amount", params={"delta_minor": 1})
    assert (
        merchant.pay({"fault": "wrong_amount", "params": {"delta_minor": 7}}, amount_minor=10)[
            "captured_minor"
        ]
        == 17
    )
    assert merchant.pay(amount_minor=10)["captured_minor"] == 11
    assert merchant.pay(amount_minor=10)["captured_minor"] == 10


def test_faults_stay_within_their_account_and_can_be_removed(merchant: Merchant, rival: Merchant) -> None:
    fault = merchant.order_fault("error_500", count=None)
    merchant.order_fault("decline")
    assert rival.client.get("/v1/events").status_code == 200
    read_error(rival.client.delete(f"/v1/faults/{fault['fault_id']}"), 404)
    assert merchant.client.get("/v1/events").status_code == 500
    assert merchant.client.delete(f"/v1/faults/{fault['fault_id']}").status_code == 204
    assert merchant.client.get("/v1/events").status_code == 200
    assert merchant.client.delete("/v1/faults").json() == {"removed": 1}


@pytest.mark.parametrize(
    "body",
    [
        {"fault": "earthquake"},
        {"fault": "slow", "count": 0},
        {"fault": "slow", "scope": "everyone"},
        {"fault": "slow", "params": {"delay_ms": -1}},
        {"fault": "slow", "params": {"delay_ms": 10**9}},
        {"fault": "slow", "params": {"times": 3}},
        {"fault": "slow", "params": {"on": ["sleep"]}},
        {"fault": "decline", "params": {"delay_ms": 5}},
        {"fault": "refund_fails", "params": {"how": "drop"}},
        {"fault": "wrong_amount", "params": {"delta_minor": 0}},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(merchant: Merchant, body: dict[str, Any]) -> None:
    read_error(merchant.client.post("/v1/faults", json=body), 422)
    assert merchant.client.get("/v1/faults").json()["faults"] == []
