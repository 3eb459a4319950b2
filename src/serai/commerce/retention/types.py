"""A merchant's policy, and what it comes to."""

import msgspec


class RetentionPolicy(msgspec.Struct, frozen=True):
    """After how many days personal data is forgotten; None keeps it.

    Attributes:
        order_days: after an order's last change, once it is over and nothing of it waits; at least 30.
        unpaid_days: the same for orders that were never paid; at least 1.
        member_days: after a member last signed in or ordered, if their purse is empty; at least 180.
        version: 0 as long as nothing was decided.
    """

    order_days: int | None = None
    unpaid_days: int | None = None
    member_days: int | None = None
    version: int = 0


class Forgotten(msgspec.Struct, frozen=True):
    """How many orders were (or would be) blanked and how many members erased."""

    orders: int
    members: int
