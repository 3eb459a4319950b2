"""Handing over through the JSON API: lists, picks, parcels, what is refused, and what a call sent twice does."""

import pytest
from tests.fulfilment.desk import buy, on_hand
from tests.shop import api_client

from serai.commerce.fulfilment.api import route_order
from serai.foundation.ids import new_id


@pytest.fixture
async def client(transport, shop):
    async with api_client(transport, shop, await shop.make_key()) as opened:
        yield opened


async def test_an_order_is_picked_packed_and_shipped_by_a_program(client, shop, provider, assert_clean):
    ice, milk = await shop.add_product(price_minor=500), await shop.add_product("Milk", price_minor=300)
    order = await buy(shop, provider, (ice, 2), (milk, 2))
    await route_order(shop.commerce, shop.merchant_id, order_id=order.order_id)
    path = f"/api/v1/orders/{order.order_id}"
    (work,) = (await client.get("/api/v1/fulfilments", params={"stage": "pick"})).json()["items"]
    assert (work["number"], work["to_pick"], work["choice"]["losers"]) == (order.number, 4, [])
    body = {"lines": [{"line_no": 1, "picked": 2}, {"line_no": 2, "picked": 1, "is_final": True}]}
    key = {"idempotency-key": str(new_id())}
    first = await client.post(f"{path}/picks", json=body, headers=key)
    again = await client.post(f"{path}/picks", json=body, headers=key)
    assert (first.status_code, again.json()) == (200, first.json())
    assert [cut["amount_minor"] for cut in first.json()["cuts"]] == [-300]
    parcel = (
        await client.post(f"{path}/parcels", json={"lines": [{"line_no": 1, "quantity": 1}], "ship": True})
    ).json()
    assert (parcel["state"], parcel["parcel_no"]) == ("shipped", 1)
    made = await client.post(f"{path}/parcels", json={"size": {"weight_g": 900}})
    assert (made.status_code, made.json()["weight_g"]) == (201, 900)
    shipped = await client.post(
        f"/api/v1/parcels/{made.json()['parcel_id']}/shipment", json={"carrier": "Caravan", "tracking": "C1"}
    )
    assert (shipped.json()["state"], shipped.json()["tracking"]) == ("shipped", "C1")
    goods = (await client.get(f"{path}/goods")).json()
    assert (goods["state"], [each["open"] for each in goods["goods"]]) == ("fulfilled", [0, 0])
    assert (await client.get(path)).json()["state"] == "fulfilled"
    assert await on_hand(shop, ice) == (8, 0)
    await assert_clean()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("parcels", {"lines": [{"line_no": 1, "quantity": 0}]}, 400),
        ("parcels", {"lines": [{"line_no": 1, "quantity": -1}]}, 400),
        ("parcels", {"lines": [{"line_no": 1, "quantity": 1.5}]}, 400),
        ("parcels", {"lines": [{"line_no": 1, "quantity": "1"}]}, 422),
        ("parcels", {"lines": [{"line_no": 1, "quantity": 10**30}]}, 400),
        ("parcels", {"lines": [{"line_no": 1, "quantity": 3}]}, 409),
        ("parcels", {"lines": [{"line_no": 2, "quantity": 1}]}, 422),
        ("parcels", {"lines": [], "size": {"weight_g": 0}}, 400),
        ("parcels", {"lines": [], "place_id": "00000000-0000-0000-0000-000000000000"}, 422),
        ("picks", {"lines": []}, 400),
        ("picks", {"lines": [{"line_no": 1, "picked": -1}]}, 400),
        ("picks", {"lines": [{"line_no": 1, "picked": True}]}, 400),
        ("cuts", {"lines": [{"line_no": 1, "quantity": 99}]}, 409),
        ("moves", {"from_place_id": "x", "to_place_id": "y"}, 400),
        ("moves", {"from_place_id": str(new_id()), "to_place_id": str(new_id())}, 404),
    ],
)
async def test_what_cannot_be_is_refused_and_moves_nothing(
    client, shop, provider, assert_clean, path, body, status
):
    ice = await shop.add_product()
    order = await buy(shop, provider, (ice, 2))
    answer = await client.post(f"/api/v1/orders/{order.order_id}/{path}", json=body)
    assert (answer.status_code, "code" in answer.json()) == (status, True), answer.text
    goods = (await client.get(f"/api/v1/orders/{order.order_id}/goods")).json()
    assert ([each["open"] for each in goods["goods"]], goods["parcels"], goods["cuts"]) == ([2], [], [])
    assert await on_hand(shop, ice) == (10, 2)
    await assert_clean()


async def test_who_may_only_read_packs_nothing(transport, shop, provider):
    order = await buy(shop, provider, (await shop.add_product(), 1))
    async with api_client(transport, shop, await shop.make_key("order:read")) as client:
        answer = await client.post(f"/api/v1/orders/{order.order_id}/parcels", json={})
        assert answer.status_code == 403
        assert (await client.get(f"/api/v1/parcels/{new_id()}")).status_code == 404
