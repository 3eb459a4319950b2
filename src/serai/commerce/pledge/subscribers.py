"""Goods that left are paid for: what providers hold for them is wanted from then on."""

from collections.abc import Sequence

from serai.commerce.pledge.api import want_orders
from serai.foundation.database import Transaction
from serai.foundation.event import Event, Subscriber


async def _want(tx: Transaction, events: Sequence[Event]) -> None:
    await want_orders(tx, order_ids=[event.subject_id for event in events])


# A parcel's event is about its order too.
GOODS_LEFT = Subscriber("take held money", frozenset({"OrderFulfilled", "OrderShipped"}), _want)
