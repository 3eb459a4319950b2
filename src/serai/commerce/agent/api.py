"""Agents: keys with limits, checkouts, orders. One set of operations, of which each protocol is a translation."""

from serai.commerce.agent import store
from serai.commerce.agent.answer_call import (
    AgentCaller,
    Asked,
    answer_once,
    base_url_of,
    convert_body,
    read_json,
    recognise_caller,
    recognise_key,
)
from serai.commerce.agent.check_signature import check_signature, signing_secret
from serai.commerce.agent.complete_session import cancel_session, complete_session
from serai.commerce.agent.edit_agent import (
    create_agent,
    edit_agent,
    list_agents,
    load_agent,
    recognise_agent,
    revoke_agent,
)
from serai.commerce.agent.find_profile import find_webhook_url, read_agent_header
from serai.commerce.agent.forget_buyers import delete_old_sessions, forget_buyer, forget_orders
from serai.commerce.agent.keep_session import open_session, remember_address, update_session
from serai.commerce.agent.read_order import (
    find_agent_order,
    keep_reports,
    list_agent_orders,
    load_placed,
)
from serai.commerce.agent.sign_message import public_key, sign_detached
from serai.commerce.agent.stand_session import load_stand, order_path
from serai.commerce.agent.types import AGENT_SCOPES
from serai.foundation.database import Transaction

__all__ = [
    "AGENT_SCOPES",
    "AgentCaller",
    "Asked",
    "answer_once",
    "base_url_of",
    "cancel_session",
    "check_signature",
    "complete_session",
    "convert_body",
    "count_agent_orders",
    "create_agent",
    "delete_old_sessions",
    "edit_agent",
    "find_agent_order",
    "find_webhook_url",
    "forget_buyer",
    "forget_orders",
    "keep_reports",
    "list_agent_orders",
    "list_agents",
    "load_agent",
    "load_placed",
    "load_stand",
    "open_session",
    "order_path",
    "public_key",
    "read_agent_header",
    "read_json",
    "recognise_agent",
    "recognise_caller",
    "recognise_key",
    "remember_address",
    "revoke_agent",
    "sign_detached",
    "signing_secret",
    "update_session",
]


async def count_agent_orders(tx: Transaction) -> dict[object, tuple[int, int]]:
    """(orders, minor units) that each agent has placed, those called off unpaid left out."""
    return {row["agent_id"]: (row["orders"], row["amount_minor"]) for row in await store.count_orders(tx)}
