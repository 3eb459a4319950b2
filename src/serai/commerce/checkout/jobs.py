"""What must happen when nobody asks: silent providers are looked up, presales close, balances are asked for and lapse."""

import logging
from datetime import timedelta

from serai.commerce.checkout import close_presales as presales
from serai.commerce.checkout import tend_pledges as pledging
from serai.commerce.checkout.settle_late import resolve_late
from serai.commerce.checkout.settle_payment import refresh_payment
from serai.commerce.payment.api import find_payment, list_unresolved, list_unsettled_orders
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Outside
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")

QUIET_S = 20
LOOK_BACK_HOURS = 48


async def check_payments(commerce: Commerce, owner: Database) -> int:
    """Ask providers about payments that were started and never heard of again. Returns how many orders were asked for."""
    now = clock.now()
    orders = await list_unsettled_orders(
        owner, after=now - timedelta(hours=LOOK_BACK_HOURS), before=now - timedelta(seconds=QUIET_S)
    )
    for merchant_id, order_id in orders:
        try:
            await refresh_payment(commerce, MerchantId(merchant_id), order_id=order_id, source="check")
        except Outside as error:
            log.info("payment of order %s cannot be looked up: %s", order_id, error)
        except Exception:
            log.exception("payment of order %s could not be settled", order_id)
    await _resolve_late_money(commerce, owner)
    return len(orders)


async def _resolve_late_money(commerce: Commerce, owner: Database) -> None:
    """Finish what a process that died between booking late money and deciding about it has left."""
    now = clock.now()
    intents = await list_unresolved(
        owner, after=now - timedelta(hours=LOOK_BACK_HOURS), before=now - timedelta(seconds=QUIET_S)
    )
    for merchant_id, intent_id in intents:
        try:
            async with commerce.db.transaction(MerchantId(merchant_id), "read") as tx:
                intent = await find_payment(tx, intent_id=intent_id)
            if intent is not None:
                await resolve_late(commerce, MerchantId(merchant_id), intent, revive=True)
        except Exception:
            log.exception("late money of payment %s could not be settled", intent_id)


async def close_presales(commerce: Commerce, owner: Database) -> int:
    """Count the deposits of presales whose time for them is over. Returns how many were closed."""
    return await presales.close_presales(commerce, owner)


async def tend_balances(commerce: Commerce, owner: Database) -> int:
    """Say what orders of closed presales still have to pay, tell their buyers, and end what nobody paid."""
    return await presales.tend_balances(commerce, owner)


async def tend_pledges(commerce: Commerce, owner: Database) -> int:
    """Take held money as goods leave or before its time is over, and ask again for what was not answered."""
    return await pledging.tend_pledges(commerce, owner)
