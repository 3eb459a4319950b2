"""Bodies of requests to the JSON API, and what a refusal looks like."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
from tests.shop import ADDRESS, Shop

from serai.foundation.ids import new_id

RECEIPTS, ORDERS, PRODUCTS = "/api/v1/stock/receipts", "/api/v1/orders", "/api/v1/products"


def assert_problem(answer: httpx.Response, *statuses: int, code: str | None = None) -> dict[str, Any]:
    """An RFC 9457 problem with one of these statuses, that tells nothing of our inside."""
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:serai:problem:{problem['code']}"
    assert problem["title"]
    assert problem["instance"].startswith("/")
    if code is not None:
        assert problem["code"] == code
    for inside in ("Traceback", "asyncpg", "site-packages", "SELECT ", "msgspec"):
        assert inside not in answer.text
    return problem


def order_body(sku_id: UUID, **more: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku_id": str(sku_id), "quantity": 1}],
        "contact": {"email": "ann@example.com", "name": "Ann Lee"},
        "address": msgspec.to_builtins(ADDRESS),
    } | more


def receipt_body(shop: Shop, sku_id: UUID, **more: Any) -> dict[str, Any]:
    place_id = str(shop.warehouse.place_id)
    return {"sku_id": str(sku_id), "place_id": place_id, "quantity": 1, "reason": "delivery"} | more


def product_body(shop: Shop, **more: Any) -> dict[str, Any]:
    category_id = str(shop.category.category_id)
    return {"title": "Rice", "sku": f"R{new_id().hex}", "category_id": category_id, "price_minor": 100} | more
