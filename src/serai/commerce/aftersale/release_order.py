"""Calling an order off: every reservation is void, what its buyer owed or had paid is taken back, all in one group.

Money that a provider holds is reserved for its refund in the same group, so nothing can come between the end of an order
and the return of its money; the provider is asked afterwards, and again until it answers.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from serai.commerce.aftersale.refund_tenders import NOTHING, Back, give_back_all
from serai.commerce.aftersale.release_deposit import release_deposit
from serai.commerce.aftersale.request_refund import Ways, is_known, pledged_left, reserve_refund
from serai.commerce.order.api import Stamp, deferred_of, load_order, next_turn, stamp_orders, was_late
from serai.commerce.order.types import Order, expects_payment
from serai.commerce.payment.types import Payment, deferred_sales, order_due
from serai.commerce.pledge.types import uncollected
from serai.commerce.presale.api import Mark, mark_orders
from serai.commerce.promotion.api import give_back_claims, return_discounts
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger import api as ledger
from serai.ledger.types import Group, Transfer, Write, posted, void


class Refunding(msgspec.Struct, frozen=True):
    """That what was paid goes back with the order's end: why, who said so, and what the refunds are named after."""

    reason: str
    by: str
    key: str


def payment_left(order: Order, paid: Payment, *, kept: bool = True, pledged: bool = True) -> int:
    """What of a payment may still go back, in minor units; ``kept``: without a deposit that stays; ``pledged``: with what
    was pledged and need not come."""
    refunded = sum(
        r.amount_minor for r in order.refunds if r.intent_id == paid.intent_id and r.state != "failed"
    )
    stays = order.kept_minor if kept and paid.purpose == "deposit" else 0
    return paid.captured_minor - refunded - stays + (pledged_left(paid) if pledged else 0)


def what_is_left(paid: Payment, *, kept: bool = True, pledged: bool = True) -> Callable[[Order], Ways]:
    """The ways of a refund that gives back all that is left of one payment, whatever that is at its turn."""

    def choose(order: Order) -> Ways:
        now = next(each for each in order.payments if each.intent_id == paid.intent_id)
        left = payment_left(order, now, kept=kept, pledged=pledged)
        return (((now, left),) if left > 0 else (), ())

    return choose


async def release_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    judged: Order,
    what: str,
    stamp: Stamp,
    fact: Fact,
    writes: tuple[Write, ...] = (),
    refunding: Refunding | None = None,
    *,
    keep_deposit: bool = False,
) -> bool:
    """End an order as it was judged. False when it has changed since: nothing was moved, and it must be judged anew.

    Args:
        refunding: that its payments go back; without, they stay for the caller to return.
        keep_deposit: what was paid of a presale stays with the merchant, else it is owed to the buyer.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        moved = await ledger.list_document_transfers(tx, document_id=judged.order_id)
        order = await load_order(tx, order_id=judged.order_id)
        pendings = [
            pending
            for pending in await ledger.list_open_pendings(tx, document_id=order.order_id)
            if not _is_refund(pending)
        ]
        turn = next_turn(order.order_id, moved)
        group_id = turn.group_id
        if _is_other(order, judged, pendings):
            # A payment, a shipment or another end came between, or comes in this very moment.
            return False
        back = NOTHING
        if order.paid_at is not None:
            by = refunding.by if refunding else "system"
            back = await give_back_all(tx, order, group_id, moved, by=by, reason=what)
    transfers: list[Transfer] = [turn.transfer, *(void(p.transfer_id, what) for p in pendings)]
    transfers += back.transfers
    if order.paid_at is not None:
        # What an unpaid order holds of promotions is among the pendings; what a paid one used is given back.
        transfers += give_back_claims(order.claims, group_id, order.currency)
        transfers += return_discounts(moved, group_id, order.currency)
    transfers += release_deposit(order, moved, group_id, what, keep=keep_deposit)
    rows = [Write(stamp_orders, stamp), *back.writes, *writes]
    facts = [fact, *back.facts]
    if keep_deposit:
        rows.append(Write(mark_orders, Mark(order.order_id, kept_at=clock.now())))
    unshipped = deferred_of(moved)
    if unshipped > 0:
        due, deferred = order_due(order.order_id, order.currency), deferred_sales(order.currency)
        transfers.append(posted(derive_id(group_id, "due"), deferred, due, unshipped, what))
    transfers += _undo_losses(order, group_id, what)
    for reserved in _refund_payments(order, refunding, keep_deposit) if refunding else ():
        transfers += reserved.transfers
        rows += reserved.writes
        facts += reserved.facts
    group = Group(group_id, tuple(transfers), tuple(rows), tuple(facts), document_id=order.order_id)
    outcome = await commerce.lane.submit(merchant_id, group)
    return outcome.passed and not was_late(outcome)


def _undo_losses(order: Order, group_id: UUID, what: str) -> list[Transfer]:
    """What was written off is no loss after all: an order that is called off keeps its goods, and is owed nothing."""
    due = order_due(order.order_id, order.currency)
    lost = ((paid.intent_id, paid.pledge.lost_minor) for paid in order.payments if paid.pledge)
    return [
        posted(derive_id(group_id, "loss", intent_id), due, uncollected(order.currency), minor, what)
        for intent_id, minor in lost
        if minor
    ]


def _is_taken(order: Order, pendings: Sequence[ledger.OpenPending]) -> bool:
    """Whether a provider is being asked for money now; that may have been reserved after the order was read."""
    return any(paid.pledge and paid.pledge.pending for paid in order.payments) or any(
        pending.credit_kind == "authorised" for pending in pendings
    )


def _is_other(order: Order, judged: Order, pendings: Sequence[ledger.OpenPending]) -> bool:
    """Whether an order has ended, was paid, or has left in part since it was judged, or is being paid in this moment."""
    is_expected = any(pending.credit_kind == "order_due" for pending in pendings)
    return (
        (order.state, order.part_shipped_at) != (judged.state, judged.part_shipped_at)
        or _is_taken(order, pendings)
        or (expects_payment(order) and not is_expected)
    )


def _is_refund(pending: ledger.OpenPending) -> bool:
    """Whether a reservation is that of a refund: it waits for the provider's answer, whatever becomes of the order."""
    return pending.credit_kind == "refundable" or pending.credit_kind.startswith("psp_clearing:")


def _refund_payments(order: Order, refunding: Refunding, keep_deposit: bool) -> list[Back]:
    """The refunds of everything that payments have brought, less a deposit that stays."""
    refunds = []
    for paid in order.payments:
        left = payment_left(order, paid, kept=False)
        left -= order.deposit_minor if keep_deposit and paid.purpose == "deposit" else 0
        refund_id = derive_id("refund", order.order_id, f"{refunding.key}:{paid.intent_id}")
        if left > 0 and not is_known(order, refund_id):
            refunds.append(reserve_refund(order, paid, refund_id, left, refunding.reason, refunding.by))
    return refunds
