"""The bench's honesty: medians and spreads, sides in turns, and no figure where the generator set the pace."""

import json
from collections.abc import Mapping

import msgspec
import pytest
from rich.console import Console

from serai.main.bench.contests import CONTESTS, choose_figures, list_figures
from serai.main.bench.figure import (
    Figure,
    Generator,
    Side,
    Turn,
    cpu_per_unit,
    cpu_ratio,
    find_generator_fault,
    ratio,
)
from serai.main.bench.measure import Pace, Result, judge, summarise, take_turns
from serai.main.bench.profile import find_hot_spots
from serai.main.bench.report import encode_result, record_results, show_results
from serai.main.fault import Fault

CALM = Generator(busy=0.2, waiting=0.1, late_p99_ms=1.0, in_flight=64)


def turn(count: int, generator: Generator | None = None, **cpu_s: float) -> Turn:
    return Turn(count, 1.0, cpu_s, generator)


def judge_turns(figure: Figure, turns: Mapping[str, list[Turn]]) -> Result:
    return judge(figure, turns, {name: summarise(each, "") for name, each in turns.items()}, None)


TWICE = ratio("orders.fast_over_slow", "fast", "slow", "one way over the other", must=2.0)


def test_a_ratio_is_the_median_of_its_turns_with_their_spread() -> None:
    result = judge_turns(
        TWICE, {"fast": [turn(300), turn(900), turn(200)], "slow": [turn(100), turn(100), turn(100)]}
    )
    assert (result.value, result.spread, result.runs) == (3.0, (2.0, 9.0), 3)
    assert result.good is True


def test_a_ratio_compares_the_sides_of_one_turn() -> None:
    # The machine was ten times slower in the second turn: for both sides, so the ratio stands.
    result = judge_turns(TWICE, {"fast": [turn(1000), turn(100)], "slow": [turn(250), turn(25)]})
    assert result.spread == (4.0, 4.0)


def test_a_figure_that_falls_short_is_not_good() -> None:
    assert judge_turns(TWICE, {"fast": [turn(199)], "slow": [turn(100)]}).good is False


def test_less_is_better_for_cpu_time() -> None:
    figure = cpu_per_unit("orders.cpu", "http", ("web", "database"), "CPU", unit="ms", must=4)
    assert judge_turns(figure, {"http": [turn(1000, web=3.0, database=1.0, client=9.0)]}).good is True
    assert judge_turns(figure, {"http": [turn(1000, web=3.0, database=1.1)]}).good is False
    assert judge_turns(figure, {"http": [turn(1000, web=3.0, database=1.0)]}).value == 4.0


def test_a_ratio_of_cpu_time_is_per_unit_and_of_the_named_processes() -> None:
    figure = cpu_ratio("orders.dear_over_cheap", "dear", "cheap", ("client", "database"), "CPU")
    turns = {
        "dear": [turn(10, client=1.0, database=3.0, web=9.0)],
        "cheap": [turn(100, client=2.0, database=2.0)],
    }
    assert judge_turns(figure, turns).value == 10.0


@pytest.mark.parametrize(
    ("generator", "is_bound"),
    [
        (CALM, False),
        (None, False),
        (Generator(busy=0.79, waiting=0.1, late_p99_ms=1, in_flight=64), False),
        (Generator(busy=0.81, waiting=0.0, late_p99_ms=1, in_flight=64), True),
        (Generator(busy=0.30, waiting=0.66, late_p99_ms=1, in_flight=64), True),
        # 64 requests in flight last a server of 1,000/s for 64 ms.
        (Generator(busy=0.3, waiting=0.2, late_p99_ms=63, in_flight=64), False),
        (Generator(busy=0.3, waiting=0.2, late_p99_ms=65, in_flight=64), True),
    ],
)
def test_a_generator_is_judged(generator: Generator | None, is_bound: bool) -> None:
    assert bool(find_generator_fault(turn(1000, generator))) is is_bound


def test_a_request_that_was_never_sent_spoils_a_figure() -> None:
    honest = Generator(0.1, 0.0, 0.1, 16)
    assert find_generator_fault(turn(1000, honest)) is None
    assert "no connection left" in str(
        find_generator_fault(turn(1000, msgspec.structs.replace(honest, unsent=1)))
    )


def test_a_figure_is_refused_when_the_generator_set_the_pace_once() -> None:
    tired = Generator(busy=0.95, waiting=0.0, late_p99_ms=1, in_flight=64)
    result = judge_turns(
        TWICE, {"fast": [turn(900, CALM), turn(900, tired)], "slow": [turn(100, CALM), turn(100, CALM)]}
    )
    assert result.generator_bound is True
    assert result.good is None
    assert result.doubts == ("fast: in 1 of 2 runs the generator used 95% of its core",)
    console = Console(record=True, width=200)
    show_results(console, [result])
    assert "no figure: the generator set the pace" in console.export_text()


def test_json_has_the_agreed_fields_on_one_line() -> None:
    line = encode_result(judge_turns(TWICE, {"fast": [turn(300, CALM)], "slow": [turn(100)]}))
    assert "\n" not in line
    found = json.loads(line)
    assert {"name", "value", "unit", "runs", "spread", "generator_bound", "good"} <= set(found)
    assert found["name"] == "orders.fast_over_slow"
    assert found["sides"]["fast"]["counts"] == [300]


def test_the_history_grows_by_a_line_per_figure(tmp_path) -> None:
    result = judge_turns(TWICE, {"fast": [turn(300)], "slow": [turn(100)]})
    record_results([result], tmp_path)
    (path,) = record_results([result], tmp_path)
    lines = path.read_text().splitlines()
    assert (path.name, len(lines)) == ("orders.fast_over_slow.jsonl", 2)
    assert json.loads(lines[1])["value"] == 3.0


async def test_sides_take_turns_forth_and_back_after_a_turn_that_is_not_kept() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        async def run(seconds: float) -> Turn:
            order.append(f"{name}{seconds:g}")
            return turn(len(order))

        return Side(run)

    turns = await take_turns(
        {"a": side("a"), "b": side("b")}, Pace(runs=3, seconds=2, warm_up_s=1), lambda _text: None
    )
    assert order == ["a1", "b1", "a2", "b2", "b2", "a2", "a2", "b2"]
    assert [each.count for each in turns["a"]] == [3, 6, 7]


def test_a_name_chooses_one_figure_or_all_that_begin_with_it() -> None:
    assert [f.name for _, figures in choose_figures("orders.cpu_us") for f in figures] == ["orders.cpu_us"]
    pages = [f.name for _, figures in choose_figures("pages") for f in figures]
    assert "pages.product_over_bare" in pages
    assert all(name.startswith("pages.") for name in pages)
    # What takes long is measured only when it is named.
    every = [f.name for _, figures in choose_figures(None) for f in figures]
    long = ("search_million.", "overload.")
    assert every == [f.name for f in list_figures() if not f.name.startswith(long)]
    assert choose_figures("search_million.p99_ms")
    with pytest.raises(Fault, match=r"no figure named orders\.speed"):
        choose_figures("orders.speed")


def test_figures_have_names_of_their_own_and_sides_to_compute_from() -> None:
    names = [figure.name for figure in list_figures()]
    assert len(names) == len(set(names))
    assert {"orders.lane_over_one_by_one", "orders.http_over_lane", "pages.product_over_bare"} <= set(names)
    assert all(figure.sides for contest in CONTESTS for figure in contest.figures)


def test_a_profile_names_what_ran_and_leaves_waiting_out() -> None:
    spots = find_hot_spots("main;work;spin 6\nmain;work 2\nmain;run_forever (base.py:1) 90\nmain; 50\n")
    assert [(spot.function, spot.own, spot.total) for spot in spots] == [
        ("spin", 0.75, 0.75),
        ("work", 0.25, 1.0),
    ]
