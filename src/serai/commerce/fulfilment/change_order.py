"""The one way in which this room changes an order's goods: planned on how it stands, done at its next turn or planned anew."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from serai.commerce.order.api import Standing, check_group, check_move, order_changed, read_standing, was_late
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId
from serai.ledger.types import Group, Shortage, Transfer, Write

# Each try reads the order anew; so often only when an order is changed from all sides at once.
ATTEMPTS = 20


class Change(msgspec.Struct, frozen=True):
    """What a plan comes to: transfers beside the turn, with the rows and facts that commit with them."""

    transfers: tuple[Transfer, ...] = ()
    writes: tuple[Write, ...] = ()
    facts: tuple[Fact, ...] = ()


class GoodsShortError(Exception):
    """Stock that a change wanted is not there; the caller says so in its own words."""

    def __init__(self, shortages: tuple[Shortage, ...]) -> None:
        super().__init__(shortages)
        self.shortages = shortages


Plan = Callable[[Transaction, Standing], Awaitable[Change | None]]


async def change_order(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, plan: Plan
) -> Standing:
    """Change an order by a plan, which gives None when nothing is left to do. Returns how it stands afterwards.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_fulfil`` when it is not paid, ``order.awaiting_group``, ``order.changed``.
        GoodsShortError: the plan takes stock that is not there.
    """
    for _attempt in range(ATTEMPTS):
        # All of one moment: what is packed and what is open are judged by each other.
        async with commerce.db.transaction(merchant_id, "snapshot") as tx:
            standing = await read_standing(tx, order_id)
            change = await plan(tx, standing)
        if change is None:
            return standing
        check_move(standing.order, "fulfil")
        check_group(standing.order)
        turn = standing.turn
        outcome = await commerce.lane.submit(
            merchant_id,
            Group(
                turn.group_id,
                (turn.transfer, *change.transfers),
                change.writes,
                change.facts,
                document_id=order_id,
            ),
        )
        if outcome.passed and not was_late(outcome):
            async with commerce.db.transaction(merchant_id, "read") as tx:
                return await read_standing(tx, order_id)
        if outcome.shortages:
            raise GoodsShortError(outcome.shortages)
    raise order_changed()
