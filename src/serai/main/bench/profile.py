"""Where a process spends its time: py-spy samples it from outside while a turn runs that is not measured."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path

import msgspec

from serai.main.bench.arena import Arena
from serai.main.bench.figure import Side
from serai.main.fault import Fault

SAMPLES_PER_S = 200
TOP = 15
# Innermost frames that mean that nothing ran.
IDLE = ("run_until_complete", "run_forever")


class HotSpot(msgspec.Struct, frozen=True):
    """A function, with the shares of samples in which it ran itself and in which it or what it called ran."""

    function: str
    own: float
    total: float


def require_profiler() -> str:
    """Path of py-spy. Fault when it is not installed."""
    found = shutil.which("py-spy")
    if found is None:
        raise Fault("A profile needs py-spy, which is not installed.", "Install it: pip install py-spy")
    return found


async def profile_turn(arena: Arena, side: Side, seconds: float) -> tuple[HotSpot, ...]:
    """Run one more turn of a side and sample the process of the kind that the side names meanwhile."""
    path = arena.folder / "profile.txt"
    process = await asyncio.create_subprocess_exec(
        require_profiler(),
        *("record", "--pid", str(arena.pid_of(side.profiled)), "--format", "raw", "--function"),
        *("--rate", str(SAMPLES_PER_S), "--duration", str(max(1, round(seconds))), "--output", str(path)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await side.run(seconds)
        _, errors = await asyncio.wait_for(process.communicate(), seconds + 20)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise Fault("py-spy could not look into the process.", errors.decode(errors="replace")[-400:])
    return find_hot_spots(await asyncio.to_thread(Path(path).read_text))


def find_hot_spots(folded: str) -> tuple[HotSpot, ...]:
    """The functions that ran most, out of folded stacks (``a;b;c 12``), waiting left out."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    samples = 0
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        # Threads without a Python frame (the server's own) are not ours to explain.
        if not count.isdecimal() or not frames[-1] or frames[-1].startswith(IDLE):
            continue
        samples += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
    if not samples:
        return ()
    # What everything runs under tells nothing.
    names = [n for n, count in own.most_common() if count] + [
        n for n, c in total.most_common() if c < samples
    ]
    ranked = sorted(dict.fromkeys(names), key=lambda n: (-own[n], -total[n]))[:TOP]
    return tuple(
        HotSpot(name, round(own[name] / samples, 4), round(total[name] / samples, 4)) for name in ranked
    )
