"""A buyer who was to pay on delivery does not take the goods: the order is called off and everything is back on its shelf.

Before anything has left that is a cancellation. Afterwards one group, at the order's turn, lets go of the pledge, gives
tenders back, takes the sale back from wherever it is by now, and returns to each place what had left it.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import cancel_order, plan_part_refund
from serai.commerce.order.api import Stamp, load_order, read_standing, stamp_orders, was_late
from serai.commerce.order.events import OrderCancelled
from serai.commerce.order.types import Order
from serai.commerce.stock.types import customer_account, stock_account
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Conflict, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Phase, Transfer, Write, posted, void

ATTEMPTS = 20


async def refuse_delivery(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, by: str, reason: str = ""
) -> Order:
    """Call off an order whose delivery was refused. Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_refuse`` when it is not to be paid on delivery, or some of it was paid already; what
            :func:`cancel_order` refuses.
    """
    reason = " ".join(reason.split())[:200] or "delivery refused"
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            standing = await read_standing(tx, order_id)
            order = standing.order
            if not _is_refusable(order) and order.state != "cancelled":
                # An order is read before its payments, so a twin may have called it off in between.
                order = await load_order(tx, order_id=order_id)
            if order.state == "cancelled":
                return order
            _check(order)
            if order.state == "paid" and not order.is_part_shipped:
                break
            group = await plan_part_refund(
                tx,
                order=order,
                moved=standing.moved,
                amount_minor=order.refundable_minor,
                reason=reason,
                by=by,
                key="refused",
            )
        back = _return_goods(standing.moved, group.group_id)
        audit = AuditRow(by, "order.refused", "order", str(order_id), None, {"reason": reason})
        stamp = Stamp(order_id, cancelled_at=clock.now())
        outcome = await commerce.lane.submit(
            merchant_id,
            msgspec.structs.replace(
                group,
                transfers=(*group.transfers, *back),
                writes=(*group.writes, Write(stamp_orders, stamp), Write(record_rows, audit)),
                facts=(*group.facts, Fact(order_id, OrderCancelled(order_id, by, reason))),
            ),
        )
        if outcome.passed and not was_late(outcome):
            async with commerce.db.transaction(merchant_id, "read") as tx:
                return await load_order(tx, order_id=order_id)
    else:
        raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))
    return await cancel_order(commerce, merchant_id, order_id=order_id, by=by, reason=reason)


def _is_refusable(order: Order) -> bool:
    is_owed = any(
        paid.pledge is not None and paid.pledge.kind == "cash_on_delivery" and paid.open_minor
        for paid in order.payments
    )
    return is_owed and not order.paid_minor


def _check(order: Order) -> None:
    if not _is_refusable(order):
        raise Conflict(
            "order.cannot_refuse",
            _(
                "Only a delivery that was to be paid at the door, and of which nothing was paid, can be refused."
            ),
            state=order.state,
        )


def _return_goods(moved: Sequence[DocumentTransfer], group_id: UUID) -> list[Transfer]:
    """What has left goes back to where it had left from; what is still reserved is free again."""
    left: dict[tuple[UUID, UUID], int] = {}
    transfers: list[Transfer] = []
    for each in moved:
        if each.is_open and each.phase is Phase.PENDING and each.credit_kind == "stock":
            transfers.append(void(each.transfer_id, "refused"))
        if each.phase not in (Phase.POST, Phase.POSTED) or each.place_id is None:
            continue
        key = each.unit_id, each.place_id
        if each.credit_kind == "stock" and each.debit_kind == "customer":
            left[key] = left.get(key, 0) + each.amount
        elif each.debit_kind == "stock" and each.credit_kind == "customer":
            left[key] = left.get(key, 0) - each.amount
    for (sku_id, place_id), steps in left.items():
        if steps > 0:
            transfer_id = derive_id(group_id, "goods", sku_id, place_id)
            stock, customer = stock_account(sku_id, place_id), customer_account(sku_id)
            transfers.append(posted(transfer_id, stock, customer, steps, "refused"))
    return transfers
