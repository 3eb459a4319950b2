"""Opening stock, derived from what each place sold in a year.

Every place opens with four weeks of its own sales, rounded up, and never less than a floor: the sample holds 2,469
households only, so most products sell a few pieces a year in it and four weeks of that would be an empty shelf. The
online warehouse counts the sales of the whole chain as its own.
"""

import numpy as np
from msgspec import Struct

from serai.main.demo.place import PlaceTable
from serai.main.demo.price import count_pieces
from serai.main.demo.source import Ints, LineSource, ProductSource

COVER_WEEKS = 4
WEEKS_PER_YEAR = 52
ONLINE_FLOOR_PIECES = 24
STORE_FLOOR_PIECES = 6
BUSIEST_STORES = 12


class StockTable(Struct, frozen=True):
    """One entry per pair of place and product, by place, then product.

    `place` is the position in the place table (0 is the warehouse), `product` the position in the product table;
    `quantity` in pieces, always at least 1.
    """

    place: Ints
    product: Ints
    quantity: Ints


def derive_stock(products: ProductSource, lines: LineSource, places: PlaceTable, *, full: bool) -> StockTable:
    """Opening stock at the warehouse for every product, and at the stores for what each sold.

    `full`: at all stores; otherwise at the twelve busiest. A pair of store and product counts as sold when it has a
    line, even one of quantity 0 (a return, or a correction at the till).
    """
    count = len(products.product_id)
    pieces = count_pieces(products, lines)
    known = lines.product >= 0
    chain = np.bincount(lines.product[known], weights=pieces[known], minlength=count)
    online = cover_weeks(chain, floor_pieces=ONLINE_FLOOR_PIECES)

    by_store = np.argsort(places.store_id, kind="stable")
    place = by_store[np.searchsorted(places.store_id[by_store], lines.store_id)]
    stocked = known if full else known & (places.rank[place] <= BUSIEST_STORES)
    pair, inverse = np.unique(place[stocked] * count + lines.product[stocked], return_inverse=True)
    sold = np.bincount(inverse, weights=pieces[stocked], minlength=len(pair))
    return StockTable(
        place=np.concatenate([np.zeros(count, dtype=np.int64), pair // count]),
        product=np.concatenate([np.arange(count, dtype=np.int64), pair % count]),
        quantity=np.concatenate([online, cover_weeks(sold, floor_pieces=STORE_FLOOR_PIECES)]),
    )


def cover_weeks(sold_in_year: np.ndarray, *, floor_pieces: int) -> Ints:
    """Four weeks of a year's sales, rounded up to whole pieces, and at least the floor."""
    cover = np.ceil(sold_in_year * COVER_WEEKS / WEEKS_PER_YEAR)
    return np.maximum(cover, floor_pieces).astype(np.int64)
