"""What markets do by themselves."""

from datetime import timedelta

from serai.commerce.market import store
from serai.commerce.market.place_checkout import end_checkout
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

# A checkout takes a second or two; one that began so long ago lost its process.
STUCK = timedelta(minutes=2)


async def end_stuck_checkouts(commerce: Commerce, owner: Database) -> int:
    """Call off what a dead process left between the merchants. Returns how many checkouts."""
    rows = await store.list_stuck(owner, clock.now() - STUCK, 100)
    for row in rows:
        await end_checkout(commerce, MerchantId(row["merchant_id"]), checkout_id=row["checkout_id"])
    return len(rows)
