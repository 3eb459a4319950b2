"""What the buyer gets for goods that came back, as money.

ESTIMATE  what it would come to now, without moving anything
REFUND    one group at the order's turn: the return's token ends, its lines give up what they were paid with, and the money
          goes back the way it came; what it comes to is counted at that turn, so of two returns the second sees the first
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import (
    Back,
    charge_lines,
    fund_lines,
    load_line_money,
    propose_refund,
    refund_planned,
)
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.returns.decide_return import release_hold
from serai.commerce.returns.events import ReturnRefunded
from serai.commerce.returns.keep_terms import load_terms
from serai.commerce.returns.load_returns import count_cut, find_exchange, list_order_returns, load_return
from serai.commerce.returns.logic import DELIVERY, plan_refund, share_credit, stand_of
from serai.commerce.returns.move_return import Step, audit_move, check_move, turn_over
from serai.commerce.returns.types import RefundPlan, Return, ReturnTerms
from serai.commerce.returns.undo_exchange import give_former_back, name_former
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id


async def estimate(
    tx: Transaction, order: Order, found: Return, terms: ReturnTerms, *, as_money: bool | None = None
) -> RefundPlan:
    """What a return comes to if it is settled now: of what was accepted, or of all that was announced before that.

    Args:
        as_money: that it is refunded, as it was wished for without. Who exchanges goods keeps their delivery.
    """
    is_refund = found.wish == "refund" if as_money is None else as_money
    counts = {
        line.line_no: line.accepted if found.received_at is not None else line.quantity
        for line in found.lines
    }
    counts = {line_no: count for line_no, count in counts.items() if count}
    settled = [
        each
        for each in await list_order_returns(tx, order_id=order.order_id)
        if each.outcome in ("refunded", "exchanged") and each.return_id != found.return_id
    ]
    left = await load_line_money(tx, order)
    before: dict[int, int] = {}
    for line in (line for each in settled for line in each.lines):
        before[line.line_no] = before.get(line.line_no, 0) + line.accepted
    planned = plan_refund(
        stand_of(order, left, settled, *count_cut(order)),
        counts,
        delivery_minor=left.get(DELIVERY, 0) if is_refund else 0,
        taken_before=sum(each.kept_minor for each in settled),
        taken_after=await _count_taken(tx, order, before, counts),
        most_minor=order.refundable_minor,
        restocking_bp=0 if found.by_fault else terms.restocking_bp,
        postage_minor=0 if found.by_fault else terms.postage_minor,
    )
    former = await find_exchange(tx, order_id=order.order_id)
    if former is None or former.undone_at is not None:
        return planned
    return msgspec.structs.replace(
        planned, former_minor=share_credit(order, former.credit_minor, before, counts)
    )


async def _count_taken(
    tx: Transaction, order: Order, before: Mapping[int, int], counts: Mapping[int, int]
) -> int:
    """What promotions take back once these pieces have come too, with the taxes that were paid on top of it."""
    if not any(each.returns == "claw_back" and each.promotion_id for each in order.adjustments):
        return 0
    returned = {no: before.get(no, 0) + counts.get(no, 0) for no in before.keys() | counts.keys()}
    if not any(returned.values()):
        return 0
    proposed = await propose_refund(tx, order_id=order.order_id, returned=returned)
    taken = sum(proposed.clawed_back.values())
    goods = sum(line.net_minor for line in order.lines)
    on_top = sum(tax.tax_minor for tax in order.taxes if not tax.included and tax.line_no != DELIVERY)
    return taken + (taken * on_top // goods if goods else 0)


async def refund_return(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    return_id: UUID,
    by: str,
    amount_minor: int | None = None,
) -> Return:
    """Give back what the accepted pieces were paid with. Doing it again changes nothing.

    Args:
        amount_minor: less than that, where staff find so; what is missing is kept as a fee.

    Raises:
        NotFound: ``return.unknown``. Conflict: ``return.cannot_refund``. Invalid: ``refund.amount_invalid``.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await load_return(tx, return_id=return_id)
        if found.state == "refunded":
            return found
        check_move(found, "refund")
        order = await load_order(tx, order_id=found.order_id)
    await fund_lines(commerce, merchant_id, order)

    async def plan(tx: Transaction, order: Order) -> tuple[int, Back]:
        found = await load_return(tx, return_id=return_id)
        check_move(found, "refund")
        planned = await estimate(tx, order, found, await load_terms(tx), as_money=True)
        given = _choose_amount(planned, amount_minor)
        former = await find_exchange(tx, order_id=order.order_id) if planned.former_minor else None
        former_id = name_former(former, return_id) if former else None
        step = _settle(found, order, planned, given, by, former_id)
        _after, transfers, writes = turn_over(found, step)
        return given, Back(transfers, writes, step.facts)

    try:
        await refund_planned(
            commerce,
            merchant_id,
            order_id=order.order_id,
            plan=plan,
            reason=f"return {found.number}",
            by=by,
            key=name_refund(return_id),
        )
    except Conflict:
        # A twin of this call may have refunded it between two of our reads.
        async with commerce.db.transaction(merchant_id, "read") as tx:
            if (await load_return(tx, return_id=return_id)).state != "refunded":
                raise
    await give_former_back(commerce, merchant_id, return_id=return_id)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_return(tx, return_id=return_id)


def name_refund(return_id: UUID) -> str:
    """The key of a return's refund."""
    return f"return:{return_id}"


def _choose_amount(planned: RefundPlan, wanted: int | None) -> int:
    if wanted is None:
        return planned.amount_minor
    if isinstance(wanted, bool) or not 0 <= wanted <= planned.amount_minor:
        raise Invalid(
            "refund.amount_invalid",
            _("The amount must be above zero and at most what can still be refunded."),
            field="amount",
            refundable=planned.amount_minor,
        )
    return wanted


def settle_lines(found: Return, planned: RefundPlan) -> Return:
    """The return with what its lines were paid with, and what they give up."""
    return msgspec.structs.replace(
        found,
        goods_minor=planned.goods_minor,
        kept_minor=planned.kept_minor,
        postage_minor=planned.postage_minor,
        lines=tuple(
            msgspec.structs.replace(
                line,
                share_minor=planned.shares.get(line.line_no, 0),
                charged_minor=planned.charges.get(line.line_no, 0),
            )
            for line in found.lines
        ),
    )


def _settle(
    found: Return,
    order: Order,
    planned: RefundPlan,
    given: int,
    by: str,
    former_refund_id: UUID | None,
) -> Step:
    fee_minor = planned.fee_minor + planned.amount_minor - given
    after = msgspec.structs.replace(
        settle_lines(found, planned),
        settled_at=clock.now(),
        outcome="refunded",
        fee_minor=fee_minor,
        refund_minor=given,
        refund_id=derive_id("refund", order.order_id, name_refund(found.return_id)) if given else None,
        former_minor=planned.former_minor,
        former_refund_id=former_refund_id,
    )
    fact = ReturnRefunded(
        found.return_id,
        order.order_id,
        found.number,
        given,
        fee_minor + planned.postage_minor,
        order.currency,
        by,
    )
    return Step(
        after,
        (
            *charge_lines(order, planned.charges, found.return_id),
            *release_hold(found, "refunded instead"),
        ),
        (audit_move(found, "refunded", by, order=order.number, amount_minor=given),),
        (Fact(order.order_id, fact),),
        ends=True,
    )
