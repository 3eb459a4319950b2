"""What promotions over several shops take off, and how it falls on shops and lines: vectors and properties."""

from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from serai.commerce.market.price_basket import (
    CrossBuyer,
    ShopLine,
    earn_again,
    price_over_shops,
    read_discounts,
    still_unearned,
)
from serai.commerce.promotion.api import Program, compile_rules
from serai.commerce.promotion.types import AmountOff, HeldCoupon, PercentOff, Rule, Terms, Tier
from serai.foundation.ids import derive_id

NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)


def cross(least: int, off: int, **more: Any) -> Terms:
    """跨店满减: so much off for every full step."""
    values: dict[str, Any] = {
        "name": "Across all shops",
        "layer": 5,
        "benefit": AmountOff((Tier(least, off),), every=True),
        "funded_by": "platform",
    }
    return Terms(**(values | more))


def lines_of(*nets: tuple[int, int]) -> list[ShopLine]:
    """Lines as (shop, what it costs there)."""
    return [
        ShopLine(derive_id("shop", shop), number, derive_id("sku", number), derive_id("p", number), net)
        for number, (shop, net) in enumerate(nets, 1)
    ]


def program_of(*terms: Terms) -> Program:
    return compile_rules([Rule(derive_id("rule", n), 1, each) for n, each in enumerate(terms)])


def price(program: Program, lines: list[ShopLine], coupons: tuple[HeldCoupon, ...] = ()) -> Any:
    return price_over_shops(program, lines, now=NOW, channel="market", buyer=CrossBuyer(), coupons=coupons)


@pytest.mark.parametrize(
    ("terms", "nets", "taken"),
    [
        (cross(30_000, 4_000), (20_000, 9_999), 0),
        (cross(30_000, 4_000), (20_000, 10_000), 4_000),
        (cross(30_000, 4_000), (50_000, 49_999), 12_000),
        (cross(30_000, 4_000, cap_minor=10_000), (50_000, 49_999), 10_000),
        # 满100减10 at 99.99 gives nothing.
        (cross(10_000, 1_000), (9_998, 1), 0),
        (cross(1, 1, benefit=PercentOff((Tier(10_000, 1_000),))), (9_999, 1), 1_000),
    ],
)
def test_steps_count_over_the_whole_basket(terms: Terms, nets: tuple[int, int], taken: int) -> None:
    lines = lines_of((1, nets[0]), (2, nets[1]))
    assert price(program_of(terms), lines).discount_minor == taken


@pytest.mark.parametrize(
    ("nets", "shares"),
    [
        ((9_900, 1, 99), [990, 0, 10]),
        ((3_334, 3_334, 3_334), [334, 333, 333]),
    ],
)
def test_golden_vectors_over_three_shops(nets: tuple[int, ...], shares: list[int]) -> None:
    shops = sorted(range(3), key=lambda shop: derive_id("shop", shop).bytes)
    lines = lines_of(*zip(shops, nets, strict=True))
    program = program_of(cross(10_000, 1_000))
    discounts, by_line = read_discounts(program, price(program, lines), lines)
    assert [sum(by_line[line.key]) for line in lines] == shares
    assert [share.amount_minor for share in discounts[0].shares] == shares


def test_nothing_goes_below_zero_and_the_rest_falls_on_the_others() -> None:
    # The step is more than the small shop costs: 满 1 减 150 over 100 and 0.50.
    lines = lines_of((1, 10_000), (2, 50))
    program = program_of(cross(1, 1, benefit=AmountOff((Tier(0, 20_000),))))
    result = price(program, lines)
    assert [line.net_minor for line in result.lines] == [0, 0]
    assert result.discount_minor == 10_050


def test_a_platform_coupon_follows_where_the_tags_match() -> None:
    lines = lines_of((1, 20_000), (2, 10_000))
    spend = cross(30_000, 3_000, tags=("platform",), combines_with=("coupon",))
    fitting = cross(0, 0, benefit=AmountOff((Tier(0, 500),)), coupon=True, tags=("coupon",), priority=-1)
    strange = cross(0, 0, benefit=AmountOff((Tier(0, 500),)), coupon=True, tags=("other",), priority=-1)
    for terms, taken in ((fitting, 3_500), (strange, 3_000)):
        program = program_of(spend, terms)
        held = HeldCoupon(derive_id("coupon"), derive_id("rule", 1))
        assert price(program, lines, (held,)).discount_minor == taken


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10**6)), min_size=1, max_size=10),
    st.integers(1, 50_000),
    st.integers(1, 10_000),
    st.integers(0, 10_000),
    st.randoms(use_true_random=False),
)
def test_shares_over_shops_sum_exactly_and_no_order_of_shops_changes_them(
    nets: list[tuple[int, int]], least: int, off: int, seller_percent: int, random: Any
) -> None:
    terms = cross(least, min(off, least), seller_percent=seller_percent)
    program = program_of(terms, cross(0, 0, benefit=PercentOff((Tier(0, 1_300),))))
    lines = lines_of(*nets)
    result = price(program, lines)
    discounts, by_line = read_discounts(program, result, lines)
    assert sum(each.amount_minor for each in discounts) == result.discount_minor
    for each in discounts:
        assert sum(share.amount_minor for share in each.shares) == each.amount_minor
        assert all(
            0 <= share.platform_minor <= share.amount_minor <= share.basis_minor for share in each.shares
        )
    for line in lines:
        assert 0 <= sum(by_line[line.key]) <= line.net_minor
    moved = sorted(lines, key=lambda _line: random.random())
    again, shares = read_discounts(program, price(program, moved), moved)
    assert (again, shares) == (discounts, by_line)


@given(st.integers(0, 10**7), st.integers(1, 10**6), st.integers(1, 10**6))
def test_what_is_earned_again_is_what_the_engine_gives(basis: int, least: int, off: int) -> None:
    terms = cross(least, min(off, least))
    given = price(program_of(terms), lines_of((1, basis))).discount_minor if basis else 0
    assert earn_again(terms, basis) == given


@given(
    prices=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    parts=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 100)), max_size=6),
)
def test_refunds_in_any_parts_never_exceed_and_end_at_what_was_captured(
    prices: tuple[int, int], parts: list[tuple[int, int]]
) -> None:
    terms = cross(150, 40)
    program = program_of(terms)
    lines = lines_of((0, prices[0]), (1, prices[1]))
    discounts, _by_line = read_discounts(program, price(program, lines), lines)
    totals = {
        line.member_id: line.net_minor
        - sum(s.amount_minor for each in discounts for s in each.shares if s.member_id == line.member_id)
        for line in lines
    }
    back = dict.fromkeys(totals, 0)
    paid = 0
    members = list(totals)
    for which, percent in [*parts, (0, 100), (1, 100)]:
        member = members[which]
        back[member] = min(totals[member], back[member] + totals[member] * percent // 100)
        held = still_unearned(
            [(each, terms) for each in discounts],
            {member: (back[member], totals[member]) for member in members if back[member]},
        )
        paid += max(0, sum(back.values()) - held - paid)
        assert 0 <= paid <= sum(back.values())
    assert paid == sum(totals.values())
