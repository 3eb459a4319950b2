"""Markets as other modules see them, and the accounts between a market and its members.

The market takes the buyer's money for all. In its books ``settlement_due`` of a member is what it owes that member; in the
member's books the same money stands as ``psp_clearing:market``. Nothing else ties the two sets of books together, and an
invariant compares them.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.tax.types import show_percent
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


class MarketOrder(msgspec.Struct, frozen=True):
    """A member's part of a checkout: an order in that member's own books."""

    member_id: UUID
    order_id: UUID
    total_minor: int
    commission_minor: int


class MarketCheckout(msgspec.Struct, frozen=True):
    """A checkout over several merchants: all of its orders stand, or none does."""

    checkout_id: UUID
    currency: str
    total_minor: int
    email: str
    locale: str
    begun_at: datetime
    placed_at: datetime | None
    ended_at: datetime | None
    paid_at: datetime | None
    orders: tuple[MarketOrder, ...] = ()


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
