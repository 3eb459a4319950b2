"""Idempotency keys: one call, one effect, whoever repeats it, when, and on whichever worker."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.commerce.conftest import Snapshot
from tests.commerce.request import (
    ORDERS,
    PRODUCTS,
    RECEIPTS,
    assert_problem,
    order_body,
    product_body,
    receipt_body,
)
from tests.commerce.test_api_catalogue import collect, level
from tests.commerce.test_api_checkout import pay, place
from tests.conftest import FakeProvider, hold_lifespan
from tests.shop import Shop, api_client

from serai.commerce.types import Commerce
from serai.foundation.ids import new_id
from serai.main.settings import load_settings
from serai.main.web import make_app

AT_ONCE = 20


@pytest.fixture(scope="module")
async def other_application(database_url: str) -> AsyncIterator[Any]:
    """A second web worker on the same database, with pools and a lane of its own."""
    front = make_app(database_url, "0" * 64, load_settings({"SERAI_DATABASE_URL": database_url}))
    async with hold_lifespan(front.app):
        yield front


@pytest.fixture
async def both(
    api: httpx.AsyncClient, other_application: Any, shop: Shop
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The same program at two web workers."""
    await other_application.app.state.platform.merchants.refresh()
    secret = api.headers["authorization"].removeprefix("Bearer ")
    async with api_client(httpx.ASGITransport(other_application), shop, secret) as other:
        yield api, other


class Call:
    """A mutating call: path, body, another body that is right as well, and a count of what has come of it."""

    def __init__(self, path: str, body: dict[str, Any], other: dict[str, Any], count: Any) -> None:
        self.path, self.body, self.other, self.count = path, body, other, count

    async def send(
        self, api: httpx.AsyncClient, key: str, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        return await api.post(self.path, json=body or self.body, headers={"idempotency-key": key})


@pytest.fixture(params=["cart", "line", "stock", "order", "product", "price"])
async def call(request: pytest.FixtureRequest, api: httpx.AsyncClient, shop: Shop, owner: Any) -> Call:
    """One call of each kind."""
    sku_id = await shop.add_product(stock=100)
    other_sku = await shop.add_product("Milk", stock=100)

    async def count_rows(table: str) -> int:
        return await owner.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", shop.merchant_id)

    match request.param:
        case "cart":
            store = {"place_id": str(shop.store.place_id)}
            return Call("/api/v1/carts", {}, store, lambda: count_rows("commerce.cart"))
        case "line":
            cart_id = (await api.post("/api/v1/carts", json={})).json()["cart_id"]
            path = f"/api/v1/carts/{cart_id}/lines"

            async def count_line() -> int:
                lines = (await api.get(f"/api/v1/carts/{cart_id}")).json()["lines"]
                return sum(line["quantity"] for line in lines)

            body = {"sku_id": str(sku_id), "quantity": 1}
            return Call(path, body, body | {"quantity": 2}, count_line)
        case "stock":

            async def count_stock() -> int:
                here = shop.warehouse.place_id
                return sum([(await level(api, each, here))[0] for each in (sku_id, other_sku)]) - 200

            return Call(RECEIPTS, receipt_body(shop, sku_id), receipt_body(shop, other_sku), count_stock)
        case "order":
            more = order_body(sku_id, lines=[{"sku_id": str(sku_id), "quantity": 2}])
            return Call(ORDERS, order_body(sku_id), more, lambda: count_rows("commerce.sales_order"))
        case "product":
            one, two = product_body(shop), product_body(shop)

            async def count_products() -> int:
                return await count_rows("commerce.product") - 2

            return Call(PRODUCTS, one, two, count_products)
        case _:

            async def count_prices() -> int:
                return await count_rows("commerce.price_entry") - 2

            path = f"/api/v1/variants/{sku_id}/prices"
            return Call(path, {"amount_minor": 5}, {"amount_minor": 6}, count_prices)


async def test_a_call_without_a_usable_key_has_no_effect(call: Call, api: httpx.AsyncClient):
    for key, code in (
        ("", "idempotency.key_needed"),
        ("k" * 201, "idempotency.key_invalid"),
        ("a\tb", "idempotency.key_invalid"),
    ):
        assert_problem(await call.send(api, key), 422, code=code)
    assert await call.count() == 0


async def test_the_same_call_again_gets_the_same_answer_and_has_one_effect(
    call: Call, api: httpx.AsyncClient, assert_clean
):
    first, again = await call.send(api, "k"), await call.send(api, "k")
    assert first.status_code == again.status_code == 201, first.text
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert await call.count() == 1
    assert (await call.send(api, "another key", call.other)).status_code == 201
    await assert_clean()


async def test_the_same_key_with_another_body_is_refused_and_has_no_effect(
    call: Call, api: httpx.AsyncClient, take_snapshot: Snapshot
):
    assert (await call.send(api, "k")).status_code == 201
    before = await take_snapshot()
    assert_problem(await call.send(api, "k", call.other), 422, code="idempotency.body_differs")
    assert await take_snapshot() == before


async def test_a_refused_call_keeps_its_key_free(api: httpx.AsyncClient, shop: Shop):
    sku_id = await shop.add_product(stock=0)
    headers = {"idempotency-key": "k"}
    assert_problem(await api.post(ORDERS, json=order_body(sku_id), headers=headers), 409)
    (await api.post(RECEIPTS, json=receipt_body(shop, sku_id))).raise_for_status()
    answer = await api.post(ORDERS, json=order_body(sku_id), headers=headers)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False)


async def test_twenty_at_once_on_two_workers_have_one_effect(
    call: Call, both: tuple[httpx.AsyncClient, httpx.AsyncClient], assert_clean
):
    answers = await asyncio.gather(*(call.send(both[n % 2], "k") for n in range(AT_ONCE)))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}, [a.text for a in answers if a.status_code not in (201, 409)]
    assert statuses[201] >= 1
    won = [answer.json() for answer in answers if answer.status_code == 201]
    assert all(body == won[0] for body in won)
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, code="idempotency.in_flight")
    assert await call.count() == 1
    after = await call.send(both[1], "k")
    assert (after.status_code, after.json()) == (201, won[0])
    await assert_clean()


async def test_two_bodies_with_one_key_at_once_on_two_workers_have_one_effect(
    call: Call, both: tuple[httpx.AsyncClient, httpx.AsyncClient], assert_clean
):
    answers = await asyncio.gather(
        *(call.send(both[n % 2], "k", call.body if n % 2 else call.other) for n in range(AT_ONCE))
    )
    assert {answer.status_code for answer in answers} <= {201, 409, 422}, [a.text for a in answers]
    won = [answer.json() for answer in answers if answer.status_code == 201]
    assert won
    assert all(body == won[0] for body in won)
    # The other body asks for two of the line.
    assert await call.count() in ((1, 2) if call.path.endswith("/lines") else (1,))
    await assert_clean()


async def test_keys_of_two_programs_and_of_two_calls_do_not_meet(api: httpx.AsyncClient, shop: Shop):
    sku_id = await shop.add_product(stock=0)
    other = {"authorization": f"Bearer {await shop.make_key()}", "idempotency-key": "k"}
    here = str(shop.warehouse.place_id)
    (
        await api.post(RECEIPTS, json=receipt_body(shop, sku_id), headers={"idempotency-key": "k"})
    ).raise_for_status()
    (await api.post(RECEIPTS, json=receipt_body(shop, sku_id), headers=other)).raise_for_status()
    body = {"sku_id": str(sku_id), "place_id": here, "delta": 1, "reason": "found"}
    answer = await api.post("/api/v1/stock/adjustments", json=body, headers={"idempotency-key": "k"})
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False)
    assert await level(api, sku_id, here) == (3, 0, 3)


@pytest.mark.parametrize("what", ["refunds", "cancellation", "fulfilment"])
async def test_what_follows_on_an_order_happens_once_at_many_times_at_once(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient],
    shop: Shop,
    till: Commerce,
    other_application: Any,
    provider: FakeProvider,
    what: str,
    assert_clean,
):
    api = both[0]
    # Both workers speak with the one provider.
    other_application.app.state.commerce = type(till)(
        other_application.app.state.platform.db,
        other_application.app.state.platform.lane,
        till.providers,
        till.settings,
        till.secret,
    )
    sku_id = await shop.add_product()
    order_id = (await place(api, sku_id))["order_id"]
    total = (await pay(api, till, provider, shop, order_id))["total_minor"]
    body = {"amount_minor": 100} if what == "refunds" else {}
    path = f"{ORDERS}/{order_id}/{what}"
    answers = await asyncio.gather(
        *(both[n % 2].post(path, json=body, headers={"idempotency-key": "k"}) for n in range(AT_ONCE))
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}, [a.text for a in answers]
    assert any(answer.status_code < 300 for answer in answers)
    if what == "refunds":
        assert list(provider.refunds.values()) == [100]
        other = await api.post(path, json={"amount_minor": 101}, headers={"idempotency-key": "k"})
        assert_problem(other, 422, code="idempotency.body_differs")
        assert list(provider.refunds.values()) == [100]
    if what == "cancellation":
        assert list(provider.refunds.values()) == [total]
    if what == "fulfilment":
        assert await level(api, sku_id, shop.warehouse.place_id) == (9, 0, 9)
    await assert_clean()


async def test_refunds_with_different_keys_at_once_never_exceed_what_was_paid(
    api: httpx.AsyncClient, shop: Shop, till: Commerce, provider: FakeProvider, assert_clean
):
    sku_id = await shop.add_product(price_minor=400)
    order_id = (await place(api, sku_id))["order_id"]
    total = (await pay(api, till, provider, shop, order_id))["total_minor"]
    answers = await asyncio.gather(
        *(api.post(f"{ORDERS}/{order_id}/refunds", json={"amount_minor": 300}) for _ in range(10))
    )
    done = sum(answer.status_code == 201 for answer in answers)
    assert done == total // 300
    for answer in answers:
        if answer.status_code != 201:
            assert_problem(answer, 422, code="refund.amount_invalid")
    assert sum(provider.refunds.values()) == done * 300
    await assert_clean()


async def test_orders_with_different_keys_at_once_share_the_last_units_fairly(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient], shop: Shop, assert_clean
):
    sku_id = await shop.add_product(stock=5)
    answers = await asyncio.gather(
        *(both[n % 2].post(ORDERS, json=order_body(sku_id, note=str(new_id()))) for n in range(30))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 5, 409: 25}
    assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 201}) == 5
    assert len(await collect(both[0], ORDERS)) == 5
    await assert_clean()
