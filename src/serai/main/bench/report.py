"""What the bench tells: a table for people, a line of JSON per figure for machines, and the history in files."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serai.main.bench.measure import Result, SideSummary

HISTORY = Path("bench/results")


def encode_result(result: Result) -> str:
    """One figure as one line of JSON."""
    return msgspec.json.encode(result).decode()


def record_results(results: Sequence[Result], folder: Path = HISTORY) -> list[Path]:
    """Append each figure to the history of its name. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for result in results:
        path = folder / f"{result.name}.jsonl"
        with path.open("a", encoding="utf-8") as file:
            file.write(encode_result(result) + "\n")
        paths.append(path)
    return paths


def show_results(console: Console, results: Sequence[Result]) -> None:
    """The figures, their sides, and under them what speaks against them."""
    figures = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for title, justify in (
        ("Figure", "left"),
        ("Value", "right"),
        ("Lowest to highest", "right"),
        ("Must", "right"),
        ("", "left"),
    ):
        figures.add_column(title, justify=justify)  # type: ignore[arg-type]
    for result in results:
        figures.add_row(
            result.name,
            show_value(result.value, result.unit),
            f"{result.spread[0]:,g} to {result.spread[1]:,g}",
            "" if result.must is None else f"{'≥' if result.better == 'more' else '≤'} {result.must:g}",
            show_verdict(result),
        )
    console.print(figures)
    console.print()
    console.print(make_side_table(results))
    show_hot_spots(console, results)
    shown = [line for result in results for line in result.doubts]
    for line in dict.fromkeys(shown):
        console.print(Text(f"! {line}", style="yellow"))
    if results and results[0].surroundings:
        console.print(Text(describe_surroundings(results[0]), style="dim"))


def show_value(value: float, unit: str) -> str:
    """A value with its unit."""
    return f"{value:,g}" + {"ratio": " x", "us": " µs", "ms": " ms", "s": " s"}.get(unit, f" {unit}")


def show_verdict(result: Result) -> Text:
    """What a figure comes to in a word or two."""
    if result.generator_bound:
        return Text("no figure: the generator set the pace", style="bold yellow")
    if result.good is None:
        return Text("reported", style="dim")
    return Text("reached", style="green") if result.good else Text("not reached", style="bold red")


def make_side_table(results: Sequence[Result]) -> Table:
    """Each side once: its rate, its latency and where its CPU time went."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (
        "Side",
        "per second",
        "lowest to highest",
        "p50 ms",
        "p99 ms",
        "CPU µs each",
        "log B each",
        "how",
    ):
        table.add_column(title, justify="left" if title in ("Side", "CPU µs each", "how") else "right")
    seen: dict[str, SideSummary] = {}
    for result in results:
        seen |= {name: side for name, side in result.sides.items() if name not in seen}
    for name, side in seen.items():
        table.add_row(
            name,
            f"{side.rate:,g}",
            f"{side.rate_spread[0]:,g} to {side.rate_spread[1]:,g}",
            "" if side.latency_p50_ms is None else f"{side.latency_p50_ms:,.1f}",
            "" if side.latency_p99_ms is None else f"{side.latency_p99_ms:,.1f}",
            ", ".join(f"{kind} {us:,.0f}" for kind, us in side.cpu_us.items() if us >= 1),
            f"{side.wal_bytes:,.0f}" if side.wal_bytes >= 1 else "",
            side.note,
        )
    return table


def show_hot_spots(console: Console, results: Sequence[Result]) -> None:
    """Where each profiled side spends its time."""
    profiled = {name: side.hot_spots for r in results for name, side in r.sides.items() if side.hot_spots}
    for name, hot_spots in profiled.items():
        table = Table(
            box=None, pad_edge=False, header_style="bold", title=f"Profile of {name}", title_justify="left"
        )
        table.add_column("own", justify="right")
        table.add_column("with calls", justify="right")
        table.add_column("function")
        for spot in hot_spots:
            table.add_row(f"{spot.own:.1%}", f"{spot.total:.1%}", Text(spot.function))
        console.print(table)
        console.print()


def describe_surroundings(result: Result) -> str:
    """The machine in a sentence."""
    around = result.surroundings
    assert around is not None
    pressure = (
        "" if around.cpu_pressure_before is None else f", CPU pressure {around.cpu_pressure_before:.0%}"
    )
    return (
        f"{around.cores} cores ({around.cpu}), load before {around.load_before}{pressure}; "
        f"PostgreSQL {around.postgresql}, fsync {'on' if around.fsync else 'OFF'}, "
        f"{around.sync_ms} ms per forced write on {around.filesystem}; Python {around.python}, {around.system}. "
        f"Generator, web worker and database share these cores."
    )
