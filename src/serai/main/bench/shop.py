"""A merchant to sell for: a warehouse, some hundred or thousand products with plenty of stock, an API key."""

from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import (
    Category,
    Content,
    NewProduct,
    add_categories,
    add_products,
    list_sale_items,
)
from serai.commerce.catalogue.types import SaleItem
from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.commerce.stock.types import customer_account, stock_account, supplier_account
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.apikey.api import SCOPES, ApiKey, create_key
from serai.identity.merchant.api import add_merchant
from serai.ledger.api import BulkTransfer, load_bulk
from serai.main.bench.arena import Arena

STOCK = 1_000_000_000
CURRENCY = "USD"
BATCH = 4_000
BY = "bench"


class Shop(msgspec.Struct, frozen=True):
    """What selling needs to know. ``slugs`` are those of the products, in the order of ``sku_ids``."""

    merchant_id: MerchantId
    host: str
    warehouse: Place
    sku_ids: tuple[UUID, ...]
    slugs: tuple[str, ...]
    key: ApiKey
    secret: str


async def open_shop(arena: Arena, name: str, *, products: int) -> Shop:
    """Register a merchant and fill its warehouse. One name gives one merchant per arena."""
    merchant_id = MerchantId(derive_id("bench merchant", name))
    host = f"{name}.localhost"
    await add_merchant(
        arena.owner,
        merchant_id=merchant_id,
        slug=name,
        name=f"Bench {name}",
        currency=CURRENCY,
        hostnames=(host,),
        support_email="bench@serai.example",
    )
    warehouse = Place(derive_id(merchant_id, "warehouse"), "online", "Warehouse", "warehouse", True, True)
    shelf = Category(derive_id(merchant_id, "shelf"), None, "shelf", "Shelf", {}, "jar", 0, True)
    goods = [_product(merchant_id, shelf.category_id, number) for number in range(products)]
    async with arena.db.transaction(merchant_id) as tx:
        await add_places(tx, places=[warehouse])
        await add_categories(tx, categories=[shelf])
    for start in range(0, products, BATCH):
        async with arena.db.transaction(merchant_id) as tx:
            await add_products(tx, products=goods[start : start + BATCH], by=BY, reason="opening price")
    sku_ids = tuple(product.sku_id for product in goods if product.sku_id)
    await _fill_warehouse(arena.db, merchant_id, warehouse, sku_ids)
    async with arena.db.transaction(merchant_id) as tx:
        key, secret = await create_key(tx, name="bench", scopes=SCOPES, by=BY)
    slugs = tuple(product.slug or "" for product in goods)
    return Shop(merchant_id, host, warehouse, sku_ids, slugs, key, secret)


def _product(merchant_id: MerchantId, category_id: UUID, number: int) -> NewProduct:
    return NewProduct(
        product_id=derive_id("product", merchant_id, number),
        sku_id=derive_id("sku", merchant_id, number),
        slug=f"ice-crushed-{number}",
        title=f"Ice, crushed, bag {number}",
        translations={"zh_Hans": f"碎冰 {number} 号袋"},
        sku=f"B{number:07}",
        category_id=category_id,
        price_minor=199 + number % 800,
        currency=CURRENCY,
        brand="Own brand",
        description="Clear ice, crushed and sieved.",
        content=Content("22 lb", 9979, "g"),
        rank=number,
    )


async def _fill_warehouse(
    db: Database, merchant_id: MerchantId, warehouse: Place, sku_ids: tuple[UUID, ...]
) -> None:
    shelves = [stock_account(sku_id, warehouse.place_id) for sku_id in sku_ids]
    suppliers = [supplier_account(sku_id) for sku_id in sku_ids]
    customers = [customer_account(sku_id) for sku_id in sku_ids]
    transfers = [
        BulkTransfer(
            derive_id("opening", shelf.account_id),
            shelf.account_id,
            supplier.account_id,
            shelf.unit_id,
            STOCK,
            "opening stock",
            None,
        )
        for shelf, supplier in zip(shelves, suppliers, strict=True)
    ]
    async with db.transaction(merchant_id) as tx:
        await load_bulk(
            tx,
            group_id=derive_id("opening", merchant_id),
            accounts=[*shelves, *suppliers, *customers],
            transfers=transfers,
            at=clock.now(),
        )


async def load_items(arena: Arena, shop: Shop) -> dict[UUID, SaleItem]:
    """The goods as checkout prices them."""
    async with arena.db.transaction(shop.merchant_id, "read") as tx:
        return await list_sale_items(tx, sku_ids=list(shop.sku_ids))
