"""What must happen to returns when nobody asks: those that were not sent in time end."""

import logging

from serai.commerce.returns import store
from serai.commerce.returns.decide_return import expire_return
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")
BATCH = 200


async def expire_returns(commerce: Commerce, owner: Database) -> int:
    """End approved returns that were not sent in time. Returns how many; one that fails does not stop the others."""
    done = 0
    for merchant_id, return_id in await store.list_expired(owner, clock.now(), BATCH):
        try:
            await expire_return(commerce, MerchantId(merchant_id), return_id=return_id)
            done += 1
        except Exception:
            log.exception("return %s could not be expired", return_id)
    return done
