"""What happens to pledges."""

from uuid import UUID

import msgspec


class PaymentCaptured(msgspec.Struct, frozen=True):
    """Part of a pledge has come as money; ``left_minor`` of it may still come."""

    order_id: UUID
    intent_id: UUID
    amount_minor: int
    left_minor: int
    currency: str
    by: str


class CaptureFailed(msgspec.Struct, frozen=True):
    """A provider refused to take part of what it holds; staff must look."""

    order_id: UUID
    intent_id: UUID
    amount_minor: int
    failure: str


class PledgeReleased(msgspec.Struct, frozen=True):
    """Part of a pledge is not wanted any more."""

    order_id: UUID
    intent_id: UUID
    amount_minor: int
    reason: str
    by: str


class PledgeLost(msgspec.Struct, frozen=True):
    """A pledge came to nothing after goods had left: a provider let go of it, or a customer does not pay."""

    order_id: UUID
    intent_id: UUID
    amount_minor: int
    reason: str
    by: str


class InvoiceReminded(msgspec.Struct, frozen=True):
    """A customer was asked again for an invoice that is overdue."""

    order_id: UUID
    intent_id: UUID
    open_minor: int
    reminder: int
