"""What a captured payment means for its order: which reservation it posts, what counts with it, what is told. Pure.

A plain order is paid. Of a presale the first payment is the deposit: quota and allowance count, the goods stay kept. The
second is the balance: coupons count, and the deposit becomes part of the sale.
"""

from uuid import UUID

import msgspec

from serai.commerce.checkout.reserve_order import money_pending_id
from serai.commerce.order.api import Stamp
from serai.commerce.order.events import OrderPaid
from serai.commerce.order.types import NewOrder, Order, amount_due
from serai.commerce.payment.types import Payment, deferred_deposits, deferred_sales
from serai.commerce.presale.api import balance_id
from serai.commerce.presale.events import DepositPaid
from serai.commerce.promotion.api import post_claims
from serai.commerce.promotion.events import CouponUsed
from serai.commerce.promotion.types import Claim
from serai.commerce.tender.api import award, post_tenders
from serai.foundation import clock
from serai.foundation.event import Fact
from serai.foundation.ids import derive_id
from serai.ledger.types import Transfer, Write, posted


class Booking(msgspec.Struct, frozen=True):
    """What is booked with a payment's money: the reservation that it posts, and what goes with it."""

    pending_id: UUID
    transfers: tuple[Transfer, ...]
    writes: tuple[Write, ...]
    stamp: Stamp
    facts: tuple[Fact, ...]


def book_payment(order: Order, intent: Payment, secured: str = "") -> Booking | None:
    """What a payment in time books; None when it is not what the order waits for any more.

    ``secured``: its money has not come but is pledged, and how.
    """
    if order.presale is None:
        earned, grants = award(order.order_id, order.member_id, order.award_points)
        return Booking(
            money_pending_id(order.order_id),
            (
                *post_claims(order.claims, order.order_id),
                *post_tenders(order.order_id, order.currency, order.tenders),
                *earned,
            ),
            grants,
            *tell_paid(order, intent, secured),
        )
    if intent.purpose == "deposit":
        return Booking(
            money_pending_id(order.order_id),
            tuple(post_claims(presale_claims(order), order.order_id)),
            (),
            *tell_paid(order, intent),
        )
    if order.state != "awaiting_balance" or intent.amount_minor != amount_due(order):
        return None
    transfers, writes = count_deposit(order)
    return Booking(
        balance_id(order.order_id, order.presale.turn),
        (*post_claims(balance_claims(order), order.order_id), *transfers),
        writes,
        *tell_paid(order, intent),
    )


def count_deposit(order: Order) -> tuple[tuple[Transfer, ...], tuple[Write, ...]]:
    """The deposit becomes part of the sale, and the order earns what it earns: all of it is paid."""
    earned, grants = award(order.order_id, order.member_id, order.award_points)
    counted = posted(
        derive_id(order.order_id, "deposit counted"),
        deferred_deposits(order.currency),
        deferred_sales(order.currency),
        order.deposit_minor,
        "deposit counted",
    )
    return (counted, *earned), grants


def tell_paid(order: Order, intent: Payment, secured: str = "") -> tuple[Stamp, tuple[Fact, ...]]:
    """The moment that a payment sets, and the facts that tell of it."""
    if intent.purpose == "deposit":
        fact = DepositPaid(order.order_id, intent.intent_id, intent.amount_minor, intent.currency)
        return Stamp(order.order_id, deposit_paid_at=clock.now()), (Fact(order.order_id, fact),)
    paid = OrderPaid(order.order_id, intent.intent_id, intent.amount_minor, intent.currency, secured)
    return Stamp(order.order_id, paid_at=clock.now()), (Fact(order.order_id, paid), *used_coupons(order))


def presale_claims(order: Order) -> tuple[Claim, ...]:
    """What an order took of its presale: it counts with the deposit."""
    return tuple(claim for claim in order.claims if claim.promotion_id == order.presale_id)


def balance_claims(order: Order) -> tuple[Claim, ...]:
    """What an order took of promotions for its balance: it counts with the balance."""
    return tuple(claim for claim in order.claims if claim.promotion_id != order.presale_id)


def used_coupons(order: Order | NewOrder) -> tuple[Fact, ...]:
    """A fact for every coupon that a paid order has used."""
    return tuple(
        Fact(
            each.promotion_id,
            CouponUsed(each.coupon_id, each.promotion_id, order.order_id, each.amount_minor),
        )
        for each in order.adjustments
        if each.coupon_id is not None and each.promotion_id is not None
    )
