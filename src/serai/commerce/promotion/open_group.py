"""Groups that buy together (拼团): open one, join it, see how it stands.

A group has as many seats as people are needed. A seat is an account of the ledger like every other counter: an order holds
one while it waits for its payment and takes it when it is paid, so of two who race for the last seat one gets it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.promotion import group_store as store
from serai.commerce.promotion.claim_counters import (
    seats_closed,
    seats_fund,
    seats_left,
    seats_taken,
)
from serai.commerce.promotion.edit_promotion import load_promotion
from serai.commerce.promotion.events import GroupEnded, GroupOpened
from serai.commerce.promotion.types import GroupBuy, GroupOutcome, Seat, UnitPrice
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id, new_id
from serai.ledger.api import load_balances
from serai.ledger.types import Group, Transfer, Write, posted


class NewGroup(msgspec.Struct, frozen=True):
    """A group as it is written beside its seats."""

    group_id: UUID
    promotion_id: UUID
    people: int
    opened_at: datetime
    deadline: datetime
    sku_id: UUID | None = None


class GroupOrder(msgspec.Struct, frozen=True):
    """An order that takes a seat, as a row beside it."""

    group_id: UUID
    order_id: UUID


async def insert_groups(tx: Transaction, rows: Sequence[NewGroup]) -> None:
    """Write groups; a writer for the lane's batches."""
    await store.insert_groups(tx, rows)


async def insert_group_orders(tx: Transaction, rows: Sequence[GroupOrder]) -> None:
    """Write who sits where; a writer for the lane's batches."""
    await store.insert_group_orders(tx, [row.group_id for row in rows], [row.order_id for row in rows])


def own_group_id(promotion_id: UUID, cart_id: UUID) -> UUID:
    """The group that a cart opens with its order: a cart that is placed twice opens it once."""
    return derive_id("group buy of a cart", promotion_id, cart_id)


def plan_group(
    group_id: UUID, promotion_id: UUID, benefit: UnitPrice, now: datetime, sku_id: UUID | None
) -> NewGroup:
    """A group that begins now."""
    deadline = now + timedelta(hours=benefit.hours)
    return NewGroup(group_id, promotion_id, benefit.people, now, deadline, sku_id)


def write_opening(row: NewGroup) -> tuple[Transfer, Write, Fact]:
    """What opens a group in a group of the lane: its seats, its row, and the fact."""
    seats = posted(
        derive_id(row.group_id, "seats"),
        seats_left(row.group_id),
        seats_fund(row.group_id),
        row.people,
        "group opened",
    )
    fact = GroupOpened(row.group_id, row.promotion_id, row.people, row.deadline)
    return seats, Write(insert_groups, row, early=True), Fact(row.group_id, fact)


async def open_group(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    promotion_id: UUID,
    key: UUID | None = None,
    sku_id: UUID | None = None,
) -> GroupBuy:
    """Open a group of a live group price, for one of its goods or all. The same key again gives the same group.

    Raises:
        NotFound: ``promotion.unknown``. Conflict: ``group.not_offered`` when the promotion has no live group price.
    """
    now = clock.now()
    async with commerce.db.transaction(merchant_id, "read") as tx:
        promotion = await load_promotion(tx, promotion_id=promotion_id)
    benefit, terms = promotion.terms.benefit, promotion.terms
    over = (terms.starts_at is not None and now < terms.starts_at) or (
        terms.ends_at is not None and now >= terms.ends_at
    )
    if promotion.state != "live" or over or not isinstance(benefit, UnitPrice) or benefit.source != "group":
        raise Conflict("group.not_offered", _("There is no group price at the moment."))
    group_id = derive_id("group buy", merchant_id, promotion_id, key or new_id())
    seats, row, fact = write_opening(plan_group(group_id, promotion_id, benefit, now, sku_id))
    await commerce.lane.submit(
        merchant_id,
        Group(derive_id("open group", group_id), (seats,), (row,), (fact,), document_id=group_id),
    )
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_group(tx, group_id=group_id)


async def load_group(tx: Transaction, *, group_id: UUID) -> GroupBuy:
    """A group and how it stands. NotFound ``group.unknown``."""
    rows = await store.list_groups(tx, [group_id])
    if not rows:
        raise NotFound("group.unknown", _("There is no such group."))
    return (await with_seats(tx, rows))[0]


async def list_open_groups(tx: Transaction, *, promotion_id: UUID, limit: int = 20) -> list[GroupBuy]:
    """Groups of a promotion that can be joined, the one that ends first before the others."""
    rows = await store.list_open_groups(tx, promotion_id, clock.now(), limit)
    return [group for group in await with_seats(tx, rows) if group.free]


async def load_seats(tx: Transaction, *, group_ids: Sequence[UUID]) -> dict[UUID, Seat]:
    """Per promotion the seat that a buyer would take in these groups; groups that are over have none."""
    if not group_ids:
        return {}
    now = clock.now()
    groups = await with_seats(tx, await store.list_groups(tx, group_ids))
    return {
        group.promotion_id: Seat(group.group_id, group.free, group.people)
        for group in groups
        if group.outcome is None and group.deadline > now
    }


async def with_seats(tx: Transaction, rows: Sequence[Any]) -> list[GroupBuy]:
    """Rows of groups with what the ledger says of their seats."""
    left = [seats_left(row["group_id"]).account_id for row in rows]
    taken = [seats_taken(row["group_id"]).account_id for row in rows]
    balances = await load_balances(tx, account_ids=[*left, *taken]) if rows else {}
    return [
        GroupBuy(
            **dict(row),
            free=balances[a].available,
            held=balances[a].reserved,
            taken=balances[b].posted,
        )
        for row, a, b in zip(rows, left, taken, strict=True)
    ]


async def find_order_group(tx: Transaction, *, order_id: UUID) -> GroupBuy | None:
    """The group in which an order has its seat."""
    rows = await store.list_groups_of_order(tx, order_id)
    return (await with_seats(tx, rows))[0] if rows else None


class GroupEnd(msgspec.Struct, frozen=True):
    """How a group ended, as a row beside its group in the lane."""

    group_id: UUID
    outcome: GroupOutcome
    at: datetime


async def end_groups(tx: Transaction, rows: Sequence[GroupEnd]) -> None:
    """Write ends; a writer for the lane's batches."""
    await store.end_groups(tx, [row.group_id for row in rows], [row.outcome for row in rows], rows[0].at)


async def complete_group(tx: Transaction, *, group: GroupBuy) -> bool:
    """Everybody has paid: the orders of the group may be fulfilled. False when somebody else has ended it before."""
    if not await store.end_groups(tx, [group.group_id], ["grouped"], clock.now()):
        return False
    await append_facts(tx, [Fact(group.group_id, GroupEnded(group.group_id, group.promotion_id, "grouped"))])
    return True


async def close_group(commerce: Commerce, merchant_id: MerchantId, *, group: GroupBuy) -> bool:
    """Take the free seats of a group away, so that nobody can join it any more. False when somebody just took one."""
    if not group.free:
        return False
    group_id = derive_id("close group", group.group_id)
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            (
                posted(
                    derive_id(group_id, "seats"),
                    seats_closed(group.group_id),
                    seats_left(group.group_id),
                    group.free,
                    "group failed",
                ),
            ),
            (Write(end_groups, GroupEnd(group.group_id, "failed", clock.now())),),
            (Fact(group.group_id, GroupEnded(group.group_id, group.promotion_id, "failed")),),
            document_id=group.group_id,
        ),
    )
    return outcome.passed


async def list_unsettled_groups(
    owner: Database, *, now: datetime, limit: int = 500
) -> list[tuple[UUID, UUID]]:
    """(merchant, group) of all merchants: groups that are open, and failed ones that still have living orders."""
    return [tuple(row.values()) for row in await store.list_unsettled_groups(owner, now, limit)]


async def list_group_orders(tx: Transaction, *, group_id: UUID) -> list[tuple[UUID, str]]:
    """(order, state) of everybody in a group."""
    return [tuple(row.values()) for row in await store.list_group_orders(tx, group_id)]
