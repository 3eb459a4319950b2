"""What the worker does for search entries when nobody tells it: prices whose moment has come or gone, and notes that writers
left behind."""

import logging
from collections.abc import Sequence
from uuid import UUID

from serai.commerce.indexing import store
from serai.commerce.indexing.refresh_products import refresh_products
from serai.commerce.search import api as search
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")

BATCH = 500
NOTES = 200
# Older turns than these were seen to, or the worker stood still for longer: then `serai reindex` helps.
OFFER_DAYS = 7


async def refresh_stale(commerce: Commerce, owner: Database) -> int:
    """See to all notes of all merchants. Returns how many products were looked at.

    Notes go when their products are done: what a killed run leaves is done again.
    """
    done = 0
    for merchant_id in await store.list_merchants_with_stale(owner):
        merchant = MerchantId(merchant_id)
        while True:
            async with commerce.db.transaction(merchant, "read") as tx:
                notes = await store.list_stale(tx, NOTES)
            if not notes:
                break
            reworded = {each for note in notes if note["is_reworded"] for each in note["product_ids"]}
            await _remake(commerce, merchant, sorted(reworded))
            done += await _refresh(
                commerce, merchant, {each for note in notes for each in note["product_ids"]}
            )
            async with commerce.db.transaction(merchant) as tx:
                await store.delete_stale(tx, [note["stale_id"] for note in notes])
    return done


async def _remake(commerce: Commerce, merchant_id: MerchantId, product_ids: Sequence[UUID]) -> None:
    for start in range(0, len(product_ids), BATCH):
        async with commerce.db.transaction(merchant_id) as tx:
            names = await search.load_category_names(tx)
            entries = await search.remake_entries(
                tx, product_ids=product_ids[start : start + BATCH], names=names
            )
            await search.note_entries(tx, entries)


async def _refresh(commerce: Commerce, merchant_id: MerchantId, product_ids: set[UUID]) -> int:
    ids = sorted(product_ids)
    for start in range(0, len(ids), BATCH):
        async with commerce.db.transaction(merchant_id) as tx:
            await refresh_products(tx, product_ids=ids[start : start + BATCH])
    return len(ids)


async def refresh_offers(commerce: Commerce, owner: Database) -> int:
    """Look again at the products of offers that began or ended by themselves. Returns how many products."""
    now = clock.now()
    done = 0
    for merchant_id, sku_ids in await store.list_turned_offers(owner, now, OFFER_DAYS):
        merchant = MerchantId(merchant_id)
        async with commerce.db.transaction(merchant, "read") as tx:
            product_ids = await store.list_products_of(tx, sku_ids, ())
        done += await _refresh(commerce, merchant, set(product_ids))
        async with commerce.db.transaction(merchant) as tx:
            await store.note_offers(tx, now, search.MAKE)
    return done
