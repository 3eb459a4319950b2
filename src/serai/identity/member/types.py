"""A member as other modules see one."""

from datetime import datetime
from uuid import UUID

import msgspec


class Member(msgspec.Struct, frozen=True):
    """A shopper with an account. ``email`` is None for members that only hold a card."""

    member_id: UUID
    number: str
    email: str | None
    name: str
    created_at: datetime
