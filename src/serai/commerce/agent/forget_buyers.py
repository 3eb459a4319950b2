"""What agents' checkouts hold of people, and when it is forgotten: a checkout that led to nothing after some hours, one that
led to an order together with that order."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from serai.commerce.agent import store
from serai.commerce.agent.keep_session import digest_buyer
from serai.foundation import clock
from serai.foundation.database import Transaction


async def delete_old_sessions(tx: Transaction, *, hours: int) -> int:
    """Delete checkouts that nobody has touched for so long and that placed no order. Returns how many."""
    return await store.delete_old_sessions(tx, clock.now() - timedelta(hours=hours))


async def forget_orders(tx: Transaction, *, order_ids: Sequence[UUID]) -> None:
    """Delete the checkouts behind orders, and what agents reported of these and where they wanted to hear of them."""
    await store.delete_sessions_of(tx, list(order_ids))


async def forget_buyer(tx: Transaction, *, email: str) -> None:
    """Delete what agents' address books hold of a buyer."""
    await store.delete_addresses_of(tx, digest_buyer(email))
