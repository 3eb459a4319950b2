"""What must happen to prices when nobody asks: list prices that were planned take effect."""

import logging

from serai.commerce.price import store
from serai.commerce.price.edit_offer import apply_price
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")
BATCH = 500


async def apply_prices(commerce: Commerce, owner: Database) -> int:
    """Enter every list price whose moment has come. Returns how many; one that fails does not stop the others."""
    done = 0
    for merchant_id, offer_id in await store.list_due(owner, clock.now(), BATCH):
        try:
            async with commerce.db.transaction(MerchantId(merchant_id)) as tx:
                done += await apply_price(tx, offer_id=offer_id)
        except Exception:
            log.exception("price %s could not be applied", offer_id)
    return done
