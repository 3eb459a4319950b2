"""One running shop per test worker for all tests of payments; each test orders its own goods in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from tests.durability.running import RunningShop, open_running_shop


@pytest.fixture(scope="session")
async def running(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    folder: Path = tmp_path_factory.mktemp("payment")
    shop = await open_running_shop(server_url, folder, workers=2)
    yield shop
    await shop.close()


@pytest.fixture
async def order_id(running: RunningShop) -> UUID:
    """An order of two of a product that no other test sells."""
    sku_id = await running.shop.add_product(price_minor=1250)
    return await running.place((sku_id, 2))
