"""A checkout that nobody has paid is called off whole: every shop's order, and what it holds of the market's promotions."""

import logging
from uuid import UUID

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.market import store
from serai.commerce.market.hold_claims import release_claims
from serai.commerce.market.load_checkout import load_checkout
from serai.commerce.market.types import MarketCheckout, MarketPayment
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Conflict, Outside, _
from serai.foundation.ids import MerchantId

log = logging.getLogger("serai.commerce")


async def cancel_checkout(
    commerce: Commerce, market_id: MerchantId, *, checkout_id: UUID, by: str, reason: str = ""
) -> MarketCheckout:
    """Call off a checkout that waits for its payment. Doing it again changes nothing; money that comes all the same goes
    back. Of a paid checkout each order is cancelled by itself, with the shop.

    Raises:
        NotFound: ``market.checkout_unknown``. Conflict: ``market.cannot_cancel`` once it was paid.
    """
    async with commerce.db.transaction(market_id, "read") as tx:
        checkout = await load_checkout(tx, checkout_id=checkout_id)
        row = await store.find_last_payment(tx, checkout_id)
    if checkout.placed_at is None or checkout.paid_at is not None:
        raise Conflict(
            "market.cannot_cancel", _("This checkout is paid. Please cancel its orders one by one.")
        )
    for order in checkout.orders:
        try:
            await cancel_order(
                commerce, MerchantId(order.member_id), order_id=order.order_id, by=by, reason=reason
            )
        except Conflict as error:
            # It has expired by itself, which is as good.
            if error.code != "order.cannot_cancel":
                raise
    await release_claims(commerce.db, commerce.lane, market_id, checkout, "market cancelled")
    async with commerce.db.transaction(market_id) as tx:
        await store.stamp_lapsed(tx, checkout_id, clock.now())
    last = MarketPayment(*row.values()) if row else None
    if last and last.captured_at is None and last.failed_at is None and last.provider_payment_id:
        try:
            await commerce.providers[last.provider].void_payment(market_id, last.provider_payment_id)
        except Outside as error:
            log.info("payment %s could not be stopped: %s", last.payment_id, error)
    async with commerce.db.transaction(market_id, "read") as tx:
        return await load_checkout(tx, checkout_id=checkout_id)
