"""Payments as other modules see them, and the accounts of money behind them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.pledge.types import Pledge
from serai.commerce.types import CaptureMode
from serai.foundation.ids import derive_id
from serai.ledger.types import Account, Transfer, account, currency_unit, posted


def order_due(order_id: UUID, currency: str) -> Account:
    """What an order's buyer owes us; below zero when we owe the buyer."""
    return account("order_due", currency_unit(currency), subject_id=order_id)


def deferred_sales(currency: str) -> Account:
    """Sold but not yet handed over."""
    return account("deferred_sales", currency_unit(currency), normal="C")


def deferred_deposits(currency: str) -> Account:
    """Deposits of presales whose balance has not come: owed until then, as goods or as money."""
    return account("deferred_deposits", currency_unit(currency), normal="C")


def kept_deposits(currency: str) -> Account:
    """Deposits that stayed although nothing was delivered: their buyers let the balance go, as agreed."""
    return account("kept_deposits", currency_unit(currency), normal="C")


def fund_refundable(intent_id: UUID, currency: str, amount_minor: int) -> Transfer:
    """The transfer that says how much may be refunded of a payment: what was captured."""
    return posted(
        derive_id("refundable", intent_id),
        refundable(intent_id, currency),
        refund_control(currency),
        amount_minor,
        "captured",
    )


def sales(currency: str) -> Account:
    return account("sales", currency_unit(currency), normal="C")


def shipping_income(currency: str) -> Account:
    return account("shipping_income", currency_unit(currency), normal="C")


def tax_payable(currency: str) -> Account:
    """Taxes on what was handed over, owed to the authorities."""
    return account("tax_payable", currency_unit(currency), normal="C")


def sales_returns(currency: str) -> Account:
    return account("sales_returns", currency_unit(currency))


def bank(currency: str) -> Account:
    """Money that providers have confirmed: theirs to pay out, ours by right."""
    return account("bank", currency_unit(currency))


def psp_clearing(provider: str, currency: str) -> Account:
    """What a provider holds for us."""
    return account(f"psp_clearing:{provider}", currency_unit(currency))


def refundable(intent_id: UUID, currency: str) -> Account:
    """What may still be refunded of a payment: funded at capture, never below zero."""
    return account("refundable", currency_unit(currency), no_negative=True, subject_id=intent_id)


def refund_control(currency: str) -> Account:
    """The other side of every refundable account."""
    return account("refund_control", currency_unit(currency), normal="C")


# What a payment was asked for; an order of a presale has two.
Purpose = Literal["order", "deposit", "balance"]


class PaymentEvent(msgspec.Struct, frozen=True):
    """Something a provider said about a payment. ``source``: ``webhook``, ``return`` or ``check``."""

    kind: str
    amount_minor: int
    source: str
    received_at: datetime
    provider_event_id: str


class Payment(msgspec.Struct, frozen=True):
    """An attempt to pay an order. Amounts are recomputed from the provider's events.

    ``capture`` ``manual``: the provider holds the money until it is told how much to take. ``pledge`` is then what it
    holds, or what somebody has promised to pay.
    """

    intent_id: UUID
    order_id: UUID
    provider: str
    amount_minor: int
    currency: str
    attempt: int
    provider_payment_id: str | None
    pay_url: str | None
    created_at: datetime
    purpose: Purpose
    device: str
    capture: CaptureMode
    state: Literal["created", "authorised", "captured", "failed", "voided", "expired", "refunded"]
    captured_minor: int
    refunded_minor: int
    events: tuple[PaymentEvent, ...]
    pledge: Pledge | None = None

    @property
    def open_minor(self) -> int:
        """What is pledged and has not come."""
        return self.pledge.open_minor if self.pledge else 0


class Refund(msgspec.Struct, frozen=True):
    """Money on its way back to the buyer. ``state`` follows from the moments."""

    refund_id: UUID
    order_id: UUID
    intent_id: UUID
    amount_minor: int
    reason: str
    requested_by: str
    requested_at: datetime
    done_at: datetime | None
    failed_at: datetime | None
    failure: str
    state: Literal["pending", "done", "failed"] = "pending"
    # Paid back by staff by other means: no provider knows of it.
    by_hand: bool = False

    def __post_init__(self) -> None:
        state = "done" if self.done_at else "failed" if self.failed_at else "pending"
        msgspec.structs.force_setattr(self, "state", state)
