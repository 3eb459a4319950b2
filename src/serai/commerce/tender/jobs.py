"""What time does to tenders: gift cards and points expire."""

from serai.commerce.tender import api
from serai.commerce.types import Commerce
from serai.foundation.database import Database


async def expire_tenders(commerce: Commerce, owner: Database) -> int:
    """Book what is left on gift cards and of points whose time is over. Returns how many cards and members."""
    return await api.expire_cards(commerce, owner) + await api.expire_points(commerce, owner)
