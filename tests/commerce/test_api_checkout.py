"""JSON API from the cart to the money back, as a program uses it."""

from typing import Any

import httpx
import msgspec
import pytest
from tests.commerce.conftest import Snapshot
from tests.commerce.request import ORDERS, assert_problem, order_body
from tests.commerce.test_api_catalogue import collect, level
from tests.conftest import FakeProvider
from tests.shop import ADDRESS, CONTACT, Shop

from serai.commerce.catalogue.api import set_price
from serai.commerce.checkout.api import settle_payment
from serai.commerce.types import Commerce
from serai.foundation.ids import new_id


async def open_cart(api: httpx.AsyncClient, **body: Any) -> tuple[str, dict[str, Any]]:
    """A new cart: (its path, as answered)."""
    answer = await api.post("/api/v1/carts", json=body)
    assert answer.status_code == 201, answer.text
    return f"/api/v1/carts/{answer.json()['cart_id']}", answer.json()


async def place(api: httpx.AsyncClient, sku_id: object, **more: Any) -> dict[str, Any]:
    answer = await api.post(ORDERS, json=order_body(sku_id, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def pay(
    api: httpx.AsyncClient, till: Commerce, provider: FakeProvider, shop: Shop, order_id: str
) -> dict:
    """Start the payment over the API, let the provider capture it, and return the order."""
    answer = await api.post(f"{ORDERS}/{order_id}/payment")
    assert answer.status_code == 200, answer.text
    intent_id = next(i for i in provider.payments if answer.json()["pay_url"].endswith(str(i)))
    await settle_payment(till, shop.merchant_id, event=provider.capture(intent_id), source="webhook")
    return (await api.get(f"{ORDERS}/{order_id}")).json()


async def test_a_cart_becomes_an_order_that_is_paid_fulfilled_and_partly_refunded(
    api: httpx.AsyncClient, shop: Shop, till: Commerce, provider: FakeProvider, assert_clean
):
    ice, milk = await shop.add_product(price_minor=349), await shop.add_product("Milk", price_minor=299)
    path, cart = await open_cart(api)
    assert cart["lines"] == []
    added = (await api.post(f"{path}/lines", json={"sku_id": str(ice), "quantity": 2})).json()
    (await api.post(f"{path}/lines", json={"sku_id": str(milk)})).raise_for_status()
    line = added["lines"][0]
    changed = await api.patch(f"{path}/lines/{line['line_id']}", json={"quantity": 3})
    assert [each["quantity"] for each in changed.json()["lines"]] == [3, 1]
    (await api.put(f"{path}/contact", json=msgspec.to_builtins(CONTACT))).raise_for_status()
    (await api.put(f"{path}/address", json=msgspec.to_builtins(ADDRESS))).raise_for_status()
    (await api.put(f"{path}/delivery", json={"delivery": "ship"})).raise_for_status()
    quote = (await api.get(f"{path}/quote")).json()
    total = 3 * 349 + 299 + 599
    assert (quote["items_minor"], quote["shipping_minor"], quote["total_minor"]) == (total - 599, 599, total)
    placed = await api.post(f"{path}/complete", json={"digest": quote["digest"]})
    assert placed.status_code == 201, placed.text
    assert placed.json()["total_minor"] == total
    assert_problem(await api.get(path), 404, code="cart.unknown")
    order_id = placed.json()["order_id"]
    assert await level(api, ice, shop.warehouse.place_id) == (10, 3, 7)
    order = await pay(api, till, provider, shop, order_id)
    assert (order["state"], order["payments"][0]["captured_minor"]) == ("paid", total)
    answer = await api.post(f"{ORDERS}/{order_id}/fulfilment", json={"tracking": "Z 9"})
    assert (answer.status_code, answer.json()["state"], answer.json()["tracking"]) == (
        200,
        "fulfilled",
        "Z 9",
    )
    assert await level(api, ice, shop.warehouse.place_id) == (7, 0, 7)
    answer = await api.post(
        f"{ORDERS}/{order_id}/refunds", json={"amount_minor": 349, "reason": "one melted"}
    )
    assert answer.status_code == 201, answer.text
    assert [refund["amount_minor"] for refund in answer.json()["refunds"]] == [349]
    [refund] = answer.json()["refunds"]
    assert refund["state"] == ("done" if refund["done_at"] else "pending")
    assert list(provider.refunds.values()) == [349]
    await assert_clean()


async def test_completing_a_cart_again_answers_with_the_order_it_has_become(
    api: httpx.AsyncClient, shop: Shop, assert_clean
):
    sku_id = await shop.add_product()
    path, _cart = await open_cart(api)
    await api.post(f"{path}/lines", json={"sku_id": str(sku_id)})
    quote = (await api.get(f"{path}/quote")).json()
    no_contact = await api.post(f"{path}/complete", json={"digest": quote["digest"]})
    assert_problem(no_contact, 422, code="checkout.field_invalid")
    await api.put(f"{path}/contact", json=msgspec.to_builtins(CONTACT))
    await api.put(f"{path}/address", json=msgspec.to_builtins(ADDRESS))
    first = (await api.post(f"{path}/complete", json={"digest": quote["digest"]})).json()
    again = await api.post(f"{path}/complete", json={"digest": "whatever"})
    assert (again.status_code, again.json()["order_id"], again.json()["replayed"]) == (
        201,
        first["order_id"],
        True,
    )
    assert len(await collect(api, ORDERS)) == 1
    assert await level(api, sku_id, shop.warehouse.place_id) == (10, 1, 9)
    await assert_clean()


async def test_a_price_that_changed_after_the_quote_is_told_and_nothing_is_placed(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot
):
    sku_id = await shop.add_product(price_minor=500)
    path, _cart = await open_cart(api)
    await api.post(f"{path}/lines", json={"sku_id": str(sku_id)})
    await api.put(f"{path}/contact", json=msgspec.to_builtins(CONTACT))
    await api.put(f"{path}/address", json=msgspec.to_builtins(ADDRESS))
    quote = (await api.get(f"{path}/quote")).json()
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await set_price(tx, sku_id=sku_id, amount_minor=400, reason="cheaper", by="test")
    before = await take_snapshot()
    problem = assert_problem(await api.post(f"{path}/complete", json={"digest": quote["digest"]}), 409)
    assert problem["code"] == "checkout.changed"
    assert [(c["before"], c["now"]) for c in problem["data"]["changes"]] == [(500, 400)]
    assert await take_snapshot() == before


async def test_a_one_shot_order_is_priced_by_the_shop_and_short_lines_are_all_named(
    api: httpx.AsyncClient, shop: Shop, assert_clean
):
    ice, milk = await shop.add_product(stock=2), await shop.add_product("Milk", stock=1)
    placed = await place(api, ice, expected_total_minor=349 + 599)
    assert placed["total_minor"] == 349 + 599
    lines = [{"sku_id": str(sku_id), "quantity": 3} for sku_id in (ice, milk)]
    problem = assert_problem(
        await api.post(ORDERS, json=order_body(ice, lines=lines)), 409, code="checkout.short"
    )
    assert {(s["title"], s["wanted"], s["available"]) for s in problem["data"]["shortages"]} == {
        ("Ice, crushed, 22 lb", 3, 1),
        ("Milk", 3, 1),
    }
    # Two lines of one SKU count together.
    twice = [{"sku_id": str(milk), "quantity": 1}] * 2
    assert_problem(await api.post(ORDERS, json=order_body(milk, lines=twice)), 409, code="checkout.short")
    assert len(await collect(api, ORDERS)) == 1
    await assert_clean()


async def test_pick_up_takes_from_the_chosen_store_and_costs_nothing(
    api: httpx.AsyncClient, shop: Shop, assert_clean
):
    sku_id = await shop.add_product(stock=0, store_stock=2)
    store = str(shop.store.place_id)
    placed = await place(api, sku_id, delivery="pickup", place_id=store, address=None)
    assert placed["total_minor"] == 349
    assert await level(api, sku_id, store) == (2, 1, 1)
    for place_id in (None, str(shop.warehouse.place_id)):
        body = order_body(sku_id, delivery="pickup", place_id=place_id)
        assert_problem(await api.post(ORDERS, json=body), 422, code="checkout.field_invalid")
    assert_problem(await api.post(ORDERS, json=order_body(sku_id, delivery="drone")), 400)
    await assert_clean()


async def test_an_unpaid_order_is_cancelled_but_neither_fulfilled_nor_refunded(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot, assert_clean
):
    sku_id = await shop.add_product()
    order = f"{ORDERS}/{(await place(api, sku_id))['order_id']}"
    before = await take_snapshot()
    assert_problem(await api.post(f"{order}/fulfilment", json={}), 409, code="order.cannot_fulfil")
    refused = await api.post(f"{order}/refunds", json={"amount_minor": 1})
    assert_problem(refused, 409, code="order.cannot_refund")
    for amount in (0, -1, 1.5, True, None, "x"):
        assert_problem(await api.post(f"{order}/refunds", json={"amount_minor": amount}), 400)
    assert await take_snapshot() == before
    answer = await api.post(f"{order}/cancellation", json={"reason": "changed my mind"})
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert await level(api, sku_id, shop.warehouse.place_id) == (10, 0, 10)
    assert_problem(await api.post(f"{order}/payment"), 409, code="order.cannot_pay")
    await assert_clean()


async def test_no_more_can_be_refunded_than_was_paid(
    api: httpx.AsyncClient, shop: Shop, till: Commerce, provider: FakeProvider, assert_clean
):
    sku_id = await shop.add_product()
    order_id = (await place(api, sku_id))["order_id"]
    total = (await pay(api, till, provider, shop, order_id))["total_minor"]
    refunds = f"{ORDERS}/{order_id}/refunds"
    assert (await api.post(refunds, json={"amount_minor": total - 1})).status_code == 201
    for amount in (2, total, 10**18):
        problem = assert_problem(await api.post(refunds, json={"amount_minor": amount}), 422)
        assert (problem["code"], problem["data"]["refundable"]) == ("refund.amount_invalid", 1)
    assert (await api.post(refunds, json={"amount_minor": 1})).status_code == 201
    assert sum(provider.refunds.values()) == total
    await assert_clean()


async def test_a_paid_order_that_is_cancelled_gives_the_money_and_the_stock_back_once(
    api: httpx.AsyncClient, shop: Shop, till: Commerce, provider: FakeProvider, assert_clean
):
    sku_id = await shop.add_product()
    order_id = (await place(api, sku_id))["order_id"]
    total = (await pay(api, till, provider, shop, order_id))["total_minor"]
    for _ in range(2):
        answer = await api.post(f"{ORDERS}/{order_id}/cancellation", json={})
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert list(provider.refunds.values()) == [total]
    assert await level(api, sku_id, shop.warehouse.place_id) == (10, 0, 10)
    assert_problem(await api.post(f"{ORDERS}/{order_id}/fulfilment", json={}), 409)
    await assert_clean()


async def test_a_provider_that_is_down_leaves_the_order_to_be_paid_later(
    api: httpx.AsyncClient, shop: Shop, till: Commerce, provider: FakeProvider, assert_clean
):
    sku_id = await shop.add_product()
    order_id = (await place(api, sku_id))["order_id"]
    provider.down = True
    problem = assert_problem(await api.post(f"{ORDERS}/{order_id}/payment"), 502, code="outside.sandbox")
    assert "on demand" not in str(problem), "a partner's own words are for the log"
    assert (await api.get(f"{ORDERS}/{order_id}")).json()["state"] == "awaiting_payment"
    provider.down = False
    assert (await pay(api, till, provider, shop, order_id))["state"] == "paid"
    await assert_clean()


async def test_orders_are_listed_from_the_newest_found_and_filtered(api: httpx.AsyncClient, shop: Shop):
    sku_id = await shop.add_product(stock=20)
    placed = [
        await place(api, sku_id, contact={"email": f"buyer{n}@example.com", "name": f"Buyer {n}"})
        for n in range(5)
    ]
    (await api.post(f"{ORDERS}/{placed[0]['order_id']}/cancellation", json={})).raise_for_status()
    rows = await collect(api, ORDERS, limit="2")
    assert [row["order_id"] for row in rows] == [order["order_id"] for order in reversed(placed)]

    async def find(**params: str) -> list[str]:
        return [row["email"] for row in await collect(api, ORDERS, **params)]

    assert await find(query="buyer3@example.com") == ["buyer3@example.com"]
    assert await find(query="Buyer 2") == ["buyer2@example.com"]
    assert await find(query=placed[4]["number"]) == ["buyer4@example.com"]
    assert await find(query=placed[4]["number"].lower().replace("-", "")) == ["buyer4@example.com"]
    assert await find(query="%") == []
    assert await find(state="cancelled") == ["buyer0@example.com"]
    assert await find(since="2999-01-01T00:00:00Z") == []
    assert len(await find(since="2000-01-01T00:00:00+08:00")) == 5


@pytest.mark.parametrize("step", ["lines", "contact", "quote", "complete"])
async def test_a_cart_of_another_key_does_not_exist(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot, step: str
):
    sku_id = await shop.add_product()
    path, _cart = await open_cart(api)
    (await api.post(f"{path}/lines", json={"sku_id": str(sku_id)})).raise_for_status()
    other = {"authorization": f"Bearer {await shop.make_key()}"}
    before = await take_snapshot()
    calls = {
        "lines": lambda: api.post(f"{path}/lines", json={"sku_id": str(sku_id)}, headers=other),
        "contact": lambda: api.put(f"{path}/contact", json=msgspec.to_builtins(CONTACT), headers=other),
        "quote": lambda: api.get(f"{path}/quote", headers=other),
        "complete": lambda: api.post(f"{path}/complete", json={"digest": "x"}, headers=other),
    }
    assert_problem(await calls[step](), 404, code="cart.unknown")
    assert_problem(await api.get(path, headers=other), 404, code="cart.unknown")
    assert await take_snapshot() == before


async def test_a_line_that_is_not_in_the_cart_cannot_be_changed(api: httpx.AsyncClient, shop: Shop):
    path, _cart = await open_cart(api)
    line = f"{path}/lines/{new_id()}"
    assert_problem(await api.patch(line, json={"quantity": 1}), 404, code="cart.line_unknown")
    assert_problem(await api.patch(line, json={"quantity": 0}), 404, code="cart.line_unknown")
    assert_problem(await api.delete(line), 404, code="cart.line_unknown")
    assert_problem(await api.post(f"{path}/complete", json={"digest": "x"}), 422)
