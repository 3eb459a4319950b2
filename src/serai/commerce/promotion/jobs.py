"""What time does to promotions: coupons expire."""

from serai.commerce.promotion import api
from serai.commerce.types import Commerce
from serai.foundation.database import Database


async def expire_coupons(commerce: Commerce, owner: Database) -> int:
    """Book the free uses of coupons whose time is over as expired. Returns how many coupons ended."""
    return await api.expire_coupons(commerce, owner)
