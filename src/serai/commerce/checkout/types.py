"""What checkout gives and takes: quotes, delivery options, and placed orders."""

from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.cart.types import CartChange, CartLine
from serai.commerce.promotion.types import Reason, Result
from serai.commerce.tax.types import OrderTax, TaxSum, added_minor, sum_taxes
from serai.foundation.i18n import pick_translation

Delivery = Literal["ship", "pickup"]


class DeliveryOption(msgspec.Struct, frozen=True):
    """A way to get the goods: its price, and for pick-up the store."""

    code: Delivery
    price_minor: int
    place_id: UUID
    place_name: str


class QuoteShortage(msgspec.Struct, frozen=True):
    """A line of which the place that would serve it has too few."""

    sku_id: UUID
    title: str
    wanted: int
    available: int


class QuoteExtra(msgspec.Struct, frozen=True):
    """Something that a promotion adds to the order: a gift, or an add-on that was chosen."""

    kind: Literal["gift", "add_on"]
    promotion_id: UUID
    sku_id: UUID
    product_id: UUID
    title: str
    translations: dict[str, str]
    quantity: int
    price_minor: int
    net_minor: int

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.title)


class QuoteCoupon(msgspec.Struct, frozen=True):
    """A coupon that was entered, and what it does: ``code`` as of :class:`Reason`, or ``stopped``."""

    coupon_id: UUID
    code_end: str
    name: str
    amount_minor: int
    code: str
    reason: Reason | None = None


class Quote(msgspec.Struct, frozen=True):
    """What an order of this cart would come to, now. ``digest`` stands for all of it: any change changes it.

    items - discount + shipping + added taxes = total. ``items_minor`` and ``discount_minor`` count ``extras`` too.
    ``pricing`` holds every line's shares and why each promotion applied or not; None when none is live.
    """

    cart_id: UUID
    lines: tuple[CartLine, ...]
    changes: tuple[CartChange, ...]
    shortages: tuple[QuoteShortage, ...]
    delivery: DeliveryOption
    currency: str
    items_minor: int
    shipping_minor: int
    total_minor: int
    quantity: int
    digest: str
    discount_minor: int = 0
    extras: tuple[QuoteExtra, ...] = ()
    coupons: tuple[QuoteCoupon, ...] = ()
    pricing: Result | None = None
    taxes: tuple[OrderTax, ...] = ()

    @property
    def tax_minor(self) -> int:
        """What taxes add to the prices; those that are in the prices are told by ``tax_sums``."""
        return added_minor(self.taxes)

    @property
    def tax_sums(self) -> tuple[TaxSum, ...]:
        """The taxes, one row per name and rate."""
        return sum_taxes(self.taxes)

    def line_discount_minor(self, line_id: UUID) -> int:
        """What promotions take off a line."""
        if self.pricing is None:
            return 0
        key = str(line_id)
        return next((line.discount_minor for line in self.pricing.lines if line.line_key == key), 0)


class PlacedOrder(msgspec.Struct, frozen=True):
    """An order that stands. ``replayed``: it had been placed by an earlier call."""

    order_id: UUID
    number: str
    access_token: str
    total_minor: int
    currency: str
    replayed: bool
