"""Pure rules of delivery: where an option goes, what it costs, and on which days it arrives."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from serai.commerce.delivery.types import (
    DAY_MINUTES,
    MAX_MINOR,
    Calendar,
    Destination,
    OptionTerms,
    Price,
    PriceStep,
    Promise,
    Zone,
)

# A calendar that is closed for longer promises nothing.
MOST_DAYS = 500
Closed = Callable[[str, str, date], bool]


def fold_region(text: str) -> str:
    """A region as it is compared."""
    return " ".join(text.casefold().split())


def fold_postcode(text: str) -> str:
    """A postcode as it is compared: letters and digits only."""
    return re.sub(r"[\W_]", "", text).upper()


def fits(zone: Zone, to: Destination) -> bool:
    """Whether a zone holds an address. Of an address that is not known yet only the country decides, and where that is not
    known either, everything fits."""
    if not to.country:
        return True
    if zone.countries and to.country not in zone.countries:
        return False
    if _is_among(to, zone.without_regions, zone.without_postcodes):
        return False
    if not zone.regions and not zone.postcodes:
        return True
    if not to.region and not to.postcode:
        return True
    return _is_among(to, zone.regions, zone.postcodes)


def _is_among(to: Destination, regions: Collection[str], postcodes: Collection[str]) -> bool:
    region, postcode = fold_region(to.region), fold_postcode(to.postcode)
    if region and any(fold_region(each) == region for each in regions):
        return True
    return bool(postcode) and any(postcode.startswith(fold_postcode(each)) for each in postcodes)


def price_delivery(price: Price, to: Destination, *, goods_minor: int, grams: int) -> int:
    """What a delivery costs, in minor units."""
    remote = 0
    if price.remote_minor and _is_among(to, price.remote_regions, price.remote_postcodes):
        remote = price.remote_minor
    if price.free_from_minor is not None and goods_minor >= price.free_from_minor:
        return remote
    amount = grams if price.basis == "weight" else goods_minor if price.basis == "value" else 0
    step = _reach(price.steps, amount)
    more = 0
    if price.basis == "weight" and price.per_kg_minor and step is price.steps[-1]:
        more = -(-(amount - step.least) // 1000) * price.per_kg_minor
    return min(MAX_MINOR, step.price_minor + more + remote)


def _reach(steps: tuple[PriceStep, ...], amount: int) -> PriceStep:
    reached = steps[0]
    for step in steps[1:]:
        if amount < step.least:
            break
        reached = step
    return reached


def weigh(quantity: int, scale: int, unit_grams: int) -> int:
    """What so many steps of 10^-scale weigh, in grams, rounded up."""
    return -(-(quantity * unit_grams) // 10**scale)


def promise(
    calendar: Calendar, terms: OptionTerms, to: Destination, now: datetime, is_holiday: Closed
) -> Promise | None:
    """The days on which an order that is placed now arrives; None where the calendar never opens."""
    if not calendar.weekdays or not terms.transit_weekdays:
        return None
    zone = ZoneInfo(calendar.time_zone)
    closed = frozenset(calendar.closed)

    def works(day: date) -> bool:
        return (
            day.weekday() in calendar.weekdays
            and day not in closed
            and not (calendar.country and is_holiday(calendar.country, "", day))
        )

    def delivers(day: date) -> bool:
        return day.weekday() in terms.transit_weekdays and not (
            calendar.skip_holidays and to.country and is_holiday(to.country, to.region, day)
        )

    cutoff = calendar.cutoff_minute if terms.cutoff_minute is None else terms.cutoff_minute
    local = now.astimezone(zone)
    today = local.date()
    # What is placed in the minute of the cut-off is too late, so a cut-off at midnight lets every order of the day pass.
    in_time = works(today) and now < _moment(today, cutoff, zone)
    taken_up = today if in_time else count_days(today + timedelta(days=1), 0, works)
    leaves = count_days(taken_up, terms.handling_days, works) if taken_up else None
    if taken_up is None or leaves is None:
        return None
    first = count_days(leaves, terms.transit_low, delivers)
    last = count_days(leaves, max(terms.transit_low, terms.transit_high), delivers)
    if first is None or last is None:
        return None
    return Promise(first, last, _moment(taken_up, cutoff, zone), _moment(leaves, DAY_MINUTES, zone))


def count_days(start: date, days: int, is_open: Callable[[date], bool]) -> date | None:
    """The day that is so many open days after another, or with 0 the first open one from it on."""
    day, left = start, days
    if days == 0:
        while not is_open(day):
            if (day - start).days > MOST_DAYS:
                return None
            day += timedelta(days=1)
        return day
    while left:
        day += timedelta(days=1)
        if (day - start).days > MOST_DAYS:
            return None
        left -= is_open(day)
    return day


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """A minute of a day's clock, in UTC: an hour that the clock jumps over or repeats is taken as its first one."""
    if minute >= DAY_MINUTES:
        day, minute = day + timedelta(days=1), minute - DAY_MINUTES
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)
