"""An order as other modules see it. Its state follows from what happened to it; nobody sets it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import show_amount
from serai.commerce.delivery.types import OrderDelivery
from serai.commerce.parcel.types import Cut, Parcel, Substitute
from serai.commerce.payment.types import Payment, Refund
from serai.commerce.presale.types import OrderPresale
from serai.commerce.promotion.types import Claim, GroupBuy
from serai.commerce.tax.types import OrderTax, TaxSum, sum_taxes
from serai.commerce.tender.types import OrderTender, TenderRefund
from serai.foundation.i18n import pick_translation

State = Literal[
    "awaiting_payment",
    "awaiting_deposit",
    "awaiting_balance",
    "paid",
    "fulfilled",
    "cancelled",
    "expired",
    "lapsed",
]
STATES: tuple[State, ...] = (
    "awaiting_payment",
    "awaiting_deposit",
    "awaiting_balance",
    "paid",
    "fulfilled",
    "cancelled",
    "expired",
    "lapsed",
)
# An order in one of these states waits for money, or holds goods that were paid for.
LIVE: frozenset[State] = frozenset({"awaiting_payment", "awaiting_deposit", "awaiting_balance", "paid"})


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to reach about an order."""

    email: str
    name: str
    phone: str = ""


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to deliver. ``country`` is ISO 3166 alpha-2; ``district`` and ``region`` as the country uses them."""

    country: str
    region: str = ""
    city: str = ""
    district: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""


class OrderPart(msgspec.Struct, frozen=True):
    """A part of a bundle as it was sold: its steps in one bundle, and its share of what the line cost."""

    sku_id: UUID
    quantity: int
    share_minor: int


class OrderLine(msgspec.Struct, frozen=True):
    """A line as it was sold: title and price are those of the moment.

    ``total_minor`` is price times quantity, ``discount_minor`` what promotions took off it; ``extra`` marks a gift or an
    add-on.
    """

    line_no: int
    sku_id: UUID
    product_id: UUID
    title: str
    quantity: int
    price_minor: int
    total_minor: int
    discount_minor: int = 0
    extra: str = ""
    scale: int = 0
    unit: str = "pc"
    parts: tuple[OrderPart, ...] = ()

    @property
    def amount_text(self) -> str:
        """The quantity with its unit: ``2``, ``0.25 kg``."""
        return show_amount(self.quantity, self.scale, self.unit)

    def show(self, steps: int) -> str:
        """Some steps of it with their unit."""
        return show_amount(steps, self.scale, self.unit)

    @property
    def net_minor(self) -> int:
        """What the line costs after all promotions."""
        return self.total_minor - self.discount_minor


class OrderAdjustment(msgspec.Struct, frozen=True):
    """What a promotion (or a price list entry) took off an order. ``shares`` are (line_no, minor), line 0 the delivery;
    they sum to the amount exactly. ``claims`` is what it took from counters in the ledger."""

    adjustment_no: int
    kind: str
    layer: int
    promotion_id: UUID | None
    version: int
    source_id: UUID | None
    coupon_id: UUID | None
    name: str
    translations: dict[str, str]
    funded_by: str
    returns: str
    amount_minor: int
    claims: tuple[Claim, ...] = ()
    shares: tuple[tuple[int, int], ...] = ()

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.name)


class OrderNote(msgspec.Struct, frozen=True):
    """Something that happened to an order, for its timeline."""

    at: datetime
    what: str
    data: dict[str, Any]


class Order(msgspec.Struct, frozen=True):
    """An order with its lines, payments, refunds and history.

    items - discount + shipping + tax = total. ``tax_minor`` came on top of the prices, ``tax_included_minor`` is in them.
    ``group`` is the buying group in which it has a seat, ``presale`` what it agreed to when it was placed in one:
    ``total_minor`` is then the most it comes to, until the balance is fixed.
    ``shipping`` is the delivery option that it chose and what was promised.
    ``tenders`` (points, gift cards, red packets) pay ``tender_minor`` of the total; ``award_points`` is what it earns.
    """

    order_id: UUID
    number: str
    cart_id: UUID | None
    channel: str
    member_id: UUID | None
    placed_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    expired_at: datetime | None
    state: State
    currency: str
    items_minor: int
    shipping_minor: int
    total_minor: int
    quantity: int
    email: str
    name: str
    phone: str
    address: Address | None
    delivery: Literal["ship", "pickup"]
    place_id: UUID
    locale: str
    note: str
    tracking: str
    discount_minor: int = 0
    adjustment_count: int = 0
    tax_minor: int = 0
    tax_included_minor: int = 0
    tax_count: int = 0
    place_name: str = ""
    lines: tuple[OrderLine, ...] = ()
    adjustments: tuple[OrderAdjustment, ...] = ()
    taxes: tuple[OrderTax, ...] = ()
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    timeline: tuple[OrderNote, ...] = ()
    group: GroupBuy | None = None
    presale_id: UUID | None = None
    deposit_minor: int = 0
    deposit_paid_at: datetime | None = None
    lapsed_at: datetime | None = None
    presale: OrderPresale | None = None
    tender_minor: int = 0
    tender_count: int = 0
    award_points: int = 0
    tenders: tuple[OrderTender, ...] = ()
    tender_refunds: tuple[TenderRefund, ...] = ()
    shipping: OrderDelivery | None = None
    part_shipped_at: datetime | None = None
    parcels: tuple[Parcel, ...] = ()
    cuts: tuple[Cut, ...] = ()
    substitutes: tuple[Substitute, ...] = ()

    def find_substitute(self, line_no: int, sku_id: UUID) -> Substitute | None:
        """What came instead on a line, by its SKU; None for goods that were ordered themselves."""
        return next((e for e in self.substitutes if (e.line_no, e.new_sku_id) == (line_no, sku_id)), None)

    @property
    def is_part_shipped(self) -> bool:
        """Whether some of its goods have left and others are still to leave."""
        return self.state == "paid" and self.part_shipped_at is not None

    @property
    def kept_minor(self) -> int:
        """What of the deposit stays with the merchant: its balance was not paid, or the buyer stepped back."""
        return self.deposit_minor if self.presale is not None and self.presale.kept_at is not None else 0

    @property
    def awaits_group(self) -> bool:
        """Whether it is paid but its group is not complete: it may yet be called off and must not leave."""
        return self.state == "paid" and self.group is not None and self.group.outcome != "grouped"

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All that the order took from counters of promotions."""
        return tuple(claim for adjustment in self.adjustments for claim in adjustment.claims)

    @property
    def tax_sums(self) -> tuple[TaxSum, ...]:
        """Its taxes, one row per name and rate."""
        return sum_taxes(self.taxes)

    @property
    def paid_minor(self) -> int:
        """What providers have captured."""
        return sum(p.captured_minor for p in self.payments)

    @property
    def pledged_minor(self) -> int:
        """What is pledged (held by a provider, to be paid on delivery, invoiced) and has not come."""
        return sum(p.open_minor for p in self.payments)

    @property
    def secured(self) -> str:
        """How what has not come is pledged: ``authorised``, ``cash_on_delivery`` or ``invoice``; empty when all has come."""
        return next((p.pledge.kind for p in self.payments if p.pledge and p.open_minor), "")

    @property
    def released_minor(self) -> int:
        """What was pledged and let go, so that nobody pays it any more."""
        return sum(p.pledge.released_minor + p.pledge.lost_minor for p in self.payments if p.pledge)

    @property
    def refunded_minor(self) -> int:
        """What went back, or is on its way back, to the buyer, tenders included, and what need not be paid any more."""
        sent = sum(r.amount_minor for r in self.refunds if r.state != "failed")
        return sent + sum(r.amount_minor for r in self.tender_refunds) + self.released_minor

    @property
    def settled_minor(self) -> int:
        """What came, was pledged, or was paid by tenders."""
        return self.paid_minor + self.pledged_minor + self.released_minor + self.tender_paid_minor

    @property
    def sale_refunded_minor(self) -> int:
        """What of the total went back: money that had come twice or too late is not of it."""
        overpaid = max(0, self.settled_minor - self.total_minor)
        return max(0, self.refunded_minor - overpaid)

    @property
    def tender_paid_minor(self) -> int:
        """What tenders have paid: nothing before the order was paid."""
        return self.tender_minor if self.paid_at is not None else 0

    @property
    def refundable_minor(self) -> int:
        """What may still go back, to tenders and over providers, or need not be paid at all."""
        return max(0, self.settled_minor - self.refunded_minor - self.kept_minor)

    @property
    def due_minor(self) -> int:
        """What the buyer is to pay now, see :func:`amount_due`."""
        return amount_due(self)


def amount_due(order: Order) -> int:
    """What a payment of the order asks for now, in minor units; nothing once it is paid, cancelled or expired.

    The one answer for pages, payments and settlement: whatever is not paid with a provider's money is taken off here.
    """
    match order.state:
        case "awaiting_payment":
            return max(0, order.total_minor - order.tender_minor - order.paid_minor)
        case "awaiting_deposit":
            return order.deposit_minor
        case "awaiting_balance" if order.presale is not None and order.presale.fixed_at is not None:
            return max(0, order.total_minor - order.deposit_minor)
        case _:
            return 0


def expects_payment(order: Order) -> bool:
    """Whether a reservation in the ledger stands for a payment that the order waits for."""
    match order.state:
        case "awaiting_payment":
            return order.total_minor > order.tender_minor
        case "awaiting_deposit":
            return True
        case "awaiting_balance":
            return order.presale is not None and order.presale.fixed_at is not None
        case _:
            return False


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list. ``awaits_group``: paid, but its buying group is not complete."""

    order_id: UUID
    number: str
    state: State
    placed_at: datetime
    name: str
    email: str
    total_minor: int
    currency: str
    quantity: int
    delivery: str
    awaits_group: bool = False


class NewOrder(msgspec.Struct, frozen=True):
    """An order's document as it is written beside its group in the lane."""

    order_id: UUID
    number: str
    cart_id: UUID | None
    channel: str
    member_id: UUID | None
    placed_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    currency: str
    items_minor: int
    shipping_minor: int
    total_minor: int
    quantity: int
    contact: Contact
    address: Address | None
    delivery: str
    place_id: UUID
    locale: str
    note: str
    access_digest: bytes
    lines: tuple[OrderLine, ...]
    discount_minor: int = 0
    adjustments: tuple[OrderAdjustment, ...] = ()
    taxes: tuple[OrderTax, ...] = ()
    presale: OrderPresale | None = None
    tenders: tuple[OrderTender, ...] = ()
    award_points: int = 0
    shipping: OrderDelivery | None = None

    @property
    def tender_minor(self) -> int:
        """What points, gift cards and red packets pay of the total."""
        return sum(tender.amount_minor for tender in self.tenders)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All that the order takes from counters of promotions."""
        return tuple(claim for adjustment in self.adjustments for claim in adjustment.claims)


class HourBar(msgspec.Struct, frozen=True):
    """One hour of the board's chart."""

    hour: datetime
    orders: int
    revenue_minor: int


class TopProduct(msgspec.Struct, frozen=True):
    product_id: UUID
    title: str
    quantity: int
    revenue_minor: int


class Board(msgspec.Struct, frozen=True):
    """Today in figures (paid or waiting orders placed since midnight UTC), and what waits for somebody."""

    orders: int
    revenue_minor: int
    units: int
    average_minor: int
    awaiting_payment: int
    to_fulfil: int
    fulfilled: int
    hourly: tuple[HourBar, ...]
    top_products: tuple[TopProduct, ...]
    latest: tuple[OrderRow, ...]
