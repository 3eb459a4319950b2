"""Reading tables from files of every make, and from files that mean harm."""

import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from tests.commerce.spreadsheet import LIMITS, replace_part, write_csv, write_excel

from serai.commerce.importing.api import ImportLimits, open_table
from serai.commerce.importing.read_table import count_columns
from serai.commerce.importing.types import Value
from serai.foundation.errors import Invalid

ROWS = [["sku", "品名", "price"], ["00123", '绿茶, "best"', "12.50"], ["B", "two\nlines", ""]]
SHEET = "xl/worksheets/sheet1.xml"
SHEET_TEXT = (
    '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>%s</sheetData></worksheet>"
)


def read(path: Path, limits: ImportLimits = LIMITS) -> tuple[tuple[str, ...], list[tuple[int, list[Value]]]]:
    with open_table(path, limits) as table:
        return table.header, [(row.line, row.cells) for row in table.rows]


def refuse(path: Path, limits: ImportLimits = LIMITS) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read(path, limits)
    assert refused.value.data.get("file", path.name) == path.name
    assert "%(" not in refused.value.message % refused.value.data
    return refused.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_csv_is_read_whatever_program_wrote_it(
    tmp_path: Path, encoding: str, delimiter: str, end: str
) -> None:
    path = write_csv(tmp_path / "a.csv", ROWS, encoding=encoding, delimiter=delimiter, end=end)
    header, rows = read(path)
    assert header == ("sku", "品名", "price")
    assert rows == [(2, ROWS[1]), (3, ROWS[2])]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\nsku,title\n\nA,"one\ntwo"\n,\nB,x\n', encoding="utf-8")
    assert read(path) == (("sku", "title"), [(4, ["A", "one\ntwo"]), (7, ["B", "x"])])


def test_a_name_with_commas_does_not_win_over_the_real_separator(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sku;title;a,b,c,d\nA;x;1,2\n", encoding="utf-8")
    assert read(path)[1] == [(2, ["A", "x", "1,2"])]


def test_a_broken_quote_rejects_its_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('sku,title\nA,"5" pipe"\nB,"4"" pipe"\n', encoding="utf-8")
    with open_table(path, LIMITS) as table:
        broken, fine = table.rows
    assert broken.broken is not None
    assert broken.line == 2
    assert (fine.broken, fine.cells) == (None, ["B", '4" pipe'])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import.file_empty"),
        (b"\xef\xbb\xbf", "import.file_empty"),
        (b"\n , \n\t\n", "import.file_empty"),
        (b"sku,title\nA,\0\n", "import.file_binary"),
        (b"\x7fELF" + bytes(range(256)) * 20, "import.file_binary"),
        (b"sku,title\nA,\xff\xff\xff\n", "import.file_encoding"),
        (b'sku,title\nA,"open\nB,x\n', "import.quote_open"),
        (b'sku,title\nA,"' + b"x\n" * 100_000, "import.quote_open"),
        (b'sku,"ti"tle\nA,x\n', "import.header_broken"),
        (b"sku,title\n" + b"x" * 1_500_000, "import.line_long"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "import.file_old_excel"),
        (b"PK\x03\x04" + b"\0" * 100, "import.file_broken"),
        (b"PK\x05\x06" + b"\0" * 18, "import.file_broken"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert refuse(path).code == code


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
    refused = refuse(path)
    assert (refused.code, refused.data["size"], refused.data["limit"]) == ("import.file_large", 1000, 5)


def test_the_name_does_not_decide_what_a_file_is(tmp_path: Path) -> None:
    text = write_csv(tmp_path / "a.xlsx", ROWS)
    assert refuse(text).code == "import.file_not_excel"
    excel = write_excel(tmp_path / "a.xlsx", ROWS).rename(tmp_path / "b.csv")
    assert read(excel)[0] == ("sku", "品名", "price")


def test_excel_keeps_kinds_and_counts_lines_with_blank_rows(tmp_path: Path) -> None:
    path = write_excel(
        tmp_path / "a.xlsx",
        [[], ["sku", "title"], ["007", 1.5], [None, None], [7, date(2024, 1, 2)], [True, "=1+1"]],
    )
    header, rows = read(path)
    assert header == ("sku", "title")
    # Nobody has computed the formula yet, so it holds nothing.
    assert rows == [(3, ["007", 1.5]), (5, [7.0, date(2024, 1, 2)]), (6, [True, ""])]


@pytest.mark.parametrize("cell", ["=1+1", "#N/A", "plain"])
def test_cells_without_a_value_are_noticed(tmp_path: Path, cell: str) -> None:
    path = write_excel(tmp_path / "a.xlsx", [["sku", "title"], ["A", cell]])
    with open_table(path, LIMITS) as table:
        assert table.has_valueless is (cell != "plain")


def test_the_first_sheet_that_is_shown_counts(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden = book.worksheets[0]
    hidden.append(["notes"])
    hidden.sheet_state = "hidden"
    book.create_sheet("Goods").append(["sku", "title"])
    book.create_sheet("Other").append(["x"])
    book.save(tmp_path / "a.xlsx")
    with open_table(tmp_path / "a.xlsx", LIMITS) as table:
        assert (table.sheet, table.header) == ("Goods", ("sku", "title"))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = SHEET_TEXT % ("<row><c><v>1</v></c></row>" * 1_000_000)
    path = replace_part(write_excel(tmp_path / "a.xlsx", ROWS), SHEET, bomb.encode())
    assert path.stat().st_size < 200_000
    assert refuse(path).code == "import.file_unpacked"


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    bomb = (SHEET_TEXT % ("<row><c><v>1</v></c></row>" * 1_000_000)).encode()
    path = replace_part(write_excel(tmp_path / "a.xlsx", ROWS), SHEET, bomb)
    content = path.read_bytes()
    real, told = len(bomb).to_bytes(4, "little"), (1_000).to_bytes(4, "little")
    assert content.count(real) == 2
    path.write_bytes(content.replace(real, told))
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(SHEET).file_size == 1_000
    assert refuse(path).code == "import.file_unpacked"


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row r='1'><c r='A1'><v>1</v></c></row><row r='300000'><c r='CV300000'><v>1</v></c></row>",
        '<row r="1"><c r="A1"><v>1</v></c></row><row\n r = "4000000000"><c><v>1</v></c></row>',
    ],
)
def test_a_sheet_of_two_cells_that_spans_a_billion_is_refused(tmp_path: Path, cells: str) -> None:
    path = replace_part(write_excel(tmp_path / "a.xlsx", ROWS), SHEET, (SHEET_TEXT % cells).encode())
    assert refuse(path).code == "import.sheet_large"


@pytest.mark.parametrize(
    "content", [b"", b"<worksheet", b"\0\1\2", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>']
)
def test_a_damaged_sheet_is_refused_or_empty(tmp_path: Path, content: bytes) -> None:
    path = replace_part(write_excel(tmp_path / "a.xlsx", ROWS), SHEET, content)
    assert refuse(path).code in {"import.file_broken", "import.file_empty"}


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = write_excel(tmp_path / "a.xlsx", ROWS)
    whole = path.read_bytes()
    for cut in range(8, len(whole) - 1, len(whole) // 40):
        path.write_bytes(whole[:cut])
        assert refuse(path).code == "import.file_broken"


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    assert refuse(tmp_path / "a.xlsx").code == "import.file_broken"


def test_columns_are_numbered_by_their_letters() -> None:
    assert [count_columns(letters) for letters in (b"", b"A", b"Z", b"aa", b"XFD")] == [0, 1, 26, 27, 16384]
