"""Pledges as records: what was pledged, and what became of it part by part. What that means for an order is decided
above, in ``checkout`` and ``aftersale``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from serai.commerce.pledge import store
from serai.commerce.pledge.types import Kind, OpenPledge, Pledge, Step
from serai.commerce.types import Page
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Invalid, _


async def find_pledges(tx: Transaction, *, intent_ids: Sequence[UUID]) -> dict[UUID, Pledge]:
    """The pledges of payments, by the payment's id, each with its steps."""
    found = {row["intent_id"]: Pledge(**dict(row)) for row in await store.list_pledges(tx, intent_ids)}
    if not found:
        return {}
    steps: dict[UUID, list[Step]] = {intent_id: [] for intent_id in found}
    for row in await store.list_steps(tx, list(found)):
        steps[row["intent_id"]].append(Step(**dict(row)))
    return {
        intent_id: msgspec.structs.replace(pledge, steps=tuple(steps[intent_id]))
        for intent_id, pledge in found.items()
    }


async def insert_pledges(tx: Transaction, rows: Sequence[Pledge]) -> None:
    """Keep new pledges; a writer for the lane's batches."""
    await store.insert_pledges(
        tx,
        (
            [row.intent_id for row in rows],
            [row.order_id for row in rows],
            [row.kind for row in rows],
            [row.amount_minor for row in rows],
            [row.currency for row in rows],
            [row.member_id for row in rows],
            [row.made_at for row in rows],
            [row.expires_at for row in rows],
            [row.due_at for row in rows],
            [row.is_once for row in rows],
        ),
    )


async def insert_steps(tx: Transaction, rows: Sequence[Step]) -> None:
    """Keep what became of pledges; a writer for the lane's batches."""
    await store.insert_steps(
        tx,
        (
            [row.step_id for row in rows],
            [row.intent_id for row in rows],
            [row.kind for row in rows],
            [row.amount_minor for row in rows],
            [row.reason for row in rows],
            [row.by for row in rows],
            [row.at for row in rows],
            [row.turn for row in rows],
            [row.done_at for row in rows],
        ),
    )
    await store.settle_pledges(tx, [row.intent_id for row in rows if row.done_at], clock.now())


class StepEnd(msgspec.Struct, frozen=True):
    """How a capture ended: done, or failed with the reason."""

    step_id: UUID
    intent_id: UUID
    failure: str | None
    at: datetime


async def finish_steps(tx: Transaction, rows: Sequence[StepEnd]) -> None:
    """Mark captures as done or failed; a writer for the lane's batches."""
    await store.finish_steps(
        tx,
        (
            [row.step_id for row in rows],
            [row.at if row.failure is None else None for row in rows],
            [row.at if row.failure is not None else None for row in rows],
            [row.failure or "" for row in rows],
        ),
    )
    await store.settle_pledges(tx, [row.intent_id for row in rows if row.failure is None], clock.now())


async def want_orders(tx: Transaction, *, order_ids: Sequence[UUID]) -> None:
    """Goods of these orders have left: a job takes what providers hold for them."""
    await store.want_orders(tx, order_ids, clock.now())


async def clear_wanted(tx: Transaction, *, intent_id: UUID, before: datetime) -> None:
    """What was wanted up to a moment is taken; goods that left after it are not forgotten."""
    await store.clear_wanted(tx, intent_id, before)


async def list_wanted(owner: Database, *, limit: int = 100) -> list[tuple[UUID, UUID, datetime]]:
    """(merchant, payment, since) of pledges of which something is to be taken, over all merchants."""
    return [tuple(row.values()) for row in await store.list_wanted(owner, limit)]


async def list_expiring(
    owner: Database, *, before: datetime, limit: int = 100
) -> list[tuple[UUID, UUID, datetime]]:
    """(merchant, payment, end) of pledges that end before a moment, over all merchants."""
    return [tuple(row.values()) for row in await store.list_expiring(owner, before, limit)]


async def list_open_steps(owner: Database, *, before: datetime, limit: int = 100) -> list[tuple[UUID, UUID]]:
    """(merchant, payment) of captures without an answer, over all merchants."""
    return [tuple(row.values()) for row in await store.list_open_steps(owner, before, limit)]


async def list_overdue(
    owner: Database, *, asked_before: datetime, limit: int = 100
) -> list[tuple[UUID, UUID]]:
    """(merchant, payment) of overdue invoices that were not asked for since a moment, over all merchants."""
    return [tuple(row.values()) for row in await store.list_overdue(owner, clock.now(), asked_before, limit)]


async def note_reminder(tx: Transaction, *, intent_id: UUID, asked_before: datetime) -> int | None:
    """Count a reminder; None when somebody else has just sent one, or nothing is open any more."""
    number: int | None = await store.note_reminder(tx, intent_id, clock.now(), asked_before)
    return number


async def list_open(
    tx: Transaction,
    *,
    kinds: Sequence[Kind],
    overdue: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OpenPledge]:
    """Open pledges, the one that is due first before the others. Invalid ``list.cursor_invalid``."""
    limit = max(1, min(limit, 100))
    rows = await store.list_open(tx, kinds, clock.now() if overdue else None, _read_cursor(cursor), limit + 1)
    items = tuple(OpenPledge(**dict(row)) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(items)
    last = items[-1]
    return Page(items, f"{(last.due_at or last.made_at).isoformat()}|{last.intent_id}")


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        moment, _bar, intent_id = cursor.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(moment)
        return at.astimezone(UTC), UUID(intent_id)
    except (ValueError, OverflowError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error


class OpenSum(msgspec.Struct, frozen=True):
    """What is open of one kind of pledge."""

    kind: Kind
    pledges: int
    minor: int
    overdue_minor: int


async def sum_open(tx: Transaction) -> tuple[OpenSum, ...]:
    """What is open, per kind of pledge."""
    return tuple(OpenSum(**dict(row)) for row in await store.sum_open(tx, clock.now()))
