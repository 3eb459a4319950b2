"""What an agent may still place: money per day and orders per hour are accounts of the ledger with a floor of zero.

The first order of a day (or an hour) funds its account with the limit, and so does a raised limit with the difference; a
lowered one takes back what is left above it. An order takes its amount in its own group in the lane, so however many
come at the same moment, together they stay below.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from serai.commerce.agent import store
from serai.commerce.agent.types import (
    Agent,
    AgentOrder,
    Measure,
    allowance_fund,
    allowance_left,
    allowance_used,
)
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Forbidden, Limited, Refused, _
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.api import load_balances
from serai.ledger.types import Group, Transfer, Write, posted

FUND_TRIES = 4


def name_day(at: datetime) -> str:
    """The window of money."""
    return f"{at:%Y-%m-%d}"


def name_hour(at: datetime) -> str:
    """The window of orders."""
    return f"{at:%Y-%m-%dT%H}"


def list_measures(agent: Agent, at: datetime) -> list[tuple[Measure, str, int]]:
    """(measure, window, limit) of every limit that an agent has."""
    found: list[tuple[Measure, str, int]] = []
    if agent.day_minor is not None:
        found.append(("money", name_day(at), agent.day_minor))
    if agent.hour_orders is not None:
        found.append(("orders", name_hour(at), agent.hour_orders))
    return found


async def fund_allowances(commerce: Commerce, merchant_id: MerchantId, agent: Agent, at: datetime) -> None:
    """Bring an agent's accounts of a moment to its limits. Doing it again, or by two at once, changes nothing more."""
    for measure, window, limit in list_measures(agent, at):
        await _fund(commerce, merchant_id, agent.agent_id, measure, window, limit)


async def _fund(
    commerce: Commerce, merchant_id: MerchantId, agent_id: UUID, measure: Measure, window: str, limit: int
) -> None:
    left, fund = allowance_left(agent_id, measure, window), allowance_fund(agent_id, measure, window)
    for _attempt in range(FUND_TRIES):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            found = await load_balances(tx, account_ids=[left.account_id, fund.account_id])
        # An account that was never used has no side yet: what it was credited is what it gave.
        funded = found[fund.account_id].posted_cr - found[fund.account_id].posted_dr
        free = found[left.account_id].available
        moved = limit - funded if limit > funded else -min(funded - limit, max(free, 0))
        if moved == 0:
            return
        # Named after where it starts and ends: twins send the same group, and one of them counts.
        group_id = derive_id("agent fund", left.account_id, funded, moved)
        sides = (left, fund) if moved > 0 else (fund, left)
        transfer = posted(derive_id(group_id, "move"), *sides, abs(moved), "agent limit")
        await commerce.lane.submit(merchant_id, Group(group_id, (transfer,), document_id=agent_id))


def _amounts(total_minor: int, day: str, hour: str) -> tuple[tuple[Measure, str, int], ...]:
    """(measure, window, amount) of an order; one that costs nothing counts as an order all the same."""
    money: tuple[tuple[Measure, str, int], ...] = (("money", day, total_minor),) if total_minor else ()
    return (*money, ("orders", hour, 1))


def claim_allowances(agent: Agent, order_id: UUID, total_minor: int, at: datetime) -> tuple[Transfer, ...]:
    """What an order takes of its agent's allowances, limited or not, so that a later limit counts what was placed."""
    limits: dict[Measure, int | None] = {"money": agent.day_minor, "orders": agent.hour_orders}
    claims = []
    for measure, window, amount in _amounts(total_minor, name_day(at), name_hour(at)):
        source = allowance_fund if limits[measure] is None else allowance_left
        used, taken = allowance_used(agent.agent_id, measure, window), source(agent.agent_id, measure, window)
        claims.append(posted(derive_id("agent claim", order_id, measure), used, taken, amount, "agent order"))
    return tuple(claims)


def refuse_claims(agent: Agent, short: Collection[UUID], at: datetime) -> Refused | None:
    """The refusal for an allowance among the accounts that were short."""
    if allowance_left(agent.agent_id, "money", name_day(at)).account_id in short:
        return Forbidden(
            "agent.day_limit",
            _("This agent may order for %(most)s a day at most; this order would go beyond."),
            most=agent.day_minor,
            limit_minor=agent.day_minor,
        )
    if allowance_left(agent.agent_id, "orders", name_hour(at)).account_id in short:
        return Limited(
            "agent.hour_limit",
            _("This agent may place %(most)s orders an hour at most."),
            most=agent.hour_orders,
            retry_after_s=3600 - at.minute * 60 - at.second,
        )
    return None


async def return_allowances(commerce: Commerce, merchant_id: MerchantId, placed: AgentOrder) -> None:
    """Give an agent back what an order took that was never paid. Doing it again changes nothing."""
    day = placed.day.isoformat()
    transfers = []
    for measure, window, amount in _amounts(placed.amount_minor, day, f"{day}T{placed.hour:02d}"):
        # Into what is left, also where nothing limited it: left + used = funded holds either way.
        left, used = (
            allowance_left(placed.agent_id, measure, window),
            allowance_used(placed.agent_id, measure, window),
        )
        transfer_id = derive_id("agent return", placed.order_id, measure)
        transfers.append(posted(transfer_id, left, used, amount, "agent order called off"))
    await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("agent return", placed.order_id),
            tuple(transfers),
            (Write(_write_returns, placed.order_id),),
            document_id=placed.order_id,
        ),
    )


async def _write_returns(tx: Transaction, rows: list[UUID]) -> None:
    """Note orders that do not count any more; a writer for the lane's batches."""
    await store.return_orders(tx, rows, clock.now())
