"""Geometry of the small charts that the server draws as SVG, so that they show without any script."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from serai.foundation.money import format_money, minor_digits

HOURS_WIDTH = 960
HOURS_HEIGHT = 150
STEPS_WIDTH = 720
STEPS_HEIGHT = 130
STEPS_MARGIN = 6
# Room for the amounts left of the line.
STEPS_LEFT = 64


class GridLine(msgspec.Struct, frozen=True):
    """A horizontal line at ``y`` with the value that it stands for."""

    y: float
    text: str


class Bar(msgspec.Struct, frozen=True):
    """One hour as a rectangle; ``now`` marks the hour that is still running."""

    x: float
    y: float
    width: float
    height: float
    label: str
    text: str
    now: bool


class HourRow(msgspec.Struct, frozen=True):
    """One hour of the day in figures."""

    label: str
    orders: int
    revenue_minor: int


class HoursChart(msgspec.Struct, frozen=True):
    """Revenue by hour. ``json`` holds ``[[hour, orders, revenue_minor], ...]`` for the livelier chart of the script."""

    width: int
    height: int
    total: int
    bars: tuple[Bar, ...]
    grid: tuple[GridLine, ...]
    ticks: tuple[str, ...]
    rows: tuple[HourRow, ...]
    json: str
    digits: int
    current_hour: int


class StepsChart(msgspec.Struct, frozen=True):
    """A price over time: it holds until the next one, so the line goes in steps."""

    width: int
    height: int
    path: str
    end_x: float
    end_y: float
    grid: tuple[GridLine, ...]


def draw_hours(
    hourly: Sequence[tuple[int, int, int]], *, current_hour: int, currency: str, locale: str
) -> HoursChart:
    """Lay out 24 bars from ``(hour, orders, revenue_minor)``; hours that are missing count as nothing sold."""
    by_hour = {hour: (orders, revenue_minor) for hour, orders, revenue_minor in hourly}
    highest = max((revenue_minor for _, revenue_minor in by_hour.values()), default=0)
    top = max(highest, 1)
    slot = HOURS_WIDTH / 24
    bars = []
    rows = []
    for hour in range(24):
        orders, revenue_minor = by_hour.get(hour, (0, 0))
        height = round(max(revenue_minor, 0) / top * (HOURS_HEIGHT - 8), 1)
        label = f"{hour:02}:00"
        text = format_money(revenue_minor, currency, locale)
        bars.append(
            Bar(
                round(hour * slot + slot * 0.18, 1),
                round(HOURS_HEIGHT - height, 1),
                round(slot * 0.64, 1),
                height,
                label,
                text,
                hour == current_hour,
            )
        )
        if hour <= current_hour or orders:
            rows.append(HourRow(label, orders, revenue_minor))
    grid = tuple(
        GridLine(
            round(HOURS_HEIGHT - share * (HOURS_HEIGHT - 8), 1),
            format_money(round(top * share), currency, locale),
        )
        for share in (0, 0.5, 1)
    )
    points = [[hour, *by_hour.get(hour, (0, 0))] for hour in range(24)]
    return HoursChart(
        HOURS_WIDTH,
        HOURS_HEIGHT,
        sum(orders for orders, _ in by_hour.values()),
        tuple(bars),
        grid,
        ("00:00", "06:00", "12:00", "18:00", "24:00"),
        tuple(rows),
        msgspec.json.encode(points).decode(),
        minor_digits(currency),
        current_hour,
    )


def draw_price_steps(
    prices: Sequence[tuple[datetime, int]], *, until: datetime, currency: str, locale: str
) -> StepsChart | None:
    """Lay out a price history of ``(valid_from, amount_minor)``, oldest first. None when there is no change to show."""
    if len(prices) < 2:
        return None
    first = prices[0][0]
    span_s = max((until - first).total_seconds(), 1)
    lowest = min(amount for _, amount in prices)
    highest = max(amount for _, amount in prices)
    spread = max(highest - lowest, 1)

    def place_x(at: datetime) -> float:
        share = min(max((at - first).total_seconds() / span_s, 0), 1)
        return round(STEPS_LEFT + share * (STEPS_WIDTH - STEPS_LEFT - STEPS_MARGIN), 1)

    def place_y(amount_minor: int) -> float:
        share = (amount_minor - lowest) / spread if highest > lowest else 0.5
        return round(STEPS_HEIGHT - STEPS_MARGIN - share * (STEPS_HEIGHT - 6 * STEPS_MARGIN), 1)

    path = f"M{place_x(first)} {place_y(prices[0][1])}"
    for at, amount_minor in prices[1:]:
        path += f"H{place_x(at)}V{place_y(amount_minor)}"
    end_x, end_y = place_x(until), place_y(prices[-1][1])
    grid = tuple(
        GridLine(place_y(amount), format_money(amount, currency, locale))
        for amount in sorted({lowest, highest})
    )
    return StepsChart(STEPS_WIDTH, STEPS_HEIGHT, f"{path}H{end_x}", end_x, end_y, grid)
