"""JSON API of catalogue, products and stock, as a program uses it."""

import asyncio

import httpx
from tests.commerce.conftest import Snapshot
from tests.commerce.request import assert_problem, product_body
from tests.shop import Shop

from serai.foundation.ids import new_id

PRODUCTS = "/api/v1/products"


async def collect(api: httpx.AsyncClient, path: str, **params: str) -> list[dict]:
    """All items of a list, page by page."""
    items: list[dict] = []
    for _page in range(100):
        answer = (await api.get(path, params=params)).raise_for_status().json()
        items += answer["items"]
        if answer["next_cursor"] is None:
            return items
        params["cursor"] = answer["next_cursor"]
    raise AssertionError("the list has no end")


async def level(api: httpx.AsyncClient, sku_id: object, place_id: object) -> tuple[int, int, int]:
    """(on hand, reserved, available) of a SKU at a place."""
    levels = (await api.get(f"/api/v1/stock/{sku_id}")).raise_for_status().json()
    found = next((each for each in levels if each["place_id"] == str(place_id)), None)
    return (found["on_hand"], found["reserved"], found["available"]) if found else (0, 0, 0)


async def test_products_come_page_by_page_without_gap_or_repeat_in_every_order(
    api: httpx.AsyncClient, shop: Shop
):
    prices = [500, 100, 300, 300, 300, 200, 700]
    for n, price_minor in enumerate(prices):
        await shop.add_product(f"Rice {'BACDEGF'[n]}", price_minor=price_minor, stock=0)
    for sort in ("relevance", "price", "-price", "title", "newest", "no such order"):
        cards = await collect(api, PRODUCTS, sort=sort, limit="2")
        assert len({card["product_id"] for card in cards}) == len(cards) == len(prices), sort
        got = [card["price_minor"] for card in cards]
        if sort == "price":
            assert got == sorted(prices)
        if sort == "-price":
            assert got == sorted(prices, reverse=True)
        if sort == "title":
            assert [card["title"] for card in cards] == [f"Rice {letter}" for letter in "ABCDEFG"]
        if sort == "newest":
            assert got == prices[::-1]


async def test_search_finds_words_beginnings_brands_and_categories_but_nothing_unpublished(
    api: httpx.AsyncClient, shop: Shop
):
    await shop.add_product("Basmati rice, 5 lb", stock=0)
    await shop.add_product("Brown rice, 2 lb", stock=0)
    await shop.add_product("Whole milk, 1 gal", stock=0)
    hidden = (await api.post(PRODUCTS, json=product_body(shop, title="Hidden rice"))).json()

    async def find(query: str, **params: str) -> list[str]:
        return sorted(card["title"] for card in await collect(api, PRODUCTS, query=query, **params))

    assert await find("rice") == ["Basmati rice, 5 lb", "Brown rice, 2 lb"]
    assert await find("RICE basm") == ["Basmati rice, 5 lb"]
    assert await find("mil") == ["Whole milk, 1 gal"]
    assert await find("rice milk") == []
    assert len(await find("own brand")) == 3
    assert len(await find("pantry")) == 3
    assert len(await find("食品柜")) == 3
    assert await find("rice", brand="Nobody's") == []
    assert await find("rice", category_id=str(new_id())) == []
    assert len(await find("rice", category_id=str(shop.category.category_id))) == 2
    assert (await api.get(f"{PRODUCTS}/{hidden['product_id']}")).status_code == 200
    reader = {"authorization": f"Bearer {await shop.make_key('catalogue:read')}"}
    assert_problem(await api.get(f"{PRODUCTS}/{hidden['product_id']}", headers=reader), 404)


async def test_a_product_is_made_edited_priced_and_published(
    api: httpx.AsyncClient, shop: Shop, assert_clean
):
    body = product_body(shop, title="Jasmine rice", price_minor=499, content_text="1 kg", brand="Lotus")
    answer = await api.post(PRODUCTS, json=body)
    assert answer.status_code == 201
    made = answer.json()
    variant = made["variants"][0]
    assert (made["published"], made["version"], variant["price_minor"]) == (False, 1, 499)
    assert (variant["content_amount"], variant["content_unit"], variant["currency"]) == (1000, "g", "USD")
    path = f"{PRODUCTS}/{made['product_id']}"
    edited = (
        await api.patch(path, json={"version": 1, "title": "Jasmine rice, new", "published": True})
    ).json()
    assert (edited["title"], edited["brand"], edited["published"]) == ("Jasmine rice, new", "Lotus", True)
    assert edited["version"] > 1
    prices = f"/api/v1/variants/{variant['sku_id']}/prices"
    answer = await api.post(prices, json={"amount_minor": 599, "reason": "dearer"})
    assert (answer.status_code, answer.json()["amount_minor"]) == (201, 599)
    history = [(entry["amount_minor"], entry["reason"]) for entry in (await api.get(prices)).json()]
    assert history == [(599, "dearer"), (499, "first price")]
    cards = await collect(api, PRODUCTS, query="jasmine new")
    assert [(card["title"], card["price_minor"]) for card in cards] == [("Jasmine rice, new", 599)]
    assert cards[0]["unit_price_minor"] == 60
    await assert_clean()


async def test_of_two_edits_of_one_version_the_second_is_told(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot
):
    made = (await api.post(PRODUCTS, json=product_body(shop))).json()
    path = f"{PRODUCTS}/{made['product_id']}"
    answers = await asyncio.gather(
        *(api.patch(path, json={"version": made["version"], "title": f"Title {n}"}) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    before = await take_snapshot()
    late = await api.patch(path, json={"version": made["version"], "title": "late"})
    problem = assert_problem(late, 409, code="product.edited_meanwhile")
    assert problem["data"]["version"] == won["version"]
    assert await take_snapshot() == before
    assert (await api.get(path)).json()["title"] == won["title"]


async def test_a_taken_sku_and_impossible_prices_make_no_product(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot
):
    body = product_body(shop)
    sku_id = (await api.post(PRODUCTS, json=body)).json()["variants"][0]["sku_id"]
    before = await take_snapshot()
    assert_problem(await api.post(PRODUCTS, json=body), 409, code="product.sku_taken")
    for price in (-1, 10**12 + 1, 1.5, "a", True):
        assert_problem(await api.post(PRODUCTS, json=product_body(shop, price_minor=price)), 400)
        prices = f"/api/v1/variants/{sku_id}/prices"
        assert_problem(await api.post(prices, json={"amount_minor": price}), 400)
    assert_problem(await api.post(PRODUCTS, json=product_body(shop, title=" ")), 422)
    assert await take_snapshot() == before


async def test_stock_is_received_adjusted_and_transferred_and_every_move_is_listed(
    api: httpx.AsyncClient, shop: Shop, assert_clean
):
    sku_id = await shop.add_product(stock=0)
    here, there = shop.warehouse.place_id, shop.store.place_id
    base = {"sku_id": str(sku_id)}
    for path, body in (
        ("receipts", {"place_id": str(here), "quantity": 20, "reason": "PO 7"}),
        ("adjustments", {"place_id": str(here), "delta": -3, "reason": "broken"}),
        ("adjustments", {"place_id": str(here), "delta": 1, "reason": "found"}),
        ("transfers", {"from_place_id": str(here), "to_place_id": str(there), "quantity": 5}),
    ):
        answer = await api.post(f"/api/v1/stock/{path}", json=base | body)
        assert answer.status_code == 201, answer.text
    assert await level(api, sku_id, here) == (13, 0, 13)
    assert await level(api, sku_id, there) == (5, 0, 5)
    moves = await collect(api, f"/api/v1/stock/{sku_id}/movements", place_id=str(here), limit="2")
    assert [(move["quantity"], move["on_hand_after"]) for move in moves] == [
        (-5, 13),
        (1, 18),
        (-3, 17),
        (20, 20),
    ]
    assert [move["reason"] for move in moves[1:]] == ["found", "broken", "PO 7"]
    await assert_clean()


async def test_more_than_is_there_can_neither_be_taken_nor_moved_nor_moved_in_place(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot, assert_clean
):
    sku_id = await shop.add_product(stock=10)
    await shop.place((sku_id, 4))
    here, there = str(shop.warehouse.place_id), str(shop.store.place_id)
    before = await take_snapshot()
    base = {"sku_id": str(sku_id)}
    answer = await api.post(
        "/api/v1/stock/adjustments", json=base | {"place_id": here, "delta": -7, "reason": "x"}
    )
    assert assert_problem(answer, 409, code="stock.short")["data"] == {"available": 6, "wanted": 7}
    body = base | {"from_place_id": here, "to_place_id": there, "quantity": 7}
    assert_problem(await api.post("/api/v1/stock/transfers", json=body), 409, code="stock.short")
    body = base | {"from_place_id": there, "to_place_id": here, "quantity": 1}
    assert_problem(await api.post("/api/v1/stock/transfers", json=body), 409, code="stock.short")
    body = base | {"from_place_id": here, "to_place_id": here, "quantity": 1}
    assert_problem(await api.post("/api/v1/stock/transfers", json=body), 422, code="stock.same_place")
    body = base | {"place_id": here, "delta": 0, "reason": "x"}
    assert_problem(await api.post("/api/v1/stock/adjustments", json=body), 422, code="stock.quantity_invalid")
    body = base | {"place_id": here, "delta": 1, "reason": "  "}
    assert_problem(await api.post("/api/v1/stock/adjustments", json=body), 422, code="stock.reason_missing")
    after = await take_snapshot()
    # A refused move may open an empty account; what is counted on them has not changed.
    before.pop("ledger.account"), after.pop("ledger.account")
    assert after == before
    assert await level(api, sku_id, here) == (10, 4, 6)
    await assert_clean()


async def test_places_and_categories_are_listed(api: httpx.AsyncClient, shop: Shop):
    places = (await api.get("/api/v1/places")).json()
    assert {place["code"]: place["kind"] for place in places} == {"online": "warehouse", "store-1": "store"}
    await shop.add_product(stock=0)
    categories = (await api.get("/api/v1/categories")).json()
    assert [(each["slug"], each["product_count"]) for each in categories] == [("pantry", 1)]
