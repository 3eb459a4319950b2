"""What the worker does for search: count in what changed, rebuild entries of an older make, refresh the best sellers."""

import logging

from serai.commerce.search import refresh_store as store
from serai.commerce.search.rebuild_index import MAKE, rebuild_index
from serai.commerce.search.refresh_lists import refresh_lists
from serai.commerce.search.refresh_words import refresh_words
from serai.commerce.types import Commerce
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")

LISTS_MINUTES = 60


async def count_words(commerce: Commerce, owner: Database) -> int:
    """Count in what products and searches of all merchants brought since the last time. Returns the number of rows."""
    taken = 0
    for merchant_id in await store.list_waiting(owner):
        while True:
            async with commerce.db.transaction(MerchantId(merchant_id)) as tx:
                batch = await refresh_words(tx)
            taken += batch
            if not batch:
                break
    return taken


async def refresh_search(commerce: Commerce, owner: Database) -> int:
    """Rebuild indexes that an older version made, and bring lists up to date that are an hour old or were never made.

    Returns the number of merchants that something was done for.
    """
    old = await store.list_old_indexes(owner, MAKE)
    for merchant_id in old:
        count = await rebuild_index(commerce.db, MerchantId(merchant_id))
        log.info("the search index of merchant %s was rebuilt: %d products", merchant_id, count)
    stale = await store.list_stale_lists(owner, LISTS_MINUTES)
    for merchant_id in stale:
        async with commerce.db.transaction(MerchantId(merchant_id)) as tx:
            await refresh_lists(tx, make=MAKE)
    return len({*old, *stale})
