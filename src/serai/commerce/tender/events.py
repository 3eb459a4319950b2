"""What happens to tenders."""

from uuid import UUID

import msgspec


class GiftCardsIssued(msgspec.Struct, frozen=True):
    """New gift cards, each with this amount on it."""

    card_ids: tuple[UUID, ...]
    amount_minor: int
    currency: str
    by: str


class GiftCardBlocked(msgspec.Struct, frozen=True):
    """A gift card pays no more, or (``blocked`` false) again."""

    card_id: UUID
    blocked: bool
    by: str


class GiftCardExpired(msgspec.Struct, frozen=True):
    """A gift card's time is over; this much was left on it."""

    card_id: UUID
    amount_minor: int


class BalanceAdjusted(msgspec.Struct, frozen=True):
    """Staff gave points or red packet money to a member, or took them: ``units`` are signed, points or minor units."""

    member_id: UUID
    kind: str
    units: int
    reason: str
    by: str


class PointsExpired(msgspec.Struct, frozen=True):
    """Points of a member were not used in time."""

    member_id: UUID
    points: int


class TenderRefunded(msgspec.Struct, frozen=True):
    """What tenders had paid of an order went back to them."""

    order_id: UUID
    refund_id: UUID
    amount_minor: int
    reason: str
    by: str
