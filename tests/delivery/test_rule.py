"""Where options go, what they cost and when they arrive: the rules alone, with a clock of their own."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.delivery.conftest import NEW_YORK, flat

from serai.commerce.delivery.find_holiday import is_holiday
from serai.commerce.delivery.logic import count_days, fits, price_delivery, promise, weigh
from serai.commerce.delivery.types import (
    Calendar,
    Destination,
    OptionTerms,
    Price,
    PriceStep,
    Promise,
    Zone,
)

OHIO = Destination("US", "OH", "45202")
OPTION = flat("Standard", 500, handling_days=1, transit_low=2, transit_high=3)
EASTERN = ZoneInfo("America/New_York")


def promised(
    at: datetime, calendar: Calendar = NEW_YORK, terms: OptionTerms = OPTION, to: Destination = OHIO
) -> Promise:
    found = promise(calendar, terms, to, at.astimezone(UTC), is_holiday)
    assert found is not None
    return found


def days_of(found: Promise) -> tuple[date, date]:
    return found.from_day, found.until_day


@pytest.mark.parametrize(
    ("zone", "to", "goes"),
    [
        (Zone(), Destination("ZW"), True),
        (Zone(("US",)), Destination("DE"), False),
        (Zone(("US",)), Destination(), True),
        (Zone(("US",), regions=("oh", "New  York")), Destination("US", "new york"), True),
        (Zone(("US",), regions=("OH",)), Destination("US", "KY"), False),
        # Of an address that is only a country yet, more cannot be said.
        (Zone(("US",), regions=("OH",)), Destination("US"), True),
        (Zone(("US",), without_regions=("AK", "HI")), Destination("US", "ak"), False),
        (Zone(("US",), without_regions=("AK",)), Destination("US"), True),
        (Zone(("GB",), postcodes=("SW1",)), Destination("GB", "", "sw1a 2aa"), True),
        (Zone(("GB",), postcodes=("SW1",)), Destination("GB", "", "SE1 7PB"), False),
        (Zone(("GB",), without_postcodes=("BT",)), Destination("GB", "", "bt1-1aa"), False),
        (Zone(("CN",), regions=("四川省",)), Destination("CN", "四川省", ""), True),
        (Zone(("CN",), regions=("四川省",), postcodes=("200",)), Destination("CN", "上海市", "200120"), True),
        (Zone(("US",), regions=("OH",)), Destination("US", "", "45202"), False),
    ],
)
def test_a_zone_holds_an_address_or_not(zone: Zone, to: Destination, goes: bool) -> None:
    assert fits(zone, to) is goes


WEIGHT = Price("weight", (PriceStep(0, 400), PriceStep(1_000, 600), PriceStep(5_000, 900)), per_kg_minor=50)


@pytest.mark.parametrize(
    ("grams", "minor"),
    [
        (0, 400),
        (999, 400),
        (1_000, 600),
        (4_999, 600),
        (5_000, 900),
        (5_001, 950),
        (6_000, 950),
        (6_001, 1_000),
    ],
)
def test_a_step_by_weight_begins_exactly_at_its_weight(grams: int, minor: int) -> None:
    assert price_delivery(WEIGHT, OHIO, goods_minor=10**9, grams=grams) == minor


@pytest.mark.parametrize(
    ("worth", "minor"), [(0, 700), (1_999, 700), (2_000, 500), (4_999, 500), (5_000, 0), (10**9, 0)]
)
def test_a_step_by_worth_and_free_from_begin_exactly_there(worth: int, minor: int) -> None:
    price = Price("value", (PriceStep(0, 700), PriceStep(2_000, 500)), free_from_minor=5_000)
    assert price_delivery(price, OHIO, goods_minor=worth, grams=0) == minor


def test_a_remote_place_pays_its_extra_also_where_delivery_is_free() -> None:
    price = Price(
        steps=(PriceStep(0, 500),),
        free_from_minor=5_000,
        remote_minor=2_000,
        remote_regions=("AK",),
        remote_postcodes=("967",),
    )
    alaska, hawaii = Destination("US", "AK", "99501"), Destination("US", "HI", "96701")
    assert price_delivery(price, alaska, goods_minor=0, grams=0) == 2_500
    assert price_delivery(price, hawaii, goods_minor=6_000, grams=0) == 2_000
    assert price_delivery(price, OHIO, goods_minor=6_000, grams=0) == 0


def test_no_price_outgrows_the_books() -> None:
    price = Price(
        "weight", (PriceStep(0, 10**12),), per_kg_minor=10**12, remote_minor=10**12, remote_regions=("OH",)
    )
    assert price_delivery(price, OHIO, goods_minor=0, grams=10**12) == 10**12


@given(
    st.lists(st.tuples(st.integers(1, 50_000), st.integers(0, 10_000)), max_size=8, unique_by=lambda s: s[0]),
    st.integers(0, 500),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
)
def test_where_steps_rise_no_parcel_is_dearer_than_a_heavier_one(
    rest: list[tuple[int, int]], per_kg: int, one: int, other: int
) -> None:
    rises, minor = [PriceStep(0, 100)], 100
    for least, more in sorted(rest):
        minor += more
        rises.append(PriceStep(least, minor))
    price = Price("weight", tuple(rises), per_kg_minor=per_kg)
    light, heavy = (price_delivery(price, OHIO, goods_minor=0, grams=grams) for grams in sorted((one, other)))
    assert light <= heavy


@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(0, 10**6))
def test_a_weight_is_rounded_up_to_the_gram_and_never_lost(
    quantity: int, scale: int, unit_grams: int
) -> None:
    grams = weigh(quantity, scale, unit_grams)
    assert 0 <= grams * 10**scale - quantity * unit_grams < 10**scale


def test_the_cut_off_is_that_of_the_warehouse_to_the_second() -> None:
    last, late = (
        promised(datetime(2026, 6, 2, hour, minute, second, tzinfo=EASTERN))
        for hour, minute, second in ((13, 59, 59), (14, 0, 0))
    )
    # Tuesday, a day of work, two or three on the way.
    assert days_of(last) == (date(2026, 6, 5), date(2026, 6, 8))
    assert days_of(late) == (date(2026, 6, 8), date(2026, 6, 9))
    assert last.order_by == datetime(2026, 6, 2, 18, 0, tzinfo=UTC)
    assert late.order_by == datetime(2026, 6, 3, 18, 0, tzinfo=UTC)
    # What leaves on Wednesday is late from Thursday's first minute on, by the warehouse's clock.
    assert last.late_from == datetime(2026, 6, 4, 4, 0, tzinfo=UTC)


def test_a_day_of_the_warehouse_is_not_a_day_of_utc() -> None:
    # 1 in the morning of Saturday in UTC is still Friday evening in New York and Saturday morning in Shanghai.
    moment = datetime(2026, 6, 6, 1, 0, tzinfo=UTC)
    evening = msgspec.structs.replace(NEW_YORK, cutoff_minute=22 * 60)
    shanghai = Calendar(time_zone="Asia/Shanghai", cutoff_minute=22 * 60)
    assert promised(moment, evening).order_by == datetime(2026, 6, 6, 2, 0, tzinfo=UTC)
    assert promised(moment, shanghai).order_by == datetime(2026, 6, 8, 14, 0, tzinfo=UTC)


def test_the_clock_that_jumps_keeps_the_cut_off_at_its_hour() -> None:
    daily = msgspec.structs.replace(NEW_YORK, weekdays=(0, 1, 2, 3, 4, 5, 6), country="")
    before = promised(datetime(2026, 3, 7, 12, 0, tzinfo=EASTERN), daily)
    after = promised(datetime(2026, 3, 8, 12, 0, tzinfo=EASTERN), daily)
    assert after.order_by - before.order_by == timedelta(hours=23)
    # Half past two does not exist on that night, half past one comes twice in autumn: both still have a cut-off.
    night = msgspec.structs.replace(daily, cutoff_minute=2 * 60 + 30)
    assert promised(datetime(2026, 3, 8, 0, 0, tzinfo=EASTERN), night).order_by.date() == date(2026, 3, 8)
    twice = msgspec.structs.replace(daily, cutoff_minute=60 + 30)
    first = datetime(2026, 11, 1, 5, 29, tzinfo=UTC)
    assert promised(first, twice).order_by == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert promised(first + timedelta(minutes=1), twice).order_by == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


def test_holidays_of_warehouse_and_destination_are_skipped() -> None:
    # The third of July 2026 is the observed Independence Day.
    found = promised(datetime(2026, 7, 2, 9, 0, tzinfo=EASTERN))
    assert days_of(found) == (date(2026, 7, 8), date(2026, 7, 9))
    # National Day in China: from 1 to 7 October nothing arrives.
    china = promised(datetime(2026, 9, 29, 9, 0, tzinfo=EASTERN), to=Destination("CN"))
    assert days_of(china) == (date(2026, 10, 9), date(2026, 10, 12))
    works_on = msgspec.structs.replace(NEW_YORK, skip_holidays=False)
    assert days_of(promised(datetime(2026, 9, 29, 9, 0, tzinfo=EASTERN), works_on, to=Destination("CN"))) == (
        date(2026, 10, 2),
        date(2026, 10, 5),
    )


def test_a_country_or_region_that_nobody_knows_has_no_holidays() -> None:
    assert not is_holiday("XX", "", date(2026, 1, 1))
    assert is_holiday("US", "Ohio; DROP TABLE", date(2026, 12, 25))
    assert is_holiday("US", "ZZ", date(2026, 12, 25))
    assert is_holiday("DE", "BY", date(2026, 1, 6))
    assert not is_holiday("DE", "", date(2026, 1, 6))


def test_closed_days_move_everything_and_a_shop_that_never_opens_promises_nothing() -> None:
    closed = msgspec.structs.replace(NEW_YORK, closed=(date(2026, 6, 2), date(2026, 6, 3)))
    assert days_of(promised(datetime(2026, 6, 2, 9, 0, tzinfo=EASTERN), closed)) == (
        date(2026, 6, 9),
        date(2026, 6, 10),
    )
    asleep = msgspec.structs.replace(NEW_YORK, weekdays=())
    assert promise(asleep, OPTION, OHIO, datetime(2026, 6, 2, tzinfo=UTC), is_holiday) is None
    assert count_days(date(2026, 1, 1), 1, lambda _day: False) is None


def test_same_day_delivery_arrives_today_or_on_the_next_day_of_delivery() -> None:
    today = msgspec.structs.replace(OPTION, handling_days=0, transit_low=0, transit_high=0)
    assert (
        days_of(promised(datetime(2026, 6, 2, 9, 0, tzinfo=EASTERN), terms=today)) == (date(2026, 6, 2),) * 2
    )
    saturdays = msgspec.structs.replace(today, transit_weekdays=(5,))
    assert days_of(promised(datetime(2026, 6, 2, 9, 0, tzinfo=EASTERN), terms=saturdays))[0] == date(
        2026, 6, 6
    )


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_who_orders_later_is_never_promised_an_earlier_day(
    one: datetime, other: datetime, low: int, more: int
) -> None:
    terms = msgspec.structs.replace(OPTION, transit_low=low, transit_high=low + more)
    early, late = (promised(moment.replace(tzinfo=UTC), terms=terms) for moment in sorted((one, other)))
    assert early.from_day <= late.from_day
    assert early.until_day <= late.until_day
    for moment, found in ((min(one, other), early), (max(one, other), late)):
        assert found.from_day <= found.until_day
        assert moment.replace(tzinfo=UTC) < found.order_by < found.late_from
