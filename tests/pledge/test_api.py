"""Paying later through the JSON API: methods told, promised, collected, refused, listed."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.pledge.conftest import Holder
from tests.shop import api_client

from serai.foundation.ids import new_id


@pytest.fixture
async def api(transport: httpx.ASGITransport, holder: Holder) -> Any:
    await holder.offer("online")
    await holder.offer("cash_on_delivery")
    async with api_client(transport, holder.shop, await holder.shop.make_key()) as client:
        yield client


async def waiting(holder: Holder) -> str:
    sku_id = await holder.shop.add_product(price_minor=5000)
    return f"/api/v1/orders/{(await holder.shop.place((sku_id, 2))).order_id}"


async def test_an_order_is_promised_collected_in_parts_and_listed(
    api: httpx.AsyncClient, holder: Holder, assert_clean: Any
) -> None:
    path = await waiting(holder)
    methods = (await api.get(f"{path}/payment-methods")).json()
    assert [(each["code"], each["why"]) for each in methods] == [
        ("online", ""),
        ("cash_on_delivery", ""),
        ("invoice", "off"),
    ]
    promised = await api.post(f"{path}/promise", json={"method": "cash_on_delivery"})
    assert (promised.status_code, promised.json()["secured"]) == (200, "cash_on_delivery")
    listed = (await api.get("/api/v1/pledges", params={"kind": "cash_on_delivery"})).json()["items"]
    assert [row["open_minor"] for row in listed] == [10000]
    key = str(new_id())
    for _twice in range(2):
        taken = await api.post(
            f"{path}/captures", json={"amount_minor": 4000}, headers={"idempotency-key": key}
        )
        assert (taken.status_code, taken.json()["pledged_minor"]) == (201, 6000)
    refused = await api.post(f"{path}/refusal", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "order.cannot_refuse")
    await assert_clean()


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("promise", {"method": "bribe"}, 404),
        ("promise", {"method": "invoice"}, 409),
        ("promise", {}, 400),
        ("captures", {"amount_minor": 0}, 400),
        ("captures", {"amount_minor": "=1"}, 400),
        ("captures", {"amount_minor": 5}, 409),
        ("refusal", {"reason": "x" * 201}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(
    api: httpx.AsyncClient, holder: Holder, call: str, body: dict[str, Any], status: int
) -> None:
    path = await waiting(holder)
    answer = await api.post(f"{path}/{call}", json=body)
    assert answer.status_code == status, answer.text
    assert (await holder.load(_id_of(path))).state == "awaiting_payment"


def _id_of(path: str) -> Any:
    return UUID(path.rsplit("/", 1)[1])


async def test_a_refused_delivery_is_called_off(api: httpx.AsyncClient, holder: Holder) -> None:
    path = await waiting(holder)
    await api.post(f"{path}/promise", json={"method": "cash_on_delivery"})
    answer = await api.post(f"{path}/refusal", json={"reason": "not at home"})
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
