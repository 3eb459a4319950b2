"""What markets do by themselves."""

import logging
from datetime import timedelta

from serai.commerce.aftersale.api import expire_order
from serai.commerce.market import keep_payout, store
from serai.commerce.market.hold_claims import release_claims
from serai.commerce.market.load_checkout import load_checkout
from serai.commerce.market.pay_checkout import settle_checkout
from serai.commerce.market.pay_members import finish_payout
from serai.commerce.market.place_checkout import end_checkout, finish_free
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Outside
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")

# A checkout takes a second or two; one that began so long ago lost its process.
STUCK = timedelta(minutes=2)
# Providers tell by themselves first; after a day nobody pays any more.
PATIENCE = timedelta(seconds=15)
LONGEST = timedelta(days=1)


async def end_stuck_checkouts(commerce: Commerce, owner: Database) -> int:
    """Call off what a dead process left between the merchants. Returns how many checkouts."""
    rows = await store.list_stuck(owner, clock.now() - STUCK, 100)
    for row in rows:
        await end_checkout(commerce, MerchantId(row["merchant_id"]), checkout_id=row["checkout_id"])
    return len(rows)


async def lapse_checkouts(commerce: Commerce, owner: Database) -> int:
    """Give up waiting for checkouts that were not paid in time: their orders expire, and what they hold of the market's
    promotions is free again. Returns how many there were."""
    rows = await store.list_unpaid(owner, clock.now(), 100)
    for row in rows:
        market_id, checkout_id = MerchantId(row["merchant_id"]), row["checkout_id"]
        async with commerce.db.transaction(market_id, "read") as tx:
            checkout = await load_checkout(tx, checkout_id=checkout_id)
        if not checkout.total_minor:
            # Its process died before it was settled.
            await finish_free(commerce, market_id, checkout)
            continue
        for order in checkout.orders:
            # After this none can be paid in time any more, so nothing that counts is released.
            await expire_order(commerce, MerchantId(order.member_id), order_id=order.order_id)
        await release_claims(commerce.db, commerce.lane, market_id, checkout, "market lapsed")
        async with commerce.db.transaction(market_id) as tx:
            await store.stamp_lapsed(tx, checkout_id, clock.now())
    return len(rows)


async def check_checkout_payments(commerce: Commerce, owner: Database) -> int:
    """Ask providers about checkouts' payments of which nothing was heard. Returns how many events were taken in."""
    now = clock.now()
    taken = 0
    for row in await store.list_open_payments(owner, now - LONGEST, now - PATIENCE, 100):
        market_id = MerchantId(row["merchant_id"])
        try:
            payment = await commerce.providers[row["provider"]].load_payment(market_id, row["payment_id"])
        except Outside as error:
            log.info("payment %s of a market is not answered: %s", row["payment_id"], error)
            continue
        for event in payment.events if payment else ():
            await settle_checkout(commerce, market_id, event=event, source="check")
            taken += 1
    return taken


async def finish_payouts(commerce: Commerce, owner: Database) -> int:
    """Book payouts, and their reversals, in the members' books that lack them. Returns how many there were."""
    rows = await keep_payout.list_unfinished(owner, 100)
    for row in rows:
        await finish_payout(commerce, MerchantId(row["merchant_id"]), payout_id=row["payout_id"])
    return len(rows)
