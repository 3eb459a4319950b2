"""A small shop for tests: a merchant with a warehouse, a store, a few products, and the tools of commerce around it."""

from typing import Any
from uuid import UUID

import httpx
import msgspec

from serai.commerce.cart.api import add_line, open_cart
from serai.commerce.catalogue.api import Category, NewProduct, add_categories, add_products
from serai.commerce.checkout.api import Address, Contact, PlacedOrder, place_order, quote_cart
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.commerce.stock.api import receive_stock
from serai.commerce.tax.types import TaxPlace
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.identity.apikey.api import SCOPES, create_key
from serai.identity.merchant.api import add_merchant

ADDRESS = Address("US", "OH", "Cincinnati", "", "1 Vine Street", "", "45202")
CONTACT = Contact("ann@example.com", "Ann Lee", "")


class Shop(msgspec.Struct, frozen=True):
    """A merchant's shop and what is in it. ``host`` is its host name."""

    merchant_id: MerchantId
    host: str
    commerce: Commerce
    warehouse: Place
    store: Place
    category: Category
    currency: str = "USD"

    async def add_product(
        self,
        title: str = "Ice, crushed, 22 lb",
        *,
        price_minor: int = 349,
        stock: int = 10,
        store_stock: int = 0,
    ) -> UUID:
        """A published product with stock. Returns its SKU's id."""
        sku_id = new_id()
        product = NewProduct(
            title=title,
            sku=f"S{sku_id.hex[-12:]}",
            sku_id=sku_id,
            category_id=self.category.category_id,
            price_minor=price_minor,
            currency=self.currency,
            brand="Own brand",
        )
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            await add_products(tx, products=[product], by="test", reason="test")
        for place, quantity in ((self.warehouse, stock), (self.store, store_stock)):
            if quantity:
                await receive_stock(
                    self.commerce,
                    self.merchant_id,
                    sku_id=sku_id,
                    place_id=place.place_id,
                    quantity=quantity,
                    reason="opening",
                    by="test",
                    key="opening",
                )
        return sku_id

    async def fill_cart(self, *lines: tuple[UUID, int], owner: str | None = None) -> tuple[str, UUID]:
        """A new cart with these lines: (owner, cart_id)."""
        owner = owner or f"web:{new_id()}"
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            cart = await open_cart(tx, owner=owner, fresh=True)
            for sku_id, quantity in lines:
                await add_line(tx, owner=owner, sku_id=sku_id, quantity=quantity, cart_id=cart.cart_id)
        return owner, cart.cart_id

    async def place(
        self, *lines: tuple[UUID, int], delivery: Any = "ship", place_id: UUID | None = None
    ) -> PlacedOrder:
        """Fill a cart and place it."""
        owner, cart_id = await self.fill_cart(*lines)
        return await self.place_cart(owner, cart_id, delivery=delivery, place_id=place_id)

    async def place_cart(
        self,
        owner: str,
        cart_id: UUID,
        *,
        delivery: Any = "ship",
        place_id: UUID | None = None,
        digest: str | None = None,
    ) -> PlacedOrder:
        """Place a cart at the quote of this moment, or at a given digest."""
        if digest is None:
            async with self.commerce.db.transaction(self.merchant_id, "read") as tx:
                quote = await quote_cart(
                    tx,
                    settings=self.commerce.settings,
                    owner=owner,
                    cart_id=cart_id,
                    delivery=delivery,
                    place_id=place_id,
                    destination=TaxPlace(ADDRESS.country, ADDRESS.region),
                )
            digest = quote.digest
        return await place_order(
            self.commerce,
            self.merchant_id,
            owner=owner,
            cart_id=cart_id,
            contact=CONTACT,
            address=ADDRESS if delivery == "ship" else None,
            delivery=delivery,
            place_id=place_id,
            expected_digest=digest,
            member_id=None,
            locale="en",
        )

    async def make_key(self, *scopes: str) -> str:
        """The secret of a new API key (all scopes by default)."""
        async with self.commerce.db.transaction(self.merchant_id) as tx:
            return (await create_key(tx, name="test", scopes=scopes or SCOPES, by="test"))[1]


async def open_shop(
    owner: Database, commerce: Commerce, merchant_id: MerchantId, slug: str, currency: str = "USD"
) -> Shop:
    """Register the merchant and give it a warehouse, a store and a category."""
    host = f"{slug}.localhost"
    await add_merchant(
        owner,
        merchant_id=merchant_id,
        slug=slug,
        name=f"Shop {slug}",
        currency=currency,
        hostnames=(host,),
        support_email="help@example.com",
    )
    warehouse = Place(derive_id(merchant_id, "warehouse"), "online", "Warehouse", "warehouse", True, True)
    store = Place(derive_id(merchant_id, "store"), "store-1", "Store 1", "store", False, True)
    category = Category(
        derive_id(merchant_id, "pantry"), None, "pantry", "Pantry", {"zh_Hans": "食品柜"}, "jar", 0, True
    )
    async with commerce.db.transaction(merchant_id) as tx:
        await add_places(tx, places=[warehouse, store])
        await add_categories(tx, categories=[category])
    return Shop(merchant_id, host, commerce, warehouse, store, category, currency)


def api_client(transport: httpx.AsyncBaseTransport, shop: Shop, secret: str) -> httpx.AsyncClient:
    """A client of a shop's JSON API, with a new idempotency key per call unless the call gives one."""

    async def add_key(request: httpx.Request) -> None:
        request.headers.setdefault("idempotency-key", str(new_id()))

    return httpx.AsyncClient(
        transport=transport,
        base_url=f"http://{shop.host}",
        headers={"authorization": f"Bearer {secret}"},
        event_hooks={"request": [add_key]},
    )
