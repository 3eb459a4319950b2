"""Presales over the JSON API: written, published, ordered by a cart with an agreement, and what programs are refused."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from tests.presale.conftest import issue_coupon
from tests.shop import ADDRESS, CONTACT, Shop, api_client

from serai.foundation import clock

Check = Callable[[], Awaitable[None]]
DAY = timedelta(days=1)


def terms_of(sku_id: Any, **more: Any) -> dict[str, Any]:
    now = clock.now()
    moments = {
        "deposit_from": now - DAY / 2,
        "deposit_until": now + DAY,
        "balance_from": now + DAY,
        "balance_until": now + 2 * DAY,
    }
    given = {
        "name": "Early bird",
        "sku_ids": [str(sku_id)],
        "price_minor": 400,
        "deposit_minor": 50,
        "credit_minor": 100,
        "tiers": [[2, 5000]],
        "quota": 5,
        **{name: moment.isoformat() for name, moment in moments.items()},
    }
    return given | more


async def test_a_program_writes_a_presale_and_orders_from_it(
    shop: Shop, transport: httpx.ASGITransport, assert_clean: Check
) -> None:
    sku_id = await shop.add_product("Coat", price_minor=499)
    async with api_client(transport, shop, await shop.make_key()) as api:
        wrong = await api.post("/api/v1/presales", json={"terms": terms_of(sku_id, credit_minor=10)})
        assert wrong.status_code == 422
        assert wrong.json()["code"] == "presale.invalid"
        answer = await api.post("/api/v1/presales", json={"terms": terms_of(sku_id)})
        assert answer.status_code == 201, answer.text
        address = f"/api/v1/presales/{answer.json()['presale_id']}"
        edited = await api.patch(address, json={"version": 1, "terms": terms_of(sku_id, quota=6)})
        assert edited.json()["terms"]["quota"] == 6
        stale = await api.post(f"{address}/publish", json={"version": 1})
        assert (stale.status_code, stale.json()["code"]) == (409, "presale.changed")
        assert (await api.post(f"{address}/publish", json={"version": 2})).json()["state"] == "live"
        offered = (await api.get(f"/api/v1/products/presales/{sku_id}")).json()
        assert offered["count"] == {"sold": 0, "held": 0, "left": 6}

        cart = (await api.post("/api/v1/carts", json={})).json()
        path = f"/api/v1/carts/{cart['cart_id']}"
        await api.post(f"{path}/lines", json={"sku_id": str(sku_id), "quantity": 1})
        await api.put(f"{path}/contact", json=msgspec.to_builtins(CONTACT))
        await api.put(f"{path}/address", json=msgspec.to_builtins(ADDRESS))
        quote = (await api.get(f"{path}/quote")).json()
        assert (quote["presale"]["deposit_minor"], quote["total_minor"]) == (50, 350 + 599)
        refused = await api.post(f"{path}/complete", json={"digest": quote["digest"]})
        assert (refused.status_code, refused.json()["code"]) == (422, "presale.not_agreed")
        placed = await api.post(f"{path}/complete", json={"digest": quote["digest"], "presale_agreed": True})
        assert placed.status_code == 201, placed.text
        assert placed.json()["due_minor"] == 50
        order = (await api.get(f"/api/v1/orders/{placed.json()['order_id']}")).json()
        assert (order["state"], order["presale"]["missed"]) == ("awaiting_deposit", "keep")
        listed = (await api.get("/api/v1/orders", params={"state": "awaiting_deposit"})).json()
        assert [each["order_id"] for each in listed["items"]] == [order["order_id"]]
        assert (await api.get(f"{address}/report")).json()["waiting"] == 1
        code = await issue_coupon(shop, 0, 100)
        early = await api.post(f"/api/v1/orders/{order['order_id']}/balance/coupon", json={"code": code})
        assert (early.status_code, early.json()["code"]) == (409, "order.balance_not_open")
        at_once = await api.post(
            "/api/v1/orders",
            json={
                "lines": [{"sku_id": str(sku_id), "quantity": 1}],
                "contact": msgspec.to_builtins(CONTACT),
                "address": msgspec.to_builtins(ADDRESS),
            },
        )
        assert (at_once.status_code, at_once.json()["code"]) == (409, "presale.by_cart")
        assert (await api.post(f"{address}/stop")).json()["stopped_at"] is not None
        assert (await api.get(f"/api/v1/products/presales/{sku_id}")).status_code == 404
    await assert_clean()


async def test_hostile_terms_over_the_api_are_refused(shop: Shop, transport: httpx.ASGITransport) -> None:
    sku_id = await shop.add_product("Coat", price_minor=499)
    async with api_client(transport, shop, await shop.make_key()) as api:
        for wrong in (
            {"price_minor": 0},
            {"price_minor": 10**15},
            {"deposit_minor": -1},
            {"quota": 0},
            {"tiers": [[0, 5000]]},
            {"tiers": [[n + 1, 9000 - n] for n in range(50)]},
            {"missed": "burn"},
            {"sku_ids": []},
            {"name": ""},
            {"deposit_until": "never"},
            {"unknown": 1},
            {"balance_until": "9999-12-31T23:59:59Z"},
        ):
            answer = await api.post("/api/v1/presales", json={"terms": terms_of(sku_id, **wrong)})
            assert answer.status_code in (400, 422), (wrong, answer.text)
        assert (await api.get("/api/v1/presales")).json()["items"] == []
    async with api_client(transport, shop, await shop.make_key("checkout:write")) as api:
        assert (await api.post("/api/v1/presales", json={"terms": terms_of(sku_id)})).status_code == 403
