"""How much of a member's refund the buyer gets: decided once, written down, and then asked of the provider.

While the rest of a checkout keeps a discount that it no longer earns (``claw_back``), that much is held back from what the
buyer gets; once the rest is given back too, nothing is left to earn and everything is let go. So the refunds of a whole
checkout come to exactly what was captured. The member's own books always see the refund that the member gave.
"""

from uuid import UUID

from serai.commerce.market import store
from serai.commerce.market.load_checkout import load_checkout
from serai.commerce.market.price_basket import still_unearned
from serai.commerce.market.types import MarketCheckout, MarketDiscount, MarketRefund
from serai.commerce.promotion.api import list_terms_of_versions
from serai.commerce.promotion.types import Terms
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.ids import MerchantId


async def plan_refund(
    db: Database,
    market_id: MerchantId,
    member_id: MerchantId,
    *,
    order_id: UUID,
    refund_id: UUID,
    amount_minor: int,
) -> MarketRefund:
    """The refund as it was planned the first time; plans of one checkout are made one after the other."""
    async with db.transaction(market_id) as tx:
        row = await store.find_order(tx, order_id)
        assert row is not None, "a payment of the market belongs to an order of the market"
        await store.lock_checkout(tx, row["checkout_id"])
        earlier = await list_refunds(tx, checkout_id=row["checkout_id"])
        known = next((each for each in earlier if each.refund_id == refund_id), None)
        if known is not None:
            return known
        checkout = await load_checkout(tx, checkout_id=row["checkout_id"])
        paid_minor = await _pay_out(tx, checkout, earlier, member_id, amount_minor)
        planned = MarketRefund(
            refund_id,
            checkout.checkout_id,
            member_id,
            order_id,
            amount_minor,
            paid_minor,
            clock.now(),
            None,
            None,
        )
        await store.insert_refund(tx, planned)
        return planned


async def _pay_out(
    tx: Transaction,
    checkout: MarketCheckout,
    earlier: list[MarketRefund],
    member_id: UUID,
    amount_minor: int,
) -> int:
    counted = [each for each in earlier if each.failed_at is None]
    refunded = {order.member_id: 0 for order in checkout.orders}
    for each in counted:
        refunded[each.member_id] += each.asked_minor
    refunded[member_id] += amount_minor
    totals = {order.member_id: order.total_minor for order in checkout.orders}
    held_back = 0
    if checkout.discounts:
        held_back = still_unearned(
            await load_terms(tx, checkout.discounts),
            {member: (back, totals[member]) for member, back in refunded.items() if back},
        )
    should_have = sum(refunded.values()) - held_back
    has = sum(each.paid_minor for each in counted)
    return max(0, should_have - has)


async def load_terms(
    tx: Transaction, discounts: tuple[MarketDiscount, ...]
) -> list[tuple[MarketDiscount, Terms]]:
    """Discounts with their promotions as they were written then."""
    versions = [(each.promotion_id, each.version) for each in discounts]
    rules = await list_terms_of_versions(tx, versions=versions)
    terms = {(rule.promotion_id, rule.version): rule.terms for rule in rules}
    return [(each, terms[each.promotion_id, each.version]) for each in discounts]


async def list_refunds(tx: Transaction, *, checkout_id: UUID) -> list[MarketRefund]:
    """The refunds of a checkout, in the order in which they were planned."""
    return [MarketRefund(*row.values()) for row in await store.list_refunds(tx, checkout_id)]
