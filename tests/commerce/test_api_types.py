"""No call of the JSON API that writes takes "1", 1.0 or true for a whole number; the refusal names the field."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.commerce.conftest import Snapshot
from tests.commerce.request import ORDERS, RECEIPTS, assert_problem, order_body, receipt_body
from tests.shop import CONTACT, Shop

from serai.foundation.ids import derive_id

WRONG = ("1", 1.0, True)
LIKENESS = str(derive_id("nothing has this id"))


def choose(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """The schema itself behind references and alternatives; of those the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = parts[schema["$ref"].rsplit("/", 1)[1]]
        elif any(key in schema for key in ("oneOf", "anyOf")):
            options = schema.get("oneOf") or schema["anyOf"]
            schema = next(each for each in options if each.get("type") != "null")
        else:
            return schema


def make(schema: dict[str, Any], parts: dict[str, Any], depth: int = 0) -> Any:
    """Something that this schema allows, with every field in it."""
    schema = choose(schema, parts)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next(each for each in kind if each != "null")
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return next(each for each in schema["enum"] if each is not None)
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: make(each, parts, depth + 1) for name, each in fields.items()} if depth < 6 else {}
    if kind == "array":
        return (
            [make(schema.get("items", {}), parts, depth + 1)] if schema.get("minItems") or depth < 3 else []
        )
    if kind == "integer":
        return max(1, int(schema.get("minimum", 1)))
    if kind in ("number", "boolean"):
        return 1.5 if kind == "number" else True
    formats = {"uuid": LIKENESS, "date-time": "2030-01-01T00:00:00Z", "date": "2030-01-01"}
    return formats.get(schema.get("format", ""), "a" * max(1, int(schema.get("minLength", 1))))


def list_numbers(
    value: Any, schema: dict[str, Any], parts: dict[str, Any], path: tuple = ()
) -> Iterator[tuple]:
    """Where a body has whole numbers."""
    schema = choose(schema, parts)
    if isinstance(value, dict):
        for name, each in value.items():
            below = schema.get("properties", {}).get(name)
            if below is not None:
                yield from list_numbers(each, below, parts, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from list_numbers(each, schema.get("items", {}), parts, (*path, place))
    elif schema.get("type") in ("integer", ["integer", "null"]):
        yield path


def put(value: Any, path: tuple, other: Any) -> Any:
    """A copy with one value changed."""
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = put(copy[path[0]], path[1:], other)
    return copy


async def test_no_write_takes_a_text_a_fraction_or_a_truth_value_for_a_whole_number(
    api: httpx.AsyncClient, take_snapshot: Snapshot
):
    schema = (await api.get("/api/v1/schema/openapi.json")).raise_for_status().json()
    parts, before, refused = schema["components"]["schemas"], await take_snapshot(), set()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            body = make(content["schema"], parts)
            address = path
            for each in operation.get("parameters", []):
                address = address.replace("{" + each["name"] + "}", LIKENESS)
            for number in list_numbers(body, content["schema"], parts):
                for wrong in WRONG:
                    answer = await api.request(method, address, json=put(body, number, wrong))
                    what = (method, path, number, wrong, answer.text[:300])
                    assert answer.status_code in (400, 422), what
                    if answer.status_code == 422:
                        assert answer.json()["code"] == "body.type_wrong", what
                        assert str(number[-1]) in answer.json()["data"]["field"], what
                        refused.add((path, number))
    assert len(refused) > 30, "most of them are told by our own check"
    assert await take_snapshot() == before


@pytest.mark.parametrize("wrong", WRONG)
async def test_quantities_are_refused_by_name_and_change_nothing(
    api: httpx.AsyncClient, shop: Shop, take_snapshot: Snapshot, wrong: Any
):
    sku_id = await shop.add_product()
    cart = (await api.post("/api/v1/carts", json={})).json()
    line = {"sku_id": str(sku_id), "quantity": wrong}
    before = await take_snapshot()
    for path, body, field in (
        (RECEIPTS, receipt_body(shop, sku_id, quantity=wrong), "quantity"),
        (ORDERS, order_body(sku_id, lines=[line]), "lines[0].quantity"),
        (ORDERS, order_body(sku_id, add_ons={str(sku_id): wrong}), f"add_ons[{sku_id}]"),
        (f"/api/v1/carts/{cart['cart_id']}/lines", line, "quantity"),
    ):
        problem = assert_problem(await api.post(path, json=body), 400, 422)
        # The framework finds some itself; it tells them in its own words.
        told = problem["data"].get("field") or problem["data"]["errors"][0]["key"]
        assert told.replace("...", str(sku_id)) == field
    assert await take_snapshot() == before


async def test_a_card_in_the_parcel_is_written_by_api(api: httpx.AsyncClient, shop: Shop):
    sku_id = await shop.add_product()
    body = order_body(sku_id, gift_message=" Happy birthday! ")
    placed = (await api.post(ORDERS, json=body)).raise_for_status().json()
    cart = (await api.post("/api/v1/carts", json={})).json()
    path = f"/api/v1/carts/{cart['cart_id']}"
    await api.post(f"{path}/lines", json={"sku_id": str(sku_id), "quantity": 1})
    await api.put(f"{path}/contact", json={"email": CONTACT.email, "name": CONTACT.name})
    await api.put(f"{path}/address", json=body["address"])
    quote = (await api.get(f"{path}/quote")).raise_for_status().json()
    done = {"digest": quote["digest"], "gift_message": "For Ann"}
    completed = (await api.post(f"{path}/complete", json=done)).raise_for_status().json()
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        rows = await tx.fetch("SELECT order_id, message FROM commerce.order_gift")
    assert {str(row["order_id"]): row["message"] for row in rows} == {
        placed["order_id"]: "Happy birthday!",
        completed["order_id"]: "For Ann",
    }
    assert_problem(await api.post(ORDERS, json=body | {"gift_message": "x" * 301}), 400)
