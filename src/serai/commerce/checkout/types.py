"""What checkout gives and takes: quotes, delivery options, and placed orders."""

from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.cart.types import CartChange, CartLine
from serai.commerce.catalogue.types import BundlePart
from serai.commerce.delivery.types import Option, Problem
from serai.commerce.presale.types import Presale, PresaleCount
from serai.commerce.promotion.types import Reason, Result
from serai.commerce.tax.types import OrderTax, TaxSum, added_minor, sum_taxes
from serai.commerce.tender.types import QuoteTenders
from serai.foundation.i18n import pick_translation

Delivery = Literal["ship", "pickup"]


class DeliveryOption(msgspec.Struct, frozen=True):
    """A way to get the goods: its price after promotions, and for pick-up the store. ``option`` is the merchant's option
    that was chosen for a parcel; without one ``problem`` says why nothing can be sent there."""

    code: Delivery
    price_minor: int
    place_id: UUID
    place_name: str
    option: Option | None = None
    problem: Problem = ""


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
    parts: tuple[BundlePart, ...] = ()

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


PresaleProblem = Literal["alone", "sign_in", "per_member", "sold_out", "few"]


class QuotePresale(msgspec.Struct, frozen=True):
    """A cart that holds something on presale: ``deposit_minor`` is paid at once, the rest as the balance.

    ``problem`` keeps it from being ordered: ``alone`` (there are other goods in the cart), ``sign_in`` (members have a
    limit), ``per_member``, ``sold_out``, ``few`` (fewer are left). ``title`` is that of the goods on presale.
    """

    presale: Presale
    count: PresaleCount
    deposit_minor: int
    problem: PresaleProblem | None
    title: str


class Quote(msgspec.Struct, frozen=True):
    """What an order of this cart would come to, now. ``digest`` stands for all of it: any change changes it.

    items - discount + shipping + added taxes = total; total - tenders = due. ``items_minor`` and ``discount_minor`` count
    ``extras`` too.
    ``options`` are the merchant's ways to send it, before promotions; ``delivery`` holds the one that is chosen.
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
    presale: QuotePresale | None = None
    tendered: QuoteTenders = QuoteTenders()
    options: tuple[Option, ...] = ()

    @property
    def due_minor(self) -> int:
        """What is left to pay after tenders."""
        return self.total_minor - sum(each.amount_minor for each in self.tendered.tenders)

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
    """An order that stands. ``replayed``: it had been placed by an earlier call. ``due_minor`` is to be paid now: what is
    left of the total after tenders, or the deposit of a presale."""

    order_id: UUID
    number: str
    access_token: str
    total_minor: int
    currency: str
    replayed: bool
    due_minor: int = 0
