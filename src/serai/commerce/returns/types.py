"""Returns as other modules see them, and their accounts in the ledger.

Per line of an order ``returnable`` counts pieces that were handed over and may still be announced, so no more comes back than
left, however many ask at once. ``return_closed`` counts returns: one that is open holds one pending of it, its token, which
every move replaces, so of two moves at the same moment one finds the token gone.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import show_amount
from serai.foundation.errors import _
from serai.foundation.i18n import pick_translation, translate
from serai.foundation.ids import derive_id
from serai.ledger.types import Account, account

Wish = Literal["refund", "exchange"]
State = Literal[
    "requested",
    "approved",
    "sent",
    "received",
    "refunded",
    "exchanged",
    "rejected",
    "declined",
    "withdrawn",
    "expired",
]
STATES: tuple[State, ...] = (
    "requested",
    "approved",
    "sent",
    "received",
    "refunded",
    "exchanged",
    "rejected",
    "declined",
    "withdrawn",
    "expired",
)
# In these, something is still to happen.
OPEN: frozenset[State] = frozenset({"requested", "approved", "sent", "received"})
# In these, its pieces are announced but have not come yet.
AWAITED: frozenset[State] = frozenset({"requested", "approved", "sent"})

RETURNS = derive_id("unit", "returns")


def line_unit(order_id: UUID, line_no: int) -> UUID:
    """The unit in which pieces of one line of one order are counted."""
    return derive_id("order line", order_id, line_no)


def returnable_account(order_id: UUID, line_no: int) -> Account:
    """Pieces of a line that were handed over and may still be announced; never below zero."""
    return account("returnable", line_unit(order_id, line_no), no_negative=True, subject_id=order_id)


def returned_account(order_id: UUID, line_no: int) -> Account:
    """Pieces of a line that came back; what is announced is pending on it."""
    return account("returned", line_unit(order_id, line_no), subject_id=order_id)


def handed_over_account(order_id: UUID, line_no: int) -> Account:
    """The other side of what is returnable: all pieces that left."""
    return account("handed_over", line_unit(order_id, line_no), normal="C", subject_id=order_id)


def return_closed() -> Account:
    """Returns that are over; the open ones are pending on it."""
    return account("return_closed", RETURNS)


def return_control() -> Account:
    """The other side of all returns."""
    return account("return_control", RETURNS, normal="C")


def quarantine_account(sku_id: UUID, place_id: UUID) -> Account:
    """Goods that came back damaged and wait for somebody to decide; never below zero."""
    return account("quarantine", sku_id, no_negative=True, subject_id=sku_id, place_id=place_id)


def exchange_hold(sku_id: UUID) -> Account:
    """Where replacements go that are held for approved exchanges: pending only, never posted."""
    return account("exchange_hold", sku_id, subject_id=sku_id)


def announced_id(return_id: UUID, line_no: int, turn: int) -> UUID:
    """The reservation of a line's pieces that were announced at a turn."""
    return derive_id(return_id, "line", line_no, turn)


def hold_id(return_id: UUID, line_no: int, turn: int) -> UUID:
    """The reservation of a line's replacement, for pieces that were announced at a turn."""
    return derive_id(return_id, "hold", line_no, turn)


def token_id(return_id: UUID, turn: int) -> UUID:
    """The pending that stands for an open return at one of its turns."""
    return derive_id("return token", return_id, turn)


class ReturnReason(msgspec.Struct, frozen=True):
    """Why goods come back. ``by_fault``: the merchant's own fault, so no fee is taken."""

    code: str
    name: str
    by_fault: bool = False
    translations: dict[str, str] = {}

    def label(self, locale: str) -> str:
        """The reason in the reader's language."""
        return pick_translation(self.translations, locale, translate(self.name, locale))


REASONS = (
    ReturnReason("damaged", _("Arrived damaged"), by_fault=True),
    ReturnReason("wrong", _("Something else arrived"), by_fault=True),
    ReturnReason("described", _("Not as described"), by_fault=True),
    ReturnReason("fit", _("Does not fit")),
    ReturnReason("mind", _("I have changed my mind")),
    ReturnReason("other", _("Another reason")),
)


class ReturnTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What may come back at a merchant. ``version`` is 0 while nobody has said anything.

    Attributes:
        window_days: days after the hand-over in which shoppers may ask; 0: they may not.
        send_days: days in which an approved return has to be on its way.
        excluded_category_ids: goods of these categories, and of those below them, stay with the buyer.
        approve_minor: what a return may come to and be approved at once, in minor units; None: somebody looks at each.
        approve_days: at once only so many days after the hand-over; 0: within the whole window.
        approve_members_only: guests' returns are always looked at.
        restocking_bp: part of the refund that is kept, in hundredths of a percent, unless the merchant is at fault.
        postage_minor: what the way back costs the shopper, taken from the refund, unless the merchant is at fault.
        exchanges: whether other goods may be wished for instead of the money.
    """

    window_days: int = 14
    send_days: int = 14
    reasons: tuple[ReturnReason, ...] = REASONS
    excluded_category_ids: tuple[UUID, ...] = ()
    approve_minor: int | None = None
    approve_days: int = 0
    approve_members_only: bool = False
    restocking_bp: int = 0
    postage_minor: int = 0
    exchanges: bool = True
    version: int = 0

    def find_reason(self, code: str) -> ReturnReason | None:
        """The reason of that code."""
        return next((reason for reason in self.reasons if reason.code == code), None)


class WantedLine(msgspec.Struct, frozen=True):
    """What somebody wants to send back of a line, and what instead of it."""

    line_no: int
    quantity: int
    reason: str
    replacement_sku_id: UUID | None = None


class ReceivedLine(msgspec.Struct, frozen=True):
    """What came back of a line and was accepted, by its condition; what is missing in the sum was not."""

    line_no: int
    sellable: int = 0
    damaged: int = 0
    unusable: int = 0

    @property
    def accepted(self) -> int:
        """All that counts as come back."""
        return self.sellable + self.damaged + self.unusable


class ReturnLine(msgspec.Struct, frozen=True):
    """A line of a return; quantities in steps of the SKU, ``share_minor`` what the accepted pieces were paid with."""

    line_no: int
    sku_id: UUID
    product_id: UUID
    title: str
    scale: int
    unit: str
    sold: int
    quantity: int
    reason: str
    by_fault: bool
    sellable: int = 0
    damaged: int = 0
    unusable: int = 0
    share_minor: int = 0
    charged_minor: int = 0
    replacement_sku_id: UUID | None = None
    replacement_title: str = ""
    replacement_price_minor: int | None = None

    @property
    def accepted(self) -> int:
        """How much of it came back and counts."""
        return self.sellable + self.damaged + self.unusable

    @property
    def amount_text(self) -> str:
        """The announced quantity with its unit."""
        return show_amount(self.quantity, self.scale, self.unit)

    def show(self, quantity: int) -> str:
        """A quantity of it with its unit."""
        return show_amount(quantity, self.scale, self.unit)


class Return(msgspec.Struct, frozen=True):
    """A return with its lines. Amounts in minor units of the order's currency.

    goods - kept - fee - postage = refund + credit: ``kept_minor`` is what promotions take back since the rest does not earn
    it (below zero: give back again), ``credit_minor`` what became other goods, in the order ``exchange_order_id``.
    ``undone_at``: that order ended before it left, and its credit went back as money. ``former_minor``: of goods that came by
    an exchange themselves, what goes back of the order before, beside the refund.
    """

    return_id: UUID
    order_id: UUID
    number: str
    turn: int
    announced_turn: int
    wish: Wish
    words: str
    requested_by: str
    requested_at: datetime
    approved_at: datetime | None
    declined_at: datetime | None
    answer: str
    withdrawn_at: datetime | None
    expires_at: datetime | None
    expired_at: datetime | None
    sent_at: datetime | None
    carrier: str
    tracking: str
    received_at: datetime | None
    place_id: UUID
    settled_at: datetime | None
    outcome: Literal["refunded", "exchanged", "rejected"] | None
    goods_minor: int
    kept_minor: int
    fee_minor: int
    postage_minor: int
    refund_minor: int
    credit_minor: int
    refund_id: UUID | None
    exchange_order_id: UUID | None
    undone_at: datetime | None
    former_minor: int
    former_refund_id: UUID | None
    state: State
    order_number: str
    currency: str
    lines: tuple[ReturnLine, ...] = ()

    @property
    def by_fault(self) -> bool:
        """Whether the merchant is at fault for any of it, so that it costs the shopper nothing."""
        return any(line.by_fault for line in self.lines)

    @property
    def replacement_minor(self) -> int:
        """What the wished-for goods come to at the prices that were agreed, for everything that was announced."""
        return sum((line.replacement_price_minor or 0) * line.quantity for line in self.lines)


class ReturnRow(msgspec.Struct, frozen=True):
    """A return in a list."""

    return_id: UUID
    number: str
    order_id: UUID
    order_number: str
    name: str
    wish: Wish
    state: State
    requested_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    pieces: int
    refund_minor: int
    currency: str
    first_title: str


class ReturnableLine(msgspec.Struct, frozen=True):
    """What may still be announced of an order's line, and if not, why: ``code`` is that of the refusal."""

    line_no: int
    sku_id: UUID
    title: str
    quantity: int
    scale: int
    unit: str
    until: datetime | None
    code: str = ""

    @property
    def whole_only(self) -> bool:
        """Weighed goods come back as the piece they were sold as."""
        return self.scale > 0


class RefundPlan(msgspec.Struct, frozen=True):
    """What a return comes to: shares of its lines, less what promotions take back and fees.

    ``charges`` are what is taken from what each line of the order (0: its delivery) may still get back. ``former_minor``
    goes back of the order before, where these goods came by an exchange.
    """

    shares: dict[int, int]
    charges: dict[int, int]
    goods_minor: int
    kept_minor: int
    fee_minor: int
    postage_minor: int
    former_minor: int = 0

    @property
    def amount_minor(self) -> int:
        """What the shopper gets, in money or goods."""
        return self.goods_minor - self.kept_minor - self.fee_minor - self.postage_minor
