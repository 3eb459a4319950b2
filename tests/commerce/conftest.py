"""A program that calls the JSON API of one test's shop, inside this process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.conftest import FakeProvider
from tests.shop import Shop, api_client
from tests.snapshot import digest_rows

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
    """Digests of everything the shop's merchant has, to show that a refusal changed nothing."""
    return lambda: digest_rows(owner, shop.merchant_id)
