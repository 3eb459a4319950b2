"""Public holidays of countries and their regions, from the library ``holidays``, looked up once per country and year."""

from datetime import date
from functools import lru_cache

from holidays import country_holidays
from holidays.holiday_base import HolidayBase


@lru_cache(maxsize=500)
def _find_calendar(country: str, region: str) -> HolidayBase | None:
    try:
        return country_holidays(country, subdiv=region or None)
    except NotImplementedError:
        # A country, or a region of it, that the library does not know.
        return _find_calendar(country, "") if region else None


def is_holiday(country: str, region: str, day: date) -> bool:
    """Whether nobody works there on that day; never in a country that is not known. ``region`` counts where it is a code
    that the library knows, such as ``OH``."""
    known = region if region.isascii() and len(region) <= 3 else ""
    calendar = _find_calendar(country, known.upper())
    return calendar is not None and day in calendar
