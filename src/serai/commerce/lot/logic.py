"""Which lots goods are taken from: those that are good for the shortest time first. Pure."""

from collections.abc import Sequence
from datetime import date

from serai.commerce.lot.types import LotLevel


def sort_lots(levels: Sequence[LotLevel]) -> list[LotLevel]:
    """First what expires first; what has no date comes last."""
    return sorted(levels, key=lambda each: (each.best_before or date.max, each.code, each.lot_id))


def take_first(levels: Sequence[LotLevel], steps: int) -> tuple[list[tuple[LotLevel, int]], int]:
    """(lots with how much is taken of each, what is missing)."""
    taken = []
    for each in sort_lots(levels):
        count = min(steps, each.on_hand)
        if count > 0:
            taken.append((each, count))
            steps -= count
    return taken, steps
