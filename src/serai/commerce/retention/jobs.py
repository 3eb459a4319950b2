"""Once a day every merchant's policy is applied."""

import logging
from collections.abc import Sequence

from serai.commerce.retention.api import forget_old
from serai.commerce.types import Commerce
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")


async def apply_policies(commerce: Commerce, merchant_ids: Sequence[MerchantId]) -> int:
    """Forget what is too old, merchant by merchant. Returns how many orders and members; one that fails does not stop
    the others."""
    done = 0
    for merchant_id in merchant_ids:
        try:
            forgotten = await forget_old(commerce.db, merchant_id)
        except Exception:
            log.exception("the retention of merchant %s failed", merchant_id)
            continue
        done += forgotten.orders + forgotten.members
    return done
