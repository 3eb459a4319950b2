"""`serai bench` from beginning to end: choose, open the arena, measure, tell, keep."""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console

from serai.main.bench.arena import open_arena
from serai.main.bench.contests import CONTESTS, choose_figures
from serai.main.bench.figure import Contest, Figure
from serai.main.bench.measure import QUICK, Pace, Result, Say, run_contest
from serai.main.bench.profile import require_profiler
from serai.main.bench.report import HISTORY, encode_result, record_results, show_results
from serai.main.fault import Fault


class BenchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line of ``serai bench`` wishes."""

    as_json: bool = False
    quick: bool = False
    record: bool = False
    profile: bool = False


def run_bench(name: str | None, options: BenchOptions, console: Console, errors: Console) -> bool:
    """Measure and tell. True when every figure that has to reach something reached it.

    Raises:
        Fault: there is no such figure; work was lost; an invariant is broken; the server answered an error.
    """
    chosen = choose_figures(name, CONTESTS)
    if options.profile:
        require_profiler()
    if options.record and not Path("pyproject.toml").exists():
        raise Fault("The history lies in the project.", f"Run this where {HISTORY}/ belongs.")
    with errors.status("Making a database of its own ...") as status:

        def say(text: str) -> None:
            if errors.is_terminal:
                status.update(text)
            else:
                print(text, file=sys.stderr, flush=True)

        pace = msgspec.structs.replace(QUICK if options.quick else Pace(), profile=options.profile)
        try:
            results = uvloop.run(measure_chosen(chosen, pace, options.quick, say))
        except asyncio.CancelledError:
            raise Fault("The bench was stopped. Nothing was kept, and its database is gone.") from None
    if options.as_json:
        for result in results:
            console.file.write(encode_result(result) + "\n")
    else:
        show_results(console, results)
    if options.record:
        record_results(results)
    return all(result.good is not False and not result.generator_bound for result in results)


async def measure_chosen(
    chosen: list[tuple[Contest, list[Figure]]], pace: Pace, quick: bool, say: Say
) -> list[Result]:
    """Measure contest by contest, each on a database of its own. SIGTERM ends it as Ctrl-C does, all cleaned up."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    results = []
    for contest, figures in chosen:
        async with open_arena(quick=quick) as arena:
            results += await run_contest(arena, contest, figures, pace, say)
    return results
