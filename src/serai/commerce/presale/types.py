"""Presales as other modules see them: the terms, a campaign, and what one order agreed to.

Amounts are integers in minor units per piece unless said otherwise, percentages in basis points of the price (8,000: 80 %).
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from serai.commerce.presale.logic import balance_of, part_of
from serai.foundation.i18n import pick_translation

Minor = Annotated[int, Meta(ge=1, le=10**12)]
Missed = Literal["keep", "refund"]
State = Literal["draft", "live", "closed"]
Stand = Literal["draft", "planned", "deposit", "closing", "waiting", "balance", "over"]
MAX_TIERS = 10
MAX_SKUS = 50


class PresaleTier(msgspec.Struct, frozen=True, array_like=True):
    """From ``least`` pieces with a paid deposit on, a piece costs ``percent`` (basis points) of the price."""

    least: Annotated[int, Meta(ge=1, le=10**7)]
    percent: Annotated[int, Meta(ge=0, le=1_000_000)]


class PresaleTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A presale as it is written; once published it never changes.

    Attributes:
        price_minor: P, what a piece costs before tiers. deposit_minor: D, what is paid first. credit_minor: X, what the
            deposit counts for, at least D. The balance of a piece is P x tier(n) - X.
        quota: how many pieces there are; per_member: how many of them one member may take (None: as many as there are).
        missed: what happens to the deposit when the balance is not paid in its window, or the buyer steps back.
    """

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    translations: dict[str, Annotated[str, Meta(max_length=120)]] = {}
    sku_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MAX_SKUS)]
    price_minor: Minor
    deposit_minor: Minor
    credit_minor: Minor
    tiers: Annotated[tuple[PresaleTier, ...], Meta(max_length=MAX_TIERS)] = ()
    deposit_from: datetime
    deposit_until: datetime
    balance_from: datetime
    balance_until: datetime
    quota: Annotated[int, Meta(ge=1, le=10**7)]
    per_member: Annotated[int, Meta(ge=1, le=10**6)] | None = None
    missed: Missed = "keep"

    def label(self, locale: str) -> str:
        """The name in a language, else the merchant's own."""
        return pick_translation(self.translations, locale, self.name)

    def balance_at(self, percent: int) -> int:
        """What is left to pay for a piece at a part of the price."""
        return balance_of(self.price_minor, self.credit_minor, percent)

    def percent_at(self, pieces: int) -> int:
        """The part of the price that holds for so many pieces."""
        return part_of([(tier.least, tier.percent) for tier in self.tiers], pieces)

    @property
    def steps(self) -> tuple["PriceStep", ...]:
        """The ladder as shoppers see it, the first step without tiers."""
        return tuple(
            PriceStep(least, percent, self.balance_at(percent), self.deposit_minor + self.balance_at(percent))
            for least, percent in ((0, 10_000), *((tier.least, tier.percent) for tier in self.tiers))
        )


class PriceStep(msgspec.Struct, frozen=True):
    """From so many pieces on: the part of the price, the balance of a piece, and what a piece costs in all."""

    least: int
    percent: int
    balance_minor: int
    total_minor: int


class Presale(msgspec.Struct, frozen=True):
    """A campaign. ``pieces`` and ``percent`` are frozen when its deposit window closes."""

    presale_id: UUID
    version: int
    state: State
    terms: PresaleTerms
    stopped_at: datetime | None
    closed_at: datetime | None
    pieces: int | None
    percent: int | None
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime

    def stand(self, now: datetime) -> Stand:
        """Where it stands at a moment."""
        if self.state == "draft":
            return "draft"
        if now >= self.terms.balance_until:
            return "over"
        if self.state == "closed":
            return "balance" if now >= self.terms.balance_from else "waiting"
        if self.stopped_at or now >= self.terms.deposit_until:
            return "closing"
        return "deposit" if now >= self.terms.deposit_from else "planned"


class PresaleCount(msgspec.Struct, frozen=True):
    """Pieces of a presale: ``sold`` (deposit paid), ``held`` by orders that wait for their deposit, ``left``."""

    sold: int
    held: int
    left: int


class OpenPresale(msgspec.Struct, frozen=True):
    """A presale as its shoppers see it now."""

    presale: Presale
    count: PresaleCount

    @property
    def percent(self) -> int:
        """The part of the price by the count so far."""
        return self.presale.terms.percent_at(self.count.sold)

    @property
    def next_step(self) -> PriceStep | None:
        """The step that is not reached yet, None on the last."""
        return next((step for step in self.presale.terms.steps if step.least > self.count.sold), None)


class PresaleReport(msgspec.Struct, frozen=True):
    """What a presale has come to. Counts are orders, amounts minor units over all of them.

    ``due`` are those whose balance is still to be paid; ``kept_minor`` is what stayed of deposits after all.
    """

    count: PresaleCount
    waiting: int
    deposits: int
    deposits_minor: int
    due: int
    due_minor: int
    paid: int
    paid_minor: int
    lapsed: int
    cancelled: int
    kept_minor: int


class OrderPresale(msgspec.Struct, frozen=True):
    """What an order of a presale agreed to, per piece, and how far it has come.

    ``percent`` and ``pieces`` are None until the window has closed and the balance is fixed (``fixed_at``). ``turn`` tells
    one setting of the balance from the next. ``kept_at``: the deposit stayed with the merchant.
    """

    order_id: UUID
    presale_id: UUID
    quantity: int
    price_minor: int
    deposit_minor: int
    credit_minor: int
    tiers: tuple[PresaleTier, ...]
    missed: Missed
    deposit_until: datetime
    balance_from: datetime
    balance_until: datetime
    pieces: int | None = None
    percent: int | None = None
    turn: int = 0
    fixed_at: datetime | None = None
    opened_at: datetime | None = None
    reminded_at: datetime | None = None
    kept_at: datetime | None = None

    @property
    def deposit_total_minor(self) -> int:
        """The deposit for all pieces."""
        return self.deposit_minor * self.quantity

    @property
    def saving_minor(self) -> int:
        """What the deposit counts for beyond itself, for all pieces."""
        return (self.credit_minor - self.deposit_minor) * self.quantity

    def is_open(self, now: datetime) -> bool:
        """Whether the balance can be paid at a moment."""
        return self.fixed_at is not None and self.balance_from <= now < self.balance_until


class PresaleFault(msgspec.Struct, frozen=True):
    """Why a presale cannot be saved or published: a code, the field, and a gettext message with its data."""

    code: str
    field: str
    message: str
    data: dict[str, Any] = {}
