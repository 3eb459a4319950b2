"""One running world per test worker for all tests of providers; each test orders its own goods in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.payway.world import World, open_world


@pytest.fixture(scope="session")
async def world(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("payway")
    opened = await open_world(server_url, folder)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
async def no_faults_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Faults that a test ordered and did not use must not strike the next one."""
    yield
    if "world" in request.fixturenames:
        await request.getfixturevalue("world").sim.clear()
