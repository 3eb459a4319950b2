"""What passes between the books of a market and those of a member. Every group is named after what it books, so that a
repeat changes nothing and whatever a crash left out is made good by repeating.

``settlement_due`` of a member (the market's books) and ``psp_clearing:market`` (the member's) are the two ends of one
debt: the buyer's money, the market's part of discounts, its commission, refunds and payouts move both by the same amounts.
"""

from uuid import UUID

from serai.commerce.market import store
from serai.commerce.market.hold_claims import return_claims
from serai.commerce.market.load_checkout import load_checkout
from serai.commerce.market.logic import commission_back
from serai.commerce.market.types import (
    MARKET,
    MarketCheckout,
    MarketPayment,
    MarketRefund,
    commission_cost,
    commission_income,
    discount_recovered,
    promotion_expense,
    settlement_due,
)
from serai.commerce.order.api import load_order
from serai.commerce.payment.types import psp_clearing
from serai.commerce.promotion.api import discount_by, part_back
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.api import Lane
from serai.ledger.types import Account, Group, Transfer, Write, posted


async def book_capture(
    lane: Lane, market_id: MerchantId, checkout: MarketCheckout, payment: MarketPayment
) -> None:
    """The market holds the buyer's money: it is owed to the members, with the market's part of discounts, less the
    commission."""
    currency = payment.currency
    transfers: list[Transfer] = []
    for order in checkout.orders:
        due = settlement_due(order.member_id, currency)
        for name, debit, credit, amount in (
            ("sold", psp_clearing(payment.provider, currency), due, order.total_minor),
            ("discount", promotion_expense(currency), due, order.platform_minor),
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
        group_id = derive_id("market commission", payment.payment_id, order.order_id)
        held = psp_clearing(MARKET, currency)
        own = [
            posted(derive_id(group_id, name), debit, credit, amount, reason)
            for name, debit, credit, amount, reason in (
                ("cost", commission_cost(currency), held, order.commission_minor, "commission"),
                ("discount", held, discount_by("platform", currency), order.platform_minor, "discount"),
            )
            if amount
        ]
        await _submit(lane, MerchantId(order.member_id), group_id, own, order.order_id)


async def book_refund(
    db: Database,
    lane: Lane,
    market_id: MerchantId,
    member_id: MerchantId,
    *,
    provider: str,
    refund: MarketRefund,
) -> None:
    """A member's refund has ended well: the market owes less, and gives back its share of commission and discounts.

    The buyer got ``paid_minor`` out of the market's account; the difference to what the member gave back is what the rest
    of the checkout no longer earns (or earns again).
    """
    async with db.transaction(market_id, "read") as tx:
        checkout = await load_checkout(tx, checkout_id=refund.checkout_id)
    known = next(each for each in checkout.orders if each.order_id == refund.order_id)
    async with db.transaction(member_id, "read") as tx:
        order = await load_order(tx, order_id=refund.order_id)
    this = next(each for each in order.refunds if each.refund_id == refund.refund_id)
    before_minor = sum(
        each.amount_minor
        for each in order.refunds
        if each.state != "failed"
        and (each.requested_at, each.refund_id) < (this.requested_at, refund.refund_id)
    )
    amount_minor = refund.asked_minor
    commission = commission_back(known.commission_minor, known.total_minor, before_minor, amount_minor)
    discount = part_back(known.platform_minor, known.total_minor, before_minor, amount_minor)
    currency = checkout.currency
    group_id = derive_id("market refund", refund.refund_id)
    due, clearing = settlement_due(member_id, currency), psp_clearing(provider, currency)
    recovered = discount_recovered(currency)
    kept_minor = amount_minor - refund.paid_minor
    rows: list[tuple[str, Account, Account, int, str]] = [
        ("money", due, clearing, min(amount_minor, refund.paid_minor), "refund"),
        ("kept", due, recovered, max(0, kept_minor), "refund"),
        ("let go", recovered, clearing, max(0, -kept_minor), "discount earned again"),
        ("commission", commission_income(currency), due, commission, "commission back"),
        ("discount", due, promotion_expense(currency), discount, "discount back"),
    ]
    transfers = [
        posted(derive_id(group_id, name), d, c, amount, why) for name, d, c, amount, why in rows if amount
    ]
    stamp = (Write(store.stamp_refunds, (refund.refund_id, clock.now())),)
    await _submit(lane, market_id, group_id, transfers, refund.order_id, stamp)
    held = psp_clearing(MARKET, currency)
    own = [
        posted(derive_id(group_id, name), debit, credit, amount, reason)
        for name, debit, credit, amount, reason in (
            ("cost back", held, commission_cost(currency), commission, "commission back"),
            ("discount back", discount_by("platform", currency), held, discount, "discount back"),
        )
        if amount
    ]
    await _submit(lane, member_id, derive_id(group_id, "member"), own, refund.order_id)
    if order.state in ("cancelled", "expired"):
        await return_claims(db, lane, market_id, checkout, known)


async def _submit(
    lane: Lane,
    merchant_id: MerchantId,
    group_id: UUID,
    transfers: list[Transfer],
    document_id: UUID,
    writes: tuple[Write, ...] = (),
) -> None:
    if transfers:
        outcome = await lane.submit(
            merchant_id, Group(group_id, tuple(transfers), writes, document_id=document_id)
        )
        assert outcome.passed, "accounts of a settlement have no floor"
