"""Keep rejected rows in a CSV file that Excel opens: their cells as they were, the reasons, the line in the original."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from serai.commerce.importing.logic import OWN_COLUMNS, disarm_formula, fold_header, show_value
from serai.commerce.importing.types import RawRow
from serai.foundation.errors import Invalid, _


class RejectFile:
    """Rejected rows in a draft beside ``path``: ``finish`` puts it in its place, ``discard`` removes it.

    The draft is opened with the first row, so a place that cannot be written stops the import before it commits.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.count = 0
        self._draft = path.with_name(f"{path.name}.part")
        # A mended file of rejected rows has our own two columns; they are written anew.
        self._places = [n for n, name in enumerate(header) if fold_header(name) not in OWN_COLUMNS]
        self._header = [header[n] for n in self._places]
        self._width = len(header)
        self._file: TextIO | None = None

    def write(self, row: RawRow, reasons: list[str]) -> None:
        """Append one row. Invalid ``import.rejects_unwritable`` when the file cannot be made."""
        if self._file is None:
            self._file = self._open()
            self._write_cells([*self._header, "reason", "line"])
        cells = [show_value(cell) for cell in row.cells]
        cells += [""] * (self._width - len(cells))
        kept = [cells[n] for n in self._places]
        self._write_cells([*kept, "; ".join(reasons), str(row.line), *cells[self._width :]])
        self.count += 1

    def _open(self) -> TextIO:
        try:
            return self._draft.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise Invalid(
                "import.rejects_unwritable",
                _("%(path)s cannot be written (%(reason)s). Please name another place with --rejected."),
                path=str(self.path),
                reason=error.strerror or type(error).__name__,
            ) from error

    def _write_cells(self, cells: Sequence[str]) -> None:
        assert self._file is not None
        csv.writer(self._file).writerow([disarm_formula(cell) for cell in cells])

    def finish(self) -> Path | None:
        """The file's place once it is whole; None when no row was rejected."""
        if self._file is None:
            return None
        self._file.close()
        os.replace(self._draft, self.path)
        return self.path

    def discard(self) -> None:
        """Leave no draft behind."""
        if self._file is not None:
            self._file.close()
            self._draft.unlink(missing_ok=True)
