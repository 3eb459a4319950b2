"""What the worker does for search: count in what changed, rebuild indexes of an older make, refresh the best sellers."""

import logging

from serai.commerce.search.rebuild_index import MAKE, rebuild_index, refresh_lists
from serai.commerce.search.refresh_store import find_make
from serai.commerce.search.refresh_words import refresh_words
from serai.commerce.types import Commerce
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")


async def count_words(commerce: Commerce, merchant_ids: list[MerchantId]) -> int:
    """Count in what products and searches brought since the last time. Returns the number of rows."""
    taken = 0
    for merchant_id in merchant_ids:
        while True:
            async with commerce.db.transaction(merchant_id) as tx:
                batch = await refresh_words(tx)
            taken += batch
            if not batch:
                break
    return taken


async def refresh_search(commerce: Commerce, merchant_ids: list[MerchantId]) -> None:
    """Rebuild what an older version made, and what follows from sales."""
    for merchant_id in merchant_ids:
        async with commerce.db.transaction(merchant_id) as tx:
            made = await find_make(tx)
            if made is not None and made[0] == MAKE:
                await refresh_lists(tx)
        if made is None or made[0] != MAKE:
            count = await rebuild_index(commerce.db, merchant_id)
            log.info("the search index of merchant %s was rebuilt: %d products", merchant_id, count)
