"""Files for imports: written, imported into a test's shop, and read back."""

import csv
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
from tests.shop import Shop

from serai.commerce.importing.api import ImportLimits, ImportReport, RejectFile, import_products, open_table
from serai.identity.merchant.types import Merchant

LIMITS = ImportLimits(rows=20_000, file_bytes=5_000_000, unpacked_bytes=20_000_000, cell_characters=1_000)
Row = Sequence[Any]


class Outcome(msgspec.Struct, frozen=True):
    """What an import reported, and the rejected rows as their file has them (header first)."""

    report: ImportReport
    rejected: list[list[str]]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Added, changed, unchanged, rejected."""
        report = self.report
        return report.added, report.changed, report.unchanged, report.rejected

    @property
    def reasons(self) -> list[str]:
        place = self.rejected[0].index("reason") if self.rejected else 0
        return [row[place] for row in self.rejected[1:]]


def write_csv(
    path: Path, rows: Iterable[Row], *, encoding: str = "utf-8", delimiter: str = ",", end: str = "\r\n"
) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(rows)
    return path


def write_excel(path: Path, rows: Iterable[Row]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    book.save(path)
    return path


def replace_part(path: Path, name: str, content: bytes) -> Path:
    """Put other content into a part of an Excel file."""
    draft = BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, content if part == name else old.read(part))
    path.write_bytes(draft.getvalue())
    return path


def list_rejects(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


class Desk:
    """Imports files into one shop."""

    def __init__(self, shop: Shop, folder: Path, *, currency: str = "USD") -> None:
        self.shop = shop
        self.folder = folder
        self.progress: list[tuple[int, int]] = []
        self._merchant = Merchant(shop.merchant_id, "shop", "Shop", currency, "en", (), "", True)

    async def take(self, rows: Iterable[Row], **call: Any) -> Outcome:
        """Import rows, the header first, from a CSV file."""
        return await self.take_file(write_csv(self.folder / "goods.csv", rows), **call)

    async def take_file(
        self,
        path: Path,
        *,
        limits: ImportLimits = LIMITS,
        locale: str = "en",
        dry_run: bool = False,
        stop_after: int | None = None,
    ) -> Outcome:
        """Import a file. ``stop_after``: break off with KeyboardInterrupt after so many batches."""

        def report(done: int, total: int) -> None:
            self.progress.append((done, total))
            if stop_after is not None and len(self.progress) >= stop_after:
                raise KeyboardInterrupt

        target = path.with_name("rejected.csv")
        target.unlink(missing_ok=True)
        with open_table(path, limits) as table:
            rejects = RejectFile(target, table.header)
            try:
                done = await import_products(
                    self.shop.commerce.db,
                    self._merchant,
                    table,
                    rejects=rejects,
                    locale=locale,
                    by="import",
                    cell_characters=limits.cell_characters,
                    dry_run=dry_run,
                    progress=report,
                )
                rejects.finish()
            finally:
                rejects.discard()
        return Outcome(done, list_rejects(target))
