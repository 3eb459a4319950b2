"""What happens to products."""

from uuid import UUID

import msgspec


class ProductChanged(msgspec.Struct, frozen=True):
    """A product was made, edited, published or unpublished (``change`` says which)."""

    product_id: UUID
    change: str


class PriceChanged(msgspec.Struct, frozen=True):
    """A variant has a new price."""

    sku_id: UUID
    product_id: UUID
    old_minor: int | None
    new_minor: int
    currency: str
