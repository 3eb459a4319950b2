"""What happens to stock outside of orders."""

from uuid import UUID

import msgspec


class StockMoved(msgspec.Struct, frozen=True):
    """Goods were received, adjusted or transferred: ``quantity`` is signed for the place."""

    sku_id: UUID
    place_id: UUID
    quantity: int
    kind: str
    reason: str
    by: str
