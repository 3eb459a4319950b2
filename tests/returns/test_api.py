"""Returns over the JSON API: a whole one, repeats, scopes, and what cannot be."""

import pytest
from tests.shop import api_client

from serai.foundation.ids import new_id


@pytest.fixture
async def client(transport, shop):
    async with api_client(transport, shop, await shop.make_key()) as client:
        yield client


async def test_a_return_is_asked_for_approved_sent_received_and_refunded(shop, counter, client, assert_clean):
    order = await counter.sell((await shop.add_product(price_minor=500), 2))
    left = (await client.get(f"/api/v1/orders/{order.order_id}/returnable")).json()
    assert [(line["line_no"], line["quantity"], line["code"]) for line in left] == [(1, 2, "")]
    body = {"lines": [{"line_no": 1, "quantity": 1, "reason": "fit"}], "words": "Too small."}
    answer = await client.post(f"/api/v1/orders/{order.order_id}/returns", json=body)
    assert (answer.status_code, answer.json()["state"]) == (201, "requested")
    path = f"/api/v1/returns/{answer.json()['return_id']}"
    assert (await client.post(f"{path}/approval", json={})).json()["state"] == "approved"
    sent = await client.post(f"{path}/shipment", json={"carrier": "Post", "tracking": "Z1"})
    assert (sent.json()["state"], sent.json()["tracking"]) == ("sent", "Z1")
    receipt = await client.post(f"{path}/receipt", json={"lines": [{"line_no": 1, "sellable": 1}]})
    assert receipt.json()["state"] == "received"
    assert (await client.get(f"{path}/proposal")).json()["goods_minor"] == 500
    refunded = await client.post(f"{path}/refund", json={})
    assert (refunded.json()["state"], refunded.json()["refund_minor"]) == ("refunded", 500)
    listed = (await client.get("/api/v1/returns", params={"state": "refunded"})).json()
    assert [row["return_id"] for row in listed["items"]] == [answer.json()["return_id"]]
    assert len((await client.get(f"/api/v1/orders/{order.order_id}/returns")).json()) == 1
    await assert_clean()


async def test_the_same_key_asks_once_and_another_body_is_refused(shop, counter, client):
    order = await counter.sell((await shop.add_product(), 2))
    path, headers = f"/api/v1/orders/{order.order_id}/returns", {"idempotency-key": str(new_id())}
    body = {"lines": [{"line_no": 1, "quantity": 1, "reason": "fit"}]}
    first = await client.post(path, json=body, headers=headers)
    again = await client.post(path, json=body, headers=headers)
    assert first.json() == again.json()
    other = await client.post(path, json={**body, "words": "x"}, headers=headers)
    assert other.status_code == 422
    assert len((await client.get(path)).json()) == 1


async def test_keys_without_the_scope_read_and_write_nothing(transport, shop, counter):
    order = await counter.sell((await shop.add_product(), 1))
    found = await counter.ask(order, (1, 1))
    async with api_client(transport, shop, await shop.make_key("order:read")) as reader:
        assert (await reader.get("/api/v1/returns")).status_code == 200
        answer = await reader.post(f"/api/v1/returns/{found.return_id}/approval", json={})
        assert answer.status_code == 403
    async with api_client(transport, shop, await shop.make_key("stock:read")) as other:
        assert (await other.get(f"/api/v1/returns/{found.return_id}")).status_code == 403
    assert (await counter.load(found)).state == "requested"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lines": []},
        {"lines": [{"line_no": 1, "quantity": 0, "reason": "fit"}]},
        {"lines": [{"line_no": 1, "quantity": 1.0, "reason": "fit"}]},
        {"lines": [{"line_no": 1, "quantity": 1, "reason": "fit", "more": 1}]},
        {"lines": [{"line_no": 1, "quantity": 1, "reason": "no such"}]},
        {"lines": [{"line_no": 1, "quantity": 1, "reason": "fit"}], "wish": "gift"},
    ],
)
async def test_bodies_that_cannot_be_are_refused(shop, counter, client, body):
    order = await counter.sell((await shop.add_product(), 1))
    answer = await client.post(f"/api/v1/orders/{order.order_id}/returns", json=body)
    assert 400 <= answer.status_code < 500
    assert (await client.get(f"/api/v1/orders/{order.order_id}/returns")).json() == []


async def test_what_is_unknown_is_not_found(client):
    assert (await client.get(f"/api/v1/returns/{new_id()}")).status_code == 404
    assert (await client.post(f"/api/v1/returns/{new_id()}/approval", json={})).status_code == 404
    assert (await client.get(f"/api/v1/orders/{new_id()}/returnable")).status_code == 404
    wrong = await client.get("/api/v1/returns", params={"cursor": "nonsense"})
    assert wrong.json()["code"] == "list.cursor_invalid"
