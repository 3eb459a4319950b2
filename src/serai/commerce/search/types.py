"""What search gives back: ids in order, how they divide, what the query may have meant, what to suggest."""

from typing import Literal
from uuid import UUID

import msgspec


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to; None does not narrow. Prices in minor units of the merchant's currency."""

    category_ids: tuple[UUID, ...] | None = None
    brand: str | None = None
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
    """A range of prices with its number of products: from ``min_minor`` to ``max_minor``, both included; None is open,
    and no number of products where too many were found to look at every price."""

    min_minor: int | None
    max_minor: int | None
    products: int | None


class Facets(msgspec.Struct, frozen=True):
    """How what was found divides. Each kind counts as if nothing of its own kind were chosen.

    ``seen``: matches of the query alone, however the list is narrowed. ``is_partial``: so much was found that only a
    part was looked at; all numbers are lower bounds then.
    """

    total: int = 0
    seen: int = 0
    is_partial: bool = False
    categories: tuple[tuple[UUID, int], ...] = ()
    brands: tuple[tuple[str, int], ...] = ()
    bands: tuple[PriceBand, ...] = ()


class Phrase(msgspec.Struct, frozen=True):
    """Something to suggest beside products; ``target`` is a category's id."""

    kind: Literal["brand", "category", "query"]
    phrase: str
    target: UUID | None
    weight: int
