"""Tenders over the JSON API: issued, entered at a cart, paid with, asked for; each with its scope."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from tests.shop import Shop, api_client
from tests.tender.conftest import Till

Check = Callable[[], Awaitable[None]]
CONTACT = {"email": "ann@example.com", "name": "Ann Lee"}


@pytest.fixture
async def api(shop: Shop, transport: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(transport, shop, await shop.make_key()) as client:
        yield client


async def open_cart(api: httpx.AsyncClient, shop: Shop, price_minor: int = 4000) -> str:
    sku_id = await shop.add_product(price_minor=price_minor)
    cart = (await api.post("/api/v1/carts", json={})).json()["cart_id"]
    await api.post(f"/api/v1/carts/{cart}/lines", json={"sku_id": str(sku_id), "quantity": 1})
    await api.put(f"/api/v1/carts/{cart}/contact", json=CONTACT)
    await api.put(
        f"/api/v1/carts/{cart}/delivery",
        json={"delivery": "pickup", "place_id": str(shop.store.place_id)},
    )
    return str(cart)


async def test_a_gift_card_is_issued_entered_and_pays(
    api: httpx.AsyncClient, shop: Shop, assert_clean: Check
) -> None:
    issue = {"amount_minor": 1500, "count": 2, "note": "opening"}
    first = await api.post("/api/v1/gift-cards", json=issue, headers={"idempotency-key": "one"})
    again = await api.post("/api/v1/gift-cards", json=issue, headers={"idempotency-key": "one"})
    assert (first.status_code, again.json()) == (201, first.json())
    card, other = first.json()
    listed = (await api.get("/api/v1/gift-cards")).json()["items"]
    assert {each["card_id"] for each in listed} == {card["card_id"], other["card_id"]}
    assert all("code" not in each and len(each["code_end"]) == 4 for each in listed)
    sku_id = await shop.add_product(price_minor=4000, store_stock=3)
    cart = (await api.post("/api/v1/carts", json={})).json()["cart_id"]
    await api.post(f"/api/v1/carts/{cart}/lines", json={"sku_id": str(sku_id), "quantity": 1})
    await api.put(f"/api/v1/carts/{cart}/contact", json=CONTACT)
    await api.put(
        f"/api/v1/carts/{cart}/delivery",
        json={"delivery": "pickup", "place_id": str(shop.store.place_id)},
    )
    for code, units in ((card["code"], None), (other["code"], 500)):
        body = {"kind": "gift_card", "code": code} | ({"units": units} if units else {})
        assert (await api.post(f"/api/v1/carts/{cart}/tenders", json=body)).status_code == 201
    tenders = (await api.get(f"/api/v1/carts/{cart}/tenders")).json()
    assert [each["amount_minor"] for each in tenders["tenders"]] == [1500, 500]
    assert tenders["due_minor"] == 2000
    await api.delete(f"/api/v1/carts/{cart}/tenders/{other['card_id']}")
    quote = (await api.get(f"/api/v1/carts/{cart}/quote")).json()
    assert (quote["total_minor"], quote["tendered"]["due_minor"]) == (4000, 2500)
    placed = (await api.post(f"/api/v1/carts/{cart}/complete", json={"digest": quote["digest"]})).json()
    assert (placed["total_minor"], placed["due_minor"]) == (4000, 2500)
    order = (await api.get(f"/api/v1/orders/{placed['order_id']}")).json()
    assert [(t["kind"], t["amount_minor"], t["label"]) for t in order["tenders"]] == [
        ("gift_card", 1500, card["code"][-6:].replace("-", "")[-4:])
    ]
    found = (await api.post("/api/v1/gift-cards/lookup", json={"code": card["code"]})).json()
    assert (found["balance_minor"], found["held_minor"]) == (1500, 1500)
    await assert_clean()


async def test_a_members_balance_takes_a_scope_of_its_own(
    api: httpx.AsyncClient, shop: Shop, till: Till, transport: httpx.ASGITransport
) -> None:
    member = await till.member()
    terms = {"points_block": 100, "block_minor": 100, "cap_percent": 50, "earn_points": 1}
    assert (await api.put("/api/v1/tender-terms", json=terms)).json()["cap_percent"] == 50
    path = f"/api/v1/members/{member}/purse"
    given = {"kind": "points", "units": 900, "reason": "welcome"}
    assert (await api.post(f"{path}/adjustments", json=given)).json()["points"] == 900
    taken = await api.post(f"{path}/adjustments", json=given | {"units": -901})
    assert (taken.status_code, taken.json()["code"]) == (409, "tender.balance_short")
    assert [e["units"] for e in (await api.get(f"{path}/entries")).json()["items"]] == [900]
    body = {"kind": "points", "member_id": str(member), "units": 500}
    async with api_client(transport, shop, await shop.make_key("checkout:write")) as poor:
        cart = (await poor.post("/api/v1/carts", json={})).json()["cart_id"]
        assert (await poor.post(f"/api/v1/carts/{cart}/tenders", json=body)).status_code == 403
    sku_id = await shop.add_product(price_minor=4000)
    cart = (await api.post("/api/v1/carts", json={})).json()["cart_id"]
    await api.post(f"/api/v1/carts/{cart}/lines", json={"sku_id": str(sku_id), "quantity": 1})
    nobody = await api.post(f"/api/v1/carts/{cart}/tenders", json={"kind": "wallet"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "tender.member_missing")
    assert (await api.post(f"/api/v1/carts/{cart}/tenders", json=body)).status_code == 201
    quote = (await api.get(f"/api/v1/carts/{cart}/quote")).json()
    assert (quote["tendered"]["due_minor"], quote["tendered"]["award_points"]) == (3500, 35)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "gift_card", "code": "' OR 1=1 --"},
        {"kind": "gift_card", "code": "\u0000"},
        {"kind": "gift_card", "code": ""},
        {"kind": "cash"},
        {"kind": "points", "units": -1},
        {"kind": "points", "units": 10**30},
        {"kind": "gift_card", "code": "x" * 5000},
        {"kind": "gift_card", "code": 5},
    ],
)
async def test_hostile_entries_are_refused_and_keep_nothing(
    api: httpx.AsyncClient, shop: Shop, body: dict[str, object]
) -> None:
    cart = await open_cart(api, shop)
    answer = await api.post(f"/api/v1/carts/{cart}/tenders", json=body)
    assert 400 <= answer.status_code < 500
    assert (await api.get(f"/api/v1/carts/{cart}/tenders")).json()["tenders"] == []


async def test_an_order_in_one_call_is_paid_by_gift_cards_once(
    api: httpx.AsyncClient, shop: Shop, assert_clean: Check
) -> None:
    cards = (await api.post("/api/v1/gift-cards", json={"amount_minor": 1500, "count": 2})).json()
    sku_id = await shop.add_product(price_minor=4000, store_stock=9)
    body = {
        "lines": [{"sku_id": str(sku_id), "quantity": 1}],
        "contact": CONTACT,
        "delivery": "pickup",
        "place_id": str(shop.store.place_id),
        "gift_card_codes": [cards[0]["code"], cards[1]["code"], cards[0]["code"].lower()],
    }
    answers = [
        await api.post("/api/v1/orders", json=body, headers={"idempotency-key": "one"}) for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    placed = answers[0].json()
    assert (placed["due_minor"], answers[1].json()["order_id"]) == (1000, placed["order_id"])
    again = await api.post("/api/v1/orders", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "gift_card.held")
    wrong = await api.post("/api/v1/orders", json=body | {"gift_card_codes": ["NOBODY"]})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "gift_card.unknown")
    many = await api.post("/api/v1/orders", json=body | {"gift_card_codes": ["A"] * 6})
    assert many.status_code == 400
    assert len((await api.get("/api/v1/orders")).json()["items"]) == 1
    await assert_clean()


async def test_issuing_with_one_key_at_once_makes_the_cards_once(api: httpx.AsyncClient) -> None:
    async def issue() -> httpx.Response:
        return await api.post(
            "/api/v1/gift-cards", json={"amount_minor": 100}, headers={"idempotency-key": "same"}
        )

    answers = await asyncio.gather(*(issue() for _ in range(6)))
    assert {each.status_code for each in answers} <= {201, 409}
    assert len((await api.get("/api/v1/gift-cards")).json()["items"]) == 1
