"""How what was found divides into categories, brands and price bands, counted over a bounded number of matches."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.search import store
from serai.commerce.search.compile_query import Query
from serai.commerce.search.types import Facets, PriceBand, Wanted
from serai.foundation.database import Transaction

# Matches that are looked at for counts; of more, the counts are lower bounds and said to be so.
COUNT_LIMIT = 10_000
# Of more than this, price bands are drawn from this many and told without numbers.
PRICED_LIMIT = 2_000
BANDS = 5
# Edges that people find round: 1, 2, 5, 10, … in minor units, from 0.50 on.
EDGES = tuple(step * 10**power for power in range(1, 12) for step in (1, 2, 5) if step * 10**power >= 50)


async def count_facets(tx: Transaction, *, query: Query, wanted: Wanted) -> Facets:
    """Totals of a search among published products."""
    found = await store.count_found(tx, query.match, wanted, EDGES, COUNT_LIMIT + 1, PRICED_LIMIT)
    return Facets(
        total=min(found["total"], COUNT_LIMIT),
        seen=found["seen"],
        is_partial=found["seen"] > COUNT_LIMIT,
        categories=tuple((UUID(category_id), products) for category_id, products in found["categories"]),
        brands=tuple((brand, products) for brand, products in found["brands"]),
        bands=merge_bands(found["bands"], is_counted=found["seen"] <= PRICED_LIMIT),
    )


def merge_bands(counts: Sequence[tuple[int, int]], *, is_counted: bool = True) -> tuple[PriceBand, ...]:
    """At most five bands of about equal numbers of products, from numbers per edge (0: below the first edge)."""
    total = sum(products for _band, products in counts)
    filled = [(band, products) for band, products in counts if products]
    if len(filled) < 2:
        return ()
    share = total / min(BANDS, len(filled))
    bands: list[PriceBand] = []
    start, gathered = 0, 0
    for at, (band, products) in enumerate(filled):
        gathered += products
        rest_of_bands = BANDS - len(bands)
        is_last = at == len(filled) - 1
        if is_last or (gathered >= share * 0.8 and rest_of_bands > 1):
            low = EDGES[start - 1] if start else None
            high = None if is_last else EDGES[band] - 1
            bands.append(PriceBand(low, high, gathered if is_counted else None))
            start, gathered = band + 1, 0
    return tuple(bands)
