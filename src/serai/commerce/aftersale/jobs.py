"""What must happen when nobody asks: orders expire, refunds are asked again, buying groups end."""

import logging
from datetime import timedelta

from serai.commerce.aftersale import settle_groups as groups
from serai.commerce.aftersale.api import ask_refund, expire_order
from serai.commerce.order.api import list_expired
from serai.commerce.payment.api import list_open_refunds
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")


async def expire_orders(commerce: Commerce, owner: Database) -> int:
    """Expire every order whose time to pay is over. Returns how many; one that fails does not stop the others."""
    done = 0
    for merchant_id, order_id in await list_expired(owner, now=clock.now()):
        try:
            done += await expire_order(commerce, MerchantId(merchant_id), order_id=order_id)
        except Exception:
            log.exception("order %s could not be expired", order_id)
    return done


async def ask_refunds(commerce: Commerce, owner: Database) -> int:
    """Ask again for refunds that no provider has answered. Returns how many were asked."""
    before = clock.now() - timedelta(seconds=commerce.settings.refund_retry_s)
    refunds = await list_open_refunds(owner, before=before)
    for merchant_id, refund_id in refunds:
        try:
            await ask_refund(commerce, MerchantId(merchant_id), refund_id=refund_id)
        except Exception:
            log.exception("refund %s could not be asked for", refund_id)
    return len(refunds)


async def settle_groups(commerce: Commerce, owner: Database) -> int:
    """Complete buying groups that have paid, and call off those whose time is over. Returns how many were looked at."""
    return await groups.settle_groups(commerce, owner)
