"""Reading returns: one, those of an order, lists, and what of an order may still be announced."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serai.commerce.catalogue.api import list_category_chains
from serai.commerce.order.types import Order
from serai.commerce.parcel.api import list_goods
from serai.commerce.returns import store
from serai.commerce.returns.logic import ends_at, refuse_line
from serai.commerce.returns.types import (
    STATES,
    Return,
    ReturnableLine,
    ReturnLine,
    ReturnRow,
    ReturnTerms,
    returnable_account,
)
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.ledger.api import load_balances
from serai.ledger.types import Balance

MAX_PAGE = 100


async def _fill(tx: Transaction, rows: Sequence[Any]) -> list[Return]:
    lines: dict[UUID, list[ReturnLine]] = {}
    for row in await store.list_lines(tx, [row["return_id"] for row in rows]) if rows else ():
        values = dict(row)
        lines.setdefault(values.pop("return_id"), []).append(ReturnLine(**values))
    return [Return(**dict(row), lines=tuple(lines.get(row["return_id"], ()))) for row in rows]


async def find_return(tx: Transaction, *, return_id: UUID) -> Return | None:
    """A return with its lines."""
    found = await _fill(tx, await store.list_returns_of(tx, [return_id], None))
    return found[0] if found else None


async def load_return(tx: Transaction, *, return_id: UUID) -> Return:
    """A return with its lines. NotFound ``return.unknown``."""
    found = await find_return(tx, return_id=return_id)
    if found is None:
        raise NotFound("return.unknown", _("There is no such return."))
    return found


async def list_order_returns(tx: Transaction, *, order_id: UUID) -> list[Return]:
    """All returns of an order, the oldest first."""
    return await _fill(tx, await store.list_returns_of(tx, [], order_id))


async def blank_returns(tx: Transaction, *, order_ids: Sequence[UUID]) -> None:
    """Take away what the buyers of some orders wrote about their returns, and what they were told."""
    await store.blank_returns(tx, order_ids)


async def find_exchange(tx: Transaction, *, order_id: UUID) -> Return | None:
    """The return that an order is the exchange of."""
    return_id = await store.find_exchange(tx, order_id)
    return await find_return(tx, return_id=return_id) if return_id else None


async def list_returns(
    tx: Transaction,
    *,
    states: Sequence[str] | None = None,
    query: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ReturnRow]:
    """Returns, the newest first. ``query``: the beginning of their number or of their order's.

    Raises:
        Invalid: ``list.cursor_invalid``.
    """
    limit = max(1, min(limit, MAX_PAGE))
    words = "".join(each for each in query.upper() if each.isascii() and (each.isalnum() or each == "-"))[:20]
    rows = await store.list_rows(tx, states=states, words=words, before=_read_cursor(cursor), limit=limit + 1)
    items = tuple(ReturnRow(**dict(row)) for row in rows[:limit])
    more = f"{items[-1].requested_at.isoformat()}|{items[-1].return_id}" if len(rows) > limit else None
    return Page(items, more)


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    moment, _bar, return_id = cursor.partition("|")
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(return_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


async def count_returns(tx: Transaction) -> dict[str, int]:
    """Number of returns per state; every state is there."""
    found = {row["state"]: row["count"] for row in await store.count_by_state(tx)}
    return {state: found.get(state, 0) for state in STATES}


async def count_left(tx: Transaction, order: Order) -> dict[int, int]:
    """Per line how many pieces were handed over and neither came back nor are announced."""
    handed_over = await count_handed_over(tx, order)
    balances = await load_returnable(tx, order)
    # What was handed over since somebody last asked is not funded yet.
    return {no: handed_over[no] - balances[no].posted_dr + balances[no].available for no in handed_over}


async def load_returnable(tx: Transaction, order: Order) -> dict[int, Balance]:
    """The accounts of pieces that may be announced, by line."""
    accounts = {
        line.line_no: returnable_account(order.order_id, line.line_no).account_id for line in order.lines
    }
    balances = await load_balances(tx, account_ids=list(accounts.values()))
    return {no: balances[account_id] for no, account_id in accounts.items()}


async def count_handed_over(tx: Transaction, order: Order) -> dict[int, int]:
    """Per line how many pieces have left: of bundles those all of whose parts have."""
    if order.part_shipped_at is None and order.state != "fulfilled":
        return {line.line_no: 0 for line in order.lines}
    goods = await list_goods(tx, order_id=order.order_id)
    if not goods:
        return {line.line_no: line.quantity for line in order.lines}
    shipped: dict[tuple[int, UUID], int] = {}
    for each in goods:
        key = each.line_no, each.sku_id
        shipped[key] = shipped.get(key, 0) + each.shipped
    return {
        line.line_no: min(
            [shipped.get((line.line_no, part.sku_id), 0) // part.quantity for part in line.parts]
            or [shipped.get((line.line_no, line.sku_id), 0)]
        )
        for line in order.lines
    }


def count_cut(order: Order) -> tuple[dict[int, int], dict[int, int]]:
    """Per line how many pieces will never come, and what was given back for them."""
    steps: dict[tuple[int, UUID], int] = {}
    minor: dict[int, int] = {}
    replaced = {(each.line_no, each.new_sku_id) for each in order.substitutes}
    for cut in order.cuts:
        key = cut.line_no, cut.sku_id
        if key in replaced:
            continue
        steps[key] = steps.get(key, 0) + cut.quantity
        minor[cut.line_no] = minor.get(cut.line_no, 0) - cut.amount_minor
    for each in order.substitutes:
        if (each.line_no, each.sku_id) not in replaced:
            # What it came instead of is not the line's any more, though it was not given back.
            minor[each.line_no] = minor.get(each.line_no, 0) + each.value_minor
    pieces = {
        line.line_no: max(
            [-(-steps.get((line.line_no, part.sku_id), 0) // part.quantity) for part in line.parts]
            or [steps.get((line.line_no, line.sku_id), 0)]
        )
        for line in order.lines
    }
    return pieces, minor


async def list_returnable(tx: Transaction, *, order: Order, terms: ReturnTerms) -> tuple[ReturnableLine, ...]:
    """What may be announced of an order now, line by line, and if not, why."""
    left = await count_left(tx, order)
    chains: Mapping[UUID, tuple[UUID, ...]] = {}
    if terms.excluded_category_ids:
        chains = await list_category_chains(tx, sku_ids=[line.sku_id for line in order.lines])
    until, now = ends_at(order, terms), clock.now()
    return tuple(
        ReturnableLine(
            line.line_no,
            line.sku_id,
            line.title,
            left[line.line_no],
            line.scale,
            line.unit,
            until,
            refuse_line(
                line,
                left[line.line_no],
                until=until,
                now=now,
                chain=chains.get(line.sku_id, ()),
                terms=terms,
            ),
        )
        for line in order.lines
    )
