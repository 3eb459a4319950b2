"""The merchant's categories as every page shows them, remembered for some seconds: they stand around each page, change
seldom, and counting their products takes longer than the rest of a page."""

import time
from collections.abc import Iterable
from uuid import UUID

import msgspec

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Category
from serai.foundation.database import Transaction

MERCHANTS_LIMIT = 1_000


class Shelves(msgspec.Struct, frozen=True):
    """Published categories of one merchant; a department's number of products includes those of its children."""

    categories: tuple[Category, ...]
    departments: tuple[Category, ...]

    def find(self, *, slug: str | None = None, category_id: UUID | None = None) -> Category | None:
        """A published category by slug or id."""
        return next((c for c in self.categories if c.slug == slug or c.category_id == category_id), None)

    def list_children(self, category: Category) -> list[Category]:
        """The categories inside that have products."""
        return [c for c in self.categories if c.parent_id == category.category_id and c.product_count]

    def trace(self, category: Category) -> list[Category]:
        """The way from the department down to the category, itself included."""
        trail = [category]
        while (
            parent := self.find(category_id=trail[0].parent_id) if trail[0].parent_id else None
        ) is not None:
            if parent in trail:
                break
            trail.insert(0, parent)
        return trail


class ShelfMemory:
    """Shelves by merchant. One per process; what it forgets or holds for too long costs a query or some seconds."""

    def __init__(self, *, remember_s: float = 15.0) -> None:
        self._remember_s = remember_s
        self._known: dict[UUID, tuple[float, Shelves]] = {}

    async def load(self, tx: Transaction) -> Shelves:
        """The shelves of the transaction's merchant."""
        known = self._known.get(tx.merchant_id)
        if known and known[0] > time.monotonic():
            return known[1]
        shelves = arrange_shelves(await catalogue.list_categories(tx))
        if len(self._known) >= MERCHANTS_LIMIT:
            self._known.clear()
        self._known[tx.merchant_id] = (time.monotonic() + self._remember_s, shelves)
        return shelves


def arrange_shelves(categories: Iterable[Category]) -> Shelves:
    """Published categories under published parents, counts summed upwards."""
    shown = [c for c in categories if c.published]
    known = {c.category_id for c in shown}
    shown = [c for c in shown if c.parent_id is None or c.parent_id in known]
    below: dict[UUID, int] = {}
    for category in shown:
        if category.parent_id:
            below[category.parent_id] = below.get(category.parent_id, 0) + category.product_count
    summed = tuple(
        msgspec.structs.replace(c, product_count=c.product_count + below.get(c.category_id, 0)) for c in shown
    )
    return Shelves(summed, tuple(c for c in summed if c.parent_id is None and c.product_count))
