"""Make a merchant's whole index afresh: every product's entry, the vocabulary, suggestions, the best sellers.

Needed after an upgrade that makes entries differently, after a category's renaming (entries hold category names), and
from time to time because words of edited products stay in the vocabulary. Products are written in batches of their own
transactions in the order of their ids, so shoppers and staff go on meanwhile; a rebuild that was killed starts anew and
finds half of its work done.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from serai.commerce.search import refresh_store as store
from serai.commerce.search.make_document import make_document
from serai.commerce.search.refresh_words import add_phrases, add_words, list_keys
from serai.foundation.database import Database, Transaction
from serai.foundation.ids import MerchantId

# Grows with every change of how entries are made; the worker rebuilds what is older.
MAKE = 1
BATCH = 500
# Levels of best sellers; one is kept where the catalogue is at least twice as large.
LEVELS = (4_000, 40_000)
NO_ID = UUID(int=0)


async def rebuild_index(
    db: Database, merchant_id: MerchantId, *, report: Callable[[int, int], None] = lambda _done, _total: None
) -> int:
    """Rebuild everything. ``report`` is told after each batch how many products of how many are
    done. Returns how many there are."""
    words: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    async with db.transaction(merchant_id, "read") as tx:
        categories = {
            row["category_id"]: [row["name"], *row["translations"].values()]
            for row in await store.list_categories(tx)
        }
        total = await store.count_products(tx)
    after, done = NO_ID, 0
    while True:
        async with db.transaction(merchant_id) as tx:
            rows = await store.list_products(tx, after, BATCH)
            if not rows:
                break
            await _write_entries(tx, rows, categories, words, brands)
        after, done = rows[-1]["product_id"], done + len(rows)
        report(done, max(done, total))
    async with db.transaction(merchant_id) as tx:
        while not await store.lock_refresh(tx):
            await tx.execute("SELECT pg_sleep(0.1)")
        await store.delete_vocabulary(tx)
        await add_words(tx, words)
        await add_phrases(tx, "brand", brands)
        await store.set_make(tx, MAKE)
    async with db.transaction(merchant_id) as tx:
        await refresh_lists(tx)
    return done


async def _write_entries(
    tx: Transaction,
    rows: list[Any],
    categories: dict[UUID, list[str]],
    words: Counter[str],
    brands: Counter[str],
) -> None:
    entries = [
        make_document(
            tx.merchant_id,
            titles=[row["title"], *row["translations"].values()],
            groups=[row["brand"], *categories.get(row["category_id"], [])],
            description=row["description"],
            codes=row["codes"] or [],
            content=row["content"] or "",
        )
        for row in rows
    ]
    await store.update_entries(
        tx,
        [row["product_id"] for row in rows],
        [entry.vector for entry in entries],
        [entry.title_key for entry in entries],
    )
    for row, entry in zip(rows, entries, strict=True):
        words.update(entry.learnt)
        if row["brand"]:
            brands[row["brand"]] += 1


async def refresh_lists(tx: Transaction) -> None:
    """Bring up to date what follows from sales and the shelf: categories to suggest, and the best sellers kept apart."""
    rows = [
        (row["name"], key, row["products"], row["category_id"])
        for row in await store.list_categories(tx)
        if row["published"] and row["products"]
        for key in list_keys(row["name"], *row["translations"].values())
    ]
    await store.replace_category_phrases(tx, rows)
    products = await store.count_products(tx)
    await store.replace_head(tx, [size for size in LEVELS if products >= 2 * size])
    await store.note_lists(tx, MAKE)
