"""The balance of a presale's order: known when the presale has closed, lowered by a coupon, asked for in its window.

FIX      one group: what the buyer still owes becomes due, its payment is expected until the window ends, and the order's
         document follows (the tier is an adjustment like any other)
COUPON   judged on the balance of the goods. A payment that is under way is stopped first, so nobody pays the old amount;
         then one group frees the old expectation, takes the coupon and expects less. One coupon per order.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from serai.commerce.checkout.adjust_order import fund_claims, make_adjustments, refuse_claims
from serai.commerce.checkout.book_payment import count_deposit
from serai.commerce.checkout.price_goods import Goods, Priced, Shopper, run_program
from serai.commerce.checkout.settle_payment import refresh_payment
from serai.commerce.order.api import (
    Revision,
    Stamp,
    load_order,
    revise_order,
    stamp_orders,
    write_revisions,
)
from serai.commerce.order.events import OrderPaid
from serai.commerce.order.types import Order, OrderAdjustment, amount_due
from serai.commerce.payment.types import deferred_sales, order_due, psp_clearing
from serai.commerce.presale.api import Mark, balance_id, balance_of, load_presale, mark_orders, priced_at
from serai.commerce.presale.events import BalanceFixed, BalanceLowered
from serai.commerce.presale.types import OrderPresale, Presale
from serai.commerce.promotion import api as promotion
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Outside, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.member.api import find_member
from serai.ledger.types import Group, Transfer, Write, pending, posted, void

# A payment made in the last moment of the window may be told a little later.
GRACE = timedelta(minutes=10)
LINE = "1"


async def fix_balance(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID) -> bool:
    """Say what an order of a closed presale has still to pay. False when that is known, or nothing is to pay any more."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
        agreed = order.presale
        if agreed is None or order.state != "awaiting_balance" or agreed.fixed_at is not None:
            return False
        presale = await load_presale(tx, presale_id=agreed.presale_id)
    if presale.percent is None:
        return False
    added = _lower_price(order, agreed, presale)
    revised = revise_order(order, added)
    balance_minor = revised.total_minor - order.deposit_minor
    mark = Mark(order_id, presale.pieces, presale.percent, fixed_at=clock.now())
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(
            derive_id("fix balance", order_id),
            (
                posted(
                    derive_id(order_id, "balance due"),
                    order_due(order_id, order.currency),
                    deferred_sales(order.currency),
                    balance_minor,
                    "balance",
                ),
                _expect(commerce, order, agreed, agreed.turn, balance_minor),
            ),
            (Write(write_revisions, Revision(revised, added)), Write(mark_orders, mark)),
            (Fact(order_id, BalanceFixed(order_id, balance_minor, presale.percent)),),
            document_id=order_id,
        ),
    )
    return outcome.passed


def _lower_price(order: Order, agreed: OrderPresale, presale: Presale) -> tuple[OrderAdjustment, ...]:
    """What the number of buyers takes off the price; nothing on the first step."""
    assert presale.percent is not None
    off = (agreed.price_minor - priced_at(agreed.price_minor, presale.percent)) * agreed.quantity
    if not off:
        return ()
    # Told apart from what the deposit counts for beyond itself.
    part = f" · {Decimal(presale.percent) / 100:f} %"
    return (
        OrderAdjustment(
            len(order.adjustments) + 1,
            "presale_tier",
            1,
            None,
            0,
            presale.presale_id,
            None,
            presale.terms.name + part,
            {locale: name + part for locale, name in presale.terms.translations.items()},
            "seller",
            "keep",
            off,
            (),
            ((1, off),),
        ),
    )


def _expect(
    commerce: Commerce, order: Order, agreed: OrderPresale, turn: int, balance_minor: int
) -> Transfer:
    """The reservation that stands for the balance."""
    return pending(
        balance_id(order.order_id, turn),
        psp_clearing(commerce.default_provider, order.currency),
        order_due(order.order_id, order.currency),
        balance_minor,
        "balance expected",
        agreed.balance_until + GRACE,
    )


async def use_coupon(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, code: str, member_id: UUID | None = None
) -> Order:
    """Use a coupon on an order's balance. The same coupon again changes nothing.

    Raises:
        NotFound: ``order.unknown``, ``coupon.unknown``.
        Conflict: ``order.balance_not_open``; ``presale.coupon_used`` when the order has another one; ``coupon.ended``;
            ``coupon.not_applied`` with ``why``; ``order.changed`` when it was paid meanwhile.
        Outside: the provider cannot stop the payment that is under way; nothing has changed.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
        coupon = await promotion.find_coupon_by_code(tx, code=code, member_id=member_id)
        used = [each.coupon_id for each in order.adjustments if each.coupon_id is not None]
        if coupon.coupon_id in used:
            return order
        if order.presale is None or not order.presale.is_open(clock.now()) or amount_due(order) <= 0:
            raise Conflict(
                "order.balance_not_open", _("The balance of this order cannot be paid at the moment.")
            )
        if used:
            raise Conflict("presale.coupon_used", _("This balance has a coupon already; one is the most."))
        priced = await _price_balance(
            tx, order, order.presale, coupon.coupon_id, coupon.promotion_id, member_id
        )
    added = _read_coupon(order, priced)
    await _stop_balance(commerce, merchant_id, order)
    await fund_claims(commerce, merchant_id, added)
    await _take_coupon(commerce, merchant_id, order, order.presale, added, coupon.coupon_id)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


async def _price_balance(
    tx: Transaction,
    order: Order,
    agreed: OrderPresale,
    coupon_id: UUID,
    promotion_id: UUID,
    member_id: UUID | None,
) -> Priced:
    """The goods at what is left to pay for them, under the coupon's own promotion and no other."""
    rules = [each for each in await promotion.list_live_rules(tx) if each.promotion_id == promotion_id]
    program = promotion.compile_rules([each for each in rules if each.terms.layer in (4, 6)])
    member = await find_member(tx, member_id=member_id) if member_id else None
    assert agreed.percent is not None
    line = order.lines[0]
    price_minor = balance_of(agreed.price_minor, agreed.credit_minor, agreed.percent)
    return await run_program(
        tx,
        program,
        goods=[Goods(LINE, line.sku_id, line.quantity, price_minor)],
        place_id=order.place_id,
        shipping_minor=order.shipping_minor,
        shopper=Shopper(
            channel=order.channel,
            member_id=member_id,
            member_level=member.level or None if member else None,
            coupon_ids=(coupon_id,),
        ),
        held=await promotion.load_held_coupons(tx, program, coupon_ids=[coupon_id], member_id=member_id),
        left=await promotion.load_left(tx, program, currency=order.currency, user_id=member_id),
    )


def _read_coupon(order: Order, priced: Priced) -> tuple[OrderAdjustment, ...]:
    """The coupon as an adjustment of the order. Conflict ``coupon.not_applied`` when it does nothing."""
    found = make_adjustments(
        [each for each in priced.result.adjustments if each.coupon_id is not None], {LINE: 1}
    )
    if not found:
        reason = next(iter(priced.result.reasons), None)
        raise Conflict(
            "coupon.not_applied",
            _("This coupon does not apply to this balance."),
            field="code",
            why=[reason.code] if reason else [],
            needed_minor=reason.data.get("needed") if reason else None,
        )
    number = len(order.adjustments)
    return tuple(msgspec.structs.replace(each, adjustment_no=number + n) for n, each in enumerate(found, 1))


async def _stop_balance(commerce: Commerce, merchant_id: MerchantId, order: Order) -> None:
    """Stop payments of the old balance. Conflict ``order.changed`` when one of them has just been paid."""
    for paid in order.payments:
        if paid.purpose != "balance" or paid.state not in ("created", "authorised"):
            continue
        if paid.provider_payment_id is None:
            continue
        try:
            await commerce.providers[paid.provider].void_payment(merchant_id, paid.provider_payment_id)
        except Outside:
            now = await refresh_payment(commerce, merchant_id, order_id=order.order_id)
            if now.state != "awaiting_balance":
                raise _changed() from None
            raise


def _changed() -> Conflict:
    return Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))


async def _take_coupon(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    agreed: OrderPresale,
    added: Sequence[OrderAdjustment],
    coupon_id: UUID,
) -> None:
    revised = revise_order(order, added)
    balance_minor, off = revised.total_minor - order.deposit_minor, order.total_minor - revised.total_minor
    group_id = derive_id("balance coupon", order.order_id, coupon_id)
    claims = [claim for each in added for claim in each.claims]
    due, deferred = order_due(order.order_id, order.currency), deferred_sales(order.currency)
    transfers: list[Transfer] = [
        void(balance_id(order.order_id, agreed.turn), "coupon"),
        posted(derive_id(group_id, "due"), deferred, due, off, "coupon"),
        *promotion.take_claims(claims, order.order_id, order.currency, at_once=not balance_minor),
    ]
    writes = [
        Write(write_revisions, Revision(revised, tuple(added))),
        Write(mark_orders, Mark(order.order_id, turn=1)),
    ]
    facts = [Fact(order.order_id, BalanceLowered(order.order_id, coupon_id, balance_minor, off))]
    if balance_minor:
        transfers.append(_expect(commerce, order, agreed, agreed.turn + 1, balance_minor))
    else:
        counted, grants = count_deposit(revised)
        transfers += counted
        writes += [Write(stamp_orders, Stamp(order.order_id, paid_at=clock.now())), *grants]
        facts.append(Fact(order.order_id, OrderPaid(order.order_id, None, 0, order.currency)))
    outcome = await commerce.lane.submit(
        merchant_id,
        Group(group_id, tuple(transfers), tuple(writes), tuple(facts), document_id=order.order_id),
    )
    if not outcome.passed:
        raise refuse_claims(outcome.shortages, added, order.currency) or _changed()
