"""Hostile input over HTTP: every refusal is a plain problem, never a 500, and changes nothing."""

import base64
import json
from typing import Any

import httpx
import msgspec
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
from tests.shop import ADDRESS, Shop

from serai.foundation.ids import derive_id, new_id

NULL = "a\x00b"
LONG = "x" * 200_000

# The same in every test worker, which must all collect the same tests.
NOBODY = derive_id("nobody")


async def test_an_unknown_path_and_a_wrong_method_are_problems(api: httpx.AsyncClient):
    assert_problem(await api.get("/api/v1/nothing"), 404, code="not_found")
    assert_problem(await api.get("/api/v1/products/xyz"), 404, code="not_found")
    assert_problem(await api.delete(PRODUCTS), 405)
    assert_problem(await api.put(ORDERS, json={}), 405)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\x00",
        b'{"reason": "\xff\xfe"}',
        b'{"reason": "\\ud800"}',
        b'{"quantity": NaN}',
        b'{"quantity": Infinity}',
        b'{"quantity": -}',
        b'{"reason": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" * 5_000,
        b'{"a": 1, "a": 2}',
    ],
    ids=lambda body: body[:24],
)
async def test_a_body_that_is_no_json_or_nests_too_deep_is_malformed(
    api: httpx.AsyncClient, take_snapshot: Snapshot, body: bytes
):
    before = await take_snapshot()
    for path in (RECEIPTS, ORDERS, PRODUCTS, "/api/v1/carts"):
        answer = await api.post(path, content=body, headers={"content-type": "application/json"})
        if path == "/api/v1/carts" and answer.status_code == 201:
            pytest.fail("a cart was opened by a body that is not one")
        assert_problem(answer, 400, code="malformed")
    assert await take_snapshot() == before


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/x-msgpack", "text/plain"])
async def test_a_body_of_another_media_type_is_refused(
    api: httpx.AsyncClient, take_snapshot: Snapshot, kind: str
):
    before = await take_snapshot()
    answer = await api.post(RECEIPTS, content=b"quantity=1", headers={"content-type": kind})
    assert_problem(answer, 400, 415)
    assert_problem(await api.post(RECEIPTS, files={"data": b"x"}), 400, 415)
    assert await take_snapshot() == before


async def test_an_oversized_body_is_refused_whether_it_says_its_size_or_not(
    api: httpx.AsyncClient, take_snapshot: Snapshot
):
    async def drip():
        for _ in range(200):
            yield b" " * 10_000

    before = await take_snapshot()
    for content in (b'{"reason": "' + b"a" * 1_100_000 + b'"}', drip()):
        answer = await api.post(RECEIPTS, content=content, headers={"content-type": "application/json"})
        assert_problem(answer, 413, code="too_large")
    assert await take_snapshot() == before


@pytest.mark.parametrize(
    "quantity",
    [0, -1, 1.5, "1.5", True, False, None, [], {}, "", "abc", "１", 10**7 + 1, 2**63, 10**40, "-1"],
)
async def test_a_quantity_that_is_no_whole_number_in_range_is_refused_everywhere(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot, quantity: Any
):
    sku_id = await shop.add_product()
    cart = (await api.post("/api/v1/carts", json={})).json()
    before = await take_snapshot()
    line = {"sku_id": str(sku_id), "quantity": quantity}
    assert_problem(await api.post(RECEIPTS, json=receipt_body(shop, sku_id, quantity=quantity)), 400)
    assert_problem(await api.post(ORDERS, json=order_body(sku_id, lines=[line])), 400)
    assert_problem(await api.post(f"/api/v1/carts/{cart['cart_id']}/lines", json=line), 400)
    assert await take_snapshot() == before


async def test_forged_prices_totals_and_other_unknown_fields_are_refused(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot
):
    sku_id = await shop.add_product(price_minor=500)
    cart = (await api.post("/api/v1/carts", json={})).json()
    line = {"sku_id": str(sku_id), "quantity": 1}
    cart_path = f"/api/v1/carts/{cart['cart_id']}"
    address = msgspec.to_builtins(ADDRESS)
    before = await take_snapshot()
    for path, body in (
        (ORDERS, order_body(sku_id, total_minor=1)),
        (ORDERS, order_body(sku_id, shipping_minor=0)),
        (ORDERS, order_body(sku_id, lines=[line | {"price_minor": 1}])),
        (
            ORDERS,
            order_body(sku_id, contact={"email": "a@example.com", "name": "A", "member_id": str(new_id())}),
        ),
        (ORDERS, order_body(sku_id, address=address | {"country_name": "x"})),
        (f"{cart_path}/lines", line | {"price_minor": 1}),
        (f"{cart_path}/complete", {"digest": "x", "total_minor": 1}),
        ("/api/v1/carts", {"owner": "web:somebody"}),
        (RECEIPTS, receipt_body(shop, sku_id, on_hand=10**6)),
        (PRODUCTS, product_body(shop, merchant_id=str(new_id()))),
        (f"/api/v1/variants/{sku_id}/prices", {"amount_minor": 1, "currency": "JPY"}),
    ):
        assert_problem(await api.post(path, json=body), 400)
    for path, body in (
        (f"{cart_path}/contact", {"email": "a@example.com", "name": "A", "total_minor": 1}),
        (f"{cart_path}/address", address | {"price": 0}),
        (f"{cart_path}/delivery", {"delivery": "ship", "price_minor": 0}),
    ):
        assert_problem(await api.put(path, json=body), 400)
    wrong_total = order_body(sku_id, expected_total_minor=500)
    problem = assert_problem(await api.post(ORDERS, json=wrong_total), 409, code="checkout.changed")
    assert problem["data"] == {"expected_minor": 500, "total_minor": 500 + 599}
    huge = order_body(sku_id, expected_total_minor=10**30)
    assert_problem(await api.post(ORDERS, json=huge), 409, code="checkout.changed")
    assert await take_snapshot() == before


async def test_the_null_character_is_refused_in_every_text_of_a_body(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot
):
    sku_id = await shop.add_product()
    cart = (await api.post("/api/v1/carts", json={})).json()
    cart_path = f"/api/v1/carts/{cart['cart_id']}"
    address = msgspec.to_builtins(ADDRESS)
    before = await take_snapshot()
    for path, body in (
        (RECEIPTS, receipt_body(shop, sku_id, reason=NULL)),
        (
            "/api/v1/stock/adjustments",
            {k: v for k, v in receipt_body(shop, sku_id).items() if k != "quantity"}
            | {"delta": -1, "reason": NULL},
        ),
        (ORDERS, order_body(sku_id, note=NULL)),
        (ORDERS, order_body(sku_id, contact={"email": "ann@example.com", "name": NULL})),
        (ORDERS, order_body(sku_id, address=address | {"line2": NULL})),
        (PRODUCTS, product_body(shop, title=NULL)),
        (PRODUCTS, product_body(shop, sku=NULL)),
        (PRODUCTS, product_body(shop, description=NULL)),
        (PRODUCTS, product_body(shop, gtin=NULL)),
        (f"/api/v1/variants/{sku_id}/prices", {"amount_minor": 1, "reason": NULL}),
        (f"{cart_path}/complete", {"digest": NULL}),
    ):
        assert_problem(await api.post(path, json=body), 422, code="text.character_invalid")
    assert_problem(
        await api.put(f"{cart_path}/contact", json={"email": "ann@example.com", "name": NULL}), 422
    )
    assert_problem(await api.put(f"{cart_path}/address", json=address | {"city": NULL}), 422)
    assert await take_snapshot() == before
    # Told by its six letters it is text like any other.
    written = order_body(sku_id, note=r"\u0000")
    assert (await api.post(ORDERS, json=written)).status_code == 201


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (PRODUCTS, {"query": NULL}),
        (PRODUCTS, {"query": "' OR 1=1 --"}),
        (PRODUCTS, {"query": "& | ! <-> :* ()"}),
        (PRODUCTS, {"query": "x" * 200}),
        (PRODUCTS, {"query": "\ufffd\U0001f600" * 20}),
        (PRODUCTS, {"sort": "price; DROP TABLE"}),
        (ORDERS, {"query": "%_\\"}),
        (ORDERS, {"since": "2024-01-01T00:00:00"}),
        (ORDERS, {"since": "0001-01-01T00:00:00Z"}),
    ],
)
async def test_odd_words_are_only_words(
    api: httpx.AsyncClient, shop: Shop, path: str, params: dict[str, str]
):
    await shop.add_product()
    answer = await api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"items", "next_cursor"}


def cursor_of(key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, str(NOBODY)]).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (PRODUCTS, {"brand": NULL}),
        (PRODUCTS, {"category_id": "x"}),
        (PRODUCTS, {"limit": "0"}),
        (PRODUCTS, {"limit": "101"}),
        (PRODUCTS, {"limit": "9" * 5000}),
        (PRODUCTS, {"limit": "1.5"}),
        (PRODUCTS, {"query": "x" * 201}),
        (PRODUCTS, {"cursor": "%%%"}),
        (PRODUCTS, {"cursor": "é"}),
        (PRODUCTS, {"cursor": "A" * 401}),
        (PRODUCTS, {"cursor": cursor_of(2**63)}),
        (PRODUCTS, {"cursor": cursor_of(-(2**63) - 1)}),
        (PRODUCTS, {"cursor": cursor_of(1.5)}),
        (PRODUCTS, {"cursor": cursor_of(True)}),
        (PRODUCTS, {"cursor": cursor_of("text")}),
        (PRODUCTS, {"cursor": cursor_of(1), "sort": "title"}),
        (PRODUCTS, {"cursor": cursor_of(NULL), "sort": "title"}),
        (ORDERS, {"query": NULL}),
        (ORDERS, {"state": "lost"}),
        (ORDERS, {"since": "yesterday"}),
        (ORDERS, {"since": "0001-01-01T00:00:00+14:00"}),
        (ORDERS, {"since": "9999-12-31T23:59:59-14:00"}),
        (ORDERS, {"cursor": "x"}),
        (ORDERS, {"cursor": f"0001-01-01T00:00:00+14:00|{NOBODY}"}),
        (ORDERS, {"cursor": f"2024-01-01T00:00:00|{NOBODY}"}),
        (f"/api/v1/stock/{NOBODY}/movements", {"place_id": "x"}),
        (f"/api/v1/stock/{NOBODY}/movements", {}),
        (f"/api/v1/stock/{NOBODY}/movements", {"place_id": str(NOBODY), "cursor": NULL}),
    ],
    ids=str,
)
async def test_an_impossible_parameter_is_a_refusal(
    api: httpx.AsyncClient, path: str, params: dict[str, str]
):
    assert_problem(await api.get(path, params=params), 400, 422)


async def test_texts_too_long_are_refused(api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot):
    sku_id = await shop.add_product()
    before = await take_snapshot()
    for path, body in (
        (PRODUCTS, product_body(shop, title=LONG)),
        (PRODUCTS, product_body(shop, sku=LONG)),
        (PRODUCTS, product_body(shop, description=LONG)),
        (RECEIPTS, receipt_body(shop, sku_id, reason=LONG)),
        (ORDERS, order_body(sku_id, note=LONG)),
        (ORDERS, order_body(sku_id, contact={"email": LONG + "@example.com", "name": "A"})),
        (ORDERS, order_body(sku_id, contact={"email": "a@" + "a." * 90_000, "name": "A"})),
        (ORDERS, order_body(sku_id, contact={"email": "a@example.com", "name": LONG})),
        (ORDERS, order_body(sku_id, contact={"email": "a@example.com", "name": "A", "phone": "1" * 100_000})),
        (ORDERS, order_body(sku_id, lines=[{"sku_id": str(sku_id), "quantity": 1}] * 101)),
        (ORDERS, order_body(sku_id, lines=[])),
    ):
        assert_problem(await api.post(path, json=body), 400, 422)
    assert await take_snapshot() == before


@pytest.mark.parametrize(
    "contact",
    [
        {"email": "", "name": "A"},
        {"email": "ann", "name": "A"},
        {"email": "a b@example.com", "name": "A"},
        {"email": "ann@example.com", "name": "  "},
        {"email": "ann@example.com", "name": "A", "phone": "call me"},
        {"email": "ann@example.com\r\nBcc: all@example.com", "name": "A"},
    ],
)
async def test_a_contact_that_cannot_be_reached_places_nothing(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot, contact: dict[str, str]
):
    sku_id = await shop.add_product()
    before = await take_snapshot()
    answer = await api.post(ORDERS, json=order_body(sku_id, contact=contact))
    assert assert_problem(answer, 422, code="checkout.field_invalid")["data"]["field"] in contact
    assert await take_snapshot() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": ""}, "country"),
        ({"line1": " "}, "line1"),
        ({"city": ""}, "city"),
        ({"region": ""}, "region"),
        ({"postcode": "4520"}, "postcode"),
        ({"postcode": "4520²"}, "postcode"),
        ({"line2": "x" * 121}, "line2"),
    ],
)
async def test_an_address_that_cannot_be_delivered_to_places_nothing(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot, change: dict[str, str], field: str
):
    sku_id = await shop.add_product()
    before = await take_snapshot()
    answer = await api.post(ORDERS, json=order_body(sku_id, address=msgspec.to_builtins(ADDRESS) | change))
    assert assert_problem(answer, 422, code="checkout.field_invalid")["data"]["field"] == field
    assert await take_snapshot() == before


async def test_ids_that_nobody_has_are_not_found(api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot):
    sku_id, nobody = await shop.add_product(), new_id()
    before = await take_snapshot()
    for path in (
        f"{PRODUCTS}/{nobody}",
        f"{ORDERS}/{nobody}",
        f"/api/v1/carts/{nobody}",
        f"/api/v1/carts/{nobody}/quote",
        f"/api/v1/variants/{nobody}/prices",
    ):
        assert_problem(await api.get(path), 404)
    for path, body in (
        (RECEIPTS, receipt_body(shop, nobody)),
        (RECEIPTS, receipt_body(shop, sku_id, place_id=str(nobody))),
        (PRODUCTS, product_body(shop, category_id=str(nobody))),
        (f"/api/v1/variants/{nobody}/prices", {"amount_minor": 5}),
        (f"/api/v1/carts/{nobody}/lines", {"sku_id": str(sku_id)}),
        (f"/api/v1/carts/{nobody}/complete", {"digest": "x"}),
        ("/api/v1/carts", {"place_id": str(nobody)}),
        (f"{ORDERS}/{nobody}/fulfilment", {}),
        (f"{ORDERS}/{nobody}/cancellation", {}),
        (f"{ORDERS}/{nobody}/refunds", {"amount_minor": 5}),
        (f"{ORDERS}/{nobody}/payment", None),
        (ORDERS, order_body(sku_id, delivery="pickup", place_id=str(nobody))),
        ("/webhooks/nobody", {}),
    ):
        assert_problem(await api.post(path, json=body), 404)
    assert_problem(await api.patch(f"{PRODUCTS}/{nobody}", json={"version": 10**30}), 404)
    unknown = order_body(nobody)
    assert_problem(await api.post(ORDERS, json=unknown), 422, code="cart.product_unknown")
    assert await take_snapshot() == before


async def test_a_product_whose_pack_would_be_an_ocean_has_no_unit_price(api: httpx.AsyncClient, shop: Shop):
    for content in ("999 x 99999 gal", "1/0 gal", "0 g", "22 lb", "½ l", "99999.999 kg"):
        answer = await api.post(PRODUCTS, json=product_body(shop, content_text=content))
        assert answer.status_code == 201, answer.text
        assert answer.json()["variants"][0]["content_text"] == content


async def test_a_sku_that_an_address_cannot_hold_still_makes_a_page_that_opens(
    api: httpx.AsyncClient, shop: Shop
):
    slugs = []
    for sku in ("a/b", "a b", "a?b#c", "..", "大米", "A-B", "%2e%2e"):
        answer = await api.post(PRODUCTS, json=product_body(shop, sku=sku, title="米", published=True))
        assert answer.status_code == 201, answer.text
        slugs.append(answer.json()["slug"])
        page = await api.get(f"/p/{slugs[-1]}")
        assert (page.status_code, "米" in page.text) == (200, True), sku
    assert len(set(slugs)) == len(slugs)


async def test_the_null_character_in_addresses_and_forms_of_pages_is_no_fault_of_ours(
    api: httpx.AsyncClient, shop: Shop
):
    for path in ("/search?q=%00", "/%00", "/p/%00", "/console/sign-in?next=%00", "/api/v1/%00"):
        assert (await api.get(path)).status_code < 500, path
    await api.get("/console/sign-in")
    form = {"email": f"{NULL}@example.com", "password": NULL, "_csrf_token": api.cookies["csrftoken"]}
    assert (await api.post("/console/sign-in", data=form)).status_code in (401, 422)
