"""Search entries follow what happens to products, prices, offers and stock. The worker runs it."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.indexing import store
from serai.commerce.indexing.refresh_products import refresh_products
from serai.foundation.database import Transaction
from serai.foundation.event import Event, Subscriber

BY_PRODUCT = frozenset({"ProductChanged", "PriceChanged", "OfferAdded"})
BY_SKU = frozenset({"StockMoved", "OfferEnded", "PriceChanged"})
# What reserves goods, or gives them free again.
BY_ORDER = frozenset({"OrderPlaced", "OrderCancelled", "OrderExpired", "OrderRevived"})


async def follow(tx: Transaction, events: Sequence[Event]) -> None:
    """Look again at every product that the events are about, once each; bundles follow their parts."""
    products = [UUID(event.data["product_id"]) for event in events if event.name in BY_PRODUCT]
    skus = [UUID(event.data["sku_id"]) for event in events if event.name in BY_SKU]
    orders = [event.subject_id for event in events if event.name in BY_ORDER]
    if skus or orders:
        products += await store.list_products_of(tx, skus, orders)
    await refresh_products(tx, product_ids=products)


SEARCH_ENTRIES = Subscriber("search entries", BY_PRODUCT | BY_SKU | BY_ORDER, follow)
