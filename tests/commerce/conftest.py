"""A program that calls the JSON API of one test's shop, inside this process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.conftest import FakeProvider
from tests.shop import Shop, api_client

from serai.commerce.types import Commerce
from serai.foundation.database import Database

Snapshot = Callable[[], Awaitable[dict[str, str]]]


@pytest.fixture
async def api(transport: httpx.ASGITransport, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key of every scope."""
    async with api_client(transport, shop, await shop.make_key()) as client:
        yield client


@pytest.fixture
def till(application: Any, provider: FakeProvider) -> Iterator[Commerce]:
    """The application's own tools of commerce, with the payment provider in memory for this test."""
    state = application.app.state
    before: Commerce = state.commerce
    state.commerce = msgspec.structs.replace(before, providers={"sandbox": provider})
    yield state.commerce
    state.commerce = before


@pytest.fixture
def take_snapshot(owner: Database, shop: Shop) -> Snapshot:
    """A digest per table of everything the shop's merchant has, to show that a refusal changed nothing.

    Only keys are left out: they note when they were last used.
    """

    async def take() -> dict[str, str]:
        tables = await owner.fetch(
            "SELECT c.oid::regclass::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE a.attname = 'merchant_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND c.oid <> 'identity.api_key'::regclass"
        )
        return {
            row["name"]: await owner.fetchval(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {row['name']} t"
                " WHERE merchant_id = $1",
                shop.merchant_id,
            )
            for row in tables
        }

    return take
