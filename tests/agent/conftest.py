"""One running shop per test worker for all tests of agents; each test has an agent and goods of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.durability.running import RunningShop, open_running_shop

from serai.commerce.agent.api import create_agent
from serai.commerce.agent.types import Agent, AgentLimits

ADDRESS = {
    "id": "home",
    "street_address": "1 Vine Street",
    "address_locality": "Cincinnati",
    "address_region": "OH",
    "postal_code": "45202",
    "address_country": "US",
}
BUYER = {"email": "ann@example.com", "first_name": "Ann", "last_name": "Lee"}
MakeAgent = Callable[..., Awaitable[tuple[Agent, httpx.AsyncClient]]]


@pytest.fixture(scope="session")
async def running(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    folder: Path = tmp_path_factory.mktemp("agent")
    shop = await open_running_shop(server_url, folder, workers=2)
    yield shop
    await shop.close()


@pytest.fixture
async def make_agent(running: RunningShop) -> AsyncIterator[MakeAgent]:
    """Issue a key with limits: (agent, a client that carries it)."""
    clients: list[httpx.AsyncClient] = []

    async def make(name: str = "Shopping bot", **limits: Any) -> tuple[Agent, httpx.AsyncClient]:
        async with running.platform.db.transaction(running.shop.merchant_id) as tx:
            agent, secret = await create_agent(tx, name=name, limits=AgentLimits(**limits), by="test")
        clients.append(running.open_client(authorization=f"Bearer {secret}"))
        return agent, clients[-1]

    yield make
    for client in clients:
        await client.aclose()


def describe_checkout(item: Any, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """The body of a checkout in the Universal Commerce Protocol that can be completed at once."""
    method = {
        "type": "shipping",
        "destinations": [ADDRESS],
        "selected_destination_id": "home",
        "groups": [{"selected_option_id": "standard"}],
    }
    return {
        "line_items": [{"item": {"id": str(item)}, "quantity": quantity}],
        "buyer": BUYER,
        "fulfillment": {"methods": [method]},
        **more,
    }


def describe_payment(token: str = "success_token", handler: str = "mock_payment_handler") -> dict[str, Any]:
    """The body that completes a checkout."""
    return {"payment_data": {"handler_id": handler, "credential": {"type": "token", "token": token}}}
