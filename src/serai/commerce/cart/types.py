"""A cart as other modules see it: what is in it, at what price now, and what has changed since it was put in."""

from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import BundlePart, count_pieces, show_amount, show_steps
from serai.commerce.price.types import Offer
from serai.foundation.i18n import pick_translation


class CartLine(msgspec.Struct, frozen=True):
    """One line. ``seen_price_minor`` is the price the shopper saw; ``problem`` tells what stands in the way.

    ``price_minor`` is the price that holds for this quantity: the list price, or that of ``offer`` below it. Quantities
    are whole steps of 10^-scale of ``unit``, in multiples of ``increment``. ``available`` is what this line can have
    after the lines before it; ``parts`` is what a bundle consists of.
    """

    line_id: UUID
    sku_id: UUID
    product_id: UUID
    slug: str
    title: str
    translations: dict[str, str]
    brand: str
    motif: str | None
    quantity: int
    price_minor: int
    seen_price_minor: int
    total_minor: int
    available: int
    problem: Literal["gone", "short", "price_changed"] | None
    photo: str | None = None
    scale: int = 0
    list_price_minor: int | None = None
    offer: Offer | None = None
    unit: str = "pc"
    increment: int = 1
    parts: tuple[BundlePart, ...] = ()

    @property
    def pieces(self) -> int:
        """How many pieces the line counts as: what is weighed is one."""
        return count_pieces(self.quantity, self.scale)

    @property
    def amount_text(self) -> str:
        """The quantity with its unit: ``2``, ``0.25 kg``."""
        return show_amount(self.quantity, self.scale, self.unit)

    def show(self, quantity: int) -> str:
        """Another quantity of the same thing, without its unit."""
        return show_steps(quantity, self.scale)

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.title)


class CartChange(msgspec.Struct, frozen=True):
    """What changed since a line was put in: its price (old, new) or what is available (wanted, available)."""

    kind: Literal["price_changed", "short", "gone"]
    line_id: UUID
    title: str
    before: int
    now: int


class Cart(msgspec.Struct, frozen=True):
    """A cart at a place. Totals count only lines that can be sold at all."""

    cart_id: UUID
    version: int
    place_id: UUID
    currency: str
    lines: tuple[CartLine, ...]
    items_minor: int
    quantity: int
    changes: tuple[CartChange, ...]
    details: dict[str, object]
