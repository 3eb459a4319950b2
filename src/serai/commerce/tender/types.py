"""Tenders as other modules see them, and their accounts in the ledger: all grow on the credit side and never fall below 0.

Points count in a unit of their own. Where they pay, they leave the member in points and reach the order in money: what
they are worth is an expense of the merchant.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.foundation.ids import derive_id
from serai.foundation.money import minor_digits
from serai.ledger.types import Account, account, currency_unit

Kind = Literal["points", "gift_card", "wallet"]
# Layer 7 of the promotion engine: the order in which tenders pay, and in which refunds go back to them.
KINDS: tuple[Kind, ...] = ("points", "gift_card", "wallet")
TENDER_ACCOUNTS = frozenset(KINDS)
POINTS_UNIT = derive_id("points")
CardState = Literal["live", "blocked", "expired", "used"]


def gift_card(card_id: UUID, currency: str) -> Account:
    """What a gift card still holds."""
    return account("gift_card", currency_unit(currency), normal="C", no_negative=True, subject_id=card_id)


def wallet(member_id: UUID, currency: str) -> Account:
    """A member's red packet money."""
    return account("wallet", currency_unit(currency), normal="C", no_negative=True, subject_id=member_id)


def points(member_id: UUID) -> Account:
    """A member's points."""
    return account("points", POINTS_UNIT, normal="C", no_negative=True, subject_id=member_id)


def points_debt(member_id: UUID) -> Account:
    """Points that a refund should have taken back, had the member not spent them already."""
    return account("points_debt", POINTS_UNIT, no_negative=True, subject_id=member_id)


def points_earned() -> Account:
    """Where earned and granted points come from."""
    return account("points_earned", POINTS_UNIT)


def points_spent() -> Account:
    return account("points_spent", POINTS_UNIT, normal="C")


def points_expired() -> Account:
    return account("points_expired", POINTS_UNIT, normal="C")


def points_expense(currency: str) -> Account:
    """What points were worth where they paid."""
    return account("points_expense", currency_unit(currency))


def card_expense(currency: str) -> Account:
    """Where the money on gift cards comes from; what expires on them goes back there."""
    return account("gift_card_expense", currency_unit(currency))


def wallet_expense(currency: str) -> Account:
    """Where red packets come from."""
    return account("wallet_expense", currency_unit(currency))


def balance_account(kind: str, subject_id: UUID, currency: str) -> Account:
    """The account that a tender of a kind takes from."""
    match kind:
        case "points":
            return points(subject_id)
        case "gift_card":
            return gift_card(subject_id, currency)
        case "wallet":
            return wallet(subject_id, currency)
    raise ValueError(f"unknown kind of tender {kind!r}")


class TenderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How points work at a merchant.

    Attributes:
        points_block: so many points are worth ``block_minor`` minor units; fewer than a block pay nothing.
        cap_percent: the most of an order's total that points may pay; 0 takes no points.
        earn_points: points for each whole unit of the currency that was paid in money or with a gift card.
        points_days: days after which points expire; 0 never.
        card_days: days that a gift card lasts unless its issue says otherwise; 0 without end.
    """

    points_block: int = 100
    block_minor: int = 100
    cap_percent: int = 0
    earn_points: int = 0
    points_days: int = 0
    card_days: int = 0

    def worth(self, count: int) -> int:
        """What so many points pay, in minor units."""
        return count // self.points_block * self.block_minor

    def earn(self, paid_minor: int, currency: str) -> int:
        """Points for an amount that was paid."""
        return max(0, paid_minor) * self.earn_points // 10 ** minor_digits(currency)


class OrderTender(msgspec.Struct, frozen=True):
    """What pays a part of an order: ``units`` are points, or minor units where the tender is money.

    ``label`` is the end of a gift card's code, empty for the others.
    """

    tender_no: int
    kind: Kind
    subject_id: UUID
    label: str
    units: int
    amount_minor: int


class TenderRefund(msgspec.Struct, frozen=True):
    """What went back to one of an order's tenders; those of one refund share ``refund_id``."""

    refund_id: UUID
    order_id: UUID
    tender_no: int
    amount_minor: int
    units: int
    reason: str
    requested_by: str
    refunded_at: datetime


class GiftCard(msgspec.Struct, frozen=True):
    """A gift card; its code is known by its end only.

    ``balance_minor`` is what it holds, of which ``held_minor`` waits for orders to be paid.
    """

    card_id: UUID
    code_end: str
    currency: str
    amount_minor: int
    balance_minor: int
    held_minor: int
    state: CardState
    note: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime | None
    blocked_at: datetime | None
    expired_minor: int = 0

    @property
    def available_minor(self) -> int:
        """What it can pay now, its state aside."""
        return self.balance_minor - self.held_minor


class IssuedCard(msgspec.Struct, frozen=True):
    """A new gift card with its code, which is shown once and not kept."""

    card_id: UUID
    code: str
    amount_minor: int
    currency: str
    expires_at: datetime | None


class Purse(msgspec.Struct, frozen=True):
    """What a member has: points and red packet money that are free to use, and what waits for orders to be paid.

    ``owed_points`` are missing from earlier refunds and are taken from what comes in next.
    """

    member_id: UUID
    currency: str
    points: int = 0
    points_held: int = 0
    owed_points: int = 0
    wallet_minor: int = 0
    wallet_held_minor: int = 0
    expiring_points: int = 0
    expiring_at: datetime | None = None


class PurseEntry(msgspec.Struct, frozen=True):
    """One movement of a balance, newest first in a list: ``units`` are signed, ``order_id`` is what they are about."""

    entry_id: UUID
    at: datetime
    kind: Kind
    reason: str
    units: int
    balance_units: int
    order_id: UUID | None
    order_number: str = ""


class Entered(msgspec.Struct, frozen=True):
    """A tender as it was entered at a cart: ``wanted`` units at most, None for as many as possible."""

    kind: Kind
    subject_id: UUID | None = None
    wanted: int | None = None

    @property
    def key(self) -> str:
        """What tells it from the cart's others."""
        return str(self.subject_id) if self.kind == "gift_card" else self.kind


class QuoteTender(msgspec.Struct, frozen=True):
    """A tender that was entered, and what it pays in a quote.

    Attributes:
        code: ``applied``; ``cap`` (the most that may be paid so is less); ``not_needed``; ``empty``; ``expired``;
            ``blocked``; ``currency``; ``sign_in``; ``off`` (points are not taken).
        balance_units: what it holds: points, or minor units.
        amount_minor: what ``units`` of it pay.
    """

    key: str
    kind: Kind
    subject_id: UUID | None
    label: str
    code: str
    balance_units: int = 0
    units: int = 0
    amount_minor: int = 0
    wanted: int | None = None


class QuoteTenders(msgspec.Struct, frozen=True):
    """What tenders do to an order: those entered, what is left to pay, the most points that may be used, and the award."""

    tenders: tuple[QuoteTender, ...] = ()
    due_minor: int = 0
    most_points: int = 0
    most_points_minor: int = 0
    award_points: int = 0
    purse: Purse | None = None

    @property
    def used(self) -> tuple[OrderTender, ...]:
        """Those that pay, as an order keeps them."""
        paying = [each for each in self.tenders if each.amount_minor and each.subject_id is not None]
        return tuple(
            OrderTender(number, each.kind, each.subject_id, each.label, each.units, each.amount_minor)
            for number, each in enumerate(paying, 1)
            if each.subject_id is not None
        )


class Part(msgspec.Struct, frozen=True):
    """What of a refund goes back to one tender."""

    tender: OrderTender
    amount_minor: int
    units: int
