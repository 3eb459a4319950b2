"""The price of a presale by the number of its pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serai.commerce.presale.logic import balance_of, part_of, priced_at

TIERS = ((50, 8000), (100, 7000))


@pytest.mark.parametrize(
    ("pieces", "balance"), [(0, 180_000), (49, 180_000), (50, 140_000), (99, 140_000), (100, 120_000)]
)
def test_a_presale_gets_cheaper_the_more_take_part(pieces: int, balance: int) -> None:
    """kancloud chnwx/xcxscxt 1549314: D=100, X=200, P=2000, from 50 pieces at 80 %, from 100 at 70 %."""
    assert balance_of(200_000, 20_000, part_of(TIERS, pieces)) == balance


def test_half_a_minor_unit_rounds_up_and_nothing_falls_below_zero() -> None:
    assert (priced_at(1, 5000), priced_at(3, 5000), priced_at(999, 3333)) == (1, 2, 333)
    assert balance_of(100, 200, 10_000) == 0


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 300), st.integers(0, 300))
def test_more_pieces_never_cost_more(price: int, credit: int, few: int, more: int) -> None:
    few, more = sorted((few, more))
    assert balance_of(price, credit, part_of(TIERS, more)) <= balance_of(price, credit, part_of(TIERS, few))
