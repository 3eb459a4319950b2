"""Payments, captures, refunds and their limits, over HTTP against the real process."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.sandbox.provider import Merchant, Provider, Receiver, read_error, wait_until


def run_parallel(calls: list[Any]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [job.result() for job in [pool.submit(call) for call in calls]]


def test_a_paid_payment_is_captured_and_the_shopper_sent_back(merchant: Merchant, receiver: Receiver) -> None:
    payment = merchant.create(amount_minor=4_200)
    assert payment["status"] == "created"
    decided = merchant.decide(payment["payment_id"], method="wallet")
    after = decided["payment"]
    assert (after["status"], after["authorised_minor"], after["captured_minor"]) == ("captured", 4_200, 4_200)
    assert after["method"] == "wallet"
    expected = f"{receiver.url}/back?cart=7&payment={payment['payment_id']}&status=captured"
    assert decided["redirect_url"] == expected
    assert merchant.show(payment["payment_id"]) == after


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [("declined", "failed", "declined"), ("cancelled", "voided", "cancelled_by_shopper")],
)
def test_a_shopper_who_does_not_pay_is_not_charged(
    merchant: Merchant, outcome: str, status: str, reason: str
) -> None:
    payment = merchant.decide(merchant.create()["payment_id"], outcome)["payment"]
    assert (payment["status"], payment["reason"], payment["authorised_minor"]) == (status, reason, 0)
    again = merchant.decide(payment["payment_id"], "paid")["payment"]
    assert (again["status"], again["captured_minor"]) == (status, 0)


def test_parallel_requests_with_one_key_create_one_payment(merchant: Merchant) -> None:
    body = merchant.body()
    answers = run_parallel([lambda: merchant.post("/v1/payments", body, key="same-key")] * 16)
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["payment_id"] for answer in answers}) == 1
    listed = merchant.client.get("/v1/payments", params={"reference": body["reference"]}).json()
    assert len(listed["payments"]) == 1


def test_a_key_used_for_another_body_or_command_is_refused(merchant: Merchant) -> None:
    body = merchant.body(reference="one")
    made = merchant.post("/v1/payments", body, key="k")
    reordered = dict(reversed(list(body.items())))
    assert merchant.post("/v1/payments", reordered, key="k").json() == made.json()
    error = read_error(merchant.post("/v1/payments", {**body, "amount_minor": 1}, key="k"), 422)
    assert error["code"] == "idempotency_key_reused"
    merchant.decide(made.json()["payment_id"])
    path = f"/v1/payments/{made.json()['payment_id']}/refunds"
    assert (
        read_error(merchant.post(path, {"amount_minor": 1, "reference": "r"}, key="k"), 422)["code"]
        == error["code"]
    )
    assert merchant.show(made.json()["payment_id"])["refunded_minor"] == 0
    assert len(merchant.client.get("/v1/payments?reference=one").json()["payments"]) == 1


def test_accounts_may_use_the_same_key_and_do_not_see_each_other(merchant: Merchant, rival: Merchant) -> None:
    first = merchant.post("/v1/payments", merchant.body(), key="k")
    second = rival.post("/v1/payments", rival.body(), key="k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["payment_id"] != second.json()["payment_id"]
    assert (
        read_error(rival.client.get(f"/v1/payments/{first.json()['payment_id']}"), 404)["code"]
        == "payment_unknown"
    )


def test_a_hold_is_captured_in_parts_and_never_beyond_it(merchant: Merchant) -> None:
    payment = merchant.pay(capture="manual", amount_minor=100)
    path = f"/v1/payments/{payment['payment_id']}/capture"
    assert (payment["status"], payment["captured_minor"]) == ("authorised", 0)
    assert merchant.post(path, {"amount_minor": 40}).json()["status"] == "partly_captured"
    error = read_error(merchant.post(path, {"amount_minor": 61}), 422)
    assert (error["code"], error["limit_minor"]) == ("amount_too_large", 60)
    done = merchant.post(path).json()
    assert (done["status"], done["captured_minor"]) == ("captured", 100)
    assert read_error(merchant.post(path, {"amount_minor": 1}), 409)["code"] == "payment_state"


def test_parallel_captures_share_what_is_held(merchant: Merchant) -> None:
    payment = merchant.pay(capture="manual", amount_minor=100)
    path = f"/v1/payments/{payment['payment_id']}/capture"
    answers = run_parallel([lambda: merchant.post(path, {"amount_minor": 30})] * 10)
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [422] * 7
    assert merchant.show(payment["payment_id"])["captured_minor"] == 90


def test_a_repeated_capture_with_one_key_takes_once(merchant: Merchant) -> None:
    payment = merchant.pay(capture="manual", amount_minor=100)
    path = f"/v1/payments/{payment['payment_id']}/capture"
    answers = run_parallel([lambda: merchant.post(path, {"amount_minor": 30}, key="once")] * 8)
    assert {answer.status_code for answer in answers} == {200}
    assert merchant.show(payment["payment_id"])["captured_minor"] == 30


def test_voiding_releases_what_is_held_and_repeats_harmlessly(merchant: Merchant) -> None:
    unpaid = merchant.create()
    assert merchant.post(f"/v1/payments/{unpaid['payment_id']}/void").json()["status"] == "voided"
    held = merchant.pay(capture="manual", amount_minor=100)
    path = f"/v1/payments/{held['payment_id']}"
    merchant.post(path + "/capture", {"amount_minor": 40})
    released = merchant.post(path + "/void").json()
    assert (released["status"], released["released_minor"], released["captured_minor"]) == (
        "captured",
        60,
        40,
    )
    read_error(merchant.post(path + "/capture", {"amount_minor": 1}), 409)
    whole = merchant.pay(capture="manual")
    for _ in range(2):
        voided = merchant.post(f"/v1/payments/{whole['payment_id']}/void").json()
        assert (voided["status"], voided["released_minor"]) == ("voided", 10_000)
    captured = merchant.pay()
    read_error(merchant.post(f"/v1/payments/{captured['payment_id']}/void"), 409)
    assert merchant.show(captured["payment_id"]) == captured


def test_refunds_come_in_parts_and_never_exceed_the_capture(merchant: Merchant) -> None:
    payment = merchant.pay(amount_minor=100)
    path = f"/v1/payments/{payment['payment_id']}"
    first = merchant.post(path + "/refunds", {"amount_minor": 30, "reference": "r1"})
    assert (first.status_code, first.json()["status"]) == (201, "succeeded")
    again = merchant.post(path + "/refunds", {"amount_minor": 30, "reference": "r1"})
    assert again.json() == first.json()
    clash = read_error(merchant.post(path + "/refunds", {"amount_minor": 31, "reference": "r1"}), 422)
    assert clash["code"] == "refund_reference_reused"
    assert merchant.show(payment["payment_id"])["status"] == "partly_refunded"
    error = read_error(merchant.post(path + "/refunds", {"amount_minor": 71, "reference": "r2"}), 422)
    assert error["limit_minor"] == 70
    merchant.post(path + "/refunds", {"amount_minor": 70, "reference": "r3"})
    after = merchant.show(payment["payment_id"])
    assert (after["status"], after["refunded_minor"], len(after["refunds"])) == ("refunded", 100, 2)


def test_parallel_refunds_share_what_was_captured(merchant: Merchant) -> None:
    payment = merchant.pay(amount_minor=100)
    path = f"/v1/payments/{payment['payment_id']}/refunds"
    answers = run_parallel(
        [lambda n=n: merchant.post(path, {"amount_minor": 30, "reference": f"r{n}"}) for n in range(10)]
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [422] * 7
    assert merchant.show(payment["payment_id"])["refunded_minor"] == 90


def test_an_unpaid_payment_cannot_be_captured_or_refunded(merchant: Merchant) -> None:
    payment = merchant.create()
    path = f"/v1/payments/{payment['payment_id']}"
    assert read_error(merchant.post(path + "/capture"), 409)["payment_status"] == "created"
    read_error(merchant.post(path + "/refunds", {"amount_minor": 1, "reference": "r"}), 409)
    assert merchant.show(payment["payment_id"]) == payment


def test_an_unpaid_payment_expires_and_can_no_longer_be_paid(merchant: Merchant) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    payment = merchant.create(expires_at=soon.isoformat())
    wait_until(lambda: merchant.show(payment["payment_id"])["status"] == "expired", "the payment to expire")
    assert merchant.decide(payment["payment_id"])["payment"]["captured_minor"] == 0
    assert merchant.list_event_types() == ["payment.expired"]
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    assert (
        read_error(merchant.post("/v1/payments", merchant.body(expires_at=past.isoformat())), 422)["code"]
        == "expiry"
    )


def test_events_can_be_read_in_pages(merchant: Merchant) -> None:
    merchant.pay()
    merchant.pay(capture="manual")
    after, types = 0, []
    while True:
        page = merchant.client.get("/v1/events", params={"after": after, "limit": 2}).json()
        types += [event["type"] for event in page["events"]]
        after = page["next_after"]
        if not page["has_more"]:
            break
    assert types == ["payment.authorised", "payment.captured", "payment.authorised"]
    assert merchant.client.get("/v1/events", params={"after": after}).json()["events"] == []


def test_the_statement_adds_up_what_moved_that_day(merchant: Merchant) -> None:
    first = dt.datetime.now(dt.UTC).date()
    payment = merchant.pay(amount_minor=100)
    merchant.pay(amount_minor=7, currency="JPY")
    merchant.pay(amount_minor=500, capture="manual")
    merchant.post(f"/v1/payments/{payment['payment_id']}/refunds", {"amount_minor": 30, "reference": "r1"})
    # Around midnight the lines may fall on two days.
    days = {str(first), str(dt.datetime.now(dt.UTC).date())}
    statements = [merchant.client.get("/v1/statement", params={"date": day}).json() for day in sorted(days)]
    lines = [line for statement in statements for line in statement["lines"]]
    assert [(line["kind"], line["amount_minor"], line["currency"]) for line in lines] == [
        ("capture", 100, "CNY"),
        ("capture", 7, "JPY"),
        ("refund", 30, "CNY"),
    ]
    assert lines[2]["refund_reference"] == "r1"
    net = {total["currency"]: 0 for statement in statements for total in statement["totals"]}
    for statement in statements:
        for total in statement["totals"]:
            net[total["currency"]] += total["net_minor"]
    assert net == {"CNY": 70, "JPY": 7}
    assert merchant.client.get("/v1/statement?date=2001-02-03").json()["lines"] == []


def test_an_unknown_secret_is_refused(provider: Provider, merchant: Merchant) -> None:
    for header in ({}, {"authorization": "Bearer nobody-has-this-secret"}, {"authorization": "Basic abc"}):
        read_error(httpx.get(provider.url + "/v1/events", headers=header), 401)
