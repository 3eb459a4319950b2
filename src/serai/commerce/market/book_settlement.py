"""What passes between the books of a market and those of a member. Every group is named after what it books, so that a
repeat changes nothing and whatever a crash left out is made good by repeating."""

from uuid import UUID

from serai.commerce.market import store
from serai.commerce.market.logic import commission_back
from serai.commerce.market.types import (
    MARKET,
    MarketCheckout,
    MarketOrder,
    MarketPayment,
    commission_cost,
    commission_income,
    settlement_due,
)
from serai.commerce.order.api import load_order
from serai.commerce.payment.types import psp_clearing
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.api import Lane
from serai.ledger.types import Group, Transfer, posted


async def book_capture(
    lane: Lane, market_id: MerchantId, checkout: MarketCheckout, payment: MarketPayment
) -> None:
    """The market holds the buyer's money: it is owed to the members, less the commission."""
    currency = payment.currency
    transfers: list[Transfer] = []
    for order in checkout.orders:
        due = settlement_due(order.member_id, currency)
        for name, debit, credit, amount in (
            ("sold", psp_clearing(payment.provider, currency), due, order.total_minor),
            ("commission", due, commission_income(currency), order.commission_minor),
        ):
            if amount:
                transfers.append(
                    posted(derive_id(payment.payment_id, name, order.order_id), debit, credit, amount, name)
                )
    await _submit(
        lane, market_id, derive_id("market capture", payment.payment_id), transfers, checkout.checkout_id
    )
    for order in checkout.orders:
        if order.commission_minor:
            group_id = derive_id("market commission", payment.payment_id, order.order_id)
            cost = posted(
                derive_id(group_id, "cost"),
                commission_cost(currency),
                psp_clearing(MARKET, currency),
                order.commission_minor,
                "commission",
            )
            await _submit(lane, MerchantId(order.member_id), group_id, [cost], order.order_id)


async def book_refund(
    db: Database,
    lane: Lane,
    market_id: MerchantId,
    member_id: MerchantId,
    *,
    provider: str,
    order_id: UUID,
    refund_id: UUID,
    amount_minor: int,
) -> None:
    """A member's refund left the market's account at the provider: the market owes less, and gives its share back."""
    async with db.transaction(market_id, "read") as tx:
        row = await store.find_order(tx, order_id)
    assert row is not None, "a payment of the market belongs to an order of the market"
    known = MarketOrder(*row.values())
    async with db.transaction(member_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
    this = next(each for each in order.refunds if each.refund_id == refund_id)
    before_minor = sum(
        each.amount_minor
        for each in order.refunds
        if each.state != "failed" and (each.requested_at, each.refund_id) < (this.requested_at, refund_id)
    )
    back = commission_back(known.commission_minor, known.total_minor, before_minor, amount_minor)
    currency = order.currency
    due = settlement_due(member_id, currency)
    group_id = derive_id("market refund", refund_id)
    transfers = [
        posted(derive_id(group_id, "money"), due, psp_clearing(provider, currency), amount_minor, "refund")
    ]
    if back:
        transfers.append(
            posted(
                derive_id(group_id, "commission"), commission_income(currency), due, back, "commission back"
            )
        )
    await _submit(lane, market_id, group_id, transfers, order_id)
    if back:
        cost = posted(
            derive_id(group_id, "cost back"),
            psp_clearing(MARKET, currency),
            commission_cost(currency),
            back,
            "commission back",
        )
        await _submit(lane, member_id, derive_id(group_id, "member"), [cost], order_id)


async def _submit(
    lane: Lane, merchant_id: MerchantId, group_id: UUID, transfers: list[Transfer], document_id: UUID
) -> None:
    if transfers:
        outcome = await lane.submit(merchant_id, Group(group_id, tuple(transfers), document_id=document_id))
        assert outcome.passed, "accounts of a settlement have no floor"
