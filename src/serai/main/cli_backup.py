"""Commands that keep a shop safe: take backups, bring one back."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from serai.main.fault import Fault
from serai.main.installation import Installation, hold_lock, open_installation
from serai.main.settings import HouseSettings, load_house
from serai.main.telling import console, screen, telling_faults

if TYPE_CHECKING:
    from serai.main.backup.restore import Wish

END = "end"


def backup(
    to: Annotated[Path | None, typer.Option(help="Folder of the backups; else SERAI_BACKUP_DIR.")] = None,
    keep: Annotated[int, typer.Option(min=1, max=10_000, help="How many backups stay; older ones go.")] = 7,
    listed: Annotated[
        bool, typer.Option("--list", help="Show the backups that are there, and do nothing.")
    ] = False,
) -> None:
    """Back up everything while the shop runs: database, secrets, photographs."""
    from serai.main.backup.archive import backup_folder
    from serai.main.backup.take import read_source, take_backup
    from serai.main.borrowing import borrow_database

    with telling_faults():
        house = load_house(os.environ)
        folder = to.expanduser().absolute() if to else backup_folder(house)
        if listed:
            _show_backups(folder)
            return
        with borrow_database(house) as url:
            source = asyncio.run(read_source(url))
            with screen.progress() as progress:
                made, manifest = take_backup(
                    url, source, Installation.at(house.data_dir), folder, keep=keep, report=progress
                )
        console.print(f"{made} ({manifest.size / 1e6:,.1f} MB)", highlight=False, soft_wrap=True)


def _show_backups(folder: Path) -> None:
    from serai.main.backup.manifest import list_backups

    found = list_backups(folder)
    if not found:
        console.print(f"There are no backups in {folder} yet. `serai backup` makes one.", highlight=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Backup", "Can be brought back to", "MB", "Serai", "PostgreSQL"):
        table.add_column(title, overflow="fold")
    for path, manifest in found:
        table.add_row(
            path.name,
            f"{manifest.ended_at:%Y-%m-%d %H:%M:%SZ} and later",
            f"{manifest.size / 1e6:,.1f}",
            manifest.serai,
            str(manifest.server_major),
        )
    console.print(table, highlight=False, markup=False)


def restore(
    which: Annotated[
        str, typer.Argument(metavar="BACKUP", help="A backup's folder or name, or `newest`.")
    ] = "newest",
    at: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="Bring it to this moment (2026-11-24T10:15:00Z) or to the `end` of the log.",
        ),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Folder of the kept log; else the one beside the backups.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put the database that is there aside.")] = False,
    programs: Annotated[
        Path | None, typer.Option(help="Programs of your own PostgreSQL; else the embedded one's.")
    ] = None,
    run_as: Annotated[str, typer.Option(help="System user of those programs, under root.")] = "postgres",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Bring a backup back into the data directory, and check every invariant on it.

    Serai must be stopped. With --at everything stands as it did at that moment, to the transaction: this needs the log,
    which SERAI_BACKUP_LOG=true keeps. A database that is there is put aside with --replace, never removed.
    """
    from serai.main.backup.archive import backup_folder, log_folder
    from serai.main.backup.restore import Wish, find_backup, parse_moment

    with telling_faults():
        house = load_house(os.environ)
        _require_embedded(house)
        path = find_backup(backup_folder(house), which)
        wish = Wish(
            backup=path,
            at=parse_moment(at) if at and at != END else None,
            to_end=at == END,
            log=log.expanduser().absolute() if log else log_folder(path.parent),
            programs=programs,
            run_as=run_as,
            replaces=replace,
        )
        moment, breaches = _restore(house, wish, ask=not yes)
    console.print(
        f"The shop is back as of {at or moment}"
        + (
            f", with {breaches} broken invariants: see above." if breaches else ", and every invariant holds."
        ),
        highlight=False,
    )
    raise typer.Exit(1 if breaches else 0)


def _restore(house: HouseSettings, wish: "Wish", *, ask: bool) -> tuple[str, int]:
    """Bring a backup back: (moment at which it had ended, how many invariants are broken)."""
    from serai.foundation.migration import list_migrations
    from serai.main.backup.restore import require_restorable, restore_backup
    from serai.main.systems import SYSTEMS

    known = tuple(f"{each.system}/{each.number}" for each in list_migrations(SYSTEMS))
    installation = open_installation(house.data_dir)
    with hold_lock(installation):
        with screen.step("Checking the backup"):
            manifest = require_restorable(wish, known)
        if wish.replaces and ask and (installation.pgdata / "PG_VERSION").exists():
            _ask(installation, wish.backup)
        with (
            screen.step("Bringing the database back and checking it"),
            restore_backup(wish, manifest, installation) as url,
        ):
            breaches = asyncio.run(_check(url))
    return f"{manifest.ended_at:%Y-%m-%dT%H:%M:%SZ}", breaches


def _require_embedded(house: HouseSettings) -> None:
    if house.database_url:
        raise Fault(
            "SERAI_DATABASE_URL names a server of your own, which `serai restore` does not touch.",
            "Restore into a data directory (unset it, set SERAI_DATA_DIR), with --programs of your server's version;",
            "then let your server run on the folder `postgres` in it.",
        )


def _ask(installation: Installation, path: Path) -> None:
    if not sys.stdin.isatty():
        raise Fault("Nobody can be asked here whether to put the shop aside.", "Add --yes when you mean it.")
    if not typer.confirm(f"Put the database in {installation.data_dir} aside and bring back {path.name}?"):
        console.print("Nothing was changed.")
        raise typer.Exit(1)


async def _check(url: str) -> int:
    """Check every invariant, show those that are broken, and return how many are."""
    from serai.main.check import list_invariants, run_checks

    broken = [verdict async for verdict in run_checks(url, list_invariants()) if not verdict.holds]
    for verdict in broken:
        screen.show_verdict(verdict)
    return len(broken)
