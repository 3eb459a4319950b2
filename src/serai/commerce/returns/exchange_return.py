"""Goods that came back become other goods.

An order of its own is placed at the prices that were agreed when the return was asked for. What came back pays for it as a
reduction of its price: the sale of the order before stands, and its money is held there. So an order that costs no more is
paid from the start; of one that costs more the buyer pays the rest, within a week.

EXCHANGE  one group: the hold on the goods becomes the new order's reservation; the return's token ends; its lines give up
          what they were paid with; the credit is held
REST      what the new goods cost less goes back as money, under a key of the return; a job does so again
"""

from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import charge_lines, fund_lines
from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.checkout.api import Contact, Draft, Item, submit_draft, tax_draft
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order, OrderAdjustment
from serai.commerce.returns.decide_return import release_hold
from serai.commerce.returns.events import ReturnExchanged
from serai.commerce.returns.keep_terms import load_terms
from serai.commerce.returns.load_returns import load_return
from serai.commerce.returns.logic import EXCHANGE, spread
from serai.commerce.returns.move_return import (
    ATTEMPTS,
    Step,
    audit_move,
    changed_meanwhile,
    check_move,
    turn_over,
)
from serai.commerce.returns.settle_return import estimate, name_refund, settle_lines
from serai.commerce.returns.types import RefundPlan, Return
from serai.commerce.returns.undo_exchange import count_paid, give_rest_back, hold_credit
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, _
from serai.foundation.event import Fact
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId, derive_id

# How long the buyer has for what is left to pay.
PAY_WITHIN_MINUTES = 7 * 24 * 60
NAME = _("Credit for what came back")
LAYER = 7


async def exchange_return(commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID, by: str) -> Return:
    """Place the order of what is wished for instead. Doing it again changes nothing.

    Raises:
        NotFound: ``return.unknown``.
        Conflict: ``return.cannot_exchange``, ``return.no_exchange`` where money was wished for, ``return.changed``,
            ``return.replacement_gone`` when it is not sold any more, ``return.not_paid`` while the money for what came back
            has not come itself.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await load_return(tx, return_id=return_id)
        order = await load_order(tx, order_id=found.order_id)
    if found.state != "exchanged":
        check_move(found, "exchange")
        await fund_lines(commerce, merchant_id, order)
        await _place(commerce, merchant_id, return_id, by)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await load_return(tx, return_id=return_id)
    await give_rest_back(commerce, merchant_id, found)
    return found


async def _place(commerce: Commerce, merchant_id: MerchantId, return_id: UUID, by: str) -> None:
    patient = msgspec.structs.replace(
        commerce,
        settings=msgspec.structs.replace(commerce.settings, pay_within_minutes=PAY_WITHIN_MINUTES),
    )
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            found = await load_return(tx, return_id=return_id)
            if found.state == "exchanged":
                return
            check_move(found, "exchange")
            if found.wish != "exchange":
                raise Conflict("return.no_exchange", _("For this return the money was wished for."))
            order = await load_order(tx, order_id=found.order_id)
            planned = await estimate(tx, order, found, await load_terms(tx))
            if planned.amount_minor > count_paid(order):
                raise Conflict(
                    "return.not_paid",
                    _(
                        "This order is not paid for yet. Take its money first, or give back what was promised."
                    ),
                )
            draft, credit_minor = await _draft(tx, found, order, planned.amount_minor)
        step = _settle(found, order, planned, draft, credit_minor, by)
        _after, transfers, writes = turn_over(found, step)
        try:
            await submit_draft(patient, merchant_id, draft, writes, transfers=transfers, facts=step.facts)
        except Conflict as refused:
            # The token or the hold is gone: somebody else has moved the return on. What was kept aside cannot be short.
            if refused.code != "checkout.changed":
                raise
            continue
        return
    raise changed_meanwhile()


async def _draft(tx: Transaction, found: Return, order: Order, worth_minor: int) -> tuple[Draft, int]:
    """The order of what is wished for, with its credit; and what that credit is worth, taxes included."""
    lines = [line for line in found.lines if line.accepted and line.replacement_sku_id is not None]
    items = await list_sale_items(
        tx, sku_ids=[line.replacement_sku_id for line in lines if line.replacement_sku_id]
    )
    goods = []
    for line in lines:
        item = items.get(line.replacement_sku_id) if line.replacement_sku_id else None
        if item is None:
            raise Conflict("return.replacement_gone", _("What was wished for is not sold any more."))
        price = line.replacement_price_minor or 0
        goods.append(
            Item(
                item.sku_id, item.product_id, line.replacement_title, line.accepted, price, price * line.accepted,
                unit=item.unit, list_minor=item.price_minor,
            )
        )  # fmt: skip
    order_id = derive_id("order", "exchange", found.return_id)
    draft = Draft(
        order_id=order_id,
        cart_id=None,
        channel=order.channel,
        items=tuple(goods),
        currency=order.currency,
        shipping_minor=0,
        contact=Contact(order.email, order.name, order.phone),
        address=order.address if order.delivery == "ship" else None,
        delivery=order.delivery,
        place_id=order.place_id,
        member_id=order.member_id,
        locale=order.locale,
        note="",
    )
    draft = await tax_draft(tx, draft)
    goods_minor = sum(item.total_minor for item in goods)
    credit_minor = min(worth_minor, draft.total_minor)
    # Taxes on top shrink with the price, so the credit takes off as much of the price as of the total.
    off = goods_minor * credit_minor // draft.total_minor if draft.total_minor else 0
    by_return_line = spread(off, lines)
    return await tax_draft(
        tx, _credit(draft, found, [by_return_line[line.line_no] for line in lines])
    ), credit_minor


def _credit(draft: Draft, found: Return, shares: list[int]) -> Draft:
    items = tuple(
        msgspec.structs.replace(item, discount_minor=minor)
        for item, minor in zip(draft.items, shares, strict=True)
    )
    amount_minor = sum(shares)
    if not amount_minor:
        return draft
    credit = OrderAdjustment(
        1, EXCHANGE, LAYER, None, 0, found.return_id, None, NAME,
        {locale: translate(NAME, locale) for locale in ("zh_Hans", "zh_Hant")}, "seller", "keep", amount_minor,
        shares=tuple((no, minor) for no, minor in enumerate(shares, 1) if minor),
    )  # fmt: skip
    return msgspec.structs.replace(draft, items=items, adjustments=(credit,))


def _settle(
    found: Return, order: Order, planned: RefundPlan, draft: Draft, credit_minor: int, by: str
) -> Step:
    rest_minor = planned.amount_minor - credit_minor
    refund_id = derive_id("refund", order.order_id, name_refund(found.return_id)) if rest_minor else None
    after = msgspec.structs.replace(
        settle_lines(found, planned),
        settled_at=clock.now(),
        outcome="exchanged",
        fee_minor=planned.fee_minor,
        refund_minor=rest_minor,
        credit_minor=credit_minor,
        refund_id=refund_id,
        exchange_order_id=draft.order_id,
    )
    fact = ReturnExchanged(
        found.return_id,
        order.order_id,
        found.number,
        draft.order_id,
        credit_minor,
        rest_minor,
        order.currency,
        by,
    )
    return Step(
        after,
        (
            *release_hold(found, "exchanged"),
            *charge_lines(order, planned.charges, found.return_id),
            *hold_credit(order, draft.order_id, credit_minor, rest_minor, found.return_id),
        ),
        (audit_move(found, "exchanged", by, order=order.number, exchange=str(draft.order_id)),),
        (Fact(order.order_id, fact),),
        ends=True,
    )
