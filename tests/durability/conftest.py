"""One whole installation for the tests that kill its processes."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.durability.premises import Premises
from tests.shop import Shop

from serai.main.platform import Platform


@pytest.fixture(scope="module")
async def premises() -> AsyncIterator[Premises]:
    # Not below pytest's folder: PostgreSQL runs as another user when the tests run as root.
    folder = Path(tempfile.mkdtemp(prefix="serai-premises-"))
    running = Premises(folder / "var")
    try:
        running.open()
        yield running
        assert "Traceback" not in running.output
    finally:
        running.end()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
async def tools(premises: Premises) -> AsyncIterator[tuple[Platform, Shop]]:
    platform, shop = await premises.open_tools()
    yield platform, shop
    await platform.close()
