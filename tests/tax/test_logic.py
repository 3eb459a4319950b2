"""Taxes as arithmetic: whatever the lines, their taxes sum to the tax on the whole."""

from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from serai.commerce.tax.logic import (
    Taxed,
    choose_rate,
    class_of,
    compute_taxes,
    index_rates,
    tax_of,
)
from serai.commerce.tax.types import TaxPlace, TaxRate, added_minor, included_minor, show_percent, sum_taxes
from serai.foundation.ids import new_id

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def rate(
    country: str, ppm: int | None, *, region: str = "", tax_class: str = "standard", **more: Any
) -> TaxRate:
    terms: dict[str, Any] = {"name": "VAT", "included": True, "valid_from": BEGIN} | more
    return TaxRate(
        new_id(),
        country,
        region,
        tax_class,
        terms["name"],
        ppm,
        terms["included"],
        terms["valid_from"],
        "",
        "t",
        BEGIN,
    )


@pytest.mark.parametrize(
    ("amount", "ppm", "included", "tax"),
    [
        (11_300, 130_000, True, 1_300),
        (11_900, 190_000, True, 1_900),
        (10_000, 72_500, False, 725),
        (100, 72_500, False, 7),
        (7, 72_500, False, 1),  # 0.5075 is rounded up
        (6, 72_500, False, 0),
        (1, 1_000_000, True, 1),  # half of one minor unit, half up
        (0, 130_000, True, 0),
        (999, 0, False, 0),
    ],
)
def test_a_tax_is_rounded_half_up(amount: int, ppm: int, included: bool, tax: int) -> None:
    assert tax_of(amount, ppm, included=included) == tax


def test_three_lines_bear_what_their_sum_bears_and_not_three_roundings() -> None:
    # Alone each line of 0.07 would bear 0.01 (0.5075 rounded up), together 0.21 bear 0.02.
    lines = [Taxed(n, 7) for n in (1, 2, 3)]
    taxes = compute_taxes(lines, index_rates([rate("US", 72_500, included=False)]), TaxPlace("US", "OH"))
    assert [tax.tax_minor for tax in taxes] == [1, 1, 0]
    assert added_minor(taxes) == 2
    assert included_minor(taxes) == 0


amounts = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=30)


@given(amounts, st.integers(min_value=0, max_value=1_000_000), st.booleans())
def test_shares_sum_to_the_tax_on_the_sum_in_any_order(each: list[int], ppm: int, included: bool) -> None:
    rates = index_rates([rate("DE", ppm, included=included)])
    lines = [Taxed(n, amount) for n, amount in enumerate(each, 1)]
    taxes = compute_taxes(lines, rates, TaxPlace("DE"))
    again = compute_taxes(lines[::-1], rates, TaxPlace("DE"))
    whole = tax_of(sum(each), ppm, included=included)
    assert sum(tax.tax_minor for tax in taxes) == sum(tax.tax_minor for tax in again) == whole
    by_line = {line.line_no: line.amount_minor for line in lines}
    for tax in taxes:
        assert tax.tax_minor >= 0
        expected = by_line[tax.line_no] - tax.tax_minor if included else by_line[tax.line_no]
        assert tax.base_minor == expected >= 0


def test_the_nearest_rate_wins_class_before_region_before_country() -> None:
    rates = index_rates(
        [
            rate("US", 10_000, name="country"),
            rate("US", 57_500, region="OH", name="state"),
            rate("US", 0, tax_class="food", name="food"),
            rate("US", 20_000, region="TN", tax_class="food", name="food in Tennessee"),
        ]
    )

    def name(region: str, tax_class: str, country: str = "US") -> str | None:
        found = choose_rate(rates, TaxPlace(country, region), tax_class)
        return found.name if found else None

    assert name("OH", "standard") == "state"
    assert name("oh ", "standard") == "state"
    assert name("CA", "standard") == "country"
    assert name("OH", "food") == "food"
    assert name("TN", "food") == "food in Tennessee"
    assert name("OH", "books") == "state"
    assert name("", "standard", "FR") is None


def test_the_newest_rate_holds_and_an_ended_one_does_not() -> None:
    later = BEGIN + timedelta(days=1)
    newest = rate("DE", 160_000, valid_from=later)
    assert index_rates([newest, rate("DE", 190_000)]) == {("DE", "", "standard"): newest}
    assert index_rates([rate("DE", 190_000), rate("DE", None, valid_from=later)]) == {}


def test_goods_are_of_the_nearest_category_with_a_class() -> None:
    assert class_of(["tea", "drinks", "food"], {"drinks": "reduced", "food": "zero"}) == "reduced"
    assert class_of(["tea"], {"food": "zero"}) == "standard"


def test_taxes_of_one_name_and_rate_are_one_row_on_papers() -> None:
    rates = index_rates([rate("CN", 130_000), rate("CN", 90_000, tax_class="food")])
    lines = [Taxed(1, 11_300), Taxed(2, 10_900, "food"), Taxed(3, 1_130), Taxed(0, 565, "shipping")]
    sums = sum_taxes(compute_taxes(lines, rates, TaxPlace("CN")))
    assert [(s.percent, s.base_minor, s.tax_minor) for s in sums] == [
        ("13", 11_500, 1_495),
        ("9", 10_000, 900),
    ]


@pytest.mark.parametrize(("ppm", "text"), [(130_000, "13"), (72_500, "7.25"), (0, "0"), (62_505, "6.2505")])
def test_a_rate_is_shown_without_needless_zeros(ppm: int, text: str) -> None:
    assert show_percent(ppm) == text
