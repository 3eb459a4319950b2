"""Whole orders on the short way: the same answers as behind the framework, and prices of this very moment."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.durability.running import RunningShop, describe_order

from serai.commerce.catalogue.api import set_price
from serai.foundation.ids import new_id


def vary(sku_id: UUID) -> list[tuple[str, bytes]]:
    good = describe_order((sku_id, 1))
    lines: list[tuple[str, Any]] = [
        ("fine", good),
        ("unknown goods", describe_order((new_id(), 1))),
        ("more than there are", describe_order((sku_id, 900_000))),
        ("nothing in it", good | {"lines": []}),
        ("a quantity of none", good | {"lines": [{"sku_id": str(sku_id), "quantity": 0}]}),
        ("a negative quantity", good | {"lines": [{"sku_id": str(sku_id), "quantity": -1}]}),
        ("a number as text", good | {"lines": [{"sku_id": str(sku_id), "quantity": "1"}]}),
        ("a number with a point", good | {"lines": [{"sku_id": str(sku_id), "quantity": 1.0}]}),
        ("a truth value", good | {"lines": [{"sku_id": str(sku_id), "quantity": True}]}),
        ("no contact", {name: value for name, value in good.items() if name != "contact"}),
        ("a wrong address", good | {"contact": {"email": "nobody", "name": "x", "phone": ""}}),
        ("another total", good | {"expected_total_minor": 1}),
        ("an unknown coupon", good | {"coupon_codes": ["NOSUCHCODE"]}),
        ("a list", [1, 2]),
        ("a character that cannot be stored", good | {"note": "a\0b"}),
    ]
    raw = [(name, json.dumps(body).encode()) for name, body in lines]
    return [
        *raw,
        ("nothing", b""),
        ("no JSON", b"{"),
        ("no text", b"\xff\xfe"),
        ("deep", b"[" * 3000),
        ("twice", json.dumps(good).encode() * 2),
    ]


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body


def tell(answer: httpx.Response) -> Any:
    kept = ("content-type", "retry-after", "idempotent-replayed", "x-content-type-options")
    content = answer.json()
    # What differs from order to order, by nature.
    for name in ("order_id", "number", "access_token", "reference"):
        if name in content:
            content[name] = type(content[name]).__name__
    return answer.status_code, {name: answer.headers.get(name) for name in kept}, content


async def test_both_ways_give_the_same_answers(running: RunningShop) -> None:
    sku_id = await running.shop.add_product(price_minor=1250, stock=100)
    for name, body in vary(sku_id):
        answers = []
        for is_short in (True, False):
            # Without a length the door leaves a call to the framework.
            content: Any = body if is_short else chunks(body)
            headers = {"content-type": "application/json", "accept-language": "zh-CN"}
            answers.append(tell(await running.api.post("/api/v1/orders", content=content, headers=headers)))
        assert answers[0] == answers[1], name
        assert answers[0][0] < 500, name


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer sk_wrong"}, {"authorization": "Basic x"}])
async def test_strangers_are_told_so_on_both_ways(running: RunningShop, headers: dict[str, str]) -> None:
    body = json.dumps(describe_order((new_id(), 1))).encode()
    async with running.open_client(**headers) as client:
        answers = [
            tell(
                await client.post(
                    "/api/v1/orders", content=content, headers={"content-type": "application/json"}
                )
            )
            for content in (body, chunks(body))
        ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_one_key_is_one_order_on_either_way(running: RunningShop) -> None:
    sku_id = await running.shop.add_product(price_minor=1250, stock=5)
    body = json.dumps(describe_order((sku_id, 2))).encode()
    headers = {"content-type": "application/json", "idempotency-key": str(new_id())}
    answers = [
        await running.api.post("/api/v1/orders", content=content, headers=headers)
        for content in (body, chunks(body), body, body)
    ]
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, *["true"] * 3]
    other = json.dumps(describe_order((sku_id, 1))).encode()
    refused = await running.api.post("/api/v1/orders", content=other, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency.body_differs")


async def test_a_price_holds_for_every_order_after_its_change(running: RunningShop) -> None:
    shop = running.shop
    sku_id = await shop.add_product(price_minor=1000, stock=1000)
    for price_minor in range(1001, 1025):
        async with running.platform.db.transaction(shop.merchant_id) as tx:
            await set_price(tx, sku_id=sku_id, amount_minor=price_minor, reason="test", by="test")
        order = await running.load_order(await running.place((sku_id, 1)))
        assert order.lines[0].price_minor == price_minor
