"""How presales and their orders go on when nobody asks: deposits are counted, balances asked for, and what nobody pays ends.

CLOSE   when the time for deposits is over, providers are asked about those that wait; whoever did not pay expires, then the
        pieces are counted and the price is frozen. A provider that is down delays this, but not for ever.
FIX     every order with a deposit learns its balance
TELL    buyers hear when their balance can be paid, and a day before that ends
LAPSE   a balance that did not come: the provider is asked once more, then the order ends as was agreed
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal
from uuid import UUID

from serai.commerce.aftersale.api import expire_order, lapse_order, return_deposit
from serai.commerce.checkout.fix_balance import GRACE, fix_balance
from serai.commerce.checkout.settle_payment import refresh_payment
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order, amount_due
from serai.commerce.presale import api as presale_api
from serai.commerce.presale.events import BalanceOpened, BalanceReminded
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Outside
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")
REMIND_BEFORE = timedelta(days=1)


async def close_presales(commerce: Commerce, owner: Database) -> int:
    """Close presales whose time for deposits is over, over all merchants. Returns how many were closed."""
    done = 0
    for merchant_id, presale_id in await presale_api.list_to_close(owner, now=clock.now()):
        try:
            done += await close_presale(commerce, MerchantId(merchant_id), presale_id=presale_id)
        except Exception:
            log.exception("presale %s could not be closed", presale_id)
    return done


async def close_presale(commerce: Commerce, merchant_id: MerchantId, *, presale_id: UUID) -> bool:
    """Count one presale's deposits, once no order waits for one any more. False: not yet."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        presale = await presale_api.load_presale(tx, presale_id=presale_id)
        waiting = await presale_api.list_waiting(tx, presale_id=presale_id, since=clock.now() - 2 * GRACE)
    ended_at = min(presale.stopped_at or presale.terms.deposit_until, presale.terms.deposit_until)
    for order_id, state in waiting:
        if not await _hear(commerce, merchant_id, order_id) and clock.now() < ended_at + GRACE:
            return False
        if state == "awaiting_deposit":
            await expire_order(commerce, merchant_id, order_id=order_id)
    async with commerce.db.transaction(merchant_id) as tx:
        waiting = await presale_api.list_waiting(tx, presale_id=presale_id, since=clock.now())
        if any(state == "awaiting_deposit" for _order_id, state in waiting):
            return False
        return (await presale_api.close_presale(tx, presale_id=presale_id)).state == "closed"


async def _hear(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> bool:
    """Ask the provider about an order's payments. False when it does not answer."""
    try:
        await refresh_payment(commerce, merchant_id, order_id=order_id, source="check")
    except Outside as error:
        log.info("payment of order %s cannot be looked up: %s", order_id, error)
        return False
    return True


async def tend_balances(commerce: Commerce, owner: Database) -> int:
    """Bring every order with a deposit forward: fix, tell, remind, lapse, return. Returns how many were touched."""
    now = clock.now()
    steps: tuple[tuple[str, timedelta, Callable[[Commerce, MerchantId, UUID], Awaitable[bool]]], ...] = (
        ("fix", timedelta(), _fix),
        ("open", timedelta(), _open),
        ("remind", REMIND_BEFORE, _remind),
        ("lapse", timedelta(), _lapse),
        ("return", timedelta(), _return),
    )
    done = 0
    for what, ahead, step in steps:
        for merchant_id, order_id in await presale_api.list_due(owner, what=what, moment=now + ahead):
            try:
                done += await step(commerce, MerchantId(merchant_id), order_id)
            except Exception:
                log.exception("order %s of a presale could not be brought forward (%s)", order_id, what)
    return done


async def _fix(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> bool:
    return await fix_balance(commerce, merchant_id, order_id=order_id)


async def _open(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> bool:
    return await _tell(commerce, merchant_id, order_id, "opened_at")


async def _remind(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> bool:
    return await _tell(commerce, merchant_id, order_id, "reminded_at")


async def _tell(
    commerce: Commerce, merchant_id: MerchantId, order_id: UUID, what: Literal["opened_at", "reminded_at"]
) -> bool:
    """Let a buyer be told of the balance, once."""
    fact = BalanceOpened if what == "opened_at" else BalanceReminded
    async with commerce.db.transaction(merchant_id) as tx:
        order = await load_order(tx, order_id=order_id)
        if order.presale is None or not await presale_api.mark_told(tx, order_id=order_id, what=what):
            return False
        if order.presale.is_open(clock.now()):
            told = fact(order_id, amount_due(order), order.presale.balance_until)
            await append_facts(tx, [Fact(order_id, told)])
        return True


async def _lapse(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> bool:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
    if order.presale is None:
        return False
    is_late = clock.now() >= order.presale.balance_until + GRACE
    if _is_under_way(order) and not await _hear(commerce, merchant_id, order_id) and not is_late:
        return False
    return await lapse_order(commerce, merchant_id, order_id=order_id)


def _is_under_way(order: Order) -> bool:
    return any(
        paid.purpose == "balance" and paid.state in ("created", "authorised") for paid in order.payments
    )


async def _return(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> bool:
    return await return_deposit(commerce, merchant_id, order_id=order_id)
