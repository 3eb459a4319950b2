"""Make a merchant's whole index afresh: every product's entry, the vocabulary, suggestions, the best sellers.

Needed after an upgrade that makes entries differently, and from time to time because words of edited products stay in the
vocabulary. Products are written in batches of their own transactions in the order of their ids, so shoppers and staff go on
meanwhile. Each batch notes how far it came, with its words waiting to be counted in: a rebuild that was killed goes on
there, by whoever begins one next. Until it has ended, typos are mended with the words of what is done. What is beside the
words (prices, stock) the worker looks at afterwards.
"""

from collections.abc import Callable
from uuid import UUID

from serai.commerce.search import refresh_store as store
from serai.commerce.search.refresh_lists import refresh_lists
from serai.commerce.search.refresh_words import note_entries, refresh_words
from serai.commerce.search.remake_entries import load_category_names, remake_entries
from serai.commerce.search.store import insert_stale
from serai.foundation.database import Database, Transaction
from serai.foundation.ids import MerchantId, new_id

# Grows with every change of how entries are made; the worker rebuilds what is older.
MAKE = 3
BATCH = 500
NO_ID = UUID(int=0)


async def rebuild_index(
    db: Database, merchant_id: MerchantId, *, report: Callable[[int, int], None] = lambda _done, _total: None
) -> int:
    """Rebuild everything, or what a rebuild left that did not end. ``report`` is told after each batch how many products
    of how many are done, those of an earlier attempt included. Returns how many entries this one made."""
    async with db.transaction(merchant_id) as tx:
        names = await load_category_names(tx)
        total = await store.count_products(tx)
        after = await store.find_rebuild(tx)
        if after is None:
            after = NO_ID
            await _wait_for_words(tx)
            await store.delete_vocabulary(tx)
            await store.note_rebuild(tx, after)
        earlier = await store.count_products(tx, after)
    done = 0
    while True:
        async with db.transaction(merchant_id) as tx:
            ids = await store.list_products(tx, after, BATCH)
            if not ids:
                break
            await note_entries(tx, await remake_entries(tx, product_ids=ids, names=names))
            await insert_stale(tx, new_id(), ids, False)
            await store.note_rebuild(tx, ids[-1])
        after, done = ids[-1], done + len(ids)
        report(earlier + done, max(earlier + done, total))
    while True:
        async with db.transaction(merchant_id) as tx:
            await _wait_for_words(tx)
            if not await refresh_words(tx):
                break
    async with db.transaction(merchant_id) as tx:
        await store.set_make(tx, MAKE)
    async with db.transaction(merchant_id) as tx:
        await refresh_lists(tx, make=MAKE)
    return done


async def _wait_for_words(tx: Transaction) -> None:
    """Be the only one that changes the vocabulary, until the transaction ends."""
    while not await store.lock_refresh(tx):
        await tx.execute("SELECT pg_sleep(0.1)")
