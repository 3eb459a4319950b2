"""What every command shares: the terminal, and how an error is told on it."""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from serai.main.fault import Fault, explain_error, record_trace
from serai.main.installation import Installation
from serai.main.screen import Screen

console = Console()
errors = Console(stderr=True)
screen = Screen(console, errors)


@contextmanager
def telling_faults(*, logged: bool = False) -> Iterator[None]:
    """Expected errors become a message and exit code 1; a bug is logged and told without its trace.

    ``logged`` says that the error output is a log already, so the trace may go there.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the outermost edge of every command
        fault = explain_error(error)
        if fault is None and logged:
            traceback.print_exception(error)
            raise SystemExit(1) from None
        if fault is None:
            path = record_trace(error, Installation.at(os.environ.get("SERAI_DATA_DIR", "./var")).log_dir)
            fault = Fault(
                f"Something unexpected happened: {type(error).__name__}.", f"The details are in {path}"
            )
        screen.show_fault(fault)
        raise SystemExit(1) from None
