"""Money that goes back of an invoiced order gets its credit note without anybody asking."""

from collections.abc import Sequence

from serai.commerce.order.api import load_order
from serai.commerce.paper.issue_paper import issue_credits
from serai.foundation.database import Transaction
from serai.foundation.event import Event, Subscriber

BY = "serai"


async def _credit(tx: Transaction, events: Sequence[Event]) -> None:
    for order_id in dict.fromkeys(event.subject_id for event in events):
        await issue_credits(tx, order=await load_order(tx, order_id=order_id), by=BY)


CREDIT_NOTES = Subscriber(
    "credit_notes", frozenset({"RefundDone", "TenderRefunded", "PledgeReleased", "OrderCancelled"}), _credit
)
