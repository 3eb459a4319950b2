"""A merchant's own terms of delivery and returns."""

import msgspec


class ShopTerms(msgspec.Struct, frozen=True):
    """Amounts in minor units of the merchant's currency. ``free_shipping_from_minor`` is None where delivery is never
    free; ``version`` is 0 while the installation's settings hold and grows with every change."""

    shipping_minor: int
    free_shipping_from_minor: int | None
    returns_policy: str = ""
    version: int = 0
