"""Read a table from a CSV or Excel file, row by row, however hostile the file is.

What a file is, its content tells, not its name. Every limit is checked before the memory it guards is taken:
    1. size of the file;
    2. Excel: size without compression, and the furthest cell (a sheet of two cells may span a billion);
    3. CSV: length of a line, so that a file without line ends is not one line of a gigabyte;
    4. rows, while they are read.
"""

import csv
import re
import zipfile
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import python_calamine

from serai.commerce.importing.logic import FIELDS, fold_header
from serai.commerce.importing.types import ImportLimits, RawRow, Reason, Table, Value
from serai.foundation.errors import Invalid, _

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
OLE_START = b"\xd0\xcf\x11\xe0"
EXCEL_SUFFIXES = {".xlsx", ".xlsm"}
DELIMITERS = ",;\t"
CHUNK_BYTES = 1 << 20
HEAD_CHARACTERS = 1 << 16
LINE_CHARACTERS = 1_000_000
PARTS = 2_000
SHEET_COLUMNS = 1_000
# A sheet is read as the whole rectangle up to its furthest cell; this many take about half a gigabyte.
SHEET_CELLS = 12_000_000
CELL_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,7})([0-9]{1,10})["']""")
# A cell whose value is an error, and a formula that no program has computed: both come as empty cells.
VALUELESS = re.compile(rb"""<c\s[^>]*\st\s*=\s*["']e["']|</f>\s*(?:<v\s*/>\s*|<v\s*>\s*</v>\s*)?</c>""")
OVERLAP_BYTES = 128


@contextmanager
def open_table(path: Path, limits: ImportLimits) -> Iterator[Table]:
    """The table in a file, open while the block runs.

    Raises:
        Invalid: ``import.file_...`` with the reason and what to do, also while rows are read.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size > limits.file_bytes:
        raise Invalid(
            "import.file_large",
            _("%(file)s has %(size)s MB, more than the %(limit)s MB that are allowed. Please split it."),
            file=path.name,
            size=-(-size // 1_000_000),
            limit=limits.file_bytes // 1_000_000,
        )
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(ZIP_STARTS):
            yield _open_excel(path, file, limits)
        elif start.startswith(OLE_START):
            raise Invalid(
                "import.file_old_excel",
                _(
                    "%(file)s is an Excel file of the old kind, or has a password. Please save it as .xlsx without one."
                ),
                file=path.name,
            )
        elif path.suffix.lower() in EXCEL_SUFFIXES:
            raise Invalid(
                "import.file_not_excel",
                _("%(file)s is not an Excel file, whatever its name says. Please save it again from Excel."),
                file=path.name,
            )
        else:
            yield _open_csv(path, file, size, limits)


def _refuse_empty(path: Path) -> Invalid:
    return Invalid("import.file_empty", _("%(file)s is empty: there is no header."), file=path.name)


# ---- CSV ----------------------------------------------------------------------------------------------------------


def _open_csv(path: Path, file: BinaryIO, size: int, limits: ImportLimits) -> Table:
    encoding = detect_encoding(path.name, file)
    file.seek(0)
    text = TextIOWrapper(file, encoding=encoding, newline="")
    delimiter = detect_delimiter(text.read(HEAD_CHARACTERS))
    text.seek(0)
    rows = _skip_blank(_read_csv(path.name, text, delimiter))
    header = next(rows, None)
    if header is None:
        raise _refuse_empty(path)
    if header.broken:
        raise Invalid("import.header_broken", header.broken.message, **header.broken.data)
    names = tuple(str(cell) for cell in header.cells)
    return Table(path.name, None, names, _count_rows(rows, limits.rows), size, lambda: text.buffer.tell())


def detect_encoding(name: str, file: BinaryIO) -> str:
    """UTF-8 (with or without its mark), UTF-16 by its mark, else GB18030 when the whole file is valid in it.

    Raises:
        Invalid: ``import.file_binary``, ``import.file_encoding``.
    """
    start = file.read(3)
    file.seek(0)
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig"] if start == BOM_UTF8 else ["utf-8-sig", "gb18030"]
    for encoding in candidates:
        file.seek(0)
        if _is_valid(name, file, encoding):
            return encoding
    raise Invalid(
        "import.file_encoding",
        _("%(file)s is neither UTF-8 nor GB18030 text. Please save it as CSV UTF-8."),
        file=name,
    )


def _is_valid(name: str, file: BinaryIO, encoding: str) -> bool:
    decoder = getincrementaldecoder(encoding)()
    try:
        while chunk := file.read(CHUNK_BYTES):
            # Before decoding, which would stop at another byte of a binary file and hide what it is.
            if (encoding != "utf-16" and b"\0" in chunk) or "\0" in decoder.decode(chunk):
                raise Invalid(
                    "import.file_binary",
                    _("%(file)s is not a text file: it holds NUL characters. Please save it as CSV UTF-8."),
                    file=name,
                )
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def detect_delimiter(head: str) -> str:
    """Comma, semicolon or tab: whichever shows most headers that we know, else most cells."""
    best, most = ",", (-1, -1)
    for delimiter in DELIMITERS:
        try:
            row = next((row for row in csv.reader(StringIO(head), delimiter=delimiter) if any(row)), [])
        except csv.Error:
            continue
        score = (sum(fold_header(cell) in FIELDS for cell in row), len(row))
        if score > most:
            best, most = delimiter, score
    return best


def _read_csv(name: str, text: TextIOWrapper, delimiter: str) -> Iterator[RawRow]:
    reader = csv.reader(_read_lines(name, text), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "expected after" not in str(error):
                raise Invalid(
                    "import.quote_open",
                    _("A quotation mark opens in line %(line)s of %(file)s and does not close."),
                    file=name,
                    line=line,
                ) from error
            yield RawRow(
                line, [], Reason(_("A quotation mark stands inside a cell; it has to be doubled there."))
            )
        else:
            yield RawRow(line, list(cells))


def _read_lines(name: str, text: TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LINE_CHARACTERS + 1):
        number += 1
        if len(line) > LINE_CHARACTERS:
            raise Invalid(
                "import.line_long",
                _("Line %(line)s of %(file)s has more than %(limit)s characters. Is this a CSV file?"),
                file=name,
                line=number,
                limit=LINE_CHARACTERS,
            )
        yield line


# ---- Excel --------------------------------------------------------------------------------------------------------


def _open_excel(path: Path, file: BinaryIO, limits: ImportLimits) -> Table:
    has_valueless = check_workbook(path.name, file, limits)
    file.seek(0)
    try:
        workbook = python_calamine.load_workbook(file)
        shown = [
            index
            for index, sheet in enumerate(workbook.sheets_metadata)
            if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
            and sheet.visible == python_calamine.SheetVisibleEnum.Visible
        ]
        if not shown:
            raise _refuse_empty(path)
        sheet = workbook.get_sheet_by_index(shown[0])
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _broken_workbook(path.name) from error
    place = 0

    def read_rows() -> Iterator[RawRow]:
        nonlocal place
        for place, cells in enumerate(sheet.iter_rows(), start=1):
            yield RawRow(place, cells)

    rows = _skip_blank(read_rows())
    header = next(rows, None)
    if header is None:
        raise _refuse_empty(path)
    names = tuple(str(cell) for cell in header.cells)
    return Table(
        path.name,
        sheet.name,
        names,
        _count_rows(rows, limits.rows),
        sheet.total_height,
        lambda: place,
        has_valueless,
    )


def _broken_workbook(name: str) -> Invalid:
    return Invalid(
        "import.file_broken",
        _("%(file)s is damaged or not an Excel workbook. Please save it again from Excel."),
        file=name,
    )


def check_workbook(name: str, file: BinaryIO, limits: ImportLimits) -> bool:
    """Unpack every part once without keeping it, since neither declared sizes nor a small file can be believed.

    Returns whether some cells hold an error or a formula without its value.

    Raises:
        Invalid: ``import.file_broken``, ``import.file_unpacked``, ``import.sheet_large``.
    """
    left, has_valueless = limits.unpacked_bytes, False
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if len(parts) > PARTS or "xl/workbook.xml" not in archive.namelist():
                raise _broken_workbook(name)
            for part in parts:
                # The reader stops at the declared size; with this one it goes on to the real end.
                part.file_size = 1 << 62
                with archive.open(part) as content:
                    size, found = _scan_part(name, content.read, left, limits)
                left -= size
                has_valueless |= found
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,  # what zipfile raises for a way of packing it does not know
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise _broken_workbook(name) from error
    return has_valueless


def _scan_part(
    name: str, read: Callable[[int], bytes], most_bytes: int, limits: ImportLimits
) -> tuple[int, bool]:
    """Count the bytes of a part, see how far its cells reach, and whether some have no value."""
    size, columns, rows, tail, has_valueless = 0, 0, 0, b"", False
    while chunk := read(CHUNK_BYTES):
        size += len(chunk)
        if size > most_bytes:
            raise Invalid(
                "import.file_unpacked",
                _("%(file)s unpacks to more than the %(limit)s MB that are allowed. Please split it."),
                file=name,
                limit=limits.unpacked_bytes // 1_000_000,
            )
        window = tail + chunk
        has_valueless = has_valueless or VALUELESS.search(window) is not None
        for letters, row in CELL_PLACE.findall(window):
            columns, rows = max(columns, count_columns(letters)), max(rows, int(row))
        if columns > SHEET_COLUMNS or columns * rows > SHEET_CELLS:
            raise Invalid(
                "import.sheet_large",
                _(
                    "A sheet of %(file)s reaches to column %(columns)s and row %(rows)s. Please remove what is not"
                    " needed, blank cells with a format too, or save it as CSV."
                ),
                file=name,
                columns=columns,
                rows=rows,
            )
        tail = chunk[-OVERLAP_BYTES:]
    return size, has_valueless


def count_columns(letters: bytes) -> int:
    """The number of a column by its letters: ``A`` 1, ``Z`` 26, ``AA`` 27; 0 for none."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


# ---- Both ---------------------------------------------------------------------------------------------------------


def _is_blank(cells: list[Value]) -> bool:
    return all(isinstance(cell, str) and not cell.strip() for cell in cells)


def _skip_blank(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    return (row for row in rows if row.broken or not _is_blank(row.cells))


def _count_rows(rows: Iterator[RawRow], most: int) -> Iterator[RawRow]:
    for count, row in enumerate(rows, start=1):
        if count > most:
            raise _too_many_rows(most)
        yield row


def _too_many_rows(most: int) -> Invalid:
    return Invalid(
        "import.rows_many",
        _("The file has more than %(limit)s rows. Please split it; nothing was imported."),
        limit=most,
    )
