"""A few products and sales lines by hand, for tests of the derivations."""

from typing import Any

import numpy as np

from serai.main.demo.source import Coded, Ints, LineSource, ProductSource


def make_products(rows: list[tuple[int, str, str, str, str]]) -> ProductSource:
    """Products from (product_id, department, category, type, size)."""
    ids, departments, categories, types, sizes = zip(*rows, strict=True)
    return ProductSource(
        product_id=np.array(ids),
        manufacturer_id=np.full(len(rows), 7),
        department=make_coded(departments),
        brand=make_coded(["National"] * len(rows)),
        category=make_coded(categories),
        type=make_coded(types),
        size=make_coded(sizes),
    )


def make_coded(texts: Any) -> Coded:
    values = sorted(set(texts))
    return Coded(values=values, codes=np.array([values.index(text) for text in texts]))


def make_lines(**columns: list[int]) -> LineSource:
    """Sales lines from the columns that matter to a test; ids default to 1, amounts to 0."""
    count = len(columns["product"])
    defaults = {"basket_id": 1, "household_id": 1, "store_id": 1, "quantity": 1}

    def column(name: str) -> Ints:
        return np.array(columns.get(name, [defaults.get(name, 0)] * count), dtype=np.int64)

    if "product_id" not in columns:
        columns["product_id"] = columns["product"]
    return LineSource(**{field: column(field) for field in LineSource.__struct_fields__})
