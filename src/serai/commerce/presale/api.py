"""Presales: write and publish them, what a shopper is offered, and what an order of one agreed to."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.commerce.presale import store
from serai.commerce.presale.check_terms import check_terms
from serai.commerce.presale.edit_presale import (
    check_goods,
    close_presale,
    count_pieces,
    create_presale,
    edit_presale,
    load_presale,
    publish_presale,
    read_presale,
    stop_presale,
)
from serai.commerce.presale.logic import balance_of, priced_at
from serai.commerce.presale.types import OpenPresale, OrderPresale, Presale, PresaleReport, State
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Invalid, _
from serai.foundation.ids import derive_id

__all__ = [
    "balance_of",
    "check_goods",
    "check_terms",
    "close_presale",
    "count_pieces",
    "create_presale",
    "edit_presale",
    "find_order_presale",
    "insert_order_presales",
    "list_presales",
    "load_presale",
    "load_report",
    "priced_at",
    "publish_presale",
    "stop_presale",
]


def presale_owner(owner: str, presale_id: UUID) -> str:
    """Who owns the cart of one presale: the shopper's own cart stays as it is meanwhile."""
    return f"{owner}|presale:{presale_id}"


async def list_presales(
    tx: Transaction,
    *,
    query: str = "",
    state: State | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Presale]:
    """Presales, the one changed last first; ``query`` is part of a name. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, 100))
    words = query.strip().lower()[:100].replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    rows = await store.list_presales(tx, words, state, _read_cursor(cursor), limit + 1)
    items = tuple(read_presale(row) for row in rows[:limit])
    more = f"{items[-1].changed_at.isoformat()}|{items[-1].presale_id}" if len(rows) > limit else None
    return Page(items, more)


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, presale_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(presale_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


async def find_offered(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, OpenPresale]:
    """What of some SKUs is on presale now or will be soon, by SKU; one that takes no deposits any more is left out."""

    async def load(missing: list[UUID]) -> dict[UUID, tuple[Presale, tuple[UUID]]]:
        rows = await store.list_taken(tx, missing) if missing else []
        return {row["sku_id"]: (read_presale(drop_sku(row)), (row["sku_id"],)) for row in rows}

    found = await tx.keep("presale", sku_ids, load)
    if not found:
        return {}
    now = clock.now()
    found = {sku_id: each for sku_id, each in found.items() if each.stand(now) in ("planned", "deposit")}
    counts = await count_pieces(tx, presale_ids=list({each.presale_id for each in found.values()}))
    return {sku_id: OpenPresale(each, counts[each.presale_id]) for sku_id, each in found.items()}


def drop_sku(row: Any) -> dict[str, Any]:
    """A joined row as that of its presale."""
    return {name: value for name, value in dict(row).items() if name != "sku_id"}


async def find_taking(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, OpenPresale]:
    """What of some SKUs can only be had by a deposit at this moment, by SKU."""
    now = clock.now()
    return {
        sku_id: each
        for sku_id, each in (await find_offered(tx, sku_ids=sku_ids)).items()
        if each.presale.stand(now) == "deposit"
    }


async def insert_order_presales(tx: Transaction, rows: Sequence[OrderPresale]) -> None:
    """Write what orders agreed to; a writer for the lane's batches."""
    await store.insert_orders(tx, rows)


async def find_order_presale(tx: Transaction, *, order_id: UUID) -> OrderPresale | None:
    """What an order agreed to, None for one of no presale."""
    row = await store.find_order(tx, order_id)
    if row is None:
        return None
    values = dict(row)
    values["tiers"] = values["tiers"].get("items", ())
    return msgspec.convert(values, OrderPresale)


class Mark(msgspec.Struct, frozen=True):
    """What happened to an order's presale, as a row beside the group that made it happen. ``turn``: the balance was set."""

    order_id: UUID
    pieces: int | None = None
    percent: int | None = None
    turn: int = 0
    fixed_at: datetime | None = None
    kept_at: datetime | None = None


async def mark_orders(tx: Transaction, rows: Sequence[Mark]) -> None:
    """Write marks; a writer for the lane's batches."""
    await store.mark_orders(
        tx,
        (
            [row.order_id for row in rows],
            [row.pieces for row in rows],
            [row.percent for row in rows],
            [row.turn for row in rows],
            [row.fixed_at for row in rows],
            [row.kept_at for row in rows],
        ),
    )


async def mark_told(tx: Transaction, *, order_id: UUID, what: Literal["opened_at", "reminded_at"]) -> bool:
    """Note that a buyer is told of the balance; False when it was noted before."""
    return await store.mark_told(tx, order_id, what, clock.now())


async def list_waiting(tx: Transaction, *, presale_id: UUID, since: datetime) -> list[tuple[UUID, str]]:
    """(order, state) of a presale that wait for a deposit, or expired since a moment without one."""
    return [tuple(row.values()) for row in await store.list_waiting(tx, presale_id, since)]


async def list_to_close(owner: Database, *, now: datetime, limit: int = 50) -> list[tuple[UUID, UUID]]:
    """(merchant, presale) whose time for deposits is over, over all merchants."""
    return [tuple(row.values()) for row in await store.list_to_close(owner, now, limit)]


async def list_due(
    owner: Database, *, what: str, moment: datetime, limit: int = 200
) -> list[tuple[UUID, UUID]]:
    """(merchant, order) that something has to be done for, over all merchants; see the store for ``what``."""
    return [tuple(row.values()) for row in await store.list_due(owner, what, moment, limit)]


async def load_report(tx: Transaction, *, presale_id: UUID) -> PresaleReport:
    """What a presale has come to. NotFound ``presale.unknown``."""
    await load_presale(tx, presale_id=presale_id)
    counts = await count_pieces(tx, presale_ids=[presale_id])
    return PresaleReport(counts[presale_id], **dict(await store.load_report(tx, presale_id)))


def balance_id(order_id: UUID, turn: int) -> UUID:
    """The reservation that stands for the balance an order expects, at each setting of it another one."""
    return derive_id(order_id, "balance", turn)
