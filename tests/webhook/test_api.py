"""Webhooks over the JSON API, and the console's own receiver over HTTP as the worker reaches it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from tests.shop import Shop, api_client
from tests.webhook.desk import Desk

from serai.commerce.webhook import deliver_due as flow
from serai.commerce.webhook.api import add_receiver, list_receipts, send_test, set_answer
from serai.commerce.webhook.deliver_due import deliver_due
from serai.commerce.webhook.keep_receipts import take_message
from serai.commerce.webhook.logic import make_headers
from serai.commerce.webhook.types import Outcome
from serai.foundation import clock
from serai.foundation.ids import new_id

API = "/api/v1"
BODY = {"url": "https://93.184.216.34/hook", "events": ["order.paid"], "description": "ERP"}


@pytest.fixture
async def client(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(transport, shop, await shop.make_key("webhook:read", "webhook:write")) as opened:
        yield opened


async def test_an_endpoint_lives_over_the_api(client: httpx.AsyncClient, desk: Desk) -> None:
    made = await client.post(f"{API}/webhook-endpoints", json=BODY, headers={"idempotency-key": "once"})
    again = await client.post(f"{API}/webhook-endpoints", json=BODY, headers={"idempotency-key": "once"})
    assert made.status_code == again.status_code == 201
    assert made.json() == again.json()
    endpoint = made.json()["endpoint"]
    path = f"{API}/webhook-endpoints/{endpoint['endpoint_id']}"
    assert made.json()["secret"].startswith("whsec_")
    assert "whsec_" not in (await client.get(path)).text
    changed = await client.put(path, json=BODY | {"events": ["stock.moved", "order.paid"]})
    assert changed.json()["events"] == ["order.paid", "stock.moved"]
    assert (await client.put(f"{path}/state", json={"state": "paused"})).json()["state"] == "paused"
    rotated = await client.post(f"{path}/secret", json={})
    assert rotated.json()["secret"] != made.json()["secret"]
    assert len((await client.get(path)).json()["secrets"]) == 2
    assert (await client.post(f"{path}/secret", json={"at_once": True})).status_code == 201
    assert len((await client.get(path)).json()["secrets"]) == 1
    test = (await client.post(f"{path}/test")).json()
    listed = (await client.get(f"{API}/webhook-deliveries", params={"state": "waiting"})).json()["items"]
    assert [each["delivery_id"] for each in listed] == [test["delivery_id"]]
    one = (await client.get(f"{API}/webhook-deliveries/{test['delivery_id']}")).json()
    assert one["attempts"] == []
    assert (await client.delete(path)).status_code == 200
    assert (await client.get(path)).status_code == 404
    gone = await client.post(f"{API}/webhook-deliveries/{test['delivery_id']}/resend")
    assert (gone.status_code, gone.json()["code"]) == (404, "webhook.endpoint_unknown")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "https://127.0.0.1/"}, "webhook.host_inside"),
        ({"url": "https://0xa9fea9fe/"}, "webhook.host_inside"),
        ({"url": "http://93.184.216.34/"}, "webhook.url_insecure"),
        ({"url": "gopher://x"}, "webhook.url_invalid"),
        ({"events": ["order.burnt"]}, "webhook.event_unknown"),
        ({"version": "2"}, "webhook.version_unknown"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(
    client: httpx.AsyncClient, change: dict[str, Any], code: str
) -> None:
    answer = await client.post(f"{API}/webhook-endpoints", json=BODY | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get(f"{API}/webhook-endpoints")).json() == []


async def test_scopes_are_asked_for(transport: httpx.ASGITransport, shop: Shop) -> None:
    async with api_client(transport, shop, await shop.make_key("webhook:read")) as reader:
        assert (await reader.get(f"{API}/webhook-events")).status_code == 200
        assert (await reader.post(f"{API}/webhook-endpoints", json=BODY)).status_code == 403
    async with api_client(transport, shop, await shop.make_key("order:read")) as other:
        assert (await other.get(f"{API}/webhook-endpoints")).status_code == 403
        assert (await other.get(f"{API}/webhook-deliveries")).status_code == 403


async def test_a_name_that_turns_inside_after_it_was_saved_is_not_followed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Saved while it led outside; by the time of the delivery its name leads to a private network.
    strict = msgspec.structs.replace(
        desk.commerce, settings=msgspec.structs.replace(desk.commerce.settings, webhook_loopback=False)
    )
    await desk.add("https://localhost/hook", "order.paid")
    await desk.pay(new_id())
    await desk.pump()
    sent: list[object] = []

    async def send(*args: object, **more: object) -> Outcome:
        sent.append(args)
        return Outcome(200)

    monkeypatch.setattr(flow, "send_message", send)
    assert await deliver_due(strict, desk.owner) == 1
    assert sent == []
    (delivery,) = await desk.deliveries()
    assert delivery.state == "waiting"
    assert "webhook.host_inside" in delivery.last_reason


async def test_the_receiver_tells_true_from_forged_stale_and_repeated(desk: Desk, shop: Shop) -> None:
    commerce = msgspec.structs.replace(
        shop.commerce, settings=msgspec.structs.replace(shop.commerce.settings, web_url="http://127.0.0.1:1")
    )
    async with commerce.db.transaction(shop.merchant_id) as tx:
        endpoint = await add_receiver(tx, commerce=commerce, hostname=shop.host, by="test")
        again = await add_receiver(tx, commerce=commerce, hostname=shop.host, by="test")
        delivery = await send_test(tx, endpoint_id=endpoint.endpoint_id, by="test")
        secrets = await flow.list_secret_values(tx, commerce=commerce, endpoint_id=endpoint.endpoint_id)
    assert again == endpoint
    body, now = delivery.body.encode(), clock.now()
    good = make_headers(secrets, f"evt_{delivery.event_id}", now, body)

    async def take(headers: dict[str, str], content: bytes) -> int:
        return await take_message(
            commerce, shop.merchant_id, endpoint_id=endpoint.endpoint_id, headers=headers, body=content
        )

    assert await take(good, body) == 204
    assert await take(good, body) == 204
    assert await take(good, body + b" ") == 401
    assert await take(make_headers(secrets, "evt_x", now - timedelta(hours=1), body), body) == 401
    assert await take({}, b"\xff\0not json") == 400
    async with commerce.db.transaction(shop.merchant_id) as tx:
        await set_answer(tx, endpoint_id=endpoint.endpoint_id, status=500)
    assert await take(make_headers(secrets, "evt_y", now, b"[1]"), b"[1]") == 500
    async with commerce.db.transaction(shop.merchant_id, "read") as tx:
        receipts = await list_receipts(tx, endpoint_id=endpoint.endpoint_id)
    assert [(each.verdict, each.is_repeat) for each in reversed(receipts)] == [
        ("good", False),
        ("good", True),
        ("forged", False),
        ("stale", False),
        ("malformed", False),
        ("good", False),
    ]


async def test_the_receiver_answers_over_http_to_nobody_without_a_signature(
    transport: httpx.ASGITransport, desk: Desk, shop: Shop
) -> None:
    endpoint, _secret = await desk.add("http://127.0.0.1:9/hook", "order.paid")
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        for wanted in (endpoint.endpoint_id, new_id()):
            answer = await client.post(f"/webhooks/receiver/{wanted}", content=b"{}")
            assert answer.status_code == 404, "an endpoint that is no receiver takes nothing"
