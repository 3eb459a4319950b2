"""What happens to promotions and coupons."""

from datetime import datetime
from uuid import UUID

import msgspec


class PromotionWentLive(msgspec.Struct, frozen=True):
    """A version of a promotion counts from now on (within its window)."""

    promotion_id: UUID
    version: int
    by: str


class PromotionStopped(msgspec.Struct, frozen=True):
    """A promotion does not count any more."""

    promotion_id: UUID
    by: str


class CouponsIssued(msgspec.Struct, frozen=True):
    """New coupons of a promotion, each good for so many uses."""

    promotion_id: UUID
    coupon_ids: tuple[UUID, ...]
    uses: int
    by: str


class CouponUsed(msgspec.Struct, frozen=True):
    """An order that is paid has used a coupon."""

    coupon_id: UUID
    promotion_id: UUID
    order_id: UUID
    amount_minor: int


class CouponEnded(msgspec.Struct, frozen=True):
    """A coupon cannot be used any more: it was revoked, or its time is over."""

    coupon_id: UUID
    promotion_id: UUID
    why: str


class GroupOpened(msgspec.Struct, frozen=True):
    """A buying group is open: so many people have to pay before the deadline."""

    group_id: UUID
    promotion_id: UUID
    people: int
    deadline: datetime


class GroupEnded(msgspec.Struct, frozen=True):
    """A buying group is complete (``grouped``), or has failed and everybody gets the money back."""

    group_id: UUID
    promotion_id: UUID
    outcome: str
