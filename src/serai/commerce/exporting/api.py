"""Export products to CSV or Excel, page by page: a large catalogue is never held whole.

Columns are those of an import. A cell that a spreadsheet would compute gets an apostrophe before it, which an import
takes off again. Stock is left out: a count is out of date before the file is open.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Any, Literal
from uuid import UUID

from openpyxl import Workbook

from serai.commerce.catalogue.api import list_categories, list_flat_products, list_product_skus, list_products
from serai.commerce.catalogue.types import FlatProduct
from serai.commerce.importing.api import disarm_formula
from serai.foundation.database import Transaction
from serai.foundation.money import minor_digits

__all__ = ["COLUMNS", "Format", "export_products", "name_file"]

Format = Literal["csv", "xlsx"]
COLUMNS = ("sku", "title", "price", "category", "brand", "gtin", "content", "description", "published")
PAGE = 100
CHUNK = 256 * 1024
IN_MEMORY = 8_000_000
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What XML, and so Excel, cannot hold.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def name_file(kind: Format) -> str:
    """What the file is called when it is saved."""
    return f"products.{kind}"


async def list_rows(
    tx: Transaction, *, category_id: UUID | None, query: str, published: bool | None
) -> AsyncIterator[list[list[Any]]]:
    """Rows of cells, some at a time: every variant of the products that match, in the columns' order."""
    names = {c.category_id: c for c in await list_categories(tx, is_counted=False)}
    paths = {
        c.category_id: " > ".join([names[c.parent_id].name, c.name] if c.parent_id in names else [c.name])
        for c in names.values()
    }
    cursor: str | None = None
    while True:
        page = await list_products(
            tx,
            category_id=category_id,
            query=query,
            published=published,
            sort="title",
            cursor=cursor,
            limit=PAGE,
        )
        skus = await list_product_skus(tx, product_ids=[card.product_id for card in page.items])
        flat = await list_flat_products(tx, skus=skus)
        yield [_cells(flat[sku], paths) for sku in skus if sku in flat]
        cursor = page.next_cursor
        if cursor is None:
            return


def _cells(product: FlatProduct, paths: dict[UUID, str]) -> list[Any]:
    price: Any = ""
    if product.price_minor is not None:
        price = Decimal(product.price_minor).scaleb(-minor_digits(product.currency))
    return [
        _text(product.sku),
        _text(product.title),
        price,
        _text(paths.get(product.category_id, "")),
        _text(product.brand),
        _text(product.gtin or ""),
        _text(product.content_text or ""),
        _text(product.description),
        "yes" if product.published else "no",
    ]


def _text(text: str) -> str:
    return disarm_formula(CONTROL.sub("", text))


async def export_products(
    tx: Transaction,
    *,
    kind: Format,
    category_id: UUID | None = None,
    query: str = "",
    published: bool | None = None,
) -> AsyncIterator[bytes]:
    """The file in pieces. CSV leaves page by page; Excel's archive can only be closed at its end, and waits on disk."""
    rows = list_rows(tx, category_id=category_id, query=query, published=published)
    if kind == "csv":
        # The mark at the beginning tells Excel that the text is UTF-8.
        yield b"\xef\xbb\xbf" + _to_csv([list(COLUMNS)])
        async for some in rows:
            yield _to_csv(some)
        return
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Products")
    sheet.append(COLUMNS)
    async for some in rows:
        for row in some:
            sheet.append(row)
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(CHUNK):
            yield piece


def _to_csv(rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
