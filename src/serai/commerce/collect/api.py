"""What staff say about payments without a provider."""

from uuid import UUID

from serai.commerce.aftersale.api import settle_refund
from serai.commerce.capture.api import lose_pledge
from serai.commerce.collect.refuse_delivery import refuse_delivery
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.payment.api import find_payment, find_refund
from serai.commerce.pledge.types import PROMISES
from serai.commerce.types import Commerce
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.ids import MerchantId
from serai.identity.audit import api as audit

__all__ = ["pay_back", "refuse_delivery", "write_off"]


async def pay_back(commerce: Commerce, merchant_id: MerchantId, *, refund_id: UUID, by: str) -> Order:
    """Say that a refund was paid by hand: in cash, or from the bank account. Doing it again changes nothing.

    Raises:
        NotFound: ``refund.unknown``.
        Conflict: ``refund.by_provider`` for one that a provider pays.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        refund = await find_refund(tx, refund_id=refund_id)
        paid = await find_payment(tx, intent_id=refund.intent_id) if refund else None
    if refund is None or paid is None:
        raise NotFound("refund.unknown", _("There is no such refund."))
    if paid.provider not in PROMISES:
        raise Conflict("refund.by_provider", _("This refund is paid by the payment provider."))
    if refund.state == "pending":
        await settle_refund(commerce, merchant_id, refund_id=refund_id, failure=None)
        async with commerce.db.transaction(merchant_id) as tx:
            await audit.record(
                tx,
                actor=by,
                action="refund.paid_back",
                subject_kind="order",
                subject_id=str(refund.order_id),
                before=None,
                after={"refund_id": str(refund_id), "amount_minor": refund.amount_minor},
            )
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=refund.order_id)


async def write_off(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, reason: str, by: str
) -> Order:
    """Give up what is open of an order that has left: nobody will pay it.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``capture.nothing_pledged``; ``order.cannot_write_off`` before the goods have left.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
    if order.state != "fulfilled":
        raise Conflict(
            "order.cannot_write_off", _("Only an order that has left can be written off."), state=order.state
        )
    intent = next((paid for paid in order.payments if paid.open_minor), None)
    if intent is None:
        raise Conflict(
            "capture.nothing_pledged", _("There is nothing left to take for this order."), state=order.state
        )
    await lose_pledge(
        commerce, merchant_id, order, intent, reason=" ".join(reason.split())[:200] or "written off", by=by
    )
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)
