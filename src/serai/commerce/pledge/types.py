"""Pledges as other modules see them, and the accounts behind them.

A pledge settles what an order's buyer owes by a claim on somebody else: ``authorised`` on a provider, ``cash_on_delivery``
on whoever hands the goods over, ``receivable`` on a customer. Money then leaves the claim, not the order.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.ledger.types import Account, account, currency_unit

Kind = Literal["authorised", "cash_on_delivery", "invoice"]
# Ways to pay that need no provider: somebody promises.
PROMISES: tuple[Kind, ...] = ("cash_on_delivery", "invoice")


def claim_account(kind: str, intent_id: UUID, currency: str) -> Account:
    """What of a pledge is neither taken nor let go: no more can be taken than was pledged, whoever asks at once."""
    name = "receivable" if kind == "invoice" else kind
    return account(name, currency_unit(currency), no_negative=True, subject_id=intent_id)


def uncollected(currency: str) -> Account:
    """Pledges that came to nothing although the goods had left: a loss."""
    return account("uncollected", currency_unit(currency))


def credit_left(member_id: UUID, currency: str) -> Account:
    """What a customer may still buy on invoice; never below zero, so two orders at once cannot pass the limit."""
    return account("credit", currency_unit(currency), no_negative=True, subject_id=member_id)


def credit_fund(currency: str) -> Account:
    """Where credit limits come from."""
    return account("credit_fund", currency_unit(currency), normal="C")


def credit_used(member_id: UUID, currency: str) -> Account:
    """What of a customer's limit open invoices take."""
    return account("credit_used", currency_unit(currency), subject_id=member_id)


class Step(msgspec.Struct, frozen=True):
    """A part of a pledge that was taken (``capture``), let go (``release``) or written off (``loss``), in minor units.

    A capture is ``pending`` until the provider has answered; ``turn`` is how many there were before it.
    """

    step_id: UUID
    intent_id: UUID
    kind: Literal["capture", "release", "loss"]
    amount_minor: int
    reason: str
    by: str
    at: datetime
    turn: int = 0
    done_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""

    @property
    def state(self) -> Literal["pending", "done", "failed"]:
        return "done" if self.done_at else "failed" if self.failed_at else "pending"


class Pledge(msgspec.Struct, frozen=True):
    """Money pledged for an order. ``due_at``: when an invoice has to be paid; ``expires_at``: how long a provider holds it.
    ``is_once``: the provider takes it once only, and lets go of what is not taken then."""

    intent_id: UUID
    order_id: UUID
    kind: Kind
    amount_minor: int
    currency: str
    member_id: UUID | None
    made_at: datetime
    expires_at: datetime | None
    due_at: datetime | None
    reminded_at: datetime | None
    reminders: int
    settled_at: datetime | None
    steps: tuple[Step, ...] = ()
    is_once: bool = False

    @property
    def taken_minor(self) -> int:
        """What has come of it."""
        return sum(s.amount_minor for s in self.steps if s.kind == "capture" and s.state == "done")

    @property
    def released_minor(self) -> int:
        """What was let go of it, losses not counted."""
        return sum(s.amount_minor for s in self.steps if s.kind == "release")

    @property
    def lost_minor(self) -> int:
        return sum(s.amount_minor for s in self.steps if s.kind == "loss")

    @property
    def open_minor(self) -> int:
        """What may still come; a capture under way is part of it."""
        return self.amount_minor - self.taken_minor - self.released_minor - self.lost_minor

    @property
    def pending(self) -> Step | None:
        """The capture that the provider has not answered."""
        return next((s for s in self.steps if s.kind == "capture" and s.state == "pending"), None)

    @property
    def captures(self) -> int:
        """How many captures were asked for, however they ended."""
        return sum(s.kind == "capture" for s in self.steps)

    @property
    def capturable_minor(self) -> int:
        """What may be taken now."""
        return self.open_minor - (self.pending.amount_minor if self.pending else 0)


class OpenPledge(msgspec.Struct, frozen=True):
    """A pledge in a list of those that are not settled, with what staff need to ask for it."""

    intent_id: UUID
    order_id: UUID
    number: str
    kind: Kind
    amount_minor: int
    open_minor: int
    currency: str
    name: str
    email: str
    member_id: UUID | None
    made_at: datetime
    due_at: datetime | None
    reminded_at: datetime | None
    reminders: int
    order_state: str
