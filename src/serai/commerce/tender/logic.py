"""Pure rules of tenders: how a code is kept, what pays how much, and how a refund falls on what had paid."""

import hashlib
from collections.abc import Mapping, Sequence

from serai.commerce.promotion.api import read_code
from serai.commerce.tender.types import OrderTender, Part

MIN_DIGITS = 4


def digest_code(text: str) -> bytes:
    """What is stored of a gift card's code."""
    return hashlib.blake2b(read_code(text).encode(), digest_size=20, person=b"serai gift card").digest()


def list_parts(
    tenders: Sequence[OrderTender], refunded: Mapping[int, int], amount_minor: int
) -> tuple[Part, ...]:
    """How a refund goes back to what had paid, first to the tender that had paid first.

    Args:
        refunded: per tender's number what went back to it already.
        amount_minor: what is to go back; what the tenders cannot take is left to the provider's money.

    Points come back in the same proportion as their money, all of them in the end.
    """
    parts = []
    for tender in tenders:
        before = refunded.get(tender.tender_no, 0)
        amount = min(amount_minor, tender.amount_minor - before)
        if amount <= 0:
            continue
        parts.append(Part(tender, amount, units_between(tender, before, before + amount)))
        amount_minor -= amount
    return tuple(parts)


def units_between(tender: OrderTender, before_minor: int, after_minor: int) -> int:
    """Units that come back while a tender's refunds grow from one amount to another."""
    return (
        tender.units * after_minor // tender.amount_minor - tender.units * before_minor // tender.amount_minor
    )


def sum_refunds(refunds: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Per tender's number what went back to it, of (number, minor units)."""
    sums: dict[int, int] = {}
    for number, amount_minor in refunds:
        sums[number] = sums.get(number, 0) + amount_minor
    return sums


def award_left(award: int, total_minor: int, refunded_minor: int) -> int:
    """What an order's award comes to after so much of its total went back."""
    if total_minor <= 0:
        return award
    return award - award * min(refunded_minor, total_minor) // total_minor
