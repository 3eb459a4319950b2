"""Orders: find, list, count, fulfil; the writers that put their documents beside groups of the lane; today's board."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from serai.commerce.order import store
from serai.commerce.order.earn_sales import earn_sales
from serai.commerce.order.events import OrderFulfilled
from serai.commerce.order.logic import ALLOWED, access_digest, access_token, make_number, normalise_number
from serai.commerce.order.revise_order import Revision, revise_order, write_revisions
from serai.commerce.order.take_turn import Turn, next_turn, was_late
from serai.commerce.order.types import (
    STATES,
    Address,
    Board,
    Contact,
    HourBar,
    NewOrder,
    Order,
    OrderAdjustment,
    OrderLine,
    OrderNote,
    OrderPart,
    OrderRow,
    TopProduct,
)
from serai.commerce.payment.api import list_payments, list_refunds
from serai.commerce.payment.types import deferred_sales
from serai.commerce.place.api import find_place
from serai.commerce.presale.api import find_order_presale, insert_order_presales
from serai.commerce.promotion.api import find_order_group, list_waiting_orders
from serai.commerce.promotion.types import Claim
from serai.commerce.tax.api import insert_order_taxes, list_order_taxes
from serai.commerce.tender.api import insert_order_tenders, list_order_tenders, list_tender_refunds
from serai.commerce.types import Commerce, Page
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, list_subject_events
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Group, Phase, Write, post, posted

__all__ = [
    "STATES",
    "Address",
    "Contact",
    "NewOrder",
    "Order",
    "OrderLine",
    "OrderRow",
    "Revision",
    "Turn",
    "access_digest",
    "access_token",
    "earn_sales",
    "fulfil_order",
    "make_number",
    "next_turn",
    "revise_order",
    "was_late",
    "write_revisions",
]


async def find_order(
    tx: Transaction,
    *,
    order_id: UUID | None = None,
    number: str | None = None,
    access_token: str | None = None,
    member_id: UUID | None = None,
) -> Order | None:
    """An order with all that belongs to it. With a guest's token or a member, only what that shopper may see."""
    if order_id is None and number is None:
        return None
    digest = access_digest(access_token) if access_token is not None else None
    row = await store.find_order(tx, order_id, number, digest, member_id)
    if row is None:
        return None
    order_id = row["order_id"]
    events = await list_subject_events(tx, subject_id=order_id)
    place = await find_place(tx, place_id=row["place_id"])
    values = dict(row)
    address = values.pop("address")
    adjustments = await _list_adjustments(tx, order_id) if row["adjustment_count"] else ()
    has_seat = any(claim.kind == "seat" for each in adjustments for claim in each.claims)
    return Order(
        **values,
        address=msgspec.convert(address, Address) if address else None,
        place_name=place.name if place else "",
        lines=tuple(_line(line) for line in await store.list_lines(tx, order_id)),
        adjustments=adjustments,
        taxes=await list_order_taxes(tx, order_id=order_id) if row["tax_count"] else (),
        payments=await list_payments(tx, order_id=order_id),
        refunds=await list_refunds(tx, order_id=order_id),
        timeline=tuple(OrderNote(event.recorded_at, event.name, event.data) for event in events),
        tenders=await list_order_tenders(tx, order_id=order_id) if row["tender_count"] else (),
        tender_refunds=await list_tender_refunds(tx, order_id=order_id) if row["tender_count"] else (),
        group=await find_order_group(tx, order_id=order_id) if has_seat else None,
        presale=await find_order_presale(tx, order_id=order_id) if row["presale_id"] else None,
    )


def _line(row: Any) -> OrderLine:
    values = dict(row)
    return OrderLine(
        **(values | {"parts": msgspec.convert(values["parts"].get("items", ()), tuple[OrderPart, ...])})
    )


async def _list_adjustments(tx: Transaction, order_id: UUID) -> tuple[OrderAdjustment, ...]:
    adjustments = []
    for row in await store.list_adjustments(tx, order_id):
        values = dict(row)
        shares = zip(values.pop("line_nos") or (), values.pop("amounts") or (), strict=True)
        claims = msgspec.convert(values.pop("claims").get("items", ()), tuple[Claim, ...])
        adjustments.append(OrderAdjustment(**values, claims=claims, shares=tuple(shares)))
    return tuple(adjustments)


async def load_order(tx: Transaction, *, order_id: UUID) -> Order:
    """An order. NotFound ``order.unknown``."""
    order = await find_order(tx, order_id=order_id)
    if order is None:
        raise NotFound("order.unknown", _("There is no such order."))
    return order


async def list_orders(
    tx: Transaction,
    *,
    query: str = "",
    state: str | None = None,
    awaits_group: bool | None = None,
    member_id: UUID | None = None,
    since: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OrderRow]:
    """Orders, the newest first. ``query``: the beginning of a number or an e-mail address, or part of a name;
    ``awaits_group``: only those, or none of those, whose buying group is not complete.

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
    presales = [order.presale for order in rows if order.presale is not None]
    if presales:
        await insert_order_presales(tx, presales)
        ids = [each.order_id for each in presales], [each.presale_id for each in presales]
        await store.set_presales(tx, (*ids, [each.deposit_total_minor for each in presales]))


class Stamp(msgspec.Struct, frozen=True):
    """Moments at which something happened to an order, written beside the group that made it happen."""

    order_id: UUID
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    expired_at: datetime | None = None
    revived: bool = False
    tracking: str | None = None
    deposit_paid_at: datetime | None = None
    lapsed_at: datetime | None = None


async def stamp_orders(tx: Transaction, rows: Sequence[Stamp]) -> None:
    """Write moments; a writer for the lane's batches."""
    await store.stamp_orders(
        tx,
        (
            [row.order_id for row in rows],
            [row.paid_at for row in rows],
            [row.fulfilled_at for row in rows],
            [row.cancelled_at for row in rows],
            [row.expired_at for row in rows],
            [row.revived for row in rows],
            [row.tracking for row in rows],
            [row.deposit_paid_at for row in rows],
            [row.lapsed_at for row in rows],
        ),
    )


def check_move(order: Order, move: str) -> None:
    """Conflict ``order.not_<move>able`` unless the order's state allows the move."""
    if order.state not in ALLOWED[move]:
        raise Conflict(
            f"order.cannot_{move}", _("This is not possible for an order in this state."), state=order.state
        )


def deferred_of(moved: Sequence[ledger.DocumentTransfer]) -> int:
    """What of an order is sold but neither handed over nor taken back, from all its transfers, in minor units."""
    counted = [t for t in moved if t.phase in (Phase.POSTED, Phase.POST)]
    gained = sum(t.amount for t in counted if t.credit_kind == "deferred_sales")
    return gained - sum(t.amount for t in counted if t.debit_kind == "deferred_sales")


def _check_group(order: Order) -> None:
    """Conflict ``order.awaiting_group`` while an order's buying group is not complete: it may yet be called off."""
    if order.awaits_group:
        raise Conflict("order.awaiting_group", _("The group of this order is not complete yet."))


async def fulfil_order(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, by: str, tracking: str = ""
) -> Order:
    """The goods leave: every reservation counts, and what was deferred becomes sales.

    Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_fulfil`` when the order is not paid, or was cancelled meanwhile.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        moved = await ledger.list_document_transfers(tx, document_id=order_id)
        order = await load_order(tx, order_id=order_id)
        if order.state == "fulfilled":
            return order
        check_move(order, "fulfil")
        _check_group(order)
        pendings = await ledger.list_open_pendings(tx, document_id=order_id)
    turn = next_turn(order_id, moved)
    group_id = derive_id("fulfil", order_id)
    transfers = [turn.transfer]
    transfers += [post(p.transfer_id, "shipped") for p in pendings if p.credit_kind == "stock"]
    for name, account, amount in earn_sales(order, deferred_of(moved)):
        if amount > 0:
            transfers.append(
                posted(derive_id(group_id, name), deferred_sales(order.currency), account, amount, name)
            )
    tracking = " ".join(tracking.split())[:100]
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            turn.group_id,
            tuple(transfers),
            (
                Write(stamp_orders, Stamp(order_id, fulfilled_at=clock.now(), tracking=tracking)),
                Write(
                    record_rows,
                    AuditRow(by, "order.fulfilled", "order", str(order_id), None, {"tracking": tracking}),
                ),
            ),
            (Fact(order_id, OrderFulfilled(order_id, by, tracking)),),
            document_id=order_id,
        ),
    )
    if was_late(outcome):
        return await fulfil_order(commerce, merchant_id, order_id=order_id, by=by, tracking=tracking)
    if not outcome.passed:
        return await _judge_anew(commerce, merchant_id, order_id)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


async def _judge_anew(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> Order:
    """The order if somebody else has fulfilled it meanwhile; Conflict otherwise."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
    if order.state != "fulfilled":
        check_move(order, "fulfil")
        raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))
    return order


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
