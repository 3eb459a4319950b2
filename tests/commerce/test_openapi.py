"""The JSON API against its own description: what is said of it, and what it answers to requests made up from it."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import hypothesis.strategies as st
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from tests.conftest import hold_lifespan
from tests.shop import Shop

from serai.foundation.ids import new_id
from serai.main.settings import load_settings
from serai.main.web import make_app

EXAMPLES = 7
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="module")
def run(database_url: str) -> Iterator[tuple[Run, Any]]:
    """The application on an event loop of its own, which stands still between calls: hypothesis is not asynchronous."""
    loop = asyncio.new_event_loop()
    front = make_app(database_url, "0" * 64, load_settings({"SERAI_DATABASE_URL": database_url}))
    lifespan = hold_lifespan(front.app)
    loop.run_until_complete(lifespan.__aenter__())
    yield loop.run_until_complete, front
    loop.run_until_complete(lifespan.__aexit__(None, None, None))
    loop.close()


@pytest.fixture
async def known(shop: Shop) -> dict[str, str]:
    """Things that are there, under the names that parameters and fields have for them."""
    sku_id = await shop.add_product(stock=1000)
    placed = await shop.place((sku_id, 1))
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        product_id = await tx.fetchval(
            "SELECT product_id FROM commerce.variant WHERE merchant_id = $1 AND sku_id = $2",
            shop.merchant_id,
            sku_id,
        )
    return {
        "sku_id": str(sku_id),
        "product_id": str(product_id),
        "order_id": str(placed.order_id),
        "place_id": str(shop.warehouse.place_id),
        "from_place_id": str(shop.warehouse.place_id),
        "to_place_id": str(shop.store.place_id),
        "category_id": str(shop.category.category_id),
        "secret": await shop.make_key(),
    }


def fill_known(value: Any, known: dict[str, str]) -> Any:
    """The same JSON with ids that exist where it names one."""
    if isinstance(value, list):
        return [fill_known(each, known) for each in value]
    if isinstance(value, dict):
        return {
            key: known[key] if key in known and isinstance(each, str) else fill_known(each, known)
            for key, each in value.items()
        }
    return value


async def send(front: Any, host: str, known: dict[str, str], case: Any, real: bool) -> httpx.Response:
    """A made-up case as a request, with a good key, and with ids that exist where ``real``."""
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        text = known[name] if real and name in known else str(value)
        path = path.replace(
            f"{{{name}}}", re.sub(r"[^A-Za-z0-9-]", lambda m: f"%{ord(m[0]) & 0xFF:02x}", text)
        )
    query = fill_known(dict(case.query or {}), known) if real else dict(case.query or {})
    params = {str(key): "" if value is None else str(value) for key, value in query.items()}
    headers = {"authorization": f"Bearer {known['secret']}", "idempotency-key": str(new_id())}
    content = b""
    if case.media_type is not None:
        headers["content-type"] = "application/json"
        body = fill_known(case.body, known) if real else case.body
        content = body if isinstance(body, bytes) else json.dumps(body, default=repr).encode()
    transport = httpx.ASGITransport(front)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.request(case.method, path, params=params, headers=headers, content=content)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_no_request_made_up_from_the_description_is_answered_as_a_fault_of_ours(
    run: tuple[Run, Any], shop: Shop, known: dict[str, str], mode: GenerationMode
):
    go, front = run
    go(front.app.state.platform.merchants.refresh())
    document = front.app.openapi_schema.to_schema()
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document, default=str)))
    statuses: dict[int, int] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.startswith("/api/v1/"):
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
        def check(case: Any, real: bool) -> None:
            answer = go(send(front, shop.host, known, case, real))
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            # Without a payment provider, starting a payment tells that the partner does not answer.
            assert answer.status_code < 500 or answer.json()["code"] == "outside.sandbox", answer.text
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["status"] == answer.status_code

        check()
    assert sum(statuses.values()) > 100
    if mode is GenerationMode.POSITIVE:
        assert statuses.get(200, 0) + statuses.get(201, 0) > 20, statuses
    else:
        assert statuses.get(400, 0) > 20, statuses


@pytest.fixture
async def document(transport: httpx.ASGITransport, shop: Shop) -> dict[str, Any]:
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{shop.host}") as client:
        return (await client.get("/api/v1/schema/openapi.json")).raise_for_status().json()


def list_operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/api/v1/")
    ]


async def test_every_call_is_described_with_its_purpose_and_shapes(document: dict[str, Any]):
    operations = list_operations(document)
    assert len(operations) >= 30
    for name, operation in operations:
        assert operation.get("summary"), name
        assert operation.get("tags"), name
        # A file comes as it is; every other body is JSON of a named shape.
        content = operation.get("requestBody", {"content": {}})["content"]
        if "application/json" in content:
            assert "$ref" in content["application/json"]["schema"], name
    schemas = document["components"]["schemas"]
    named = set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(document)))
    assert named <= set(schemas)
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
