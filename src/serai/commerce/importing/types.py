"""What an import reads, decides and reports."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol

import msgspec

from serai.commerce.catalogue.types import Content

# What a cell holds: CSV knows texts only; of Excel's whole numbers some come as float. An empty cell is "".
Value = str | int | float | bool | date | datetime | time | timedelta


class Reason(msgspec.Struct, frozen=True):
    """Why a row was rejected: a gettext message id and what fills its ``%(name)s`` places."""

    message: str
    data: dict[str, object] = {}


class RawRow(NamedTuple):
    """A row as it stands in the file. ``line`` counts from 1; ``broken`` says why its cells could not be told apart."""

    line: int
    cells: list[Value]
    broken: Reason | None = None


class ImportLimits(msgspec.Struct, frozen=True):
    """The most that a file may hold. Sizes in bytes; ``unpacked_bytes`` is an Excel file's size without compression."""

    rows: int
    file_bytes: int
    unpacked_bytes: int
    cell_characters: int


class Table(msgspec.Struct, frozen=True):
    """An open file: its header, and its rows to be read once. ``position`` of ``total`` tells how far reading is.

    ``has_valueless``: some cells of the workbook hold an error or a formula without its value, and come as empty ones.
    """

    name: str
    sheet: str | None
    header: tuple[str, ...]
    rows: Iterator[RawRow]
    total: int
    position: Callable[[], int]
    has_valueless: bool = False


class Columns(msgspec.Struct, frozen=True):
    """Which column holds which field under which header, the headers that mean nothing to us, the header's width."""

    places: dict[str, int]
    headers: dict[str, str]
    unknown: tuple[str, ...]
    width: int


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that passed its checks. None means that the file says nothing, so what is there stays.

    ``category`` is a path of one or two names; ``price_minor`` in minor units of the merchant's currency; ``stock`` in
    whole units.
    """

    line: int
    sku: str
    title: str
    price_minor: int | None = None
    category: tuple[str, ...] = ()
    brand: str | None = None
    gtin: str | None = None
    content: Content | None = None
    description: str | None = None
    published: bool | None = None
    stock: int | None = None


class RejectWriter(Protocol):
    """Where rejected rows go."""

    def write(self, row: RawRow, reasons: list[str]) -> None:
        """Keep one row with its reasons in the reader's language."""
        ...


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or would do. ``prices``: how many of the changed products got a new price.

    ``stocked``: how many added products got opening stock; ``stock_ignored``: in how many rows of known products a
    stock was left unread. ``categories``: paths of those that were made. ``has_valueless``: as
    in :class:`Table`.
    """

    added: int
    changed: int
    unchanged: int
    rejected: int
    prices: int
    stocked: int
    stock_ignored: int
    categories: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    has_valueless: bool

    @property
    def accepted(self) -> int:
        return self.added + self.changed + self.unchanged
