"""Statements and their lines as other modules see them, and the accounts they settle."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.payment.types import bank as bank
from serai.commerce.types import StatementRow
from serai.ledger.types import Account, account, currency_unit

Kind = Literal["capture", "refund", "fee", "payout", "other"]
Verdict = Literal[
    "new",
    "matched",
    "fee",
    "payout",
    "missing_here",
    "missing_there",
    "amount_differs",
    "currency_differs",
    "other",
]
# Verdicts that somebody has to look at.
DIFFERENCES: tuple[Verdict, ...] = (
    "missing_here",
    "missing_there",
    "amount_differs",
    "currency_differs",
    "other",
)
Resolution = Literal["note", "fee", "refund", "accept"]


def psp_fees(currency: str) -> Account:
    """What providers keep for themselves."""
    return account("psp_fees", currency_unit(currency))


def psp_differences(currency: str) -> Account:
    """What a provider's statement and our books could not agree on, accepted by staff."""
    return account("psp_differences", currency_unit(currency))


# One movement of a statement, in our words.
Line = StatementRow


class JudgedLine(msgspec.Struct, frozen=True):
    """A line as it is kept, with what became of it."""

    provider: str
    row_key: str
    statement_id: UUID
    kind: Kind
    reference: str
    payment_ref: str
    refund_ref: str
    amount_minor: int
    fee_minor: int
    currency: str
    happened_at: datetime
    verdict: Verdict
    part_id: UUID | None
    order_id: UUID | None
    intent_id: UUID | None
    ours_minor: int | None
    judged_at: datetime | None
    resolution: str | None
    resolved_by: str | None
    resolved_at: datetime | None
    note: str
    number: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look at it."""
        return self.verdict in DIFFERENCES and self.resolved_at is None


class Statement(msgspec.Struct, frozen=True):
    """A file that was read: ``lines`` in it, of which ``known`` had been told by an earlier one."""

    statement_id: UUID
    provider: str
    format: str
    file_name: str
    lines: int
    known: int
    first_at: datetime | None
    last_at: datetime | None
    read_by: str
    read_at: datetime
    is_repeat: bool = False
    counts: dict[str, int] = {}

    @property
    def open_count(self) -> int:
        """How many of its lines somebody has to look at."""
        return self.counts.get("open", 0)


class Standing(msgspec.Struct, frozen=True):
    """What a provider holds for us by our own books and has not confirmed by a statement."""

    provider: str
    currency: str
    minor: int


class StatementFetch(msgspec.Struct, frozen=True):
    """A day's statement that a provider is asked for: how often in vain and why, and when again."""

    provider: str
    day: date
    attempts: int
    failure: str
    tried_at: datetime | None
    next_at: datetime
    done_at: datetime | None
    statement_id: UUID | None
