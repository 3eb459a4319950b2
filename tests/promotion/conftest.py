"""Rules and carts in a few words, for tests of promotions."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.shop import Shop

from serai.commerce.promotion import api
from serai.commerce.promotion.types import Promotion, Terms
from serai.foundation.ids import derive_id

NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)


def sku(name: object) -> UUID:
    """A SKU's id by a name."""
    return derive_id("sku", name)


class Desk:
    """A merchant's desk in a test: promotions that go live at once, and their coupons."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.commerce = shop.commerce
        self.merchant_id = shop.merchant_id

    async def go_live(self, terms: Terms) -> Promotion:
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            promotion = await api.create_promotion(tx, terms=terms, by="test")
        return await self.publish(promotion)

    async def publish(self, promotion: Promotion) -> Promotion:
        return await api.publish_promotion(
            self.commerce,
            self.merchant_id,
            promotion_id=promotion.promotion_id,
            version=promotion.version,
            currency="USD",
            by="test",
        )

    async def issue(self, promotion: Promotion, **how: Any) -> Any:
        return await api.issue_coupons(
            self.commerce, self.merchant_id, promotion_id=promotion.promotion_id, by="test", **how
        )

    async def report(self, promotion: Promotion) -> Any:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await api.load_report(tx, promotion_id=promotion.promotion_id, currency="USD")


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


MakeDesk = Callable[[Shop], Desk]
