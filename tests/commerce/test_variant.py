"""Products in versions: options and their combinations, barcodes, measures, attributes, channels, and two editors."""

import asyncio
from uuid import UUID

import httpx
import pytest
from tests.commerce.conftest import Snapshot
from tests.commerce.request import assert_problem, product_body
from tests.shop import Shop

TEE = [
    {"name": "Size", "values": ["S", "M", "L"], "translations": {"zh_Hans": "尺码"}},
    {"name": "Colour", "values": ["Red", "Blue"]},
]


@pytest.fixture
async def tee(api: httpx.AsyncClient, shop: Shop) -> dict:
    """A product with one variant so far."""
    body = product_body(shop) | {"title": "T-shirt", "sku": "TEE", "price_minor": 1500}
    return (await api.post("/api/v1/products", json=body)).raise_for_status().json()


async def set_options(api: httpx.AsyncClient, product: dict, options: list, **more: object) -> httpx.Response:
    body = {"version": product["version"], "options": options, **more}
    return await api.put(f"/api/v1/products/{product['product_id']}/options", json=body)


async def test_every_combination_of_options_becomes_a_variant_with_price_and_sku(
    api: httpx.AsyncClient, tee: dict
):
    product = (await set_options(api, tee, TEE, fill=True)).raise_for_status().json()
    assert [o["name"] for o in product["options"]] == ["Size", "Colour"]
    by_choices = {tuple(v["choices"]): v for v in product["variants"]}
    assert set(by_choices) == {(s, c) for s in "SML" for c in ("Red", "Blue")}
    assert by_choices["S", "Red"]["sku"] == "TEE"
    assert by_choices["L", "Blue"]["sku"] == "TEE-L-BLUE"
    assert by_choices["L", "Blue"]["option"] == "L / Blue"
    assert {v["price_minor"] for v in product["variants"]} == {1500}
    again = (await set_options(api, product, TEE, fill=True)).raise_for_status().json()
    assert len(again["variants"]) == 6, "filling again adds nothing"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([*TEE, {"name": "Size", "values": ["1"]}], "product.option_invalid"),
        ([{"name": "", "values": ["1"]}], "product.option_invalid"),
        ([{"name": "Size", "values": []}], "product.option_invalid"),
        ([{"name": "Size", "values": ["S", "s"]}], "product.option_invalid"),
        (
            [{"name": n, "values": [str(v) for v in range(11)]} for n in ("A", "B")],
            "product.too_many_variants",
        ),
    ],
)
async def test_options_that_make_no_sense_are_refused_and_change_nothing(
    api: httpx.AsyncClient, tee: dict, take_snapshot: Snapshot, options: list, code: str
):
    before = await take_snapshot()
    assert_problem(await set_options(api, tee, options, fill=True), 422, code=code)
    assert await take_snapshot() == before


async def test_a_value_that_a_variant_has_cannot_go(api: httpx.AsyncClient, tee: dict):
    product = (await set_options(api, tee, TEE, fill=True)).json()
    fewer = [TEE[0] | {"values": ["S", "M"]}, TEE[1]]
    assert_problem(await set_options(api, product, fewer), 409, code="product.value_in_use")


async def test_of_two_editors_the_second_is_told(api: httpx.AsyncClient, tee: dict):
    product = (await set_options(api, tee, TEE)).json()
    path = f"/api/v1/products/{product['product_id']}/variants"
    bodies = [
        {"version": product["version"], "sku": f"TEE-{n}", "choices": ["M", "Red"], "price_minor": 900}
        for n in range(5)
    ]
    answers = await asyncio.gather(*(api.post(path, json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"product.edited_meanwhile"}
    shown = (await api.get(f"/api/v1/products/{product['product_id']}")).json()
    assert len(shown["variants"]) == 2


async def test_a_variant_is_refused_whose_choices_or_sku_are_taken_or_unknown(
    api: httpx.AsyncClient, tee: dict, take_snapshot: Snapshot
):
    product = (await set_options(api, tee, TEE)).json()
    path = f"/api/v1/products/{product['product_id']}/variants"
    new = {"version": product["version"], "sku": "TEE-2", "choices": ["M", "Red"]}
    before = await take_snapshot()
    for change, status, code in (
        ({"choices": ["S", "Red"]}, 409, "product.choices_taken"),
        ({"choices": ["XXL", "Red"]}, 422, "product.choices_invalid"),
        ({"choices": ["M"]}, 422, "product.choices_invalid"),
        ({"sku": "TEE"}, 409, "product.sku_taken"),
        ({"unit": "kg"}, 422, "product.measure_invalid"),
        ({"scale": 3}, 422, "product.measure_invalid"),
        ({"gtin": "4006381333932"}, 422, "product.gtin_invalid"),
    ):
        assert_problem(await api.post(path, json=new | change), status, code=code)
    assert await take_snapshot() == before


async def test_how_a_variant_is_measured_is_fixed_once_its_stock_is_counted(
    api: httpx.AsyncClient, shop: Shop
):
    sku_id = await shop.add_product("Apples", stock=0)
    product = (await api.get("/api/v1/products?query=Apples")).json()["items"][0]
    path = f"/api/v1/variants/{sku_id}"
    kilos = {"version": 1, "unit": "kg", "scale": 3, "increment": 50}
    changed = (await api.patch(path, json=kilos)).raise_for_status().json()
    assert (changed["variants"][0]["unit"], changed["variants"][0]["scale"]) == ("kg", 3)
    body = {
        "sku_id": str(sku_id),
        "place_id": str(shop.warehouse.place_id),
        "quantity": 5000,
        "reason": "first",
    }
    (await api.post("/api/v1/stock/receipts", json=body)).raise_for_status()
    refused = await api.patch(path, json={"version": changed["version"], "unit": "pc", "scale": 0})
    assert_problem(refused, 409, code="product.measure_in_use")
    assert product["product_id"] == changed["product_id"]


# ---- Barcodes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scanned", "gtin", "told"),
    [
        ("4006381333931", "04006381333931", {}),
        ("96385074", "00000096385074", {}),
        ("036000291452", "00036000291452", {}),
        (
            "010400638133393117271231310300125010AB\x1d21XY",
            "04006381333931",
            {"expires_on": "2027-12-31", "weight_kg": "1.250", "lot": "AB", "serial": "XY"},
        ),
        ("(01)04006381333931(3103)001250(10)AB-1", "04006381333931", {"weight_kg": "1.250", "lot": "AB-1"}),
        ("(01)04006381333931(3922)0399", "04006381333931", {"amount": "3.99"}),
        ("https://id.gs1.org/01/04006381333931/10/ABC", "04006381333931", {"lot": "ABC"}),
    ],
)
async def test_scanned_codes_lead_to_the_variant_and_tell_what_they_hold(
    api: httpx.AsyncClient, tee: dict, scanned: str, gtin: str, told: dict
):
    sku_id = tee["variants"][0]["sku_id"]
    (await api.post(f"/api/v1/variants/{sku_id}/barcodes", json={"gtin": gtin})).raise_for_status()
    found = (await api.get("/api/v1/barcodes", params={"code": scanned})).raise_for_status().json()
    assert found["variant"]["sku_id"] == sku_id
    assert found["scan"]["gtin"] == gtin
    assert {name: found["scan"][name] for name in told} == told


@pytest.mark.parametrize(
    "code",
    ["hello", "4006381333932", "0" * 14, "(01)04006381333930", "(01)", "1" * 300, "١٢٣٤٥٦٧٠", "-", "]C1"],
)
async def test_codes_that_are_none_are_refused(api: httpx.AsyncClient, code: str):
    assert_problem(await api.get("/api/v1/barcodes", params={"code": code}), 422, code="product.gtin_invalid")


async def test_a_variant_has_several_barcodes_and_each_is_of_one_variant(api: httpx.AsyncClient, tee: dict):
    product = (await set_options(api, tee, TEE, fill=True)).json()
    first, second = (v["sku_id"] for v in product["variants"][:2])
    for gtin in ("4006381333931", "96385074", "4006381333931"):
        (await api.post(f"/api/v1/variants/{first}/barcodes", json={"gtin": gtin})).raise_for_status()
    codes = [b["gtin"] for b in (await api.get(f"/api/v1/variants/{first}/barcodes")).json()]
    assert codes == ["00000096385074", "04006381333931"]
    taken = await api.post(f"/api/v1/variants/{second}/barcodes", json={"gtin": "04006381333931"})
    problem = assert_problem(taken, 409, code="product.barcode_taken")
    assert (problem["data"]["sku"], problem["data"]["title"]) == ("TEE", "T-shirt")
    assert problem["title"] == "“T-shirt” (TEE) has this barcode already."
    (await api.delete(f"/api/v1/variants/{first}/barcodes/4006381333931")).raise_for_status()
    (await api.post(f"/api/v1/variants/{second}/barcodes", json={"gtin": "4006381333931"})).raise_for_status()
    found = (await api.get("/api/v1/barcodes", params={"code": "4006381333931"})).json()
    assert found["variant"]["sku_id"] == second


@pytest.mark.parametrize(
    ("given", "kept", "scanned", "told"),
    [
        ("2112345004990", "02112345000008", "2112345012346", {"amount": "12.34", "weight_kg": None}),
        ("2112345000008", "02112345000008", "2112345000008", {"amount": None, "weight_kg": None}),
        ("2812345012505", "02812345000007", "2812345003459", {"weight_kg": "0.345", "amount": None}),
    ],
)
async def test_labels_of_the_shops_own_scales_tell_article_and_value(
    api: httpx.AsyncClient, tee: dict, given: str, kept: str, scanned: str, told: dict
):
    sku_id = tee["variants"][0]["sku_id"]
    path = f"/api/v1/variants/{sku_id}/barcodes"
    assert [b["gtin"] for b in (await api.post(path, json={"gtin": given})).raise_for_status().json()] == [
        kept
    ]
    found = (await api.get("/api/v1/barcodes", params={"code": scanned})).raise_for_status().json()
    assert (found["variant"]["sku_id"], found["scan"]["gtin"]) == (sku_id, kept)
    assert {name: found["scan"][name] for name in told} == told
    assert found["variant"]["gtin"] is None, "a code of our own is no GTIN of the goods"
    (await api.delete(f"{path}/{scanned}")).raise_for_status()
    assert (await api.get(path)).json() == []


async def test_one_barcode_given_to_many_at_once_goes_to_one(api: httpx.AsyncClient, tee: dict):
    product = (await set_options(api, tee, TEE, fill=True)).json()
    paths = [f"/api/v1/variants/{v['sku_id']}/barcodes" for v in product["variants"]]
    answers = await asyncio.gather(*(api.post(path, json={"gtin": "96385074"}) for path in paths))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 5


# ---- Attributes and channels --------------------------------------------------------------------------------------

ATTRIBUTES = {
    "fat": {"kind": "number", "name": "Fat", "unit": "g"},
    "vegan": {"kind": "boolean", "name": "Vegan"},
    "origin": {"kind": "text", "name": "Origin"},
    "roast": {"kind": "choice", "name": "Roast", "choices": {"dark": {"zh_Hans": "深烘"}, "light": {}}},
}


async def define(api: httpx.AsyncClient, category_id: UUID) -> None:
    for code, body in ATTRIBUTES.items():
        (await api.put(f"/api/v1/attributes/{code}", json={"code": code} | body)).raise_for_status()
    path = f"/api/v1/categories/{category_id}/attributes"
    (await api.put(path, json={"codes": ["roast", "fat", "vegan", "origin"]})).raise_for_status()


async def test_attributes_hold_values_of_their_kind_only(
    api: httpx.AsyncClient, shop: Shop, tee: dict, take_snapshot: Snapshot
):
    await define(api, shop.category.category_id)
    of_category = await api.get("/api/v1/attributes", params={"category_id": str(shop.category.category_id)})
    assert [a["code"] for a in of_category.json()] == ["roast", "fat", "vegan", "origin"]
    path = f"/api/v1/products/{tee['product_id']}/facts"
    good = {"fat": 3.5, "vegan": True, "origin": " Peru  ", "roast": "dark"}
    body = {"version": tee["version"], "attributes": good, "tags": ["New", "  new ", "Summer"]}
    product = (await api.patch(path, json=body)).raise_for_status().json()
    assert product["attributes"] == {"fat": 3.5, "vegan": True, "origin": "Peru", "roast": "dark"}
    assert product["tags"] == ["new", "summer"]
    before = await take_snapshot()
    for code, value in (
        ("fat", "much"),
        ("fat", True),
        ("fat", "NaN"),
        ("vegan", "yes"),
        ("origin", " "),
        ("origin", 5),
        ("roast", "burnt"),
    ):
        wrong = {"version": product["version"], "attributes": {code: value}}
        assert_problem(await api.patch(path, json=wrong), 422, code="attribute.value_invalid")
    changed = {"code": "fat", "kind": "text", "name": "Fat"}
    assert_problem(await api.put("/api/v1/attributes/fat", json=changed), 409, code="attribute.in_use")
    assert await take_snapshot() == before
    less = {"version": product["version"], "attributes": {"fat": None}}
    assert "fat" not in (await api.patch(path, json=less)).json()["attributes"]


async def test_channels_follow_the_web_until_told_otherwise(api: httpx.AsyncClient, tee: dict):
    path = f"/api/v1/products/{tee['product_id']}"
    assert (await api.get(f"{path}/channels")).json() == dict.fromkeys(
        ("web", "app", "pos", "agent", "market"), False
    )
    body = {"version": tee["version"], "channels": {"pos": True}}
    (await api.patch(f"{path}/channels", json=body)).raise_for_status()
    assert (await api.get(f"{path}/channels")).json()["pos"] is True
    product = (await api.get(path)).json()
    (await api.patch(path, json={"version": product["version"], "published": True})).raise_for_status()
    assert (await api.get(f"{path}/channels")).json() == dict.fromkeys(
        ("web", "app", "pos", "agent", "market"), True
    )


async def test_a_list_shows_what_its_channel_shows(api: httpx.AsyncClient, shop: Shop):
    made = {}
    for title in ("Alder", "Birch", "Cedar", "Dogwood"):
        body = product_body(shop) | {"title": title, "published": title != "Dogwood"}
        made[title] = (await api.post("/api/v1/products", json=body)).raise_for_status().json()
    for title, channels in (("Alder", {"pos": False}), ("Dogwood", {"pos": True, "market": False})):
        product = made[title]
        body = {"version": product["version"], "channels": channels}
        path = f"/api/v1/products/{product['product_id']}/channels"
        (await api.patch(path, json=body)).raise_for_status()

    async def listed(channel: str) -> list[str]:
        titles, cursor = [], None
        for _page in range(9):
            asked = {"channel": channel, "sort": "title", "limit": 1} | ({"cursor": cursor} if cursor else {})
            page = (await api.get("/api/v1/products", params=asked)).raise_for_status().json()
            titles += [item["title"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return titles
        raise AssertionError("the list has no end")

    assert await listed("web") == ["Alder", "Birch", "Cedar"]
    assert await listed("pos") == ["Birch", "Cedar", "Dogwood"]
    assert await listed("market") == ["Alder", "Birch", "Cedar"]
    assert (await api.get("/api/v1/products", params={"channel": "moon"})).status_code == 400
