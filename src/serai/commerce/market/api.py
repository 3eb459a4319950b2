"""Markets: members and their commission, checkouts over several merchants, their payment, and the settlement."""

from uuid import UUID

from serai.commerce.market import store
from serai.commerce.market.cancel_checkout import cancel_checkout
from serai.commerce.market.fill_basket import (
    accept_basket_changes,
    add_to_basket,
    drop_basket_coupon,
    enter_basket_coupon,
    find_basket,
    set_basket_line,
)
from serai.commerce.market.load_checkout import (
    find_checkout,
    find_order_checkout,
    list_member_checkouts,
    list_members,
    list_offers,
    load_checkout,
)
from serai.commerce.market.pay_checkout import (
    is_declined,
    refresh_checkout,
    settle_checkout,
    start_checkout_payment,
)
from serai.commerce.market.pay_members import (
    list_payouts,
    load_payout,
    pay_members,
    plan_payout,
    reverse_payout,
)
from serai.commerce.market.place_basket import place_basket
from serai.commerce.market.place_checkout import end_checkout, place_checkout
from serai.commerce.market.plan_refund import list_refunds
from serai.commerce.market.provider import MarketProvider
from serai.commerce.market.quote_basket import BasketPart, BasketQuote, list_sold, quote_basket
from serai.commerce.market.types import (
    PPM,
    Basket,
    MarketCheckout,
    MarketLine,
    MarketMember,
    MarketOrder,
    MarketRefund,
    Payout,
    Settlement,
    settlement_due,
)
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.identity.audit import api as audit
from serai.ledger.api import load_balances

__all__ = [
    "reverse_payout",
    "plan_payout",
    "pay_members",
    "load_payout",
    "list_payouts",
    "Payout",
    "Basket",
    "BasketPart",
    "BasketQuote",
    "MarketCheckout",
    "MarketLine",
    "MarketMember",
    "MarketOrder",
    "MarketProvider",
    "MarketRefund",
    "Settlement",
    "accept_basket_changes",
    "add_member",
    "add_to_basket",
    "cancel_checkout",
    "drop_basket_coupon",
    "end_checkout",
    "enter_basket_coupon",
    "find_basket",
    "find_checkout",
    "find_order_checkout",
    "is_declined",
    "list_member_checkouts",
    "list_members",
    "list_offers",
    "list_refunds",
    "list_settlements",
    "list_sold",
    "load_checkout",
    "place_basket",
    "place_checkout",
    "quote_basket",
    "refresh_checkout",
    "set_basket_line",
    "settle_checkout",
    "start_checkout_payment",
]


async def add_member(tx: Transaction, *, member_id: UUID, commission_ppm: int, by: str) -> MarketMember:
    """Let a merchant sell in this market.

    Raises:
        Invalid: ``market.commission_invalid``. Conflict: ``market.member_twice`` when it sells in a market already.
    """
    if not 0 <= commission_ppm <= PPM:
        raise Invalid(
            "market.commission_invalid", _("A commission is from 0 to 100 percent."), field="commission"
        )
    now = clock.now()
    if (
        member_id == tx.merchant_id
        or await store.insert_member(tx, member_id, commission_ppm, now, by) is None
    ):
        raise Conflict("market.member_twice", _("This merchant sells in a market already."))
    await audit.record(
        tx,
        actor=by,
        action="market.member_added",
        subject_kind="merchant",
        subject_id=member_id,
        after={"commission_ppm": commission_ppm},
    )
    return MarketMember(member_id, commission_ppm, now, by, None)


async def list_settlements(tx: Transaction, *, currency: str) -> list[Settlement]:
    """Where every member stands with the market, in the order of joining."""
    sums = {row["member_id"]: row for row in await store.sum_orders(tx)}
    members = await list_members(tx)
    accounts = {each.member_id: settlement_due(each.member_id, currency).account_id for each in members}
    balances = await load_balances(tx, account_ids=list(accounts.values()))
    return [
        Settlement(
            each.member_id,
            each.commission_ppm,
            sums[each.member_id]["orders"] if each.member_id in sums else 0,
            sums[each.member_id]["sold"] if each.member_id in sums else 0,
            balances[accounts[each.member_id]].posted,
        )
        for each in members
    ]
