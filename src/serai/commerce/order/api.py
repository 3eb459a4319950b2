"""Orders: find, list, count, fulfil; the writers that put their documents beside groups of the lane; today's board."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from serai.commerce.delivery.api import insert_order_deliveries
from serai.commerce.order import store
from serai.commerce.order.earn_sales import earn_sales
from serai.commerce.order.judge_order import check_group, check_move, deferred_of
from serai.commerce.order.logic import access_digest, access_token, make_number, normalise_number
from serai.commerce.order.read_order import find_order, load_order
from serai.commerce.order.read_standing import Standing, read_standing
from serai.commerce.order.revise_order import Revision, revise_order, write_revisions
from serai.commerce.order.ship_goods import GoodsKey, resolve_hold, split_earned
from serai.commerce.order.ship_parcels import (
    Leaving,
    check_packed,
    count_parcels,
    find_parcel,
    fulfil_order,
    make_stamp,
    order_changed,
    ship_parcel,
    ship_parcels,
)
from serai.commerce.order.stamp_orders import Stamp, stamp_orders
from serai.commerce.order.take_turn import Turn, next_turn, was_late
from serai.commerce.order.types import (
    STATES,
    Address,
    Board,
    Contact,
    HourBar,
    NewOrder,
    Order,
    OrderLine,
    OrderRow,
    TopProduct,
)
from serai.commerce.order.value_goods import Key, count_done, list_steps, list_worth, value_steps
from serai.commerce.presale.api import insert_order_presales
from serai.commerce.promotion.api import list_waiting_orders
from serai.commerce.tax.api import insert_order_taxes
from serai.commerce.tender.api import insert_order_tenders
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Invalid, _

__all__ = [
    "STATES",
    "Address",
    "Contact",
    "GoodsKey",
    "Key",
    "Leaving",
    "NewOrder",
    "Order",
    "OrderLine",
    "OrderRow",
    "Revision",
    "Stamp",
    "Standing",
    "Turn",
    "access_digest",
    "access_token",
    "check_group",
    "check_move",
    "check_packed",
    "count_done",
    "count_parcels",
    "deferred_of",
    "earn_sales",
    "find_order",
    "find_parcel",
    "fulfil_order",
    "list_steps",
    "list_worth",
    "load_order",
    "make_number",
    "make_stamp",
    "next_turn",
    "order_changed",
    "read_standing",
    "resolve_hold",
    "revise_order",
    "ship_parcel",
    "ship_parcels",
    "split_earned",
    "stamp_orders",
    "value_steps",
    "was_late",
    "write_revisions",
]


async def list_orders(
    tx: Transaction,
    *,
    query: str = "",
    state: str | None = None,
    awaits_group: bool | None = None,
    is_late: bool = False,
    member_id: UUID | None = None,
    since: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OrderRow]:
    """Orders, the newest first. ``query``: the beginning of a number or an e-mail address, or part of a name;
    ``awaits_group``: only those, or none of those, whose buying group is not complete; ``is_late``: only those that are
    paid and should have left by now, by what was promised.

    Raises:
        Invalid: ``list.cursor_invalid``, ``list.since_invalid``.
    """
    limit = max(1, min(limit, 100))
    words = query.strip().lower()[:100]
    number = normalise_number(words) if words and "@" not in words else None
    rows: list[Any] = []
    for as_number in (True, False) if number else (False,):
        rows = await store.list_orders(
            tx,
            number=number if as_number else None,
            words=None if as_number or not words else _like(words),
            state=state if state in STATES else None,
            awaits_group=awaits_group,
            late_at=clock.now() if is_late else None,
            member_id=member_id,
            since=_read_since(since),
            before=_read_cursor(cursor),
            limit=limit + 1,
        )
        if rows:
            break
    paid = [row["order_id"] for row in rows if row["state"] == "paid"]
    waiting = await list_waiting_orders(tx, order_ids=paid)
    items = tuple(OrderRow(**dict(row), awaits_group=row["order_id"] in waiting) for row in rows[:limit])
    more = f"{items[-1].placed_at.isoformat()}|{items[-1].order_id}" if len(rows) > limit else None
    return Page(items, more)


def _like(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, order_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(order_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


def _read_since(since: datetime | None) -> datetime | None:
    """The moment in UTC, as which one without an offset is taken too."""
    if since is None:
        return None
    try:
        return since.replace(tzinfo=UTC) if since.tzinfo is None else since.astimezone(UTC)
    except OverflowError as error:
        raise Invalid("list.since_invalid", _("That date is not possible."), field="since") from error


async def count_by_state(tx: Transaction) -> dict[str, int]:
    """Number of orders per state; every state is there."""
    found = {row["state"]: row["orders"] for row in await store.count_by_state(tx)}
    return {state: found.get(state, 0) for state in STATES}


async def count_late(tx: Transaction) -> int:
    """How many paid orders should have left by now, by what was promised."""
    return await store.count_late(tx, clock.now())


async def count_awaiting_group(tx: Transaction) -> int:
    """How many of the paid orders wait for their buying group: they must not leave yet."""
    return await store.count_awaiting_group(tx)


async def list_expired(owner: Database, *, now: datetime, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """(merchant, order) of unpaid orders whose time is over, over all merchants."""
    return [tuple(row.values()) for row in await store.list_expired(owner, now, limit)]


async def list_sold(owner: Database, *, orders: Sequence[tuple[UUID, UUID]]) -> set[UUID]:
    """The SKUs (parts of bundles included) and products that orders took; each as (merchant, order) (owner's role)."""
    found: set[UUID] = set()
    for row in await store.list_sold(owner, orders):
        found |= {row["sku_id"], row["product_id"], *map(UUID, row["parts"] or ())}
    return found


async def insert_orders(tx: Transaction, rows: Sequence[NewOrder]) -> None:
    """Write order documents; a writer for the lane's batches."""
    await store.insert_orders(tx, rows)
    taxes = [(order.order_id, tax) for order in rows for tax in order.taxes]
    if taxes:
        await insert_order_taxes(tx, taxes)
    tenders = [(order.order_id, tender) for order in rows for tender in order.tenders]
    if tenders:
        await insert_order_tenders(tx, tenders)
    chosen = [(order.order_id, order.shipping) for order in rows if order.shipping is not None]
    if chosen:
        await insert_order_deliveries(tx, chosen)
    presales = [order.presale for order in rows if order.presale is not None]
    if presales:
        await insert_order_presales(tx, presales)
        ids = [each.order_id for each in presales], [each.presale_id for each in presales]
        await store.set_presales(tx, (*ids, [each.deposit_total_minor for each in presales]))


UTC_ZONE = ZoneInfo("UTC")


async def load_board(tx: Transaction, *, zone: ZoneInfo = UTC_ZONE) -> Board:
    """Figures of today as it is counted in a time zone; hours of the chart are of that zone too."""
    now = clock.now()
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    totals = await store.load_totals(tx, midnight)
    counts = await count_by_state(tx)
    hours = {row[0]: row for row in await store.list_hours(tx, midnight)}
    hourly = []
    for n in range((now - midnight) // timedelta(hours=1) + 1):
        hour = midnight + timedelta(hours=n)
        row = hours.get(hour)
        hourly.append(HourBar(hour.astimezone(zone), row[1] if row else 0, row[2] if row else 0))
    latest = await list_orders(tx, limit=8)
    return Board(
        totals["orders"],
        totals["revenue"],
        totals["units"],
        totals["revenue"] // totals["orders"] if totals["orders"] else 0,
        counts["awaiting_payment"],
        counts["paid"] - await count_awaiting_group(tx),
        counts["fulfilled"],
        tuple(hourly),
        tuple(TopProduct(*row.values()) for row in await store.list_top_products(tx, midnight, 8)),
        latest.items,
    )
