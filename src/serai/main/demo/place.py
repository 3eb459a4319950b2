"""The chain's stores as places, and the warehouse from which the shop sends.

The source knows a store only by its number, so a place is named after that number and has no address.
"""

import numpy as np
from msgspec import Struct

from serai.main.demo.source import Ints, LineSource

ONLINE_CODE = "online"


class PlaceTable(Struct, frozen=True):
    """One entry per place: the online warehouse first, then the stores, busiest first.

    `store_id` is the source's number, 0 for the warehouse; `code` is unique and stable; `rank` counts from 1 by
    sales, 0 for the warehouse; `sales_minor`, `lines` and `baskets` are the year's, 0 for the warehouse.
    """

    store_id: Ints
    code: list[str]
    kind: list[str]
    name_en: list[str]
    name_zh: list[str]
    rank: Ints
    sales_minor: Ints
    lines: Ints
    baskets: Ints


def rank_places(lines: LineSource) -> PlaceTable:
    """The warehouse and every store that sold something, ordered by sales; equal sales by store number."""
    stores, store = np.unique(lines.store_id, return_inverse=True)
    sales_minor = np.zeros(len(stores), dtype=np.int64)
    np.add.at(sales_minor, store, lines.sales_minor)
    line_count = np.bincount(store, minlength=len(stores))
    _, first = np.unique(lines.basket_id, return_index=True)
    basket_count = np.bincount(store[first], minlength=len(stores))
    order = np.lexsort((stores, -sales_minor))
    ids = stores[order]
    return PlaceTable(
        store_id=prepend_zero(ids),
        code=[ONLINE_CODE, *(f"store-{number}" for number in ids)],
        kind=["warehouse", *("store" for _ in ids)],
        name_en=["Online warehouse", *(f"Store {number}" for number in ids)],
        name_zh=["线上仓", *(f"{number} 号门店" for number in ids)],
        rank=np.arange(len(ids) + 1, dtype=np.int64),
        sales_minor=prepend_zero(sales_minor[order]),
        lines=prepend_zero(line_count[order]),
        baskets=prepend_zero(basket_count[order]),
    )


def prepend_zero(values: Ints) -> Ints:
    """The values with a 0 before them, for the warehouse."""
    return np.concatenate([np.zeros(1, dtype=np.int64), values.astype(np.int64)])
