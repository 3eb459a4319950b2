"""A market with two members, each with a shop of its own."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.conftest import FakeProvider
from tests.journeys.steps import order_of
from tests.shop import ADDRESS, CONTACT, Shop, open_shop

from serai.commerce.market import api as market_api
from serai.commerce.market.types import MarketCheckout, MarketLine, commission_income, settlement_due
from serai.commerce.order.types import Order
from serai.commerce.types import Commerce, ProviderEvent
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, new_id
from serai.identity.merchant.api import add_merchant
from serai.ledger.api import load_balances

COMMISSION_PPM = 100_000


class Market(msgspec.Struct, frozen=True):
    """A market (10 % commission) and the shops that sell in it."""

    market_id: MerchantId
    commerce: Commerce
    provider: FakeProvider
    shops: tuple[Shop, ...]

    async def order(
        self, *lines: tuple[Shop, UUID, int], key: UUID | None = None, **more: Any
    ) -> MarketCheckout:
        """Place a checkout over these lines."""
        return await market_api.place_checkout(
            self.commerce,
            self.market_id,
            checkout_id=key or new_id(),
            lines=[MarketLine(shop.merchant_id, sku_id, quantity) for shop, sku_id, quantity in lines],
            contact=CONTACT,
            address=ADDRESS,
            **more,
        )

    async def start(self, checkout: MarketCheckout) -> str:
        return await market_api.start_checkout_payment(
            self.commerce,
            self.market_id,
            checkout_id=checkout.checkout_id,
            return_url="http://market.localhost/back",
            webhook_url="http://market.localhost/webhooks/market/sandbox",
        )

    async def pay(self, checkout: MarketCheckout) -> ProviderEvent:
        """The buyer pays the whole checkout; the provider tells it."""
        url = await self.start(checkout)
        event = self.provider.capture(UUID(url.rsplit("/", 1)[1]))
        await self.tell(event)
        return event

    async def tell(self, event: ProviderEvent) -> None:
        await market_api.settle_checkout(self.commerce, self.market_id, event=event, source="webhook")

    async def orders(self, checkout: MarketCheckout) -> list[Order]:
        """The orders of a checkout, in the order of the shops."""
        ids = {order.member_id: order.order_id for order in checkout.orders}
        return [await order_of(shop, ids[shop.merchant_id]) for shop in self.shops if shop.merchant_id in ids]

    async def balance(self, merchant_id: MerchantId, account: Any) -> int:
        async with self.commerce.db.transaction(merchant_id, "read") as tx:
            return (await load_balances(tx, account_ids=[account.account_id]))[account.account_id].posted

    async def due(self, shop: Shop) -> int:
        """What the market owes a member."""
        return await self.balance(self.market_id, settlement_due(shop.merchant_id, "USD"))

    async def income(self) -> int:
        return await self.balance(self.market_id, commission_income("USD"))


@pytest.fixture
async def market(owner: Database, commerce: Commerce, provider: FakeProvider) -> Market:
    through = market_api.MarketProvider(commerce.db, commerce.lane, {"sandbox": provider})
    commerce = msgspec.structs.replace(commerce, providers={"sandbox": provider, "market": through})
    market_id = MerchantId(new_id())
    slug = f"market-{market_id.hex[-12:]}"
    await add_merchant(
        owner,
        merchant_id=market_id,
        slug=slug,
        name="Market",
        currency="USD",
        hostnames=(f"{slug}.localhost",),
        support_email="help@example.com",
        kind="market",
    )
    shops = []
    for _ in range(2):
        merchant_id = MerchantId(new_id())
        shops.append(await open_shop(owner, commerce, merchant_id, f"shop-{merchant_id.hex[-12:]}"))
        async with commerce.db.transaction(market_id) as tx:
            await market_api.add_member(tx, member_id=merchant_id, commission_ppm=COMMISSION_PPM, by="test")
    return Market(market_id, commerce, provider, tuple(shops))
