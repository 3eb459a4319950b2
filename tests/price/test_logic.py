"""Pure rules of prices: the price that wins, what everybody paid over time, and the reference of a reduction (M12)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from serai.commerce.catalogue.types import PriceEntry
from serai.commerce.price.logic import choose_price, find_reduction, make_spans
from serai.commerce.price.types import REDUCTIONS, Offer, PriceOffer, Reduction, SalePrice, Span
from serai.commerce.protection.logic import comparable_price, read_kinds

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
SKU = UUID(int=1)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def listed(number: float, amount_minor: int) -> PriceEntry:
    """A list price from a day on."""
    at = day(number)
    return PriceEntry(UUID(int=int(number * 1000) + 10**9), SKU, "EUR", amount_minor, at, "-", "test", at)


def offer(amount_minor: int, start: float, end: float | None = None, **more: Any) -> PriceOffer:
    """A sale between two days."""
    values: dict[str, Any] = {
        "kind": "sale",
        "channel": None,
        "place_id": None,
        "member_level": None,
        "min_quantity": 1,
    } | more
    return PriceOffer(
        offer_id=UUID(int=int(start * 1000) * 10**6 + amount_minor),
        sku_id=SKU,
        currency="EUR",
        amount_minor=amount_minor,
        valid_from=day(start),
        valid_to=None if end is None else day(end),
        reason="-",
        created_by="test",
        created_at=day(start),
        **values,
    )


def reduction_at(number: float, entries: list[PriceEntry], offers: list[PriceOffer]) -> Reduction | None:
    return find_reduction(make_spans(entries, offers, until=day(number)))


def test_the_lowest_price_that_applies_wins_and_the_list_price_wins_a_tie() -> None:
    tier = Offer("quantity", 800, 3)
    member = Offer("member", 900)
    equal = Offer("channel", 1000)
    assert choose_price(1000, (equal,), 1) == (1000, None)
    assert choose_price(1000, (tier, member, equal), 2) == (900, member)
    assert choose_price(1000, (member, tier), 3) == (800, tier)
    assert choose_price(1000, (Offer("channel", 1200),), 9) == (1000, None)
    assert choose_price(1000, (Offer("channel", 0),), 1)[0] == 0
    assert choose_price(0, (Offer("channel", 0),), 1) == (0, None)


def test_a_cut_is_measured_against_the_lowest_price_of_the_thirty_days_before_it_began() -> None:
    entries = [listed(0, 1000), listed(50, 1200)]
    found = reduction_at(70, entries, [offer(900, 60)])
    assert found == Reduction(day(60), 900, 1000)
    assert found.percent == 10


def test_the_reference_is_of_the_start_and_stays_however_long_the_cut_lasts() -> None:
    entries = [listed(0, 1000)]
    for number in (60, 75, 90, 91, 200):
        assert reduction_at(number, entries, [offer(800, 60)]) == Reduction(day(60), 800, 1000)


def test_a_price_that_was_raised_for_a_day_is_no_reference() -> None:
    entries = [listed(0, 1000), listed(59, 1500)]
    assert reduction_at(60, entries, [offer(1000, 60)]) is None
    assert reduction_at(60, entries, [offer(990, 60)]) == Reduction(day(60), 990, 1000)


def test_a_cut_on_a_cut_keeps_the_reference_of_the_first_step() -> None:
    entries = [listed(0, 1000)]
    steps = [offer(800, 60, 70), offer(700, 70)]
    assert reduction_at(65, entries, steps) == Reduction(day(60), 800, 1000)
    assert reduction_at(71, entries, steps) == Reduction(day(60), 700, 1000)
    overlapping = [offer(800, 60), offer(700, 70)]
    assert reduction_at(95, entries, overlapping) == Reduction(day(60), 700, 1000)


def test_a_cut_that_is_made_smaller_begins_anew_and_is_measured_against_itself_before() -> None:
    entries = [listed(0, 1000)]
    steps = [offer(700, 60, 70), offer(800, 70)]
    assert reduction_at(75, entries, steps) is None


def test_an_earlier_cut_counts_as_the_lowest_price_of_the_thirty_days() -> None:
    entries = [listed(0, 1000)]
    earlier = offer(800, 60, 65)
    assert reduction_at(80, entries, [earlier, offer(750, 80)]) == Reduction(day(80), 750, 800)
    assert reduction_at(80, entries, [earlier, offer(800, 80)]) is None
    # Exactly thirty days after the end of the earlier one, and one day less.
    assert reduction_at(95, entries, [earlier, offer(850, 95)]) == Reduction(day(95), 850, 1000)
    assert reduction_at(94, entries, [earlier, offer(850, 94)]) is None


def test_a_product_younger_than_thirty_days_shows_no_reference() -> None:
    entries = [listed(0, 1000)]
    assert reduction_at(29.999, entries, [offer(800, 29.999)]) is None
    assert reduction_at(40, entries, [offer(800, 29.999)]) is None
    assert reduction_at(30, entries, [offer(800, 30)]) == Reduction(day(30), 800, 1000)


def test_only_what_everybody_gets_counts() -> None:
    entries = [listed(0, 1000)]
    private = [
        offer(500, 40, 45, kind="member", member_level="gold"),
        offer(500, 40, 45, kind="tier", min_quantity=3),
        offer(500, 40, 45, kind="local", place_id=UUID(int=7)),
    ]
    assert reduction_at(60, entries, private) is None
    assert reduction_at(61, entries, [*private, offer(900, 60)]) == Reduction(day(60), 900, 1000)
    # A standing price of a channel is a price like any other, but no announced reduction.
    assert reduction_at(61, entries, [offer(900, 60, kind="local", channel="web")]) is None


def test_windows_begin_on_the_moment_and_end_before_theirs() -> None:
    entries = [listed(0, 1000)]
    second = timedelta(seconds=1) / DAY
    sale = offer(800, 60, 70)
    assert reduction_at(60 - second, entries, [sale]) is None
    assert reduction_at(60, entries, [sale]) is not None
    assert reduction_at(70 - second, entries, [sale]) is not None
    assert reduction_at(70, entries, [sale]) is None


def test_a_cut_to_nothing_is_a_hundred_percent_and_percent_never_promises_more_than_is_given() -> None:
    assert reduction_at(60, [listed(0, 1000)], [offer(0, 60)]) == Reduction(day(60), 0, 1000)
    assert Reduction(START, 0, 1000).percent == 100
    assert Reduction(START, 667, 1000).percent == 33
    assert reduction_at(60, [listed(0, 0)], [offer(0, 60)]) is None


def test_a_planned_list_price_counts_from_its_moment_even_before_it_was_entered() -> None:
    planned = offer(1100, 40, kind="list")
    spans = make_spans([listed(0, 1000)], [planned], until=day(50))
    assert spans == [Span(day(0), day(40), 1000, False), Span(day(40), day(50), 1100, False)]
    assert make_spans([listed(0, 1000)], [planned], until=day(39)) == [Span(day(0), day(39), 1000, False)]


def test_protection_compares_with_what_everybody_pays_and_nothing_else() -> None:
    private = Offer("member", 500, is_public=False)
    sale = SalePrice(1000, (private, Offer("channel", 700, kind="clearance"), Offer("channel", 900)))
    assert comparable_price(sale, read_kinds("clearance")) == 900
    assert comparable_price(sale, read_kinds(" sale, clearance ")) == 1000
    assert comparable_price(sale, read_kinds("")) == 700


def test_spans_of_a_price_without_history_are_none() -> None:
    assert make_spans([], [offer(500, 0)], until=day(9)) == []
    assert find_reduction([]) is None


# ---- Against a slow oracle, on a grid of whole days -----------------------------------------------------------------

LAST = 90
prices = st.integers(0, 6).map(lambda n: n * 100)
list_prices = st.dictionaries(st.integers(0, LAST), prices, min_size=1, max_size=5)
sales = st.lists(
    st.tuples(
        prices,
        st.integers(0, LAST),
        st.integers(1, 40),
        st.sampled_from(("sale", "clearance", "local")),
        st.booleans(),
    ),
    max_size=5,
)


def price_of_day(entries: dict[int, int], offers: list[PriceOffer], number: int) -> tuple[int, bool] | None:
    known = [at for at in entries if at <= number]
    if not known:
        return None
    best, kind = entries[max(known)], "list"
    for each in offers:
        assert each.valid_to is not None
        if (
            each.member_level is None
            and each.valid_from <= day(number) < each.valid_to
            and each.amount_minor < best
        ):
            best, kind = each.amount_minor, each.kind
    return best, kind in REDUCTIONS


def reduction_by_days(
    entries: dict[int, int], offers: list[PriceOffer], today: int
) -> tuple[int, int, int] | None:
    """Day by day, as the law says it: walk back to where the cut began, then look at the thirty days before."""
    now = price_of_day(entries, offers, today)
    if now is None or not now[1]:
        return None
    start = today
    while start > 0:
        here, before = price_of_day(entries, offers, start), price_of_day(entries, offers, start - 1)
        assert here is not None
        if before is None or not before[1] or before[0] < here[0]:
            break
        start -= 1
    window = [price_of_day(entries, offers, number) for number in range(start - 30, start)]
    if start < 30 or None in window:
        return None
    lowest = min(each[0] for each in window if each is not None)
    return (start, now[0], lowest) if lowest > now[0] else None


@given(list_prices, sales, st.integers(0, LAST + 40))
def test_the_reference_is_what_counting_days_finds(
    entries: dict[int, int], raw: list[tuple[int, int, int, str, bool]], today: int
) -> None:
    offers = [
        offer(amount, start, start + length, kind=kind, member_level="gold" if private else None)
        for amount, start, length, kind, private in raw
    ]
    found = reduction_at(today, [listed(at, amount) for at, amount in entries.items()], offers)
    expected = reduction_by_days(entries, offers, today)
    assert (found and (found.started_at, found.amount_minor, found.prior_minor)) == (
        expected and (day(expected[0]), *expected[1:])
    )


@given(list_prices, sales)
def test_spans_follow_each_other_without_gaps_and_never_repeat(
    entries: dict[int, int], raw: list[tuple[int, int, int, str, bool]]
) -> None:
    offers = [
        offer(amount, start, start + length, kind=kind) for amount, start, length, kind, _private in raw
    ]
    spans = make_spans([listed(at, amount) for at, amount in entries.items()], offers, until=day(LAST + 50))
    assert spans[0].start == day(min(entries))
    assert spans[-1].end == day(LAST + 50)
    for first, second in pairwise(spans):
        assert first.end == second.start
        assert (first.amount_minor, first.is_reduced) != (second.amount_minor, second.is_reduced)
