"""Requests that are broken, too large or lies are refused in JSON, and change nothing."""

import json
from typing import Any

import pytest
from tests.sandbox.provider import Merchant, read_error


def send(merchant: Merchant, content: bytes | str, key: str = "k") -> Any:
    headers = {"idempotency-key": key, "content-type": "application/json"}
    return merchant.client.post("/v1/payments", content=content, headers=headers)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"nonsense", b'{"a":1}{', b"[" * 50_000, b'{"reference":' * 4_000],
)
def test_what_is_not_json_is_refused(merchant: Merchant, content: bytes) -> None:
    answer = send(merchant, content)
    assert answer.status_code in (400, 422)
    assert read_error(answer, answer.status_code)["code"] in ("body_malformed", "body_invalid")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_minor", 0),
        ("amount_minor", -5),
        ("amount_minor", 1.5),
        ("amount_minor", "100"),
        ("amount_minor", True),
        ("amount_minor", 10**30),
        ("amount_minor", None),
        ("currency", "cny"),
        ("currency", "CNYX"),
        ("reference", ""),
        ("reference", "x" * 201),
        ("reference", "a\u0000b"),
        ("reference", "line\nbreak"),
        ("capture", "later"),
        ("return_url", None),
        ("description", "x" * 501),
        ("locale", "<zh>"),
        ("expires_at", "tomorrow"),
        ("expires_at", "2030-01-01T00:00:00"),
        ("lines", [{"title": "a", "amount_minor": 1}] * 201),
        ("lines", [{"title": "", "amount_minor": 1}]),
        ("lines", {"title": "a"}),
        ("paid", True),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_name(merchant: Merchant, field: str, value: Any) -> None:
    body = merchant.body(**{field: value})
    answer = merchant.post("/v1/payments", body)
    error = read_error(answer, 422)
    assert error["code"] == "body_invalid"
    assert field in error["field"] + error["message"]
    assert merchant.client.get("/v1/events").json()["events"] == []
    listed = merchant.client.get("/v1/payments", params={"reference": body["reference"] or "x"}).json()
    assert listed["payments"] == []


def test_a_missing_field_is_named(merchant: Merchant) -> None:
    body = merchant.body()
    del body["return_url"]
    assert "return_url" in read_error(merchant.post("/v1/payments", body), 422)["message"]


def test_a_body_that_is_too_large_is_refused(merchant: Merchant) -> None:
    content = json.dumps(merchant.body(reference="big", description="x" * 300_000))
    assert read_error(send(merchant, content), 413)["code"] == "body_too_large"

    def stream() -> Any:
        for _ in range(300):
            yield b" " * 1_000

    headers = {"idempotency-key": "k"}
    read_error(merchant.client.post("/v1/payments", content=stream(), headers=headers), 413)
    assert merchant.client.get("/v1/payments?reference=big").json()["payments"] == []


@pytest.mark.parametrize("key", ["", "x" * 256, "with space"])
def test_commands_want_a_usable_key(merchant: Merchant, key: str) -> None:
    payment = merchant.pay(capture="manual")
    path = f"/v1/payments/{payment['payment_id']}"
    for where, body in ((path + "/capture", {}), (path + "/refunds", {"amount_minor": 1, "reference": "r"})):
        answer = merchant.client.post(where, json=body, headers={"idempotency-key": key})
        assert read_error(answer, 400)["code"] == "idempotency_key"
    assert merchant.show(payment["payment_id"]) == payment


@pytest.mark.parametrize(
    "path",
    [
        "/v1/events?after=-1",
        "/v1/events?after=x",
        "/v1/events?limit=0",
        "/v1/events?limit=501",
        "/v1/events?after=99999999999999999999",
        "/v1/payments",
        "/v1/statement",
        "/v1/statement?date=2026-02-30",
        "/v1/statement?date=9999-99-99",
    ],
)
def test_a_query_that_does_not_fit_is_refused(merchant: Merchant, path: str) -> None:
    assert read_error(merchant.client.get(path), 422)["code"] == "query_invalid"


def test_unknown_paths_and_methods_answer_json(merchant: Merchant) -> None:
    assert read_error(merchant.client.get("/v1/nothing"), 404)["code"] == "path_unknown"
    assert read_error(merchant.client.get("/v1/payments/pay_nobody"), 404)["code"] == "payment_unknown"
    assert read_error(merchant.client.put("/v1/payments"), 405)["code"] == "method_not_allowed"


def test_a_test_payment_takes_only_faults_of_its_own(merchant: Merchant) -> None:
    payment = merchant.create()
    body = {"outcome": "paid", "faults": [{"fault": "decline", "scope": "reference:other"}]}
    read_error(merchant.client.post(f"/v1/test/pay/{payment['payment_id']}", json=body), 422)
    read_error(merchant.client.post(f"/v1/test/pay/{payment['payment_id']}", json={"outcome": "stolen"}), 422)
    assert merchant.show(payment["payment_id"]) == payment
