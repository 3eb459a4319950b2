"""What must happen to returns when nobody asks: those that were not sent end, and money that is owed goes back."""

import logging

from serai.commerce.returns import store
from serai.commerce.returns.decide_return import expire_return
from serai.commerce.returns.load_returns import load_return
from serai.commerce.returns.undo_exchange import give_former_back, give_rest_back, undo_exchange
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


async def pay_returns(commerce: Commerce, owner: Database) -> int:
    """Give back what a process that died has left: rests of exchanges, credits of exchanges that were called off.

    Returns how many were looked at; one that fails does not stop the others.
    """
    unpaid = await store.list_unpaid(owner, BATCH)
    for merchant_id, return_id in unpaid:
        shop = MerchantId(merchant_id)
        try:
            async with commerce.db.transaction(shop, "read") as tx:
                found = await load_return(tx, return_id=return_id)
            await give_rest_back(commerce, shop, found)
            await give_former_back(commerce, shop, return_id=return_id)
        except Exception:
            log.exception("return %s could not be paid", return_id)
    undone = await store.list_to_undo(owner, BATCH)
    for merchant_id, return_id in undone:
        try:
            await undo_exchange(commerce, MerchantId(merchant_id), return_id=return_id)
        except Exception:
            log.exception("the exchange of return %s could not be undone", return_id)
    return len(unpaid) + len(undone)
