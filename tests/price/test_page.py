"""What shoppers and staff see of prices, over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.price.conftest import Tag
from tests.shop import Shop, api_client

from serai.foundation import clock


@pytest.fixture
async def shopper(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://{shop.host}", headers={"accept-language": "en"}
    ) as client:
        yield client


@pytest.fixture
async def api(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(transport, shop, await shop.make_key()) as client:
        yield client


async def slug_of(shop: Shop, sku_id: UUID) -> str:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        return str(
            await tx.fetchval(
                "SELECT p.slug FROM commerce.product p JOIN commerce.variant v USING (merchant_id, product_id)"
                " WHERE v.merchant_id = $1 AND v.sku_id = $2",
                tx.merchant_id,
                sku_id,
            )
        )


async def test_the_page_strikes_the_reference_of_a_reduction_and_draws_the_price(
    shopper: httpx.AsyncClient, shop: Shop, tag: Tag
) -> None:
    sku_id = await shop.add_product("Green tea", price_minor=1000)
    with clock.clock_shifted(timedelta(days=40)):
        await tag.offer(sku_id, 800)
        await tag.offer(sku_id, 700, kind="tier", min_quantity=3)
    with clock.clock_shifted(timedelta(days=41)):
        page = (await shopper.get(f"/p/{await slug_of(shop, sku_id)}")).text
        listed = (await shopper.get("/c/pantry")).text
    assert '<span class="price">$8.00</span>' in page
    assert "Lowest price of the last 30 days:" in page
    assert '<s class="figure">$10.00</s>' in page
    assert "−20%" in page
    assert '"price": "8.00"' in page
    assert "$7.00 each" in page
    assert 'id="price-history"' in page
    assert '<span class="price">$8.00</span>' in listed
    assert '<s class="figure">$10.00</s>' in listed


async def test_a_young_product_shows_its_reduced_price_and_strikes_nothing(
    shopper: httpx.AsyncClient, shop: Shop, tag: Tag
) -> None:
    sku_id = await shop.add_product("Black tea", price_minor=1000)
    await tag.offer(sku_id, 800)
    page = (await shopper.get(f"/p/{await slug_of(shop, sku_id)}")).text
    assert '<span class="price">$8.00</span>' in page
    assert "<s class" not in page
    assert "Lowest price" not in page


async def claim_form(shopper: httpx.AsyncClient, page: str, action: str) -> httpx.Response:
    token = page.split('name="_csrf_token" value="', 1)[1].split('"', 1)[0]
    return await shopper.post(action, data={"_csrf_token": token})


async def test_a_guest_claims_a_fallen_price_on_the_page_of_the_order(
    shopper: httpx.AsyncClient, shop: Shop, tag: Tag
) -> None:
    sku_id = await shop.add_product("White tea", price_minor=1000)
    placed = await shop.place((sku_id, 2))
    await tag.pay(placed.order_id)
    address = f"/orders/{placed.order_id}?key={placed.access_token}"
    assert "Price fell" not in (await shopper.get(address)).text
    await tag.set(sku_id, 960)
    page = (await shopper.get(address)).text
    assert "Price fell: claim $0.80 back" in page
    action = f"/orders/{placed.order_id}/price-claims/1?key={placed.access_token}"
    assert action in page
    assert (await claim_form(shopper, page, action)).status_code == 303
    assert (await claim_form(shopper, page, action.replace("key=", "key=x"))).status_code == 404
    after = (await shopper.get(address)).text
    assert "Price protection: $0.80 given back" in after
    assert "Price fell" not in after
    assert (await tag.order(placed.order_id)).refunded_minor == 80


async def test_the_api_adds_shows_and_ends_offers(api: httpx.AsyncClient, shop: Shop) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    path = f"/api/v1/variants/{sku_id}/offers"
    made = await api.post(path, json={"amount_minor": 800, "valid_to": "2099-01-01T00:00:00+08:00"})
    assert made.status_code == 201, made.text
    assert made.json()["amount_minor"] == 800
    assert [o["kind"] for o in (await api.get(path)).json()] == ["sale"]
    history = (await api.get(f"/api/v1/variants/{sku_id}/price-history")).json()
    assert [s["amount_minor"] for s in history["spans"]] == [1000, 800]
    assert history["reduction"] is None
    order = {
        "lines": [{"sku_id": str(sku_id), "quantity": 1}],
        "contact": {"email": "a@example.com", "name": "A"},
        "address": {"country": "DE", "city": "Bonn", "line1": "Markt 1", "postcode": "53111"},
    }
    assert (await api.post("/api/v1/orders", json=order)).json()["total_minor"] == 800 + 599
    ended = await api.delete(f"/api/v1/offers/{made.json()['offer_id']}")
    assert ended.status_code == 200
    assert ended.json()["ended_by"] == "api:test"
    assert (await api.post("/api/v1/orders", json=order)).json()["total_minor"] == 1000 + 599


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"amount_minor": -1},
        {"amount_minor": 1.5},
        {"amount_minor": 1, "kind": "gift"},
        {"amount_minor": 1, "valid_from": "2030-01-01T00:00:00"},
        {"amount_minor": 1, "min_quantity": 0},
        {"amount_minor": 1, "channel": "fax", "kind": "local"},
        {"amount_minor": 1, "member_level": "\u0000", "kind": "member"},
        {"amount_minor": 1, "unknown": 1},
    ],
)
async def test_bodies_that_make_no_offer_are_refused(
    api: httpx.AsyncClient, shop: Shop, body: dict[str, Any]
) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    answer = await api.post(f"/api/v1/variants/{sku_id}/offers", json=body)
    assert answer.status_code in (400, 422), answer.text
    assert (await api.get(f"/api/v1/variants/{sku_id}/offers")).json() == []


async def test_the_api_claims_a_line_once(api: httpx.AsyncClient, shop: Shop, tag: Tag) -> None:
    sku_id = await shop.add_product(price_minor=1000)
    order = await tag.pay((await shop.place((sku_id, 1))).order_id)
    await tag.set(sku_id, 750)
    path = f"/api/v1/orders/{order.order_id}/price-claims"
    assert [c["amount_minor"] for c in (await api.get(path)).json()] == [250]
    for _again in range(2):
        assert (await api.post(path, json={"line_no": 1})).json()["amount_minor"] == 250
    assert (await api.get(path)).json() == []
    assert [c["amount_minor"] for c in (await api.get("/api/v1/price-claims")).json()["items"]] == [250]
    assert (await api.post(path, json={"line_no": 2})).status_code == 404
    assert (await api.get("/api/v1/price-claims", params={"cursor": "x|y"})).status_code == 422
