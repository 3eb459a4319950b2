"""Statements: read, listed, resolved; and what providers hold by our books."""

from datetime import UTC, datetime
from uuid import UUID

from serai.commerce.payment.types import psp_clearing
from serai.commerce.pledge.types import PROMISES
from serai.commerce.reconciliation import store
from serai.commerce.reconciliation.fetch_statement import fetch_statement, list_fetches
from serai.commerce.reconciliation.match_lines import (
    keep_lines,
    load_statement,
    take_statement,
    with_counts,
)
from serai.commerce.reconciliation.read_statement import EXAMPLE
from serai.commerce.reconciliation.resolve_line import ALLOWED, load_line, resolve_line
from serai.commerce.reconciliation.types import JudgedLine, Standing, Statement
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.ledger import api as ledger

__all__ = [
    "ALLOWED",
    "EXAMPLE",
    "count_open",
    "fetch_statement",
    "keep_lines",
    "list_fetches",
    "list_lines",
    "list_standings",
    "list_statements",
    "load_line",
    "resolve_line",
    "show_statement",
    "take_statement",
]


def _read_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    try:
        moment, _bar, key = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None or not key:
            raise ValueError(moment)
        return at.astimezone(UTC), key
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


async def list_statements(tx: Transaction, *, cursor: str | None = None, limit: int = 50) -> Page[Statement]:
    """Statements, the one that was read last first. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, 100))
    before = _read_cursor(cursor)
    try:
        at = (before[0], UUID(before[1])) if before else None
    except ValueError as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
    rows = [Statement(**dict(row)) for row in await store.list_statements(tx, at, limit + 1)]
    items = tuple(await with_counts(tx, rows[:limit]))
    more = f"{items[-1].read_at.isoformat()}|{items[-1].statement_id}" if len(rows) > limit else None
    return Page(items, more)


async def show_statement(tx: Transaction, *, statement_id: UUID) -> Statement:
    """A statement. NotFound ``statement.unknown``."""
    if await store.find_statement(tx, statement_id) is None:
        raise NotFound("statement.unknown", _("There is no such statement."))
    return await load_statement(tx, statement_id=statement_id)


async def list_lines(
    tx: Transaction,
    *,
    statement_id: UUID | None = None,
    only_open: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[JudgedLine]:
    """Lines of one statement or of all, the newest first; ``only_open``: those that somebody has to look at.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    limit = max(1, min(limit, 200))
    rows = await store.list_lines(tx, statement_id, only_open, _read_cursor(cursor), limit + 1)
    items = tuple(JudgedLine(**dict(row)) for row in rows[:limit])
    more = f"{items[-1].happened_at.isoformat()}|{items[-1].row_key}" if len(rows) > limit else None
    return Page(items, more)


async def count_open(tx: Transaction) -> int:
    """How many lines somebody has to look at."""
    return await store.count_open(tx)


async def list_standings(tx: Transaction) -> tuple[Standing, ...]:
    """What each provider holds for us by our own books: nothing, once all its statements are read and agree."""
    found = [
        (row["provider"], row["currency"])
        for row in await store.list_providers(tx)
        if row["provider"] not in (*PROMISES, "market")
    ]
    ids = {pair: psp_clearing(*pair).account_id for pair in found}
    balances = await ledger.load_balances(tx, account_ids=list(ids.values()))
    return tuple(Standing(*pair, balances[account_id].posted) for pair, account_id in ids.items())
