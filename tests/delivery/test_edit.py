"""Staff and programs write options: what contradicts itself is refused, nothing is lost, and every change is in the log."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from tests.delivery.conftest import NEW_YORK, OHIO, Dispatch, flat
from tests.shop import Shop, api_client, open_shop

from serai.commerce.delivery import api
from serai.commerce.delivery.types import Destination, Goods, Price, PriceStep, Zone
from serai.foundation.database import Database
from serai.foundation.errors import Refused
from serai.foundation.ids import MerchantId, new_id
from serai.identity.audit.api import list_entries
from serai.main.demo.deliver import offer_delivery

GOOD = flat("Standard", 500)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "   "}, "title"),
        ({"translations": {"fr": "Standard"}}, "translations"),
        ({"transit_low": 5, "transit_high": 4}, "transit_high"),
        ({"transit_weekdays": ()}, "transit_weekdays"),
        ({"zone": Zone(("XX",))}, "countries"),
        ({"zone": Zone(("US",), regions=("",))}, "regions"),
        ({"zone": Zone(("US",), postcodes=(" - ",))}, "postcodes"),
        ({"zone": Zone(("US",), postcodes=("4" * 13,))}, "postcodes"),
        # What a form could build although no reader would take it back.
        ({"zone": Zone(("US",), postcodes=tuple(str(n) for n in range(501)))}, "postcodes"),
        ({"title": "x" * 81}, "title"),
        ({"handling_days": 91}, "handling_days"),
        ({"transit_weekdays": (7,)}, "transit_weekdays"),
        ({"price": Price(steps=(PriceStep(0, 10**12 + 1),))}, "price_minor"),
        ({"price": Price(steps=tuple(PriceStep(n, 5) for n in range(41)), basis="weight")}, "steps"),
        ({"price": Price(steps=(PriceStep(1, 5),))}, "steps"),
        ({"price": Price("weight", (PriceStep(0, 5), PriceStep(9, 5), PriceStep(9, 6)))}, "steps"),
        ({"price": Price("flat", (PriceStep(0, 5), PriceStep(9, 5)))}, "steps"),
        ({"price": Price("value", (PriceStep(0, 5),), per_kg_minor=1)}, "per_kg"),
        ({"price": Price(remote_minor=5)}, "remote"),
        ({"price": Price(remote_regions=("AK",))}, "remote"),
    ],
)
async def test_terms_that_contradict_themselves_are_refused_and_nothing_is_kept(
    dispatch: Dispatch, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        await dispatch.add("standard", msgspec.structs.replace(GOOD, **change))
    assert (refused.value.code, refused.value.data["field"]) == ("delivery.terms_invalid", field)
    offered = await dispatch.offer([Goods(new_id(), 1, 100)])
    assert [each.price_minor for each in offered.options] == [599]


async def test_a_code_is_taken_once_also_by_two_who_come_together(dispatch: Dispatch) -> None:
    answers = await asyncio.gather(
        *(dispatch.add("express", flat(f"Express {n}", 900)) for n in range(5)), return_exceptions=True
    )
    refused = [each.code for each in answers if isinstance(each, Refused)]
    assert refused == ["delivery.code_taken"] * 4


async def test_of_two_edits_of_one_version_one_is_refused(shop: Shop, dispatch: Dispatch) -> None:
    row = await dispatch.add("standard", GOOD)
    answers = await asyncio.gather(
        *(dispatch.edit(row, terms=flat("Standard", price)) for price in (600, 700)), return_exceptions=True
    )
    assert [each.code for each in answers if isinstance(each, Refused)] == ["delivery.edited_meanwhile"]
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        page = await list_entries(tx)
    assert sorted(entry.action for entry in page if entry.action.startswith("delivery.")) == [
        "delivery.option_added",
        "delivery.option_changed",
    ]


async def test_the_order_of_options_is_the_merchants_and_names_each_once(
    shop: Shop, dispatch: Dispatch
) -> None:
    rows = [await dispatch.add(code, flat(code, 500)) for code in ("a", "b", "c")]
    ids = [row.option_id for row in rows]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.place_options(tx, option_ids=[ids[2], ids[0], ids[1]], by="ann")
    offered = await dispatch.offer([Goods(new_id(), 1, 100)])
    assert [each.code for each in offered.options] == ["c", "a", "b"]
    for wrong in (ids[:2], [*ids, ids[0]], [*ids[:2], new_id()]):
        with pytest.raises(Refused):
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                await api.place_options(tx, option_ids=wrong, by="ann")


async def test_goods_that_an_option_does_not_carry_take_it_from_the_whole_order(
    shop: Shop, dispatch: Dispatch
) -> None:
    ice, tea = await shop.add_product("Ice"), await shop.add_product("Tea")
    await dispatch.add("post", flat("Post", 300, excluded_sku_ids=(ice,)))
    frozen = msgspec.structs.replace(GOOD, excluded_category_ids=(shop.category.category_id,))
    await dispatch.add("van", frozen)
    assert [each.code for each in (await dispatch.offer([Goods(tea, 1, 100)])).options] == ["post"]
    refused = await dispatch.offer([Goods(tea, 1, 100), Goods(ice, 1, 100)])
    assert (refused.options, refused.problem) == ((), "goods")
    # A bundle is not carried when one of its parts is not.
    assert (await dispatch.offer([Goods(tea, 1, 100, parts=((ice, 1, 0),))])).problem == "goods"


async def test_weights_are_own_ones_else_what_the_content_says(shop: Shop, dispatch: Dispatch) -> None:
    price = Price("weight", (PriceStep(0, 100), PriceStep(1_000, 900)))
    await dispatch.add("post", msgspec.structs.replace(GOOD, price=price, most_grams=5_000))
    sku_id = await shop.add_product("Flour")

    async def cost(*goods: Goods) -> int | str:
        offered = await dispatch.offer(list(goods))
        return offered.options[0].price_minor if offered.options else offered.problem

    assert await cost(Goods(sku_id, 50, 100)) == 100
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute(
            "UPDATE commerce.variant SET content_amount = 500, content_unit = 'g' WHERE merchant_id = $1 AND sku_id = $2",
            shop.merchant_id,
            sku_id,
        )
    assert [await cost(Goods(sku_id, n, 100)) for n in (1, 2, 10, 11)] == [100, 900, 900, "weight"]
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await api.set_weights(tx, grams={sku_id: 1_200}, by="ann")
    assert await cost(Goods(sku_id, 1, 100)) == 900
    # What is weighed weighs itself, and a bundle what its parts do.
    assert await cost(Goods(new_id(), 999, 100, scale=3, unit="kg")) == 100
    assert await cost(Goods(new_id(), 1_000, 100, scale=3, unit="kg")) == 900
    assert await cost(Goods(new_id(), 2, 100, parts=((sku_id, 3, 0),))) == "weight"
    for wrong in (0, -1, 10_000_001):
        with pytest.raises(Refused):
            async with shop.commerce.db.transaction(shop.merchant_id) as tx:
                await api.set_weights(tx, grams={sku_id: wrong}, by="ann")


async def test_an_edition_is_seen_by_the_next_quote_of_every_process(shop: Shop, dispatch: Dispatch) -> None:
    """Also where the change was made past this process' memory."""
    await dispatch.add("standard", GOOD)
    goods = [Goods(new_id(), 1, 100)]
    assert (await dispatch.offer(goods)).options[0].price_minor == 500
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        await tx.execute(
            "UPDATE commerce.delivery_option SET terms = jsonb_set(terms, '{price,steps,0,price_minor}', '777')"
            " WHERE merchant_id = $1",
            shop.merchant_id,
        )
        await tx.execute(
            "UPDATE commerce.delivery_book SET edition = edition + 1 WHERE merchant_id = $1", shop.merchant_id
        )
    assert (await dispatch.offer(goods)).options[0].price_minor == 777


async def test_one_merchants_options_are_no_others(dispatch: Dispatch, shop: Shop, owner: Database) -> None:
    await dispatch.add("standard", GOOD)
    merchant_id = MerchantId(new_id())
    other = Dispatch(await open_shop(owner, shop.commerce, merchant_id, f"o-{merchant_id.hex[-12:]}"))
    assert [each.price_minor for each in (await other.offer([Goods(new_id(), 1, 100)])).options] == [599]


# ---- The JSON API -------------------------------------------------------------------------------------------------


@pytest.fixture
async def client(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(transport, shop, await shop.make_key()) as found:
        yield found


TERMS = {
    "title": "Express",
    "price": {"steps": [{"least": 0, "price_minor": 900}]},
    "zone": {"countries": ["US"]},
}


async def test_a_program_writes_options_and_asks_what_is_offered(
    shop: Shop, client: httpx.AsyncClient, dispatch: Dispatch
) -> None:
    await dispatch.keep(NEW_YORK)
    sku_id = str(await shop.add_product())
    made = await client.post("/api/v1/delivery-options", json={"code": "express", "terms": TERMS})
    assert made.status_code == 201, made.text
    asked = {
        "lines": [{"sku_id": sku_id, "quantity": 2}],
        "country": "US",
        "region": "OH",
        "postcode": "45202",
    }
    offered = (await client.post("/api/v1/delivery-options/offer", json=asked)).json()
    [option] = offered["options"]
    assert (option["code"], option["price_minor"]) == ("express", 900)
    assert option["promise"]["from_day"] <= option["promise"]["until_day"]
    nobody = (await client.post("/api/v1/delivery-options/offer", json=asked | {"country": "DE"})).json()
    assert (nobody["options"], nobody["problem"]) == ([], "place")
    off = await client.patch(
        f"/api/v1/delivery-options/{made.json()['option_id']}", json={"version": 1, "active": False}
    )
    assert off.json()["active"] is False
    weight = await client.put(f"/api/v1/variants/{sku_id}/weight", json={"weight_g": 4_000})
    assert weight.json() == {"weight_g": 4_000}


async def test_an_api_cart_keeps_its_option_and_an_order_in_one_call_names_its_own(
    shop: Shop, client: httpx.AsyncClient, dispatch: Dispatch
) -> None:
    await dispatch.add("standard", GOOD)
    await dispatch.add("express", flat("Express", 900))
    sku_id = str(await shop.add_product())
    cart_id = (await client.post("/api/v1/carts", json={})).json()["cart_id"]
    base = f"/api/v1/carts/{cart_id}"
    await client.post(f"{base}/lines", json={"sku_id": sku_id})
    await client.put(f"{base}/address", json=ADDRESS)
    quote = (await client.get(f"{base}/quote")).json()
    assert (quote["delivery"]["option"]["code"], quote["shipping_minor"]) == ("standard", 500)
    assert [each["code"] for each in quote["options"]] == ["standard", "express"]
    await client.put(f"{base}/delivery", json={"delivery": "ship", "option": "express"})
    await client.put(f"{base}/contact", json={"email": "ann@example.com", "name": "Ann"})
    quote = (await client.get(f"{base}/quote")).json()
    assert quote["shipping_minor"] == 900
    done = await client.post(f"{base}/complete", json={"digest": quote["digest"]})
    assert done.status_code == 201, done.text
    order = (await client.get(f"/api/v1/orders/{done.json()['order_id']}")).json()
    assert order["shipping"]["option_code"] == "express"

    body = {
        "lines": [{"sku_id": sku_id, "quantity": 1}],
        "contact": {"email": "ann@example.com", "name": "Ann"},
        "address": ADDRESS,
    }
    # Without a word about it, as before: the cheapest.
    plain = await client.post("/api/v1/orders", json=body)
    assert plain.json()["total_minor"] == 349 + 500
    named = await client.post("/api/v1/orders", json=body | {"delivery_option": "express"})
    assert named.json()["total_minor"] == 349 + 900
    wrong = await client.post("/api/v1/orders", json=body | {"delivery_option": "drone"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "delivery.option_unavailable")
    abroad = await client.post(
        "/api/v1/orders",
        json=body | {"address": {**ADDRESS, "country": "DE", "region": "", "postcode": "10117"}},
    )
    assert (abroad.status_code, abroad.json()["code"]) == (409, "delivery.unserved")


ADDRESS = {
    "country": "US",
    "region": "OH",
    "city": "Cincinnati",
    "line1": "1 Vine Street",
    "postcode": "45202",
}


@pytest.mark.parametrize(
    "terms",
    [
        TERMS | {"title": "x" * 81},
        TERMS | {"price": {"steps": []}},
        TERMS | {"price": {"steps": [{"least": 0, "price_minor": -1}]}},
        TERMS | {"price": {"steps": [{"least": 0, "price_minor": 10**18}]}},
        TERMS | {"price": {"steps": [{"least": 0, "price_minor": 1.5}]}},
        TERMS | {"zone": {"countries": ["us"]}},
        TERMS | {"zone": {"countries": "US"}},
        TERMS | {"transit_weekdays": [7]},
        TERMS | {"transit_low": 1000},
        TERMS | {"cutoff_minute": 1441},
        TERMS | {"unknown": 1},
        TERMS | {"title": "\0"},
        [],
        None,
    ],
)
async def test_hostile_terms_are_refused_by_the_api(client: httpx.AsyncClient, terms: Any) -> None:
    answer = await client.post("/api/v1/delivery-options", json={"code": "express", "terms": terms})
    assert 400 <= answer.status_code < 500, answer.text
    assert (await client.get("/api/v1/delivery-options")).json() == []


async def test_an_unknown_sku_or_country_is_refused(client: httpx.AsyncClient) -> None:
    lines = [{"sku_id": str(UUID(int=1)), "quantity": 1}]
    answer = await client.post("/api/v1/delivery-options/offer", json={"lines": lines, "country": "US"})
    assert (answer.status_code, answer.json()["code"]) == (422, "cart.product_unknown")
    for body in ({"lines": lines, "country": "usa"}, {"lines": [], "country": "US"}, {"country": "US"}):
        assert (await client.post("/api/v1/delivery-options/offer", json=body)).status_code in (400, 422)


async def test_the_demo_offers_standard_and_express_at_home_and_one_abroad(
    shop: Shop, dispatch: Dispatch
) -> None:
    assert await offer_delivery(shop.commerce.db, shop.merchant_id) == 3
    assert await offer_delivery(shop.commerce.db, shop.merchant_id) == 0
    goods = [Goods(new_id(), 1, 2_000)]
    offered = {
        place: [(each.code, each.price_minor) for each in (await dispatch.offer(goods, to)).options]
        for place, to in (("home", OHIO), ("far", Destination("US", "AK")), ("abroad", Destination("CN")))
    }
    assert offered == {
        "home": [("standard", 599), ("express", 1_290)],
        "far": [("standard", 2_099)],
        "abroad": [("international", 1_990)],
    }
