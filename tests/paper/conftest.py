"""A shop whose papers say who it is, with orders that were paid."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.journeys.steps import order_of, pay
from tests.paper.official import Official, load_official
from tests.shop import Shop
from tests.tax.conftest import Taxing, tax

from serai.commerce.media.api import FolderStore
from serai.commerce.order.types import Order
from serai.commerce.paper.api import issue_invoice, list_of_order, load_content, load_seller, save_seller
from serai.commerce.paper.types import Content, Paper, SellerTerms
from serai.commerce.types import Commerce

__all__ = ["tax"]

BAKERY = SellerTerms(
    legal_name="Bäckerei Müller GmbH",
    line1="Hauptstraße 12",
    postcode="10115",
    city="Berlin",
    country="DE",
    vat_id="DE123456789",
    tax_number="29/123/45678",
    register_no="HRB 98765 B",
    email="rechnung@example.com",
    phone="+49 30 1234567",
    bank_name="Testbank",
    iban="DE89370400440532013000",
    bic="COBADEFFXXX",
    foot="Goods remain our property until they are paid in full.",
)


class Bureau:
    """What tests do with papers of one shop, in a few words."""

    def __init__(self, shop: Shop, provider: Any) -> None:
        self.shop = shop
        self.provider = provider
        self.merchant_id = shop.merchant_id
        self.commerce: Commerce = shop.commerce

    async def say(self, terms: SellerTerms = BAKERY, **changes: str) -> None:
        """Write what stands on papers."""
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            version = (await load_seller(tx)).version
            await save_seller(
                tx, terms=msgspec.structs.replace(terms, **changes), version=version, by="owner@example.com"
            )

    async def paid(self, *lines: tuple[UUID, int], **how: Any) -> Order:
        """An order of these lines (or of one pack of ice) that was paid."""
        lines = lines or ((await self.shop.add_product(stock=100), 1),)
        placed = await self.shop.place(*lines, **how)
        return await pay(self.shop, self.provider, placed)

    async def invoice(self, order: Order, **how: Any) -> Paper:
        """Its invoice."""
        return await issue_invoice(
            self.commerce, self.merchant_id, order_id=order.order_id, by="owner@example.com", **how
        )

    async def content(self, paper: Paper) -> Content:
        """What an issued paper says."""
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return await load_content(tx, paper.paper_id)

    async def papers(self, order_id: UUID) -> tuple[Paper, ...]:
        """All that was issued for an order."""
        order = await order_of(self.shop, order_id)
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return (await list_of_order(tx, order=order)).issued


@pytest.fixture
def commerce(commerce: Commerce, tmp_path: Path) -> Commerce:
    """With a folder for files."""
    return msgspec.structs.replace(commerce, blobs=FolderStore(tmp_path))


@pytest.fixture
async def bureau(shop: Shop, provider: Any) -> Bureau:
    """A shop whose papers say who it is."""
    found = Bureau(shop, provider)
    await found.say()
    return found


@pytest.fixture
def official() -> Official:
    """The official rules."""
    return load_official()


Taxes = Taxing
Clean = Callable[[], Awaitable[None]]
