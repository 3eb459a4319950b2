"""The regular price of every product, derived from a year of sales lines.

The source has no price list. A line's regular value is what was received plus the discounts that the retailer gave
(loyalty card and coupon match); a manufacturer's coupon is already inside what was received. The regular price is
the median over the product's lines of regular value per piece. A product that nobody in the sample bought takes the
median price of its nearest relatives, and says so.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from serai.main.demo.source import Ints, LineSource, ProductSource

FUEL_TYPE = "GASOLINE-REG UNLEADED"
# Pumped fuel is recorded in thousandths of a gallon, fuel sold at the counter as one piece; the smallest pumped
# quantity is far above the largest counted one.
FUEL_MEASURED_FROM = 100
FUEL_PARTS = 1000


class PriceOrigin(IntEnum):
    """Where a regular price comes from, nearest relative first."""

    OBSERVED = 0
    TYPE_SIZE = 1
    TYPE = 2
    CATEGORY = 3
    DEPARTMENT = 4
    CHAIN = 5


class PriceTable(Struct, frozen=True):
    """One entry per product: `minor` in cents, at least 1; `origin` holds `PriceOrigin` numbers."""

    minor: Ints
    origin: npt.NDArray[np.int8]


def derive_prices(products: ProductSource, lines: LineSource) -> PriceTable:
    """The regular price of each product, in the order of `products`.

    Lines without a quantity or without any value say nothing about a price and are left out. Meat and produce sold by
    weight have no weight in the source, so their price is per piece sold.
    """
    value_minor = lines.sales_minor + lines.retail_discount_minor + lines.coupon_match_discount_minor
    quantity = count_pieces(products, lines)
    told = (lines.product >= 0) & (quantity > 0) & (value_minor > 0)
    count = len(products.product_id)
    price = group_medians(lines.product[told], value_minor[told] / quantity[told], count=count)
    origin = np.where(np.isnan(price), -1, PriceOrigin.OBSERVED).astype(np.int8)
    observed = price.copy()
    for rung, group in enumerate_relatives(products):
        missing = origin < 0
        if not missing.any():
            break
        known = ~np.isnan(observed) & (group >= 0)
        relatives = group_medians(group[known], observed[known], count=int(group.max()) + 1)
        guess = np.where(group >= 0, relatives[group], np.nan)
        filled = missing & ~np.isnan(guess)
        price[filled] = guess[filled]
        origin[filled] = rung
    # Half a cent and above rounds up, as a shop does; below one cent a price would be free, so one cent is the floor.
    minor = np.maximum(np.floor(price + 0.5), 1).astype(np.int64)
    return PriceTable(minor=minor, origin=origin)


def count_pieces(products: ProductSource, lines: LineSource) -> npt.NDArray[np.float64]:
    """The quantity of each line in the unit that is priced: pieces, and gallons for pumped fuel."""
    fuel = np.array([value == FUEL_TYPE for value in products.type.values])[products.type.codes]
    pumped = fuel[lines.product] & (lines.product >= 0) & (lines.quantity >= FUEL_MEASURED_FROM)
    return np.where(pumped, lines.quantity / FUEL_PARTS, lines.quantity)


def enumerate_relatives(products: ProductSource) -> list[tuple[PriceOrigin, Ints]]:
    """For each rung of the ladder the group of every product, -1 where the product has no such group."""
    department, category = products.department.codes, products.category.codes
    kind, size = products.type.codes, products.size.codes
    typed = np.array([value != "" for value in products.type.values])[kind]
    filed = np.array([value != "" for value in products.category.values])[category]
    return [
        (PriceOrigin.TYPE_SIZE, np.where(typed, kind * len(products.size.values) + size, -1)),
        (PriceOrigin.TYPE, np.where(typed, kind, -1)),
        (PriceOrigin.CATEGORY, np.where(filed, category, -1)),
        (PriceOrigin.DEPARTMENT, department),
        (PriceOrigin.CHAIN, np.zeros_like(department)),
    ]


def group_medians(group: Ints, value: npt.NDArray[np.float64], *, count: int) -> npt.NDArray[np.float64]:
    """The median of the values of each group 0..count-1, NaN for a group without any. Groups must not be negative."""
    order = np.lexsort((value, group))
    sorted_value = value[order]
    size = np.bincount(group, minlength=count)
    start = np.cumsum(size) - size
    medians = np.full(count, np.nan)
    full = size > 0
    low = start[full] + (size[full] - 1) // 2
    high = start[full] + size[full] // 2
    medians[full] = (sorted_value[low] + sorted_value[high]) / 2
    return medians
