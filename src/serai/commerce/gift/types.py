"""A gift as other modules see it."""

from uuid import UUID

import msgspec


class Gift(msgspec.Struct, frozen=True):
    """An order that is a present: the words for the card, up to 300 characters."""

    order_id: UUID
    message: str
    sender: str
