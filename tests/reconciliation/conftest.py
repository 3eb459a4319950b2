"""A shop with paid orders, and the statements that its provider writes."""

from typing import Any

import pytest
from tests.journeys.steps import order_of, pay
from tests.shop import Shop

from serai.commerce.aftersale.api import refund_order
from serai.commerce.order.types import Order
from serai.commerce.payment.types import psp_clearing
from serai.commerce.reconciliation import api
from serai.commerce.reconciliation.types import JudgedLine, Statement, bank, psp_differences, psp_fees
from serai.ledger.api import load_balances

HEAD = "row_key,kind,reference,payment,refund,amount,fee,currency,at"


class Books:
    """What tests do with statements of one shop."""

    def __init__(self, shop: Shop, provider: Any) -> None:
        self.shop = shop
        self.provider = provider
        self.commerce = shop.commerce
        self.merchant_id = shop.merchant_id

    async def sell(self, price_minor: int = 5000) -> Order:
        sku_id = await self.shop.add_product(price_minor=price_minor)
        return await pay(self.shop, self.provider, await self.shop.place((sku_id, 2)))

    async def refund(self, order: Order, amount_minor: int, key: str = "r") -> Order:
        return await refund_order(
            self.commerce,
            self.merchant_id,
            order_id=order.order_id,
            amount_minor=amount_minor,
            reason="broken",
            by="staff",
            key=key,
        )

    async def take(self, content: str | bytes, provider: str = "sandbox") -> Statement:
        raw = content.encode() if isinstance(content, str) else content
        return await api.take_statement(
            self.commerce, self.merchant_id, provider=provider, file_name="day.csv", content=raw, by="staff"
        )

    async def lines(self, *, only_open: bool = False) -> list[JudgedLine]:
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            return list((await api.list_lines(tx, only_open=only_open, limit=200)).items)

    async def resolve(self, line: JudgedLine, resolution: Any, note: str = "") -> JudgedLine:
        return await api.resolve_line(
            self.commerce,
            self.merchant_id,
            provider=line.provider,
            row_key=line.row_key,
            resolution=resolution,
            note=note,
            by="staff",
        )

    async def balances(self, provider: str = "sandbox", currency: str = "USD") -> tuple[int, int, int, int]:
        """(held by the provider, in the bank, fees, differences)."""
        kinds = [
            psp_clearing(provider, currency),
            bank(currency),
            psp_fees(currency),
            psp_differences(currency),
        ]
        ids = [kind.account_id for kind in kinds]
        async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
            found = await load_balances(tx, account_ids=ids)
        held, money, fees, differences = (found[account_id].posted for account_id in ids)
        return held, money, fees, differences

    async def load(self, order: Order) -> Order:
        return await order_of(self.shop, order.order_id)


def row(
    key: str,
    kind: str,
    amount: str,
    *,
    reference: Any = "",
    payment: Any = "",
    refund: Any = "",
    fee: str = "0",
    currency: str = "USD",
    at: str = "2026-01-31T09:30:00Z",
) -> str:
    return f"{key},{kind},{reference},{payment},{refund},{amount},{fee},{currency},{at}"


def write(*rows: str) -> str:
    return "\r\n".join([HEAD, *rows]) + "\r\n"


@pytest.fixture
def books(shop: Shop, provider: Any) -> Books:
    return Books(shop, provider)
