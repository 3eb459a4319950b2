"""How fast a file of goods becomes products: read, checked, written and found by search, as `serai import products` does it.

Every turn imports a whole file of new goods: 10,000 rows with seven columns, titles in English and Chinese, once as CSV
and once as an Excel file. The files are written before the clock starts; what is rejected would be counted as lost work.
"""

import csv
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from openpyxl import Workbook

from serai.commerce.importing.api import ImportLimits, RejectFile, import_products, open_table
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.merchant.api import add_merchant, list_merchants
from serai.identity.merchant.types import Merchant
from serai.main.bench.arena import Arena
from serai.main.bench.figure import Contest, Figure, Side, Turn
from serai.main.bench.search_goods import CURRENCY, KIND_PAIRS, make_goods
from serai.main.fault import Fault

ROWS = 10_000
QUICK_ROWS = 500
HEADER = ("sku", "title", "brand", "category", "content", "price", "description")
MEGABYTE = 1_000_000
MUST_ROWS_PER_S = ROWS / 60


def list_rows(merchant_id: MerchantId, count: int, turn: str) -> Iterator[tuple[str, ...]]:
    """Rows of goods that no other turn has, by their SKU."""
    for number, product in enumerate(make_goods(merchant_id, count)):
        kind = KIND_PAIRS[number % len(KIND_PAIRS)][0].capitalize()
        yield (
            f"{turn}-{product.sku}",
            f"{product.title} {product.translations['zh_Hans']}",
            product.brand,
            kind,
            product.content.text if product.content else "",
            f"{(product.price_minor or 0) / 100:.2f}",
            f"{product.title}. Keep it dry and cool.",
        )


def write_csv(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)


def write_excel(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for row in rows:
        sheet.append(row)
    book.save(path)


WRITERS = {"csv": write_csv, "xlsx": write_excel}


class Importer:
    """Imports one file after the other for one merchant and counts what stands there in the end."""

    def __init__(self, arena: Arena, merchant: Merchant, kind: str) -> None:
        self.arena = arena
        self.merchant = merchant
        self.kind = kind
        self.turns = 0
        self.rows = QUICK_ROWS if arena.quick else ROWS

    async def run(self, _seconds: float) -> Turn:
        """One file, however long it takes."""
        self.turns += 1
        path = self.arena.folder / f"goods-{self.turns}.{self.kind}"
        merchant_id = MerchantId(self.merchant.merchant_id)
        WRITERS[self.kind](path, list_rows(merchant_id, self.rows, f"T{self.turns}"))
        settings = self.arena.settings
        limits = ImportLimits(
            rows=settings.import_rows,
            file_bytes=settings.import_file_mb * MEGABYTE,
            unpacked_bytes=settings.import_unpacked_mb * MEGABYTE,
            cell_characters=settings.import_cell_characters,
        )
        used, began = self.arena.read_cpu(), time.perf_counter()
        with open_table(path, limits) as table:
            rejects = RejectFile(path.with_suffix(".rejected.csv"), table.header)
            report = await import_products(
                self.arena.db,
                self.merchant,
                table,
                rejects=rejects,
                locale="en",
                by="bench",
                cell_characters=limits.cell_characters,
                dry_run=False,
                progress=lambda _at, _total: None,
            )
            rejects.discard()
        turn = Turn(report.added, time.perf_counter() - began, used())
        path.unlink()
        if report.added != self.rows:
            raise Fault(f"Of {self.rows} rows {report.added} were imported.", "This is a bug.")
        return turn

    async def require_all(self) -> None:
        """Fault unless every row of every turn is a product that search knows."""
        for table in ("product", "search_entry"):
            count = await self.arena.owner.fetchval(
                f"SELECT count(*) FROM commerce.{table} WHERE merchant_id = $1",  # sql: one of two constants
                self.merchant.merchant_id,
            )
            if count != self.turns * self.rows:
                raise Fault(f"{self.turns * self.rows} rows were imported, {count} are in {table}.")


@asynccontextmanager
async def open_imports(arena: Arena, needed: frozenset[str]) -> AsyncIterator[Mapping[str, Side]]:
    """A merchant for each kind of file."""
    importers = {}
    for kind in WRITERS:
        slug = f"import-{kind}"
        await add_merchant(
            arena.owner,
            merchant_id=MerchantId(derive_id("bench merchant", slug)),
            slug=slug,
            name="Bench import",
            currency=CURRENCY,
            hostnames=(f"{slug}.localhost",),
            support_email="bench@serai.example",
        )
        merchant = next(each for each in await list_merchants(arena.db) if each.slug == slug)
        importers[kind] = Importer(arena, merchant, kind)
    yield {
        kind: Side(partial(importer.run), f"one file of {importer.rows} new goods", "client")
        for kind, importer in importers.items()
        if kind in needed
    }
    for importer in importers.values():
        await importer.require_all()
    await arena.require_clean()


def _rate(name: str, side: str, meaning: str) -> Figure:
    return Figure(
        name=name,
        unit="rows/s",
        meaning=meaning,
        sides=(side,),
        of_turns=lambda turns: turns[side].rate,
        must=MUST_ROWS_PER_S,
    )


CONTESTS = (
    Contest(
        "import",
        (
            _rate("import.rows_per_s", "csv", "rows of a CSV file of 10,000 new goods per second"),
            _rate("import.excel_rows_per_s", "xlsx", "the same from an Excel file"),
        ),
        open_imports,
        runs_most=3,
    ),
)
