"""Groups that buy together, as they stand and who is in them. Offered to other modules through ``types``."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

GroupOutcome = Literal["grouped", "failed"]
# The unified ideographs, as Chinese names are written with.
HAN = ("\u3400", "\u9fff")
INITIALS = 2


class GroupBuy(msgspec.Struct, frozen=True):
    """A group that buys together: of its seats so many are ``free``, ``held`` by orders that wait, and ``taken`` (paid).

    ``sku_id`` is what it was opened for; None for one that a program opened for all goods of its promotion.
    """

    group_id: UUID
    promotion_id: UUID
    people: int
    opened_at: datetime
    deadline: datetime
    outcome: GroupOutcome | None
    free: int
    held: int
    taken: int
    sku_id: UUID | None = None

    @property
    def missing(self) -> int:
        """How many have yet to pay."""
        return max(0, self.people - self.taken)

    @property
    def is_complete(self) -> bool:
        """Whether everybody has paid, also in the seconds before that is written down."""
        return self.outcome == "grouped" or (self.outcome is None and not self.missing)

    def is_open(self, now: datetime) -> bool:
        """Whether somebody can join."""
        return self.outcome is None and self.free > 0 and self.deadline > now


class GroupMember(msgspec.Struct, frozen=True):
    """Somebody in a group, without more than the initials of the name. The leader is whoever has sat there longest."""

    initials: str
    is_paid: bool
    is_leader: bool


class MemberGroup(msgspec.Struct, frozen=True):
    """A group in which a member has an order."""

    group: GroupBuy
    number: str
    state: str
    placed_at: datetime


def write_initials(name: str) -> str:
    """What may be shown of a name: ``A.L.``, and of a Chinese one its first character: ``李*``."""
    words = name.split()
    if not words:
        return "?"
    first = words[0][0]
    if HAN[0] <= first <= HAN[1]:
        return f"{first}*"
    return "".join(f"{word[0].upper()}." for word in words[:INITIALS])
