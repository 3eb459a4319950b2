"""What `serai up` shows on the terminal: steps, the start screen, and what happens to the processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import StringIO
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from serai.foundation.invariant import Verdict
from serai.main.fault import Fault
from serai.main.installation import FirstRun, Installation
from serai.main.settings import HouseSettings

Report = Callable[[str, int, int], None]


class Screen:
    """A calm terminal: one line per event, one panel when everything runs."""

    def __init__(self, console: Console, errors: Console) -> None:
        self._console = console
        self._errors = errors

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show that something takes its time."""
        if not self._console.is_terminal:
            self._print(f"{what} ...", highlight=False)
            yield
            return
        with self._console.status(f"{what} ..."):
            yield

    def say(self, text: str) -> None:
        """One line with the time of day."""
        self._print(f"[dim]{datetime.now():%H:%M:%S}[/dim]  {escape(text)}", highlight=False, soft_wrap=True)

    def say_log(self, name: str, line: str) -> None:
        """One line of a process's log."""
        self._print(f"[cyan]{name:>9}[/cyan]  {escape(line)}", highlight=False, soft_wrap=True)

    def say_stopping(self) -> None:
        self._print("Stopping ...", style="dim")

    def say_stopped(self, killed: list[str]) -> None:
        if killed:
            self.say(f"{', '.join(killed)} did not stop in time and had to be killed")
        self._print("Stopped. Nothing of Serai runs here any more.", style="dim")

    def show_start(
        self,
        house: HouseSettings,
        installation: Installation,
        owner: FirstRun,
        sandbox: bool,
        *,
        providers: bool = False,
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
        if providers:
            table.add_row(
                "Providers",
                f"http://127.0.0.1:{house.providers_port}/  [dim](Stripe, WeChat Pay, Alipay: simulated)[/dim]",
            )
            table.add_row("Tea shop", f"http://tea.localhost:{house.port}/  [dim](sells in yuan)[/dim]")
        if owner.owner_password:
            table.add_row("", "")
            for label, value in _list_owner(owner):
                table.add_row(label, value)
        table.add_row("", "")
        table.add_row("Data", f"[dim]{escape(str(installation.data_dir))}[/dim]")
        table.add_row("Stop", "[dim]Ctrl-C[/dim]")
        self._print(Panel(table, title="Serai is open", title_align="left", padding=(1, 2), expand=False))

    def show_owner(self, owner: FirstRun) -> None:
        """The owner's way in alone, for when the start did not get as far as the start screen."""
        if owner.owner_password:
            for label, value in _list_owner(owner):
                self._print(f"{label}: {value}", highlight=False)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """A function ``report(what, done, total)`` that moves one bar per ``what``; no bars before the first report."""
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        bars = Progress(*columns, console=self._console)
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if not tasks:
                bars.start()
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        try:
            yield report
        finally:
            if tasks:
                bars.stop()

    def show_verdict(self, verdict: Verdict) -> None:
        """One line for one invariant, and the first rows that break it."""
        mark = "[green]OK    [/green]" if verdict.holds else "[bold red]BREACH[/bold red]"
        invariant = verdict.invariant
        self._print(
            f"{mark}  {escape(invariant.name)}  [dim]{escape(invariant.meaning)}[/dim]", soft_wrap=True
        )
        for row in verdict.offending:
            fields = ", ".join(f"{name}={value}" for name, value in row.items())
            self._print(f"        {escape(fields)}", soft_wrap=True)

    def show_fault(self, fault: Fault) -> None:
        """What is wrong and what to do, on the error output."""
        self._errors.print(fault.what, style="bold red", markup=False, highlight=False, soft_wrap=True)
        for line in fault.advice:
            self._errors.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)

    def _print(self, what: Any, **style: Any) -> None:
        """A terminal that has gone must not keep the supervisor from its work, least of all from stopping."""
        try:
            self._console.print(what, **style)
        except (OSError, SystemExit):
            self._console = Console(file=StringIO())


def _list_owner(owner: FirstRun) -> list[tuple[str, str]]:
    return [
        ("Owner", f"[bold]{escape(owner.owner_email)}[/bold]"),
        ("Password", f"[bold]{escape(owner.owner_password)}[/bold]  [dim](shown this once only)[/dim]"),
    ]
