"""Who sits in buying groups, which groups a shopper is shown, and who may not take a second seat."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.promotion import group_store as store
from serai.commerce.promotion.open_group import with_seats
from serai.commerce.promotion.types import GroupBuy, GroupMember, MemberGroup, write_initials
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, _

SHOWN = 20


async def list_group_members(
    tx: Transaction, *, group_ids: Sequence[UUID]
) -> dict[UUID, tuple[GroupMember, ...]]:
    """Who sits in groups now, the leader first. When the leader leaves, the next one leads from the same moment."""
    found: dict[UUID, list[GroupMember]] = {group_id: [] for group_id in group_ids}
    for row in await store.list_members(tx, list(found)) if found else ():
        seats = found[row["group_id"]]
        seats.append(GroupMember(write_initials(row["name"]), row["is_paid"], not seats))
    return {group_id: tuple(seats) for group_id, seats in found.items()}


async def list_begun_groups(
    tx: Transaction, *, promotion_id: UUID, sku_id: UUID, limit: int = SHOWN
) -> list[GroupBuy]:
    """Groups that a shopper may join for some goods, of those in which somebody has paid; the first to end first."""
    now = clock.now()
    rows = await store.list_begun_groups(tx, promotion_id, sku_id, now, limit)
    return [group for group in await with_seats(tx, rows) if group.is_open(now)]


async def list_member_groups(tx: Transaction, *, member_id: UUID, limit: int = 50) -> list[MemberGroup]:
    """The groups of a member's orders, the newest first."""
    rows = await store.list_member_groups(tx, member_id, limit)
    plain = [{name: row[name] for name in GroupBuy.__struct_fields__ if name in row} for row in rows]
    groups = await with_seats(tx, plain)
    return [
        MemberGroup(group, row["number"], row["state"], row["placed_at"])
        for group, row in zip(groups, rows, strict=True)
    ]


async def check_newcomer(tx: Transaction, *, group_id: UUID, member_id: UUID) -> None:
    """Conflict ``group.joined_already`` when a member has a seat in a group: it needs other people."""
    if any(row["member_id"] == member_id for row in await store.list_members(tx, [group_id])):
        raise Conflict(
            "group.joined_already", _("You have a seat in this group already. Share it to find others.")
        )


async def list_waiting_orders(tx: Transaction, *, order_ids: Sequence[UUID]) -> set[UUID]:
    """Those of some orders whose group is not complete."""
    return {row["order_id"] for row in await store.list_waiting_orders(tx, order_ids)} if order_ids else set()
