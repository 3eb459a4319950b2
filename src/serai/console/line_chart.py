"""Geometry of line charts that the server draws as SVG, with their points for the livelier ones of the script."""

import math
from collections.abc import Sequence

import msgspec
from babel.numbers import format_decimal

WIDTH = 480
HEIGHT = 120
TOP = 6


class Line(msgspec.Struct, frozen=True):
    """One series: None where nothing was measured."""

    label: str
    values: list[float | None]


class DrawnLine(msgspec.Struct, frozen=True):
    """A series as the path of an SVG (in pieces where values are missing) and its last value as a text."""

    label: str
    path: str
    last: str


class LineChart(msgspec.Struct, frozen=True):
    """Lines over one time axis. ``json`` holds ``{"at": [...], "lines": [[...], ...]}``; ``top`` is the highest mark."""

    width: int
    height: int
    lines: tuple[DrawnLine, ...]
    top: str
    is_empty: bool
    json: str


def draw_lines(at: Sequence[int], lines: Sequence[Line], locale: str) -> LineChart:
    """Lay out series of one length over seconds ``at``, all on one scale from nothing to a round number above the highest."""
    known = [value for line in lines for value in line.values if value is not None]
    top = round_up(max(known, default=0.0))
    first, span_s = (at[0], max(at[-1] - at[0], 1)) if at else (0, 1)
    xs = [round((each - first) / span_s * WIDTH, 1) for each in at]
    points = {
        "at": list(at),
        "lines": [[None if v is None else round(v, 2) for v in line.values] for line in lines],
    }
    return LineChart(
        WIDTH,
        HEIGHT,
        tuple(
            DrawnLine(line.label, _draw_path(xs, line.values, top), show_figure(_find_last(line), locale))
            for line in lines
        ),
        show_figure(top, locale),
        not any(known),
        msgspec.json.encode(points).decode(),
    )


def round_up(value: float) -> float:
    """The next of 1, 2 or 5 times a power of ten, so that the scale does not twitch with every figure."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if value <= step * power * (1 + 1e-9))


def show_figure(value: float | None, locale: str) -> str:
    """A figure in three digits or so; a dash where there is none."""
    if value is None:
        return "–"
    pattern = "#,##0.##" if abs(value) < 10 else "#,##0.#" if abs(value) < 100 else "#,##0"
    return str(format_decimal(value, format=pattern, locale=locale))


def _find_last(line: Line) -> float | None:
    return line.values[-1] if line.values else None


def _draw_path(xs: Sequence[float], values: Sequence[float | None], top: float) -> str:
    path, pen_is_down = "", False
    for x, value in zip(xs, values, strict=True):
        if value is None:
            pen_is_down = False
            continue
        y = round(HEIGHT - min(max(value / top, 0.0), 1.0) * (HEIGHT - TOP), 1)
        path += f"{'L' if pen_is_down else 'M'}{x} {y}"
        pen_is_down = True
    return path
