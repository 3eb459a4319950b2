"""What `serai up` shows on the terminal: steps, the start screen, and what happens to the processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from serai.main.fault import Fault
from serai.main.installation import FirstRun, Installation
from serai.main.settings import HouseSettings


class Screen:
    """A calm terminal: one line per event, one panel when everything runs."""

    def __init__(self, console: Console, errors: Console) -> None:
        self._console = console
        self._errors = errors
        self._stopping = False

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show that something takes its time."""
        if not self._console.is_terminal:
            self._console.print(f"{what} ...", highlight=False)
            yield
            return
        with self._console.status(f"{what} ..."):
            yield

    def say(self, text: str) -> None:
        """One line with the time of day."""
        self._console.print(f"[dim]{datetime.now():%H:%M:%S}[/dim]  ", end="")
        self._console.print(text, markup=False, highlight=False)

    def say_stopping(self) -> None:
        self._console.print("Stopping ...", style="dim")

    def say_stopped(self, killed: list[str]) -> None:
        if killed:
            self.say(f"{', '.join(killed)} did not stop in time and had to be killed")
        self._console.print("Stopped. Nothing of Serai runs here any more.", style="dim")

    def show_start(
        self, house: HouseSettings, installation: Installation, owner: FirstRun, sandbox: bool
    ) -> None:
        """Addresses, the owner's way in (the password once only), and how to stop."""
        url = house.web_url()
        table = Table.grid(padding=(0, 3))
        table.add_row("Shop", f"[bold]{url}/[/bold]")
        table.add_row("Console", f"[bold]{url}/console[/bold]")
        table.add_row("API", f"{url}/api/v1/docs")
        if sandbox:
            table.add_row(
                "Payments", f"http://127.0.0.1:{house.sandbox_port}/  [dim](sandbox: no money moves)[/dim]"
            )
        if owner.owner_password:
            table.add_row("", "")
            table.add_row("Owner", f"[bold]{owner.owner_email}[/bold]")
            table.add_row(
                "Password", f"[bold]{owner.owner_password}[/bold]  [dim](shown this once only)[/dim]"
            )
        table.add_row("", "")
        table.add_row("Data", f"[dim]{installation.data_dir}[/dim]")
        table.add_row("Stop", "[dim]Ctrl-C[/dim]")
        self._console.print(
            Panel(table, title="Serai is open", title_align="left", padding=(1, 2), expand=False)
        )

    def show_fault(self, fault: Fault) -> None:
        """What is wrong and what to do, on the error output."""
        self._errors.print(fault.what, style="bold red", markup=False, highlight=False)
        for line in fault.advice:
            self._errors.print(f"  {line}", markup=False, highlight=False)
