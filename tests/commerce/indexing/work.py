"""The worker's part in the keeping of search entries, done at once."""

from typing import Any
from uuid import UUID

from tests.shop import Shop

from serai.commerce.catalogue import api as catalogue
from serai.commerce.indexing import jobs
from serai.commerce.indexing.subscribers import SEARCH_ENTRIES
from serai.foundation.database import Database
from serai.foundation.event import pump_events


async def work(shop: Shop, owner: Database) -> None:
    """What the worker does within seconds."""
    while await pump_events(owner, shop.commerce.db, SEARCH_ENTRIES):
        pass
    await jobs.refresh_stale(shop.commerce, owner)
    await jobs.refresh_offers(shop.commerce, owner)


async def load_entry(owner: Database, shop: Shop, sku_id: UUID) -> Any:
    return await owner.fetchrow(
        "SELECT e.* FROM commerce.search_entry e JOIN commerce.variant v ON v.merchant_id = e.merchant_id"
        " AND v.product_id = e.product_id WHERE e.merchant_id = $1 AND v.sku_id = $2",
        shop.merchant_id,
        sku_id,
    )


async def find(shop: Shop, query: str = "", **narrowed: Any) -> list[str]:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        page = await catalogue.list_products(tx, query=query, **narrowed)
    return [card.title for card in page.items]


async def load_product(shop: Shop, sku_id: UUID) -> catalogue.Product:
    async with shop.commerce.db.transaction(shop.merchant_id, "read") as tx:
        variant = await catalogue.load_variant(tx, sku_id=sku_id)
        return await catalogue.load_product(tx, product_id=variant.product_id)
