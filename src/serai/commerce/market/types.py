"""Markets as other modules see them, and the accounts between a market and its members.

The market takes the buyer's money for all. In its books ``settlement_due`` of a member is what it owes that member; in the
member's books the same money stands as ``psp_clearing:market``. Nothing else ties the two sets of books together, and an
invariant compares them.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.promotion.types import Claim
from serai.commerce.tax.types import show_percent
from serai.foundation.i18n import pick_translation
from serai.ledger.types import Account, account, currency_unit

# The provider's name under which members see payments that the market took for them.
MARKET = "market"
PPM = 1_000_000


def settlement_due(member_id: UUID, currency: str) -> Account:
    """What the market owes a member (the market's books)."""
    return account("settlement_due", currency_unit(currency), normal="C", subject_id=member_id)


def commission_income(currency: str) -> Account:
    """What members pay for selling here (the market's books)."""
    return account("commission_income", currency_unit(currency), normal="C")


def commission_cost(currency: str) -> Account:
    """What selling in a market costs (a member's books)."""
    return account("commission_cost", currency_unit(currency))


def promotion_expense(currency: str) -> Account:
    """What the market's own promotions cost it (the market's books)."""
    return account("promotion_expense", currency_unit(currency))


def discount_recovered(currency: str) -> Account:
    """What buyers gave up of discounts that the rest of their checkout no longer earned (the market's books)."""
    return account("discount_recovered", currency_unit(currency), normal="C")


def bank(currency: str) -> Account:
    """What was paid out to us by a market (a member's books)."""
    return account("bank", currency_unit(currency))


class PayoutLine(msgspec.Struct, frozen=True):
    """What a member gets in a payout, and what that is made of, in minor units:
    sales + discounts (those the market bears) - commission - refunds = net."""

    member_id: UUID
    sales_minor: int
    discounts_minor: int
    commission_minor: int
    refunds_minor: int
    net_minor: int
    booked_at: datetime | None = None
    returned_at: datetime | None = None


class Payout(msgspec.Struct, frozen=True):
    """A payout to the members that were owed something. ``reversed_at``: it was called back."""

    payout_id: UUID
    payout_no: int
    currency: str
    provider: str
    paid_at: datetime
    paid_by: str
    reversed_at: datetime | None
    reversed_by: str | None
    lines: tuple[PayoutLine, ...] = ()

    @property
    def net_minor(self) -> int:
        """What was paid in all."""
        return sum(line.net_minor for line in self.lines)


class MarketMember(msgspec.Struct, frozen=True):
    """A merchant that sells in the market. ``commission_ppm`` is the market's share of goods, in parts per million."""

    member_id: UUID
    commission_ppm: int
    joined_at: datetime
    joined_by: str
    left_at: datetime | None


class MarketLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to buy of one of the members; quantity in steps of the SKU."""

    member_id: UUID
    sku_id: UUID
    quantity: int


class Basket(msgspec.Struct, frozen=True):
    """A shopper's basket at a market: coupons of the market that were entered, the checkout it has become, and of every
    member whose goods are in it the pieces, as they were counted last."""

    basket_id: UUID
    coupon_ids: tuple[UUID, ...]
    checkout_id: UUID | None
    parts: dict[UUID, int]

    @property
    def quantity(self) -> int:
        """How many pieces there are."""
        return sum(self.parts.values())


class MarketOrder(msgspec.Struct, frozen=True):
    """A member's part of a checkout: an order in that member's own books.

    ``discount_minor`` is what the market's promotions took off it, ``platform_minor`` the part of that which the market
    bears and owes the member.
    """

    member_id: UUID
    order_id: UUID
    total_minor: int
    commission_minor: int
    discount_minor: int = 0
    platform_minor: int = 0


class DiscountShare(msgspec.Struct, frozen=True):
    """What of a market's promotion falls on one member: of goods worth ``basis_minor`` so much, of which the market bears
    ``platform_minor`` and the member the rest."""

    member_id: UUID
    basis_minor: int
    amount_minor: int
    platform_minor: int


class MarketDiscount(msgspec.Struct, frozen=True):
    """What a promotion of the market took off a checkout; its shares sum to the amount."""

    discount_no: int
    kind: str
    promotion_id: UUID
    version: int
    coupon_id: UUID | None
    name: str
    translations: dict[str, str]
    returns: str
    amount_minor: int
    claims: tuple[Claim, ...] = ()
    shares: tuple[DiscountShare, ...] = ()

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.name)


class MarketCheckout(msgspec.Struct, frozen=True):
    """A checkout over several merchants: all of its orders stand, or none does.

    ``total_minor`` is after ``discount_minor``, which the market's promotions took off. ``member_id`` is a member of the
    market. ``lapsed_at``: it was not paid in time, and what it held of promotions is free again.
    """

    checkout_id: UUID
    currency: str
    total_minor: int
    email: str
    locale: str
    begun_at: datetime
    placed_at: datetime | None
    ended_at: datetime | None
    paid_at: datetime | None
    member_id: UUID | None = None
    name: str = ""
    quantity: int = 0
    discount_minor: int = 0
    expires_at: datetime | None = None
    lapsed_at: datetime | None = None
    basket_id: UUID | None = None
    orders: tuple[MarketOrder, ...] = ()
    discounts: tuple[MarketDiscount, ...] = ()


class MarketPayment(msgspec.Struct, frozen=True):
    """An attempt to pay a whole checkout."""

    payment_id: UUID
    checkout_id: UUID
    attempt: int
    provider: str
    amount_minor: int
    currency: str
    provider_payment_id: str | None
    pay_url: str | None
    created_at: datetime
    captured_at: datetime | None
    failed_at: datetime | None


class MarketRefund(msgspec.Struct, frozen=True):
    """A member's refund of ``asked_minor``, of which the buyer gets ``paid_minor`` (see :mod:`plan_refund`)."""

    refund_id: UUID
    checkout_id: UUID
    member_id: UUID
    order_id: UUID
    asked_minor: int
    paid_minor: int
    planned_at: datetime
    done_at: datetime | None
    failed_at: datetime | None

    @property
    def kept_minor(self) -> int:
        """What was held back of it; below zero when what had been held back before was let go with it."""
        return self.asked_minor - self.paid_minor


class Settlement(msgspec.Struct, frozen=True):
    """Where a member stands with the market: taken for it, kept as commission, owed to it; in minor units."""

    member_id: UUID
    commission_ppm: int
    orders: int
    sold_minor: int
    due_minor: int

    @property
    def commission_percent(self) -> str:
        """The commission as people write it, without its sign."""
        return show_percent(self.commission_ppm)
