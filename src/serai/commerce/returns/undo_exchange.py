"""Money of a credit that became goods: held while they stay, given back when their order ends or they come back themselves.

The credit of an exchange is part of the price of its order, and the money stays in the order before. There it is held, so
nobody can give it back twice; each way to give it back frees the hold and takes the rest of it anew, in one group.
"""

from uuid import UUID

import msgspec

from serai.commerce.aftersale.api import Back, refund_order, refund_planned
from serai.commerce.order.types import Order
from serai.commerce.payment.types import refund_control, refundable
from serai.commerce.returns.events import ExchangeUndone
from serai.commerce.returns.load_returns import find_exchange, load_return
from serai.commerce.returns.move_return import write_returns
from serai.commerce.returns.types import Return
from serai.commerce.tender.api import tender_id
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger import api as ledger
from serai.ledger.types import Transfer, Write, pending, void

HELD = "exchange credit of "


def hold_credit(
    order: Order, exchange_order_id: UUID, minor: int, free_minor: int, salt: UUID
) -> list[Transfer]:
    """Reservations of an amount on what the order's tenders and payments may still give back.

    Args:
        exchange_order_id: the order that was paid with it.
        free_minor: what goes back as money beside it, to tenders first: the hold takes what that leaves.
    """
    transfers = []
    for name, left in _list_purses(order):
        free = min(free_minor, left)
        free_minor -= free
        part = min(minor, left - free)
        if part > 0:
            minor -= part
            limit = refundable(name, order.currency)
            control = refund_control(order.currency)
            reason = f"{HELD}{exchange_order_id}"
            transfers.append(pending(derive_id(salt, "credit", name), control, limit, part, reason))
    return transfers


def count_paid(order: Order) -> int:
    """What of the order's money has come and not gone back: so much may become other goods, in minor units."""
    return sum(max(0, left) for _name, left in _list_purses(order))


def _list_purses(order: Order) -> list[tuple[UUID, int]]:
    """(what its refundable account is under, what may go back) of tenders and payments, in the order refunds take them."""
    back: dict[int, int] = {}
    for each in order.tender_refunds:
        back[each.tender_no] = back.get(each.tender_no, 0) + each.amount_minor
    purses = [
        (tender_id(order.order_id, tender.tender_no), tender.amount_minor - back.get(tender.tender_no, 0))
        for tender in order.tenders
    ]
    sent: dict[UUID, int] = {}
    for refund in order.refunds:
        if refund.state != "failed":
            sent[refund.intent_id] = sent.get(refund.intent_id, 0) + refund.amount_minor
    return purses + [
        (paid.intent_id, paid.captured_minor - sent.get(paid.intent_id, 0)) for paid in order.payments
    ]


async def _free_credit(
    tx: Transaction, order: Order, exchange_order_id: UUID, given_minor: int, salt: UUID
) -> list[Transfer]:
    """The transfers that free the hold for an exchange so far as it is given back, and hold the rest of it anew."""
    reason = f"{HELD}{exchange_order_id}"
    holds = [
        each
        for document_id in (order.order_id, exchange_order_id)
        for each in await ledger.list_open_pendings(tx, document_id=document_id)
        if each.reason == reason
    ]
    rest_minor = max(0, sum(each.amount for each in holds) - given_minor)
    freed: list[Transfer] = [void(each.transfer_id, reason) for each in holds]
    return [*freed, *hold_credit(order, exchange_order_id, rest_minor, given_minor, salt)]


async def undo_exchange(commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID) -> None:
    """The order of an exchange ended before it left: its credit goes back as money. Doing it again changes nothing."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await load_return(tx, return_id=return_id)
    if found.exchange_order_id is None or found.undone_at is not None or not found.credit_minor:
        return
    exchange_order_id = found.exchange_order_id

    async def plan(tx: Transaction, order: Order) -> tuple[int, Back]:
        now = await load_return(tx, return_id=return_id)
        given = min(now.credit_minor, order.refundable_minor)
        freed = await _free_credit(tx, order, exchange_order_id, now.credit_minor, return_id)
        after = msgspec.structs.replace(now, undone_at=clock.now())
        fact = ExchangeUndone(return_id, order.order_id, now.number, exchange_order_id, given, order.currency)
        return given, Back(tuple(freed), (Write(write_returns, after),), (Fact(order.order_id, fact),))

    await refund_planned(
        commerce,
        merchant_id,
        order_id=found.order_id,
        plan=plan,
        reason=f"exchange of return {found.number} called off",
        by="system",
        key=f"exchange:{return_id}",
    )


async def give_former_back(commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID) -> None:
    """Goods that came by an exchange came back: what the order before had paid of them goes back too. Repeatable."""
    async with commerce.db.transaction(merchant_id, "read") as tx:
        found = await load_return(tx, return_id=return_id)
        former = await find_exchange(tx, order_id=found.order_id) if found.former_minor else None
    if former is None:
        return

    async def plan(tx: Transaction, order: Order) -> tuple[int, Back]:
        given = min(found.former_minor, order.refundable_minor)
        freed = await _free_credit(tx, order, found.order_id, found.former_minor, return_id)
        return given, Back(tuple(freed))

    await refund_planned(
        commerce,
        merchant_id,
        order_id=former.order_id,
        plan=plan,
        reason=f"return {found.number}",
        by="system",
        key=f"former:{return_id}",
    )


def name_former(former: Return, return_id: UUID) -> UUID:
    """What the refund of :func:`give_former_back` is known by."""
    return derive_id("refund", former.order_id, f"former:{return_id}")


async def give_rest_back(commerce: Commerce, merchant_id: MerchantId, found: Return) -> None:
    """What other goods cost less than what came back goes back as money. Repeatable."""
    if found.outcome == "exchanged" and found.refund_minor:
        await refund_order(
            commerce,
            merchant_id,
            order_id=found.order_id,
            amount_minor=found.refund_minor,
            reason=f"return {found.number}",
            by="system",
            key=f"return:{found.return_id}",
        )
