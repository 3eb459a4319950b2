"""The worker's part in the keeping of search entries, done at once."""

from tests.shop import Shop

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
