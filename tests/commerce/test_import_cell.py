"""What a cell of an imported file may hold, and what is said when it may not."""

from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serai.commerce.importing.logic import (
    arm_formula,
    check_row,
    compute_check_digit,
    disarm_formula,
    match_columns,
    show_value,
)
from serai.commerce.importing.types import RawRow, Value
from serai.foundation.i18n import translate

DATES = st.dates() | st.times() | st.timedeltas()
VALUES = st.text() | st.integers() | st.floats() | st.booleans() | DATES


def read(column: str, value: Value, *, currency: str = "USD") -> Any:
    """What a cell comes to."""
    row, told = check(column, value, currency=currency)
    assert told == [], told
    return getattr(row, {"price": "price_minor"}.get(column, column))


def refuse(column: str, value: Value, *, currency: str = "USD") -> str:
    """Why a cell is refused, in English."""
    row, told = check(column, value, currency=currency)
    assert row is None, row
    assert len(told) == 1
    return told[0]


def check(column: str, value: Value, *, currency: str) -> tuple[Any, list[str]]:
    cells: dict[str, Value] = {"sku": "A", "title": "Tea", column: value}
    columns = match_columns(list(cells))
    row, reasons = check_row(
        RawRow(2, list(cells.values())), columns, currency=currency, cell_characters=1_000
    )
    return row, [translate(reason.message, "en", reason.data) for reason in reasons]


@pytest.mark.parametrize(
    ("currency", "value", "amount_minor"),
    [
        ("USD", "12.50", 1250),
        ("USD", " 12.5 ", 1250),
        ("USD", "12.500", 1250),
        ("USD", "0", 0),
        ("USD", ".5", 50),
        ("USD", "5.", 500),
        ("USD", 12.5, 1250),
        ("USD", 0.1 + 0.2, 30),
        ("USD", 12, 1200),
        ("USD", "$12.50", 1250),
        ("USD", "US$ 12.50", 1250),
        ("USD", "12.50 USD", 1250),
        ("USD", "usd 12", 1200),
        ("USD", "1,234.50", 123450),
        ("USD", "１２．５０", 1250),
        ("CNY", "¥12.50", 1250),
        ("CNY", "￥12", 1200),
        ("CNY", "12.5元", 1250),
        ("JPY", "1200", 1200),
        ("KWD", "1.234", 1234),
    ],
)
def test_a_price_is_read(currency: str, value: Value, amount_minor: int) -> None:
    assert read("price", value, currency=currency) == amount_minor


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("12,50", "two ways. Please write it with a point: 12.50."),
        ("1,234", "two ways. Please write it with a point: 1234."),
        ("1.234,50", "two ways. Please write it with a point: 1234.50."),
        ("12.505", "more decimals than USD has (2)"),
        (12.505, "more decimals than USD has (2)"),
        ("-1", "cannot be negative"),
        ("-$1", "cannot be negative"),
        (-0.01, "cannot be negative"),
        ("€12", "not in USD, the currency of this shop"),
        ("12 EUR", "not in USD"),
        ("¥12", "not in USD"),
        ("12元", "not in USD"),
        ("nan", "not a price such as 12.50"),
        (float("nan"), "not a price such as 12.50"),
        ("inf", "not a price such as 12.50"),
        (float("inf"), "not a price such as 12.50"),
        ("1e3", "not a price such as 12.50"),
        ("1_000", "not a price such as 12.50"),
        (".", "not a price such as 12.50"),
        ("free", "not a price such as 12.50"),
        (True, "not a price such as 12.50"),
        (date(2024, 12, 5), "turned this into a date or time, 2024-12-05"),
        ("=1+1", "is a formula"),
        ("99999999999999", "more than a price may be"),
        ("9" * 41, "more than 40 characters"),
    ],
)
def test_what_is_no_price_is_explained(value: Value, told: str) -> None:
    assert told in refuse("price", value)


def test_a_currency_without_decimals_takes_none() -> None:
    assert "more decimals than JPY has (0)" in refuse("price", "12.5", currency="JPY")
    assert refuse("price", "x", currency="JPY").endswith("such as 12.")


@pytest.mark.parametrize(
    ("value", "sku"),
    [
        ("00123", "00123"),
        (123.0, "123"),
        (123, "123"),
        (123456789012345.0, "123456789012345"),
        ('="00123"', "00123"),
        ("\ufeffA1\u200b ", "A1"),
        ("A  1", "A 1"),
        ("-5", "-5"),
        ("1E5", "1E5"),
        ("货-1", "货-1"),
    ],
)
def test_a_sku_stays_as_it_was_typed(value: Value, sku: str) -> None:
    assert read("sku", value) == sku


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "sku is empty"),
        (" \u3000 ", "sku is empty"),
        ("'", None),
        ("4.00638E+12", "lost digits"),
        (1e16, "lost digits"),
        (date(2024, 1, 2), "turned this into a date"),
        (time(3, 4), "turned this into a date or time"),
        ("x" * 61, "more than 60 characters"),
        ("a\x00b", "cannot be shown"),
        ("a\x1bb", "cannot be shown"),
        ("=A1", "is a formula"),
    ],
)
def test_what_is_no_sku_is_explained(value: Value, told: str | None) -> None:
    if told is None:
        assert read("sku", value) == value
    else:
        assert told in refuse("sku", value)


@pytest.mark.parametrize(
    ("value", "gtin"),
    [
        ("4006381333931", "4006381333931"),
        ("4006381-333931", "4006381333931"),
        (4006381333931.0, "4006381333931"),
        ("96385074", "96385074"),
        ("00012345600012", "00012345600012"),
        # The leading zero that a number cannot keep comes back.
        (36000291452.0, "036000291452"),
    ],
)
def test_a_gtin_is_read(value: Value, gtin: str) -> None:
    assert read("gtin", value) == gtin


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("4006381333932", "should be 1"),
        ("36000291452", "which has 8, 12, 13 or 14 digits"),
        ("4.00638E+12", "lost digits"),
        ("00000000", "is no GTIN"),
        ("40063813339३1", "is no GTIN"),
        ("abc", "is no GTIN"),
        (-96385074, "is no GTIN"),
    ],
)
def test_what_is_no_gtin_is_explained(value: Value, told: str) -> None:
    assert told in refuse("gtin", value)


@given(st.from_regex(r"[0-9]{7}|[0-9]{11,13}", fullmatch=True), st.data())
def test_a_check_digit_finds_every_single_mistyped_digit(digits: str, data: st.DataObject) -> None:
    right = digits + str(compute_check_digit(digits))
    place = data.draw(st.integers(0, len(right) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != right[place]]))
    wrong = right[:place] + other + right[place + 1 :]
    assert compute_check_digit(wrong[:-1]) != int(wrong[-1])


@pytest.mark.parametrize(("value", "stock"), [("7", 7), (7.0, 7), ("7.0", 7), ("0", 0), ("１０", 10)])
def test_a_stock_is_read(value: Value, stock: int) -> None:
    assert read("stock", value) == stock


@pytest.mark.parametrize("value", ["-1", "1.5", 1.5, "1,000", "many", "10000001", True, float("nan"), "²"])
def test_what_is_no_stock_is_explained(value: Value) -> None:
    assert "is not a whole number from 0 to 10000000" in refuse("stock", value)


@pytest.mark.parametrize(
    ("value", "published"),
    [("yes", True), ("是", True), (True, True), (1.0, True), ("No", False), ("下架", False), (False, False)],
)
def test_published_is_read(value: Value, published: bool) -> None:
    assert read("published", value) is published


def test_what_is_neither_yes_nor_no_is_explained() -> None:
    assert "neither yes nor no" in refuse("published", "perhaps")


def test_a_category_is_a_path_of_two_names_at_most() -> None:
    assert read("category", "Food>Tea") == read("category", " Food ＞  Tea ") == ("Food", "Tea")
    assert read("category", "Food / Tea") == ("Food / Tea",)
    assert "a name is missing" in refuse("category", "Food >")
    assert "more than 2 levels" in refuse("category", "Food > Tea > Green")


def test_texts_are_one_line_and_descriptions_may_have_more() -> None:
    assert read("title", " Green\n tea ") == "Green tea"
    assert read("description", "One\r\n\r\nTwo") == "One\n\nTwo"
    assert "more than 200 characters" in refuse("title", "x" * 201)
    assert "more than 1000 characters" in refuse("description", "x" * 1001)


def test_cells_beyond_the_header_are_told() -> None:
    columns = match_columns(["sku", "title", "note"])
    row, reasons = check_row(
        RawRow(2, ["A", "Tea", "", "", "x"]), columns, currency="USD", cell_characters=1_000
    )
    assert (row, [r.message for r in reasons]) == (None, ["The row has more cells than the header."])
    row, _reasons = check_row(
        RawRow(2, ["A", "Tea", "", "", ""]), columns, currency="USD", cell_characters=1_000
    )
    assert row is not None


@given(st.lists(VALUES, min_size=10, max_size=11))
def test_any_cells_are_read_or_explained(cells: list[Value]) -> None:
    header = [
        "sku", "title", "price", "category", "brand", "gtin", "content", "description", "published", "stock"
    ]  # fmt: skip
    columns = match_columns(header)
    row, reasons = check_row(RawRow(2, cells), columns, currency="USD", cell_characters=1_000)
    assert (row is None) == bool(reasons)
    for reason in reasons:
        told = translate(reason.message, "en", reason.data)
        assert told
        assert "%(" not in told or "%(" in "".join(map(str, reason.data.values()))


@given(st.text())
def test_disarming_a_formula_can_be_undone(text: str) -> None:
    disarmed = disarm_formula(text)
    assert not disarmed.startswith(("=", "+", "-", "@", "\t", "\r"))
    if not text.startswith("'"):
        assert arm_formula(disarmed) == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_number_is_shown_without_exponent_where_it_is_whole(number: float) -> None:
    shown = show_value(number)
    assert float(shown) == pytest.approx(number, rel=1e-14)
    if number.is_integer():
        assert "e" not in shown
