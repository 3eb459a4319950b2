"""The year's baskets, ready to be copied into the data platform.

Facts of the past: they are kept as the source has them and post nothing in the ledger.
"""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from serai.main.demo.member import MemberTable
from serai.main.demo.place import PlaceTable
from serai.main.demo.source import Ints, LineSource, find_positions

BasketRow = tuple[int, int, int, int, int, int, int, int, int, int, int, int]


class BasketTable(Struct, frozen=True):
    """One entry per sales line, by time, basket and line. Money in cents, time in microseconds since 1970, UTC.

    `place`, `member` and `product` are positions in their tables; `product` is -1 for the few lines whose
    `product_id` the product table lacks. `line` counts from 1 inside a basket. `quantity` is as recorded: pieces,
    thousandths of a gallon for pumped fuel, and 0 on lines that only correct something.
    """

    sold_at_us: Ints
    basket_id: Ints
    line: Ints
    member: Ints
    place: Ints
    product: Ints
    product_id: Ints
    quantity: Ints
    sales_minor: Ints
    retail_discount_minor: Ints
    coupon_discount_minor: Ints
    coupon_match_discount_minor: Ints


def arrange_baskets(lines: LineSource, places: PlaceTable, members: MemberTable) -> BasketTable:
    """The sales lines in order of time with positions in place of numbers."""
    # Stable: lines of one basket keep the order of the source, which is the only order they have.
    order = np.lexsort((lines.basket_id, lines.sold_at_us))
    basket_id = lines.basket_id[order]
    by_store = np.argsort(places.store_id, kind="stable")
    return BasketTable(
        sold_at_us=lines.sold_at_us[order],
        basket_id=basket_id,
        line=count_within(basket_id),
        member=find_positions(members.household_id, wanted=lines.household_id[order]),
        place=by_store[find_positions(places.store_id[by_store], wanted=lines.store_id[order])],
        product=lines.product[order],
        product_id=lines.product_id[order],
        quantity=lines.quantity[order],
        sales_minor=lines.sales_minor[order],
        retail_discount_minor=lines.retail_discount_minor[order],
        coupon_discount_minor=lines.coupon_discount_minor[order],
        coupon_match_discount_minor=lines.coupon_match_discount_minor[order],
    )


def count_within(group: Ints) -> Ints:
    """1, 2, 3 ... for the entries of each group, in the order in which they stand, however the groups are mixed."""
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    fresh = np.concatenate([[True], sorted_group[1:] != sorted_group[:-1]])
    start = np.maximum.accumulate(np.where(fresh, np.arange(len(group)), 0))
    position = np.empty(len(group), dtype=np.int64)
    position[order] = np.arange(len(group)) - start + 1
    return position


def iterate_rows(baskets: BasketTable, *, batch: int = 50_000) -> Iterator[list[BasketRow]]:
    """The lines as batches of tuples in field order, for a COPY."""
    columns = [getattr(baskets, field) for field in baskets.__struct_fields__]
    for start in range(0, len(baskets.basket_id), batch):
        yield list(zip(*(column[start : start + batch].tolist() for column in columns), strict=True))
