"""What search gives back: ids in order, how they divide, what the query may have meant, what to suggest."""

from typing import Literal
from uuid import UUID

import msgspec


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to; None and empty ones do not narrow. Prices in minor units of the merchant's currency.

    Any of the brands, and for each attribute any of its values, as :func:`fact_text` writes them.
    """

    category_ids: tuple[UUID, ...] | None = None
    brands: tuple[str, ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    min_minor: int | None = None
    max_minor: int | None = None
    published: bool | None = True


class Hit(msgspec.Struct, frozen=True):
    """A product that was found, with its place in the order (smaller is better)."""

    product_id: UUID
    sort_key: int


class Hits(msgspec.Struct, frozen=True):
    """A page of what was found; ``has_more`` when others follow."""

    items: tuple[Hit, ...] = ()
    has_more: bool = False


class PriceBand(msgspec.Struct, frozen=True):
    """A range of prices with its number of products: from ``min_minor`` to ``max_minor``, both included; None is open."""

    min_minor: int | None
    max_minor: int | None
    products: int


class Facets(msgspec.Struct, frozen=True):
    """How what was found divides. Each kind counts as if nothing of its own kind were chosen.

    ``seen``: matches of the query alone, however the list is narrowed; a lower bound from 100 on. ``facts``: per
    attribute its values (as :func:`fact_text` writes them) with their numbers, the most frequent first.
    ``is_estimated``: so much was found that a sample was counted; numbers of two significant digits then.
    """

    total: int = 0
    seen: int = 0
    is_estimated: bool = False
    categories: tuple[tuple[UUID, int], ...] = ()
    brands: tuple[tuple[str, int], ...] = ()
    bands: tuple[PriceBand, ...] = ()
    facts: dict[str, tuple[tuple[str, int], ...]] = {}


def fact_text(value: str | int | float | bool) -> str:
    """An attribute's value as the index has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Phrase(msgspec.Struct, frozen=True):
    """Something to suggest beside products; ``target`` is a category's id."""

    kind: Literal["brand", "category", "query"]
    phrase: str
    target: UUID | None
    weight: int
