"""Gift messages: keep them with an order, read them, blank them."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.gift import store
from serai.commerce.gift.types import Gift
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _

__all__ = ["Gift", "blank_gifts", "check_message", "find_gift", "insert_gifts"]

MESSAGE_LIMIT = 300


def check_message(message: str) -> str:
    """The message without space around it. Invalid ``gift.too_long`` past 300 characters."""
    message = message.strip()
    if len(message) > MESSAGE_LIMIT:
        raise Invalid(
            "gift.too_long",
            _("A gift message has at most %(limit)s characters."),
            field="gift_message",
            limit=MESSAGE_LIMIT,
        )
    return message


async def insert_gifts(tx: Transaction, rows: Sequence[Gift]) -> None:
    """Write gifts; a writer for the lane's batches, so they commit with their orders."""
    await store.insert_gifts(
        tx, [row.order_id for row in rows], [row.message for row in rows], [row.sender for row in rows]
    )


async def find_gift(tx: Transaction, *, order_id: UUID) -> Gift | None:
    """The gift of an order, None for one that is no present."""
    row = await store.find_gift(tx, order_id)
    return Gift(*row.values()) if row else None


async def blank_gifts(tx: Transaction, *, order_ids: Sequence[UUID]) -> None:
    """Take the words out; that it was a present stays."""
    await store.blank_gifts(tx, list(order_ids))
