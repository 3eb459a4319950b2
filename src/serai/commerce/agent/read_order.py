"""Orders that agents placed: the mark on each, what its agent may see of it, and what it has reported."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.agent import store
from serai.commerce.agent.stand_session import read_session
from serai.commerce.agent.types import Agent, AgentOrder, Session
from serai.commerce.order.api import find_order
from serai.commerce.order.types import Order
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _

MAX_REPORTS = 50
MAX_REPORT_BYTES = 20_000


async def write_agent_orders(tx: Transaction, rows: Sequence[AgentOrder]) -> None:
    """Mark orders as placed by agents, beside the orders; a writer for the lane's batches."""
    names = (
        "order_id",
        "agent_id",
        "agent_name",
        "session_id",
        "protocol",
        "amount_minor",
        "currency",
        "day",
        "hour",
        "webhook_url",
        "placed_at",
    )
    await store.insert_orders(tx, tuple([getattr(row, name) for row in rows] for name in names))


async def find_agent_order(tx: Transaction, *, order_id: UUID) -> AgentOrder | None:
    """The mark of an order, None when no agent placed it."""
    row = await store.find_order(tx, order_id)
    return AgentOrder(*row.values()) if row else None


async def list_agent_orders(tx: Transaction, *, order_ids: Sequence[UUID]) -> dict[UUID, AgentOrder]:
    """The marks of some orders; those that no agent placed are left out."""
    return {row["order_id"]: AgentOrder(*row.values()) for row in await store.list_orders(tx, order_ids)}


async def load_placed(tx: Transaction, *, agent: Agent, order_id: UUID) -> tuple[Order, AgentOrder, Session]:
    """An order of an agent with its mark and its checkout. NotFound ``order.unknown``, also for somebody else's."""
    mark = await find_agent_order(tx, order_id=order_id)
    order = await find_order(tx, order_id=order_id) if mark and mark.agent_id == agent.agent_id else None
    if mark is None or order is None:
        raise NotFound("order.unknown", _("There is no such order."))
    row = await store.find_session(tx, agent.agent_id, mark.session_id)
    return order, mark, read_session(row)


async def keep_reports(
    tx: Transaction, *, mark: AgentOrder, reports: dict[str, list[dict[str, Any]]]
) -> AgentOrder:
    """Keep what an agent reports of its order, as its word and nothing more: it moves neither goods nor money.

    Raises:
        Invalid: ``agent.too_many``, ``agent.text_too_long``.
    """
    if any(len(each) > MAX_REPORTS for each in reports.values()):
        raise Invalid("agent.too_many", _("At most %(most)s of them."), field="reports", most=MAX_REPORTS)
    if len(msgspec.json.encode(reports)) > MAX_REPORT_BYTES:
        raise Invalid("agent.text_too_long", _("That text is too long."), field="reports")
    await store.update_reports(tx, mark.order_id, reports)
    return msgspec.structs.replace(mark, reports=reports)
