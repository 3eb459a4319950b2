"""Pure rules of presales: the part of the price that a number of buyers brings, and the balance that follows."""

from collections.abc import Iterable

WHOLE = 10_000


def part_of(tiers: Iterable[tuple[int, int]], pieces: int) -> int:
    """The part of the price in basis points for so many pieces; tiers are (least pieces, part), climbing."""
    part = WHOLE
    for least, percent in tiers:
        if pieces >= least:
            part = percent
    return part


def priced_at(price_minor: int, percent: int) -> int:
    """The price of a piece at a part of it, rounded half up."""
    return (price_minor * percent + WHOLE // 2) // WHOLE


def balance_of(price_minor: int, credit_minor: int, percent: int) -> int:
    """What is left to pay for a piece: P x tier(n) - X, never below zero.

    Args:
        price_minor: P, the price of one piece.
        credit_minor: X, what the deposit counts for (at least the deposit itself).
        percent: the part of the price in basis points.
    """
    return max(0, priced_at(price_minor, percent) - credit_minor)
