"""What happens by price protection."""

from uuid import UUID

import msgspec


class PriceClaimed(msgspec.Struct, frozen=True):
    """The difference to a fallen price goes back to the buyer of a line."""

    order_id: UUID
    claim_id: UUID
    line_no: int
    sku_id: UUID
    amount_minor: int
    currency: str
    by: str
