"""What the shop does when something happened: it writes to the people concerned. The worker runs it."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode

from serai.commerce.gift.api import find_gift
from serai.commerce.order.api import access_token, find_order
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.event import Event, Subscriber
from serai.foundation.mail import queue_letter
from serai.storefront.letter import ORDER_WORDS, write_order_letter

# A subscriber begins at the log's beginning: what is older than this is no news any more, and nobody is told.
NEWS = timedelta(days=1)


def order_letters(commerce: Commerce) -> Subscriber:
    """Letters about orders, with the link under which guests find theirs."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            if event.recorded_at < clock.now() - NEWS:
                continue
            order = await find_order(tx, order_id=event.subject_id)
            # An API's buyer may have given no address, and an erased one has none any more.
            if order is None or not order.email or (event.name == "OrderPlaced" and order.total_minor == 0):
                continue
            gift = await find_gift(tx, order_id=order.order_id)
            query = urlencode({"key": access_token(commerce.secret, order.order_id)})
            letter = write_order_letter(
                order,
                event.name,
                path=f"/orders/{order.order_id}?{query}",
                amount_minor=int(event.data.get("amount_minor", 0)),
                gift_message=gift.message if gift else "",
            )
            await queue_letter(tx, letter)

    return Subscriber("shop letters", frozenset(ORDER_WORDS), handle)
