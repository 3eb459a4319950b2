"""Facts that the shop tells its shoppers and that no other system decides."""

from typing import Annotated

import msgspec
from msgspec import Meta


class StorefrontSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Terms as shown on pages; the defaults fit a grocery shop."""

    return_days: Annotated[int, Meta(ge=0, le=3650, description="Days in which goods may be returned")] = 30
    delivery_days_low: Annotated[
        int, Meta(ge=0, le=365, description="Working days a delivery takes at least")
    ] = 2
    delivery_days_high: Annotated[
        int, Meta(ge=0, le=365, description="Working days a delivery takes at most")
    ] = 4
    low_stock_from: Annotated[
        int, Meta(ge=0, description="Stock up to which a page tells the exact number left")
    ] = 5
    page_size: Annotated[
        int, Meta(ge=1, le=100, description="Products on one page of a department or search")
    ] = 30
