"""The command line: `serai` and its menu."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from serai import __version__
from serai.main.cli_agent import agents, mcp
from serai.main.cli_backup import backup, restore
from serai.main.cli_merchant import merchants, reset_password
from serai.main.fault import Fault
from serai.main.installation import FirstRun, Installation, find_database_url, find_state
from serai.main.settings import HouseSettings, describe_settings, hide_password, load_house, load_settings
from serai.main.telling import console, errors, screen, telling_faults

app = typer.Typer(
    name="serai",
    help="Serai, an open retail cloud: shop, console, API and all behind them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

demo = typer.Typer(help="The demo merchant: a year of a real grocery chain.", no_args_is_help=True)
app.add_typer(demo, name="demo", rich_help_panel="Fill it")
importer = typer.Typer(help="Bring in what a shop has in files.", no_args_is_help=True)
app.add_typer(importer, name="import", rich_help_panel="Fill it")
app.add_typer(merchants, name="merchant", rich_help_panel="Fill it")
app.add_typer(agents, name="agent", rich_help_panel="Fill it")
app.command(rich_help_panel="Run")(mcp)

# The composition root's parts, as texts: each command imports its own only, so `serai --help` takes no second.
WEB_APP = "serai.main.web:create_app"
WORKER = "serai.main.worker:run_worker"
SET_UP = "serai.main.setup:first_run"


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"serai {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Serai, an open retail cloud: shop, console, API and all behind them."""


@app.command(rich_help_panel="Run")
def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of shop, console and API.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Number of web workers.")] = None,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Start with an empty shop.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Load the demo with the stock of every store.")
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Remove all data first, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    providers: Annotated[
        bool,
        typer.Option("--providers", help="Simulate Stripe, WeChat Pay and Alipay, with a shop in yuan."),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the logs of all processes.")] = False,
) -> None:
    """Run everything: database, web workers, worker, payment sandbox. Ctrl-C stops it."""
    from serai.main.up import Recipe, UpOptions, run_up

    with telling_faults():
        house = load_house(os.environ)
        changes = {"port": port, "workers": workers}
        house = msgspec.structs.replace(house, **{k: v for k, v in changes.items() if v is not None})
        if reset and not yes:
            ask_reset(house)
        options = UpOptions(reset=reset, demo=not no_demo, full=full, providers=providers, verbose=verbose)
        run_up(house, options, Recipe(), screen)


def ask_reset(house: HouseSettings) -> None:
    """Make sure that the operator means it. Fault when nobody can be asked."""
    what = (
        f"every table of Serai in {hide_password(house.database_url)}"
        if house.database_url
        else f"the shop in {os.path.abspath(house.data_dir)}"
    )
    if not sys.stdin.isatty():
        raise Fault("Nobody can be asked here whether to remove all data.", "Add --yes when you mean it.")
    if not typer.confirm(f"Remove {what}, with all orders, stock and accounts?"):
        console.print("Nothing was removed.")
        raise typer.Exit(1)


@app.command(rich_help_panel="Run")
def web(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of processes on that port.")] = 1,
    fd: Annotated[int | None, typer.Option(hidden=True, help="Listening socket of the supervisor.")] = None,
    application: Annotated[str, typer.Option("--app", hidden=True)] = WEB_APP,
    ready_fd: Annotated[int | None, typer.Option(hidden=True, help="Where to tell of readiness.")] = None,
) -> None:
    """Run web workers alone, for many machines behind a load balancer."""
    from serai.main.serving import bind_listener, serve_web
    from serai.main.web_workers import run_web

    with telling_faults(logged=fd is not None):
        house = load_house(os.environ)
        os.environ["SERAI_DATABASE_URL"] = require_database_url(house)
        if fd is not None:
            serve_web(application, socket.socket(fileno=fd), ready_fd)
            return
        listener = bind_listener(house.bind_address, port or house.port)
        console.print(
            f"Serving on http://{house.bind_address}:{port or house.port}/ until Ctrl-C", highlight=False
        )
        if workers == 1:
            serve_web(application, listener)
        else:
            run_web(listener, workers, application, screen)


@app.command(rich_help_panel="Run")
def restart() -> None:
    """Replace the web workers of a running `serai up` one by one, without refusing a request."""
    with telling_faults():
        house = load_house(os.environ)
        state = find_state(Installation.at(house.data_dir))
        if state is None:
            raise Fault(f"Nothing runs on {os.path.abspath(house.data_dir)}.", "Start it with `serai up`.")
        os.kill(state.pid, signal.SIGUSR2)
        console.print("The web workers are being replaced; `serai up` tells when it is done.")


@app.command(rich_help_panel="Run")
def worker(
    application: Annotated[str, typer.Option("--app", hidden=True)] = WORKER,
) -> None:
    """Run one worker alone: event log, jobs and schedules."""
    from serai.main.serving import load_target, run_until_stopped

    with telling_faults(logged=not sys.stderr.isatty()):
        house = load_house(os.environ)
        os.environ["SERAI_DATABASE_URL"] = require_database_url(house)
        run_until_stopped(load_target(application))


@app.command("set-up", hidden=True)
def set_up(
    report_fd: Annotated[int, typer.Option(help="Where to write the report, as JSON.")],
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Load no demo data.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Load the stock of every store.")] = False,
) -> None:
    """Make the first merchant and its owner, and load the demo; run by `serai up`."""
    with telling_faults():
        house = load_house(os.environ)
        report = _set_up(house, require_database_url(house), demo=not no_demo, full=full)
        with os.fdopen(report_fd, "wb") as pipe:
            pipe.write(msgspec.json.encode(report))


@app.command("set-up-providers", hidden=True)
def set_up_providers(
    report_fd: Annotated[int, typer.Option(help="Where to write the report, as JSON.")],
) -> None:
    """Open accounts at the simulated providers; run by `serai up --providers`."""
    from serai.main.trying import set_up_providers as open_accounts

    with telling_faults():
        settings = load_settings(os.environ)
        asyncio.run(open_accounts(require_database_url(settings["foundation"]), settings))
        with os.fdopen(report_fd, "wb") as pipe:
            pipe.write(msgspec.json.encode(FirstRun()))


def _set_up(house: HouseSettings, url: str, *, demo: bool, full: bool) -> FirstRun:
    from serai.main.serving import load_target

    installation = Installation.at(house.data_dir)
    with screen.progress() as progress:
        first_run = load_target(SET_UP)(
            url, installation=installation, demo=demo, full=full, progress=progress
        )
        report: FirstRun = asyncio.run(first_run)
    return report


@demo.command("load")
def load_demo(
    full: Annotated[
        bool, typer.Option("--full", help="Load the stock of every store, not of the busiest.")
    ] = False,
) -> None:
    """Load the demo merchant's year into the shop; what is there already is kept."""
    from serai.foundation.migration import apply_migrations
    from serai.main.borrowing import borrow_database
    from serai.main.precondition import require_demo
    from serai.main.systems import SYSTEMS

    with telling_faults():
        house = load_house(os.environ)
        require_demo()
        with borrow_database(house) as url:
            asyncio.run(apply_migrations(url, SYSTEMS))
            report = _set_up(house, url, demo=True, full=full)
        console.print("The demo is loaded.")
        screen.show_owner(report)


def require_database_url(house: HouseSettings) -> str:
    """The database of this installation. Fault when neither one's own nor a running embedded one is known."""
    url = find_database_url(Installation.at(house.data_dir), house.database_url)
    if url is None:
        raise Fault(
            f"No database is known: nothing runs on {os.path.abspath(house.data_dir)}.",
            "Start everything with `serai up`, or set SERAI_DATABASE_URL to your own PostgreSQL.",
        )
    return url


@importer.command("products")
def import_products(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV or Excel file (.xlsx)."),
    ],
    merchant: Annotated[
        str | None,
        typer.Option(metavar="SLUG", help="Whose products; needed when there are several merchants."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    locale: Annotated[
        str | None, typer.Option(help="Language of the reasons: en, zh_Hans or zh_Hant; else the merchant's.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where rejected rows go; else beside the file.")
    ] = None,
) -> None:
    """Import products from CSV or Excel: wholly or not at all, and as often as you like.

    The first row names the columns, in English or Chinese: sku and title are needed; price, category (A > B), brand,
    gtin, content, description, published and stock (opening stock of new products) may be there. A known SKU is
    edited, an empty cell leaves what is there. Rejected rows go to a file of their own with the reasons.
    """
    from serai.main.borrowing import borrow_database
    from serai.main.importing import ImportCall, run_import
    from serai.main.settings import load_settings

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        call = ImportCall(file, merchant, locale, rejected, dry_run)
        code = run_import(url, call, load_settings(os.environ)["commerce"], screen, console)
    raise typer.Exit(code)


@app.command(rich_help_panel="Look after it")
def migrate() -> None:
    """Bring the database up to date and show what was applied."""
    from serai.foundation.migration import apply_migrations
    from serai.main.borrowing import borrow_database
    from serai.main.systems import SYSTEMS

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        applied = asyncio.run(apply_migrations(url, SYSTEMS, tell=errors.print))
        for migration in applied:
            console.print(f"{migration.system}/{migration.number:04}_{migration.name}", highlight=False)
        console.print(
            f"{len(applied)} migrations applied." if applied else "Nothing to do: the database is up to date."
        )


@app.command(rich_help_panel="Look after it")
def check() -> None:
    """Check every invariant on the live database: one line each, exit code 1 on a breach."""
    from serai.main.borrowing import borrow_database

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        breaches = asyncio.run(_check(url))
    raise typer.Exit(1 if breaches else 0)


async def _check(url: str) -> int:
    from serai.main.check import list_invariants, run_checks

    breaches = 0
    invariants = list_invariants()
    async for verdict in run_checks(url, invariants):
        screen.show_verdict(verdict)
        breaches += not verdict.holds
    console.print(
        f"{len(invariants)} invariants, {breaches} broken."
        if breaches
        else f"{len(invariants)} invariants hold.",
        style="bold red" if breaches else "bold green",
        highlight=False,
    )
    return breaches


@app.command(rich_help_panel="Look after it")
def reindex(
    merchant: Annotated[
        str | None,
        typer.Option(metavar="SLUG", help="Whose index; without it that of every merchant."),
    ] = None,
) -> None:
    """Make the search index afresh; the shop goes on meanwhile."""
    from serai.main.borrowing import borrow_database
    from serai.main.reindexing import reindex_merchants

    with telling_faults(), borrow_database(load_house(os.environ)) as url, screen.progress() as progress:
        counts = asyncio.run(reindex_merchants(url, merchant, progress))
    for slug, products in counts.items():
        console.print(f"{slug}: {products:,} products", highlight=False)


@app.command(rich_help_panel="Look after it")
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Forget it now instead of tonight.")] = False,
) -> None:
    """Show whose personal data the merchants' policies would forget, or forget it now."""
    from serai.main.borrowing import borrow_database
    from serai.main.forgetting import forget_now

    with telling_faults(), borrow_database(load_house(os.environ)) as url:
        counts = asyncio.run(forget_now(url, apply=apply))
    verb = "forgotten" if apply else "to forget"
    for slug, forgotten in counts.items():
        console.print(
            f"{slug}: {forgotten.orders:,} orders and {forgotten.members:,} members {verb}", highlight=False
        )


@app.command(rich_help_panel="Look after it")
def bench(
    name: Annotated[
        str | None, typer.Argument(help="One figure, or the beginning of several: orders.cpu_us, orders.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per figure.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Two short runs: to see that it works.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures in bench/results/.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the web worker spends its time (needs py-spy).")
    ] = False,
) -> None:
    """Measure Serai against itself, on a database of its own; exit code 1 when a figure is not reached."""
    from serai.main.bench.run import BenchOptions, run_bench

    with telling_faults():
        options = BenchOptions(as_json=as_json, quick=quick, record=record, profile=profile)
        reached = run_bench(name, options, console, errors)
    raise typer.Exit(0 if reached else 1)


app.command("backup", rich_help_panel="Look after it")(backup)
app.command("restore", rich_help_panel="Look after it")(restore)
app.command("reset-password", rich_help_panel="Look after it")(reset_password)


@app.command(rich_help_panel="Look after it")
def settings() -> None:
    """Show every setting with its value, where it comes from and what it means."""
    with telling_faults():
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("Setting", "Value", "Origin", "Meaning"):
            table.add_column(title, overflow="fold")
        for shown in describe_settings(os.environ):
            table.add_row(shown.name, shown.value, shown.origin, shown.meaning)
        console.print(table, highlight=False, markup=False)


if __name__ == "__main__":
    app()
