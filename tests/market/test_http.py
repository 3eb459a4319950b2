"""Checkouts over several merchants by the JSON API, and the market's settlement page."""

import httpx
import pytest
from tests.market.conftest import Market
from tests.market.test_cross_shop import desk_of
from tests.market.test_price_basket import cross
from tests.shop import Shop, api_client

from serai.commerce.promotion.types import AmountOff, Tier
from serai.foundation.ids import new_id


@pytest.fixture
async def client(market: Market, application: object) -> httpx.AsyncClient:
    """A program with a key of the market."""
    merchants = application.app.state.platform.merchants  # type: ignore[attr-defined]
    await merchants.refresh()
    known = merchants.find(market.market_id)
    one = market.shops[0]
    # The same fields as a shop's, so that a key of the market is made the same way.
    front = Shop(
        market.market_id, known.hostnames[0], market.commerce, one.warehouse, one.store, one.category
    )
    return api_client(httpx.ASGITransport(application), front, await front.make_key())  # type: ignore[arg-type]


BODY = {
    "contact": {"email": "ann@example.com", "name": "Ann Lee"},
    "address": {"country": "US", "region": "OH", "city": "Columbus", "line1": "1 Main", "postcode": "43004"},
}


async def test_a_checkout_is_placed_read_and_repeated_over_http(
    market: Market, client: httpx.AsyncClient
) -> None:
    lines = [
        {"member_id": str(shop.merchant_id), "sku_id": str(await shop.add_product()), "quantity": 1}
        for shop in market.shops
    ]
    key = {"idempotency-key": str(new_id())}
    placed = await client.post("/api/v1/market/checkouts", json={**BODY, "lines": lines}, headers=key)
    assert placed.status_code == 201, placed.text
    assert placed.json()["total_minor"] == 2 * (349 + 599)
    assert len(placed.json()["orders"]) == 2
    again = await client.post("/api/v1/market/checkouts", json={**BODY, "lines": lines}, headers=key)
    assert again.json() == placed.json()
    assert again.headers["idempotent-replayed"] == "true"
    path = f"/api/v1/market/checkouts/{placed.json()['checkout_id']}"
    assert (await client.get(path)).json() == placed.json()
    rows = (await client.get("/api/v1/market/settlements")).json()
    assert [(row["orders"], row["due_minor"]) for row in rows] == [(0, 0), (0, 0)]


async def test_another_total_than_expected_is_refused(market: Market, client: httpx.AsyncClient) -> None:
    shop = market.shops[0]
    line = {"member_id": str(shop.merchant_id), "sku_id": str(await shop.add_product()), "quantity": 1}
    answer = await client.post(
        "/api/v1/market/checkouts", json={**BODY, "lines": [line], "expected_total_minor": 1}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "checkout.changed")


async def test_a_shop_that_is_no_market_sells_for_nobody(market: Market, application: object) -> None:
    one, two = market.shops
    await application.app.state.platform.merchants.refresh()  # type: ignore[attr-defined]
    client = api_client(httpx.ASGITransport(application), one, await one.make_key())  # type: ignore[arg-type]
    line = {"member_id": str(two.merchant_id), "sku_id": str(await two.add_product()), "quantity": 1}
    answer = await client.post("/api/v1/market/checkouts", json={**BODY, "lines": [line]})
    assert (answer.status_code, answer.json()["code"]) == (404, "market.member_unknown")


async def test_a_forged_message_of_the_provider_is_refused(market: Market, client: httpx.AsyncClient) -> None:
    answer = await client.post("/webhooks/market/sandbox", content=b"{}")
    # This market has no account at the provider, so there is nothing to check a signature with: 502, and nothing taken in.
    assert answer.status_code in (401, 502)
    assert (await client.post("/webhooks/market/nobody", content=b"{}")).status_code == 404


async def test_a_coupon_of_the_market_is_used_by_its_code(market: Market, client: httpx.AsyncClient) -> None:
    desk = desk_of(market)
    promotion = await desk.go_live(cross(0, 0, benefit=AmountOff((Tier(0, 300),)), coupon=True))
    [coupon] = await desk.issue(promotion)
    shop = market.shops[0]
    line = {"member_id": str(shop.merchant_id), "sku_id": str(await shop.add_product()), "quantity": 1}
    body = {**BODY, "lines": [line], "coupon_codes": [coupon.code]}
    placed = await client.post("/api/v1/market/checkouts", json=body)
    assert (placed.status_code, placed.json()["discount_minor"]) == (201, 300), placed.text
    assert placed.json()["total_minor"] == 349 + 599 - 300
    body["coupon_codes"] = ["NOBODY-KNOWS"]
    refused = await client.post("/api/v1/market/checkouts", json=body)
    assert (refused.status_code, refused.json()["code"]) == (404, "coupon.unknown")
