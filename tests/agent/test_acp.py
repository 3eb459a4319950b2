"""The Agentic Commerce Protocol against a running shop: its examples, its idempotency matrix, versions, signatures.

The examples are those of the protocol's own specification, which is no part of this repository: where a copy lies is told by
``ACP_SPEC`` (a folder with ``examples`` and ``spec``); without one they are replayed as they are written here.
"""

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jsonschema
import pytest
from tests.agent.conftest import MakeAgent
from tests.durability.running import RunningShop

from serai.commerce.agent.check_signature import sign_body, signing_secret
from serai.foundation import clock
from serai.foundation.ids import new_id

pytestmark = pytest.mark.xdist_group("agent")
SESSIONS = "/acp/checkout_sessions"
VERSION = "2026-04-17"
ADDRESS = {
    "name": "John Doe",
    "line_one": "1234 Chat Road",
    "line_two": "",
    "city": "San Francisco",
    "state": "CA",
    "country": "US",
    "postal_code": "94131",
}
DETAILS = {"name": "John Doe", "phone_number": "15551234567", "email": "john@example.com", "address": ADDRESS}
SPEC = Path(os.environ.get("ACP_SPEC", "nowhere"))
has_spec = pytest.mark.skipif(not SPEC.is_dir(), reason="ACP_SPEC names no copy of the specification")


def describe(sku_id: Any, **more: Any) -> dict[str, Any]:
    return {
        "currency": "usd",
        "capabilities": {"interventions": {"supported": ["3ds"]}},
        "line_items": [{"id": str(sku_id)}],
        "fulfillment_details": DETAILS,
        "selected_fulfillment_options": [
            {"type": "shipping", "option_id": "standard", "item_ids": [str(sku_id)]}
        ],
        **more,
    }


def payment(token: str = "success_token") -> dict[str, Any]:
    instrument = {"type": "card", "credential": {"type": "spt", "token": token}}
    return {"payment_data": {"handler_id": "card_tokenized", "instrument": instrument}}


@pytest.fixture
async def bot(make_agent: MakeAgent) -> httpx.AsyncClient:
    _agent, client = await make_agent("Chat")
    client.headers["api-version"] = VERSION
    return client


def total(shown: dict[str, Any], kind: str = "total") -> int:
    return next(int(each["amount"]) for each in shown["totals"] if each["type"] == kind)


async def test_a_checkout_goes_from_items_to_an_order(running: RunningShop, bot: httpx.AsyncClient) -> None:
    sku_id = await running.shop.add_product(price_minor=300, stock=9)
    made = await bot.post(SESSIONS, json={k: v for k, v in describe(sku_id).items() if "selected" not in k})
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["status"], shown["currency"], total(shown)) == ("not_ready_for_payment", "usd", 300)
    path = f"{SESSIONS}/{shown['id']}"
    option = shown["fulfillment_options"][0]["id"]
    choice = [{"type": "shipping", "option_id": option, "item_ids": [str(sku_id)]}]
    ready = (await bot.post(path, json={"selected_fulfillment_options": choice})).json()
    assert (ready["status"], total(ready), total(ready, "fulfillment")) == ("ready_for_payment", 899, 599)
    done = await bot.post(f"{path}/complete", json=payment())
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["order"]["checkout_session_id"]) == ("completed", shown["id"])
    order = await running.assert_true(UUID(done.json()["order"]["id"]), "paid")
    assert (order.total_minor, order.email) == (899, "john@example.com")
    assert (await bot.get(path)).json()["status"] == "completed"
    for verb in ("cancel", "complete"):
        again = await bot.post(f"{path}/{verb}", json=payment() if verb == "complete" else {})
        assert again.status_code == (405 if verb == "cancel" else 409), again.text


async def test_a_declined_payment_is_a_message_and_the_checkout_goes_on(
    running: RunningShop, bot: httpx.AsyncClient
) -> None:
    sku_id = await running.shop.add_product(price_minor=300, stock=1)
    shown = (await bot.post(SESSIONS, json=describe(sku_id))).json()
    path = f"{SESSIONS}/{shown['id']}"
    declined = await bot.post(f"{path}/complete", json=payment("fail_token"))
    assert (declined.status_code, declined.json()["status"]) == (200, "ready_for_payment"), declined.text
    assert [each["code"] for each in declined.json()["messages"]] == ["payment_declined"]
    assert "order" not in declined.json()
    done = await bot.post(f"{path}/complete", json=payment())
    await running.assert_true(UUID(done.json()["order"]["id"]), "paid")


async def test_a_version_that_is_not_spoken_is_refused_with_those_that_are(
    running: RunningShop, bot: httpx.AsyncClient
) -> None:
    sku_id = await running.shop.add_product()
    for version in ("2099-01-01", "", "x"):
        answer = await bot.post(SESSIONS, json=describe(sku_id), headers={"api-version": version})
        assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_api_version")
        assert VERSION in answer.json()["supported_versions"]


async def test_keys_of_calls_follow_the_protocols_matrix(
    running: RunningShop, bot: httpx.AsyncClient
) -> None:
    sku_id = await running.shop.add_product(price_minor=300, stock=9)
    body = describe(sku_id)
    none = await bot.post(SESSIONS, json=body, headers={"idempotency-key": ""})
    assert (none.status_code, none.json()["code"]) == (400, "idempotency_key_required")
    headers = {"idempotency-key": str(new_id()), "request-id": "r-1"}
    first = await bot.post(SESSIONS, json=body, headers=headers)
    assert (first.headers["idempotency-key"], first.headers["request-id"]) == (
        headers["idempotency-key"],
        "r-1",
    )
    same = [
        json.dumps(dict(reversed(body.items()))),
        json.dumps(body, indent=3),
    ]
    for text in same:
        again = await bot.post(SESSIONS, content=text, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
    for other in (body | {"order_notes": None}, body | {"line_items": [{"id": str(sku_id), "quantity": 2}]}):
        conflict = await bot.post(SESSIONS, json=other, headers=headers)
        assert (conflict.status_code, conflict.json()["code"]) == (422, "idempotency_conflict")
    elsewhere = await bot.post(f"{SESSIONS}/{first.json()['id']}", json=body, headers=headers)
    assert elsewhere.status_code == 200, elsewhere.text


async def test_twins_in_flight_make_one_order(running: RunningShop, bot: httpx.AsyncClient) -> None:
    sku_id = await running.shop.add_product(price_minor=300, stock=9)
    shown = (await bot.post(SESSIONS, json=describe(sku_id))).json()
    path, headers = f"{SESSIONS}/{shown['id']}/complete", {"idempotency-key": str(new_id())}
    answers = await asyncio.gather(*(bot.post(path, json=payment(), headers=headers) for _n in range(6)))
    assert {each.status_code for each in answers} <= {200, 409}, [each.text for each in answers]
    assert any(each.status_code == 200 for each in answers)
    orders = {each.json()["order"]["id"] for each in answers if each.status_code == 200}
    order = await running.assert_true(UUID(orders.pop()), "paid")
    assert (len(orders), order.paid_minor) == (0, 899)


async def test_a_signature_is_checked_where_there_is_one(running: RunningShop, make_agent: MakeAgent) -> None:
    agent, client = await make_agent()
    client.headers["api-version"] = VERSION
    sku_id = await running.shop.add_product()
    secret = signing_secret(running.platform.commerce.secret, running.shop.merchant_id, agent.agent_id)
    body = json.dumps(describe(sku_id)).encode()
    now = clock.now()
    cases = [
        (sign_body(secret, now.isoformat(), body), now.isoformat(), 201),
        (sign_body(secret, now.isoformat(), body + b" "), now.isoformat(), 401),
        (
            sign_body(secret, (now - timedelta(hours=1)).isoformat(), body),
            (now - timedelta(hours=1)).isoformat(),
            401,
        ),
        (sign_body("as_wrong", now.isoformat(), body), now.isoformat(), 401),
        ("", now.isoformat(), 401),
        (sign_body(secret, "yesterday", body), "yesterday", 401),
    ]
    for signature, sent_at, status in cases:
        answer = await client.post(
            SESSIONS, content=body, headers={"signature": signature, "timestamp": sent_at}
        )
        assert answer.status_code == status, (sent_at, answer.text)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"line_items": [{"id": "item_nobody_sells"}]}, "invalid_item_id", None),
        ({"line_items": [{"id": "SKU", "quantity": -3}]}, "invalid", "$.line_items[0].quantity"),
        ({"line_items": [{"id": "SKU", "quantity": 10}]}, "out_of_stock", None),
        ({"line_items": []}, "missing", "$.line_items"),
        ({"line_items": {"id": "SKU"}}, "invalid", "$.line_items"),
        ({"currency": "eur"}, "agent_currency", None),
    ],
)
async def test_what_makes_no_sense_is_an_error_with_its_place(
    running: RunningShop, bot: httpx.AsyncClient, change: dict[str, Any], code: str, param: str | None
) -> None:
    sku_id = await running.shop.add_product(stock=9)
    text = json.dumps(describe(sku_id) | change).replace("SKU", str(sku_id))
    answer = await bot.post(SESSIONS, content=text)
    told = answer.json()
    assert (answer.status_code, told["type"], told["code"]) == (400, "invalid_request", code), told
    assert param is None or told["param"] == param


async def test_discovery_is_open_to_everybody(running: RunningShop) -> None:
    async with running.open_client() as nobody:
        told = (await nobody.get("/.well-known/acp.json")).json()
    assert (told["protocol"]["name"], told["protocol"]["version"]) == ("acp", VERSION)
    assert told["api_base_url"].endswith("/acp")


def load_schema(name: str) -> dict[str, Any]:
    text = (SPEC / "spec" / VERSION / "json-schema" / "schema.agentic_checkout.json").read_text()
    schema: dict[str, Any] = json.loads(text)
    return {**schema, "$ref": f"#/$defs/{name}"}


@has_spec
async def test_the_specifications_examples_are_understood_and_answered_by_its_schemas(
    running: RunningShop, bot: httpx.AsyncClient
) -> None:
    folder = SPEC / "examples" / VERSION
    examples = json.loads((folder / "examples.agentic_checkout.json").read_text())
    several = json.loads((folder / "examples.multi_item_checkout.json").read_text())
    skus = {
        name: str(await running.shop.add_product(price_minor=300, stock=50))
        for name in ("item_123", "item_456")
    }

    def fit(body: Any, option: str = "") -> Any:
        text = json.dumps(body)
        for name, sku_id in skus.items():
            text = text.replace(name, sku_id)
        return json.loads(text.replace("fulfillment_option_456", option))

    def check(name: str, answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        jsonschema.validate(answer.json(), load_schema(name))
        return answer.json()

    creates = [
        body
        for name, body in {**examples, **several}.items()
        if "create" in name and name.endswith("request")
    ]
    creates.append(examples["create_checkout_session_request_with_first_touch_attribution"])
    for body in creates:
        check("CheckoutSessionBase", await bot.post(SESSIONS, json=fit(body)), 201)
    shown = check(
        "CheckoutSessionBase",
        await bot.post(SESSIONS, json=fit(examples["create_checkout_session_request"])),
        201,
    )
    path, option = f"{SESSIONS}/{shown['id']}", shown["fulfillment_options"][0]["id"]
    update = fit(examples["update_checkout_session_request"], option)
    ready = check("CheckoutSessionBase", await bot.post(path, json=update), 200)
    assert ready["status"] == "ready_for_payment"
    complete = examples["complete_checkout_session_request"]
    complete["payment_data"]["instrument"]["credential"]["token"] = "tok_of_the_example"
    done = check("CheckoutSessionBase", await bot.post(f"{path}/complete", json=complete), 200)
    assert done["status"] == "completed"
    check("CheckoutSessionBase", await bot.get(path), 200)
    for name in ("cancel_checkout_session_request", "cancel_checkout_session_request_timing_deferred"):
        other = (await bot.post(SESSIONS, json=fit(examples["create_checkout_session_request"]))).json()
        answer = await bot.post(f"{SESSIONS}/{other['id']}/cancel", json=examples[name])
        assert check("CheckoutSessionBase", answer, 200)["status"] == "canceled"
    wrong = await bot.post(SESSIONS, json=describe("invalid_item"))
    assert check("Error", wrong, 400)["code"] == examples["error_400_invalid_item"]["code"]
    keyless = await bot.post(SESSIONS, json=describe("x"), headers={"idempotency-key": ""})
    assert check("Error", keyless, 400)["code"] == examples["error_400_idempotency_key_required"]["code"]
    async with running.open_client() as nobody:
        check("DiscoveryResponse", await nobody.get("/.well-known/acp.json"), 200)
