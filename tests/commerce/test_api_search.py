"""The JSON API searches as the shop does, with numbers to narrow by, and refuses what is no choice."""

from typing import Any

import httpx
import pytest
from tests.commerce.indexing.work import work
from tests.commerce.request import assert_problem
from tests.shop import Shop

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Attribute
from serai.foundation.database import Database

SEARCH = "/api/v1/search"


@pytest.fixture
async def filled(shop: Shop, owner: Database) -> Shop:
    sugar = Attribute("sugar", "number", "Sugar", {"zh_Hans": "糖"}, "g", {}, 0, True)
    hidden = Attribute("batch", "text", "Batch")
    async with shop.commerce.db.transaction(shop.merchant_id) as tx:
        for attribute in (sugar, hidden):
            await catalogue.save_attribute(tx, attribute=attribute, by="test")
    for title, grams in (("带根毛芹 jam", 5), ("Plum jam", 5), ("Pear jam", 12)):
        sku_id = await shop.add_product(title, price_minor=100 * grams)
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            variant = await catalogue.load_variant(tx, sku_id=sku_id)
            await catalogue.set_facts(
                tx,
                product_id=variant.product_id,
                version=1,
                attributes={"sugar": grams, "batch": "B1"},
                tags=None,
                by="test",
            )
    await work(shop, owner)
    return shop


async def search(api: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await api.get(SEARCH, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_search_tells_products_and_how_they_divide(api: httpx.AsyncClient, filled: Shop) -> None:
    found = await search(api, query="jam")
    assert {item["title"] for item in found["items"]} == {"带根毛芹 jam", "Plum jam", "Pear jam"}
    assert (found["total"], found["is_estimated"], found["instead_of"]) == (3, False, None)
    assert found["brands"] == [{"brand": "Own brand", "products": 3}]
    assert found["categories"] == [{"category_id": str(filled.category.category_id), "products": 3}]
    (sugar,) = found["attributes"]
    assert (sugar["code"], sugar["name"], sugar["unit"]) == ("sugar", "Sugar", "g")
    assert sugar["values"] == [{"value": "5", "products": 2}, {"value": "12", "products": 1}]
    assert sum(band["products"] for band in found["prices"]) == 3


@pytest.mark.parametrize(
    ("params", "titles"),
    [
        ({"query": "maoqin"}, {"带根毛芹 jam"}),
        ({"query": "jam", "attribute": "sugar:12"}, {"Pear jam"}),
        (
            {"query": "jam", "attribute": ["sugar:12", "sugar:5"], "max_minor": 500},
            {"带根毛芹 jam", "Plum jam"},
        ),
        ({"query": "jam", "brand": ["Own brand", "Another"]}, {"带根毛芹 jam", "Plum jam", "Pear jam"}),
        ({"query": "jam", "brand": "Another"}, set()),
        ({"attribute": "sugar:12"}, {"Pear jam"}),
        ({"query": "'; DROP TABLE"}, set()),
        ({"query": "%_%"}, set()),
        ({"query": "!!!"}, set()),
    ],
)
async def test_a_search_is_narrowed(
    api: httpx.AsyncClient, filled: Shop, params: dict[str, Any], titles: set[str]
) -> None:
    assert {item["title"] for item in (await search(api, **params))["items"]} == titles


async def test_pages_of_a_narrowed_search_follow_each_other(api: httpx.AsyncClient, filled: Shop) -> None:
    first = await search(api, query="jam", attribute="sugar:5", limit=1)
    second = await search(api, query="jam", attribute="sugar:5", limit=1, cursor=first["next_cursor"])
    assert {first["items"][0]["title"], second["items"][0]["title"]} == {"带根毛芹 jam", "Plum jam"}
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "params",
    [
        {"attribute": "nothing:1"},
        {"attribute": "sugar"},
        {"attribute": "sugar:"},
        {"attribute": "batch:B1"},
        {"attribute": "sugar:\0"},
        {"brand": "a\0"},
        {"query": "x" * 201},
        {"query": "jam", "cursor": "forged"},
        {"query": "jam", "min_minor": -1},
        {"query": "jam", "limit": 0},
        {"brand": ["b"] * 41},
        {"attribute": "sugar:" + "9" * 300},
    ],
    ids=str,
)
async def test_what_is_no_choice_is_refused(
    api: httpx.AsyncClient, filled: Shop, params: dict[str, Any]
) -> None:
    assert_problem(await api.get(SEARCH, params=params), 400, 422)


async def test_a_renamed_category_is_found_by_its_new_name(
    api: httpx.AsyncClient, filled: Shop, owner: Database
) -> None:
    path = f"/api/v1/categories/{filled.category.category_id}"
    answer = await api.patch(path, json={"name": "Cellar", "translations": {}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == "Cellar"
    await work(filled, owner)
    assert (await search(api, query="cellar"))["total"] == 3
    for body in ({"name": " "}, {"parent_id": str(filled.category.category_id)}, {"colour": "red"}):
        assert_problem(await api.patch(path, json=body), 400, 422)
