"""Bring up to date what follows from sales and the shelf: popularity, the best sellers' levels, categories to suggest.

Popularity is a gentle signal: 1 + ln(1 + popularity) multiplies how well words match, and never lifts a product past one
whose title matches better. It is ``rank`` (what the merchant's set-up or import said) plus the pieces sold in paid orders of
the last 90 days, each counting half for every 30 days of its age, at most 10 a line, and a weighed line as one.
"""

from serai.commerce.search import refresh_store as store
from serai.commerce.search.refresh_words import list_keys
from serai.foundation.database import Transaction

# Levels of best sellers; one is kept where the catalogue is at least twice as large. Four times as many each: a query
# that just misses a level finds few enough in the next to rank them all.
LEVELS = (2_000, 8_000, 32_000, 128_000)
SALES_DAYS = 90
HALF_LIFE_DAYS = 30
PIECES_MOST = 10


async def refresh_lists(tx: Transaction, *, make: int) -> None:
    """Do all of it for the transaction's merchant. ``make``: of which make the entries are if nobody has said so yet."""
    rows = [
        (row["name"], key, row["products"], row["category_id"])
        for row in await store.list_categories(tx)
        if row["published"] and row["products"]
        for key in list_keys(row["name"], *row["translations"].values())
    ]
    await store.replace_category_phrases(tx, rows)
    await store.update_popularity(tx, SALES_DAYS, HALF_LIFE_DAYS, PIECES_MOST)
    products = await store.count_products(tx)
    sizes = [size for size in LEVELS if products >= 2 * size]
    await store.arrange_levels(tx, sizes)
    await store.note_lists(tx, make, len(sizes), await store.measure_share(tx))
