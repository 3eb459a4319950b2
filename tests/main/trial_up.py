"""Runs `serai up` with the smallest processes there can be; the supervisor and the database are the real ones."""

import os
import sys
from pathlib import Path

from rich.console import Console

from serai.main.screen import Screen
from serai.main.settings import load_house
from serai.main.telling import telling_faults
from serai.main.up import Recipe, UpOptions, run_up

HERE = Path(__file__).parent

if __name__ == "__main__":
    arguments = set(sys.argv[1:])
    set_up = (sys.executable, str(HERE / "trial_set_up.py")) if "--set-up" in arguments else None
    worker = (
        sys.executable,
        str(HERE / "trial_worker.py"),
        *({"--worker-fails", "--worker-is-deaf"} & arguments),
    )
    recipe = Recipe(
        web_app="trial_app:create_app",
        worker=worker,
        set_up=set_up,
        sandbox="--sandbox" in arguments,
        systems=("foundation",),
    )
    options = UpOptions(demo=False, reset="--reset" in arguments, verbose="--verbose" in arguments)
    with telling_faults():
        run_up(load_house(os.environ), options, recipe, Screen(Console(), Console(stderr=True)))
