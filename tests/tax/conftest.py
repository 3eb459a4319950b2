"""A shop with taxes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.shop import Shop

from serai.commerce.tax.api import NewRate, TaxRate, add_rate, save_profile

Taxing = Callable[..., Awaitable[TaxRate]]


@pytest.fixture
def tax(shop: Shop) -> Taxing:
    """Add a rate to the shop (its home is Ohio unless ``home`` says otherwise)."""

    async def add(
        country: str, percent: float | None, *, home: tuple[str, str] = ("US", "OH"), **more: Any
    ) -> TaxRate:
        terms: dict[str, Any] = {"name": "Tax", "included": False} | more
        rate_ppm = None if percent is None else round(percent * 10_000)
        async with shop.commerce.db.transaction(shop.merchant_id) as tx:
            await save_profile(tx, country=home[0], region=home[1], shipping_taxed=True, by="test")
            return await add_rate(tx, rate=NewRate(country=country, rate_ppm=rate_ppm, **terms), by="test")

    return add
