"""`serai import products`: the file, the shop it is for, a bar, and what came of it."""

import asyncio
import time
from pathlib import Path

import asyncpg
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table as ScreenTable

from serai.commerce.importing.api import ImportLimits, ImportReport, RejectFile, import_products, open_table
from serai.commerce.settings import CommerceSettings
from serai.foundation.database import open_database
from serai.foundation.errors import Refused, _
from serai.foundation.i18n import LOCALES, translate
from serai.identity.merchant.api import Merchant, list_merchants
from serai.main.fault import Fault
from serai.main.screen import Screen

STATEMENT_TIMEOUT_MS = 300_000
MEGABYTE = 1_000_000
BY = "import"
# Exit codes: something was imported; nothing could be; the call was wrong.
DONE, NOTHING, MISUSED = 0, 1, 2


class ImportCall(msgspec.Struct, frozen=True):
    """What the command was asked: ``merchant`` by its slug and ``locale`` may be left open."""

    path: Path
    merchant: str | None
    locale: str | None
    rejected: Path | None
    dry_run: bool


class CallWrong(Fault):
    """The command was not called right."""


def run_import(
    url: str, call: ImportCall, settings: CommerceSettings, screen: Screen, console: Console
) -> int:
    """Import the file and show what came of it. Returns the exit code.

    Raises:
        Fault: the file or the database cannot be used; nothing was imported.
    """
    try:
        return asyncio.run(_import(url, call, settings, screen, console))
    except CallWrong as fault:
        screen.show_fault(fault)
        return MISUSED
    except KeyboardInterrupt:
        raise Fault(
            "Stopped before the end.",
            "A file is imported wholly or not at all; run the same command again, which is always safe.",
        ) from None
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise Fault(f"The database is not at this version: {error}.", "Run `serai migrate` first.") from error


async def _import(
    url: str, call: ImportCall, settings: CommerceSettings, screen: Screen, console: Console
) -> int:
    if call.locale is not None and call.locale not in LOCALES:
        raise CallWrong(f"There is no language {call.locale!r}.", f"Choose one of: {', '.join(LOCALES)}.")
    db = await open_database(url, size=2, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    try:
        merchant = choose_merchant(await list_merchants(db), call.merchant)
        locale = call.locale or merchant.locale
        limits = ImportLimits(
            rows=settings.import_rows,
            file_bytes=settings.import_file_mb * MEGABYTE,
            unpacked_bytes=settings.import_unpacked_mb * MEGABYTE,
            cell_characters=settings.import_cell_characters,
        )
        began = time.monotonic()
        label = translate(_("Checking products") if call.dry_run else _("Importing products"), locale)
        try:
            with open_table(call.path, limits) as table, screen.progress() as report:
                rejects = RejectFile(call.rejected or name_rejects(call.path), table.header)
                try:
                    done = await import_products(
                        db,
                        merchant,
                        table,
                        rejects=rejects,
                        locale=locale,
                        by=BY,
                        cell_characters=limits.cell_characters,
                        dry_run=call.dry_run,
                        progress=lambda at, total: report(label, at, total),
                    )
                    rejected_path = rejects.finish()
                finally:
                    rejects.discard()
        except Refused as refusal:
            raise Fault(translate(refusal.message, locale, refusal.data)) from refusal
    finally:
        await db.close()
    show_report(console, done, locale, time.monotonic() - began, rejected_path, dry_run=call.dry_run)
    return DONE if done.accepted else NOTHING


def choose_merchant(merchants: list[Merchant], slug: str | None) -> Merchant:
    """The merchant that was named, or the only one there is.

    Raises:
        CallWrong: an unknown name, or none where there are several.
        Fault: there is no merchant yet.
    """
    if not merchants:
        raise Fault("There is no shop in this database yet.", "Start one with `serai up`.")
    names = ", ".join(merchant.slug for merchant in merchants)
    if slug is None:
        if len(merchants) > 1:
            raise CallWrong("There are several merchants.", f"Name one with --merchant: {names}.")
        return merchants[0]
    for merchant in merchants:
        if merchant.slug == slug:
            return merchant
    raise CallWrong(f"There is no merchant {slug!r}.", f"There are: {names}.")


def name_rejects(path: Path) -> Path:
    """Where rejected rows go unless told otherwise: beside the file, under its name."""
    return path.with_name(f"{path.stem}.rejected.csv")


def show_report(
    console: Console,
    report: ImportReport,
    locale: str,
    seconds: float,
    rejected_path: Path | None,
    *,
    dry_run: bool,
) -> None:
    """The counts as a table, then what deserves a sentence."""
    table = ScreenTable(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for label, count in (
        (_("Products added"), report.added),
        (_("Products changed"), report.changed),
        (_("Products unchanged"), report.unchanged),
        (_("Rows rejected"), report.rejected),
    ):
        table.add_row(translate(label, locale), f"{count:,}")
    table.add_row(translate(_("Seconds"), locale), f"{seconds:.1f}")
    console.print(table, highlight=False)
    for note in _list_notes(report, rejected_path, dry_run=dry_run):
        message, data = note
        console.print(escape(translate(message, locale, data)), highlight=False, soft_wrap=True)


def _list_notes(
    report: ImportReport, rejected_path: Path | None, *, dry_run: bool
) -> list[tuple[str, dict[str, object]]]:
    notes: list[tuple[str, dict[str, object]]] = []
    if report.unknown_columns:
        names = ", ".join(report.unknown_columns)
        notes.append((_("Columns that mean nothing here and were not read: %(names)s."), {"names": names}))
    if report.has_valueless:
        message = _(
            "Some cells of the workbook hold an error, or a formula that no program has computed yet; they were read as"
            " empty."
        )
        notes.append((message, {}))
    if report.categories:
        names = ", ".join(report.categories[:20]) + (", …" if len(report.categories) > 20 else "")
        count = len(report.categories)
        notes.append((_("New categories (%(count)s): %(names)s."), {"count": count, "names": names}))
    if report.prices:
        notes.append((_("New prices: %(count)s."), {"count": report.prices}))
    if report.stocked:
        notes.append((_("Opening stock counted for %(count)s new products."), {"count": report.stocked}))
    if report.stock_ignored:
        message = _("Stock of %(count)s products that were there before was left as it is.")
        notes.append((message, {"count": report.stock_ignored}))
    if rejected_path is not None:
        message = _("Rejected rows with their reasons: %(path)s")
        notes.append((message, {"path": str(rejected_path)}))
    if dry_run:
        notes.append((_("Nothing was written: this was only a check."), {}))
    return notes
