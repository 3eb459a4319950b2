"""Prices as other modules see them: offers beside the list price, a price over time, and the reference of a reduction.

Amounts are minor units of the variant's currency, moments are UTC, windows are ``[valid_from, valid_to)``.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.promotion.types import Offer as EngineOffer

OfferKind = Literal["list", "sale", "clearance", "member", "tier", "local"]
# What stands behind a price: an announced reduction, or a price that simply differs for some.
REDUCTIONS: frozenset[str] = frozenset({"sale", "clearance"})


class Offer(EngineOffer, frozen=True):
    """A price that holds for the asked channel, store, level and moment, from ``min_quantity`` on.

    It is the promotion engine's own kind of offer (``source``, ``amount_minor``, ``min_quantity``, ``entry_id``) with what
    pages need beside it. ``is_public``: everybody gets it, whatever their level, channel or store.
    """

    kind: OfferKind = "sale"
    valid_to: datetime | None = None
    is_public: bool = True


class Buyer(msgspec.Struct, frozen=True):
    """For whom a price is asked: through which channel, at which store (None: none), of which member level."""

    channel: str = "web"
    place_id: UUID | None = None
    member_level: str | None = None


class SalePrice(msgspec.Struct, frozen=True):
    """What a variant costs a buyer: its list price, and the offers that may be below it (the lowest first)."""

    list_minor: int
    offers: tuple[Offer, ...] = ()


class PriceOffer(msgspec.Struct, frozen=True):
    """An offer as it was written. ``None`` in channel, place or level means all of them; ``ended_at`` cuts its window."""

    offer_id: UUID
    sku_id: UUID
    kind: OfferKind
    channel: str | None
    place_id: UUID | None
    member_level: str | None
    min_quantity: int
    currency: str
    amount_minor: int
    valid_from: datetime
    valid_to: datetime | None
    reason: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def until(self) -> datetime | None:
        """When it stops (or stopped) to hold: the planned end, or an earlier one that somebody set."""
        ends = [moment for moment in (self.valid_to, self.ended_at) if moment is not None]
        return min(ends) if ends else None

    @property
    def is_public(self) -> bool:
        """Whether everybody gets it for a single piece."""
        return (
            self.channel is None
            and self.place_id is None
            and self.member_level is None
            and self.min_quantity == 1
        )

    def state(self, now: datetime) -> Literal["planned", "live", "over"]:
        """Where it stands at a moment."""
        until = self.until
        if until is not None and until <= now:
            return "over"
        return "live" if self.valid_from <= now else "planned"


class NewOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer to be added. ``valid_from=None`` is now."""

    sku_id: UUID
    amount_minor: int
    kind: OfferKind = "sale"
    channel: str | None = None
    place_id: UUID | None = None
    member_level: str | None = None
    min_quantity: int = 1
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    reason: str = ""


class Span(msgspec.Struct, frozen=True):
    """A price that everybody paid in ``[start, end)``. ``is_reduced``: it was announced as a reduction."""

    start: datetime
    end: datetime
    amount_minor: int
    is_reduced: bool


class Reduction(msgspec.Struct, frozen=True):
    """A reduction as it may be shown: since when, to what, and against which earlier price.

    ``prior_minor`` is the lowest price of the 30 days before ``started_at``; ``percent`` is the cut against it, rounded
    down so that no more is claimed than is given.
    """

    started_at: datetime
    amount_minor: int
    prior_minor: int

    @property
    def percent(self) -> int:
        if self.prior_minor <= 0:
            return 0
        return (self.prior_minor - self.amount_minor) * 100 // self.prior_minor


class QuantityPrice(msgspec.Struct, frozen=True):
    """A price per unit from so many units on."""

    min_quantity: int
    amount_minor: int


class Deal(msgspec.Struct, frozen=True):
    """What everybody in a channel pays for a variant where offers hold: one unit, and more of them.

    ``price_minor`` is below ``list_minor`` or equal to it when only quantities make a difference. ``reduction`` is there
    when it may be announced; without it no earlier price may be shown. ``valid_to`` is the end of the price that holds.
    ``is_for_members``: that price is one of the asked member level.
    """

    sku_id: UUID
    list_minor: int
    price_minor: int
    unit_price_minor: int | None
    unit_price_per: str | None
    reduction: Reduction | None
    valid_to: datetime | None
    quantity_prices: tuple[QuantityPrice, ...] = ()
    is_for_members: bool = False


class PriceHistory(msgspec.Struct, frozen=True):
    """What everybody paid over time, oldest first, and the reduction that runs now if it may be shown."""

    currency: str
    spans: tuple[Span, ...]
    reduction: Reduction | None
