"""Payment methods as other modules see them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.types import CaptureMode

Code = Literal["online", "cash_on_delivery", "invoice"]
CODES: tuple[Code, ...] = ("online", "cash_on_delivery", "invoice")
# Why a method is not offered; empty when it is.
Why = Literal["", "off", "too_much", "country", "members", "credit", "presale", "market", "nothing_due"]


class MethodTerms(msgspec.Struct, frozen=True):
    """A merchant's terms of one method.

    ``max_minor``: the dearest order it is offered for, None without limit. ``countries``: where, everywhere when empty.
    ``capture`` (of ``online``): ``manual`` holds the money until goods leave.
    """

    code: Code
    active: bool
    capture: CaptureMode = "automatic"
    max_minor: int | None = None
    countries: tuple[str, ...] = ()
    members_only: bool = False


class CreditTerms(msgspec.Struct, frozen=True):
    """What a member may buy on invoice: up to ``limit_minor`` at a time, to be paid within ``days``."""

    member_id: UUID
    limit_minor: int
    currency: str
    days: int
    active: bool
    version: int
    changed_by: str
    changed_at: datetime
    email: str = ""
    name: str = ""
    left_minor: int = 0


class MethodOffer(msgspec.Struct, frozen=True):
    """A method for one order: offered when ``why`` is empty. ``days`` and ``left_minor`` are those of an invoice."""

    code: Code
    why: Why
    max_minor: int | None = None
    days: int = 0
    left_minor: int = 0

    @property
    def is_open(self) -> bool:
        return not self.why


class Wanted(msgspec.Struct, frozen=True):
    """What a method is wanted for: so much is due, to be delivered to this country, by this member."""

    due_minor: int
    currency: str
    country: str = ""
    member_id: UUID | None = None
    is_presale: bool = False
    is_market: bool = False
