"""Tools for language models: a real client of the protocol against a running shop, over HTTP and over pipes."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from tests.agent.conftest import MakeAgent
from tests.durability.running import RunningShop

from serai.commerce.agent.api import create_agent
from serai.commerce.agent.types import AgentLimits
from serai.foundation.ids import new_id

pytestmark = pytest.mark.xdist_group("agent")
BUYER = {"email": "ann@example.com", "name": "Ann Lee"}
ADDRESS = {
    "country": "us",
    "region": "OH",
    "city": "Cincinnati",
    "line1": "1 Vine Street",
    "postcode": "45202",
}


@asynccontextmanager
async def connect(running: RunningShop, client: httpx.AsyncClient) -> AsyncIterator[Client]:
    async with Client(streamable_http_client(f"{running.web.url}/mcp", http_client=client)) as tools:
        yield tools


async def call(tools: Client, name: str, **arguments: Any) -> Any:
    """What a tool answers; a refusal is its error."""
    result = await tools.call_tool(name, arguments)
    return result.structured_content


async def test_a_model_finds_buys_and_follows(running: RunningShop, make_agent: MakeAgent) -> None:
    _agent, client = await make_agent("Model")
    title = f"Cheese {new_id().hex[-10:]}"
    sku_id = await running.shop.add_product(title, price_minor=1250, stock=5)
    async with connect(running, client) as tools:
        named = {tool.name for tool in (await tools.list_tools()).tools}
        assert {"search_products", "create_cart", "complete_checkout", "get_order"} <= named
        made = await call(tools, "create_cart", lines=[{"item": str(sku_id), "quantity": 2}])
        assert (made["state"], made["lines"][0]["title"], made["items_minor"]) == ("incomplete", title, 2500)
        ready = await call(
            tools, "create_checkout", checkout_id=made["checkout_id"], buyer=BUYER, address=ADDRESS
        )
        assert (ready["state"], ready["total_minor"]) == ("ready", 2500 + 599)
        quoted = await call(tools, "get_quote", checkout_id=made["checkout_id"])
        assert quoted["total_minor"] == 3099
        wrong = await call(
            tools,
            "complete_checkout",
            checkout_id=made["checkout_id"],
            expected_total_minor=1,
            payment_token="success_token",
        )
        assert wrong["error"]["code"] == "checkout.changed"
        done = await call(
            tools,
            "complete_checkout",
            checkout_id=made["checkout_id"],
            expected_total_minor=3099,
            payment_token="success_token",
        )
        assert done["state"] == "completed", done
        order = await call(tools, "get_order", order_id=done["order_id"])
        assert (order["state"], order["total_minor"]) == ("paid", 3099)
    await running.assert_true(UUID(done["order_id"]), "paid")


async def test_without_a_token_a_person_pays_at_the_provider(
    running: RunningShop, make_agent: MakeAgent
) -> None:
    _agent, client = await make_agent()
    sku_id = await running.shop.add_product(price_minor=1250, stock=5)
    async with connect(running, client) as tools:
        made = await call(tools, "create_cart", lines=[{"item": str(sku_id)}])
        await call(tools, "create_checkout", checkout_id=made["checkout_id"], buyer=BUYER, address=ADDRESS)
        waits = await call(
            tools, "complete_checkout", checkout_id=made["checkout_id"], expected_total_minor=1849
        )
        assert waits["state"] == "awaiting_payment", waits
        await running.decide(waits["pay_url"].rsplit("/", 1)[1])
        await running.wait_for_state(UUID(waits["order_id"]), "paid")
        assert (await call(tools, "get_quote", checkout_id=made["checkout_id"]))["state"] == "completed"
    await running.assert_true(UUID(waits["order_id"]), "paid")


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("create_cart", {"lines": []}, "arguments.invalid"),
        ("create_cart", {"lines": [{"item": "SKU", "quantity": -1}]}, "arguments.invalid"),
        ("create_cart", {"lines": [{"item": "SKU", "quantity": 11}]}, "agent.short"),
        ("create_cart", {"lines": [{"item": "nothing"}]}, "agent.item_unknown"),
        ("create_cart", {"lines": [{"item": "SKU", "price": 1}]}, "arguments.invalid"),
        ("get_quote", {"checkout_id": "me"}, "arguments.invalid"),
        ("get_quote", {"checkout_id": "00000000-0000-0000-0000-000000000000"}, "agent.session_unknown"),
        ("get_order", {"order_id": "00000000-0000-0000-0000-000000000000"}, "order.unknown"),
        ("get_product", {"product_id": "00000000-0000-0000-0000-000000000000"}, "product.unknown"),
        ("drop_tables", {}, "tool.unknown"),
        ("search_products", {"cursor": "nonsense"}, "list.cursor_invalid"),
    ],
)
async def test_what_makes_no_sense_is_told_as_a_tools_error(
    running: RunningShop, make_agent: MakeAgent, name: str, arguments: dict[str, Any], code: str
) -> None:
    _agent, client = await make_agent()
    sku_id = await running.shop.add_product(stock=10)
    for line in arguments.get("lines", []):
        line["item"] = line["item"].replace("SKU", str(sku_id))
    async with connect(running, client) as tools:
        answer = await call(tools, name, **arguments)
    assert answer["error"]["code"] == code, answer


async def test_tools_need_a_key_and_its_scopes(running: RunningShop, make_agent: MakeAgent) -> None:
    _agent, reader = await make_agent(scopes=("catalogue:read",))
    sku_id = await running.shop.add_product()
    async with connect(running, reader) as tools:
        assert "products" in await call(tools, "search_products", words="ice")
        refused = await call(tools, "create_cart", lines=[{"item": str(sku_id)}])
    assert refused["error"]["code"] == "agent.scope"
    async with running.open_client() as nobody, connect(running, nobody) as tools:
        refused = await call(tools, "search_products", words="ice")
    assert refused["error"]["code"] == "agent.key_missing"


async def test_a_program_beside_the_shop_serves_the_same_tools(running: RunningShop) -> None:
    async with running.platform.db.transaction(running.shop.merchant_id) as tx:
        _agent, secret = await create_agent(tx, name="Pipe", limits=AgentLimits(), by="test")
    sku_id = await running.shop.add_product(price_minor=700)
    environ = {**running.environ, "MCP_AGENT_KEY": secret, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    server = StdioServerParameters(command=sys.executable, args=["-m", "serai.main.cli", "mcp"], env=environ)
    async with Client(server) as tools:
        made = await call(tools, "create_cart", lines=[{"item": str(sku_id)}])
    assert made["items_minor"] == 700, made
