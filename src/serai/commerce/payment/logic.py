"""What a payment has come to, recomputed from its events in whatever order they arrived."""

from collections.abc import Sequence
from typing import Literal

from serai.commerce.payment.types import PaymentEvent

State = Literal["created", "authorised", "captured", "failed", "voided", "expired", "refunded"]


def sum_events(events: Sequence[PaymentEvent]) -> tuple[State, int, int]:
    """(state, captured, refunded) in minor units.

    An event tells the total captured (or refunded) so far, so the largest counts: duplicates and late ones do no harm.
    Refunds that are told one by one are each kept once and add up.
    """
    captured = max((e.amount_minor for e in events if e.kind == "captured"), default=0)
    refunded = max((e.amount_minor for e in events if e.kind == "refunded"), default=0)
    refunded = max(refunded, sum(e.amount_minor for e in events if e.kind == "part_refunded"))
    kinds = {e.kind for e in events}
    if captured and refunded >= captured:
        return "refunded", captured, refunded
    if captured:
        return "captured", captured, refunded
    final: tuple[State, ...] = ("voided", "expired", "failed", "authorised")
    for state in final:
        if state in kinds:
            return state, captured, refunded
    return "created", captured, refunded
