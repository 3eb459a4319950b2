"""What happens to members."""

from uuid import UUID

import msgspec


class MemberErased(msgspec.Struct, frozen=True):
    """A member's personal data was erased at their wish; whoever holds more of it has to forget it as well."""

    member_id: UUID
