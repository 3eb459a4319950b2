"""What happens to prices beside the list price."""

from datetime import datetime
from uuid import UUID

import msgspec


class OfferAdded(msgspec.Struct, frozen=True):
    """A price for a channel, store, level, quantity or time was written down; it holds from ``valid_from`` on."""

    offer_id: UUID
    sku_id: UUID
    product_id: UUID
    kind: str
    amount_minor: int
    currency: str
    valid_from: datetime
    valid_to: datetime | None


class OfferEnded(msgspec.Struct, frozen=True):
    """An offer was ended before its time, or a list price to come was called off."""

    offer_id: UUID
    sku_id: UUID
    by: str
