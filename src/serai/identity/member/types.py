"""A member as other modules see one."""

from datetime import datetime
from uuid import UUID

import msgspec


class Member(msgspec.Struct, frozen=True):
    """A shopper with an account.

    ``email`` is None for members that only hold a card; ``email_verified_at`` is None until a link proved who reads it.
    ``level`` names the member's price level, empty for the ordinary one.
    """

    member_id: UUID
    number: str
    email: str | None
    name: str
    created_at: datetime
    email_verified_at: datetime | None = None
    level: str = ""


class AskedLink(msgspec.Struct, frozen=True):
    """A one-time link that was made for a member: to be sent to ``member.email``, never shown."""

    member: Member
    token: str
    minutes: int
