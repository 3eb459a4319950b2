"""What may follow on an order: cancel, expire, refund, and money that comes late. All of it repeatable."""

import logging
from uuid import UUID

from serai.commerce.aftersale.refund_tenders import NOTHING, give_back_all, split_refund
from serai.commerce.aftersale.release_deposit import keeps_deposit, release_deposit
from serai.commerce.aftersale.request_refund import ask_refund, request_refund, settle_refund, too_much
from serai.commerce.order.api import Stamp, check_move, deferred_of, load_order, stamp_orders
from serai.commerce.order.events import OrderCancelled, OrderExpired
from serai.commerce.order.types import Order, expects_payment
from serai.commerce.payment.types import Payment, deferred_sales, order_due
from serai.commerce.presale.api import Mark, mark_orders
from serai.commerce.presale.events import OrderLapsed
from serai.commerce.promotion.api import give_back_claims, return_discounts
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Conflict, Outside, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger import api as ledger
from serai.ledger.types import Group, Outcome, Transfer, Write, posted, void

__all__ = [
    "ask_refund",
    "cancel_order",
    "expire_order",
    "lapse_order",
    "refund_order",
    "return_deposit",
    "settle_refund",
]

log = logging.getLogger("serai.commerce")
ATTEMPTS = 3


async def cancel_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    by: str,
    reason: str = "",
    unpaid_only: bool = False,
    by_buyer: bool = False,
) -> Order:
    """Call an order off: its stock is free again, what was paid goes back. Doing it again changes nothing.

    ``unpaid_only``: not if it is paid, also when the payment comes in this very moment. ``by_buyer``: a buyer who steps back
    from a presale may lose the deposit, if that was agreed.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_cancel`` once it was fulfilled or has expired, or is paid and must not be.
    """
    order = await _load(commerce, merchant_id, order_id)
    for _attempt in range(ATTEMPTS):
        if order.state == "cancelled":
            break
        check_move(order, "expire" if unpaid_only else "cancel")
        reason = " ".join(reason.split())[:200]
        stamp = Stamp(order_id, cancelled_at=clock.now())
        fact = Fact(order_id, OrderCancelled(order_id, by, reason))
        audit = Write(
            record_rows, AuditRow(by, "order.cancelled", "order", str(order_id), None, {"reason": reason})
        )
        keep = keeps_deposit(order, by_buyer=by_buyer)
        await release_order(
            commerce, merchant_id, order, "cancel", stamp, fact, (audit,), by=by, keep_deposit=keep
        )
        # Refused means that a payment, a shipment or an expiry came between: look again and judge anew.
        order = await _load(commerce, merchant_id, order_id)
    if order.state != "cancelled":
        raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))
    await stop_payments(commerce, merchant_id, order)
    for paid in order.payments:
        left = paid.captured_minor - _refunds_of(order, paid.intent_id)
        left -= order.kept_minor if paid.purpose == "deposit" else 0
        if left > 0:
            await request_refund(
                commerce,
                merchant_id,
                order,
                (((paid, left),), ()),
                reason or "cancelled",
                by,
                f"cancel:{paid.intent_id}",
            )
    return await _load(commerce, merchant_id, order_id)


async def expire_order(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID) -> bool:
    """Give up waiting for a payment: the stock is free again. False when the order is not waiting any more."""
    order = await _load(commerce, merchant_id, order_id)
    if order.state not in ("awaiting_payment", "awaiting_deposit") or order.expires_at > clock.now():
        return False
    stamp = Stamp(order_id, expired_at=clock.now())
    outcome = await release_order(
        commerce, merchant_id, order, "expire", stamp, Fact(order_id, OrderExpired(order_id)), ()
    )
    if outcome.passed:
        await stop_payments(commerce, merchant_id, order)
    return outcome.passed


async def lapse_order(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID) -> bool:
    """Give up waiting for a balance: goods and quota are free again, and of the deposit becomes what was agreed.

    False when the order is not waiting for one any more, or its window is not over.
    """
    order = await _load(commerce, merchant_id, order_id)
    agreed = order.presale
    if agreed is None or order.state != "awaiting_balance" or agreed.balance_until > clock.now():
        return False
    keep = agreed.missed == "keep"
    stamp = Stamp(order_id, lapsed_at=clock.now())
    fact = Fact(order_id, OrderLapsed(order_id, order.deposit_minor, keep))
    outcome = await release_order(commerce, merchant_id, order, "lapse", stamp, fact, (), keep_deposit=keep)
    if outcome.passed:
        await stop_payments(commerce, merchant_id, order)
        await return_deposit(commerce, merchant_id, order_id=order_id)
    return outcome.passed


async def return_deposit(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID) -> bool:
    """Send back what was paid for an order that has lapsed, unless it stays as agreed. Doing it again changes nothing."""
    order = await _load(commerce, merchant_id, order_id)
    returned = False
    for paid in order.payments:
        left = paid.captured_minor - _refunds_of(order, paid.intent_id)
        left -= order.kept_minor if paid.purpose == "deposit" else 0
        if order.state == "lapsed" and left > 0:
            key = f"lapse:{paid.intent_id}"
            await request_refund(
                commerce, merchant_id, order, (((paid, left),), ()), "balance not paid", "system", key
            )
            returned = True
    return returned


async def release_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    order: Order,
    what: str,
    stamp: Stamp,
    fact: Fact,
    writes: tuple[Write, ...],
    *,
    by: str = "system",
    keep_deposit: bool = False,
) -> Outcome:
    """Void every open reservation of an order and take back what its buyer owed, in one group.

    ``keep_deposit``: what was paid of a presale stays with the merchant, else it is owed to the buyer.
    """
    async with commerce.db.transaction(merchant_id, "read") as tx:
        pendings = await ledger.list_open_pendings(tx, document_id=order.order_id)
        moved = await ledger.list_document_transfers(tx, document_id=order.order_id)
        # A revived order can be released a second time, so the group is named after what it releases.
        group_id = derive_id(what, order.order_id, *sorted(p.transfer_id for p in pendings))
        back = NOTHING
        if order.paid_at is not None:
            back = await give_back_all(tx, order, group_id, moved, by=by, reason=what)
    is_expected = any(pending.credit_kind == "order_due" for pending in pendings)
    if expects_payment(order) and not is_expected:
        # The payment came between the two reads, and with it what the order took of promotions.
        return Outcome(False)
    transfers: list[Transfer] = [*(void(p.transfer_id, what) for p in pendings), *back.transfers]
    if order.paid_at is not None:
        # What an unpaid order holds of promotions is among the pendings; what a paid one used is given back.
        transfers += give_back_claims(order.claims, group_id, order.currency)
        transfers += return_discounts(moved, group_id, order.currency)
    transfers += release_deposit(order, moved, group_id, what, keep=keep_deposit)
    if keep_deposit:
        writes = (*writes, Write(mark_orders, Mark(order.order_id, kept_at=clock.now())))
    unshipped = deferred_of(moved)
    if unshipped > 0:
        due, deferred = order_due(order.order_id, order.currency), deferred_sales(order.currency)
        transfers.append(posted(derive_id(group_id, "due"), deferred, due, unshipped, what))
    if not transfers:
        # Between the reads a twin, a shipment or an expiry has taken everything: refused, and judged anew.
        return Outcome(False)
    return await commerce.lane.submit(
        merchant_id,
        Group(
            group_id,
            tuple(transfers),
            (Write(stamp_orders, stamp), *back.writes, *writes),
            (fact, *back.facts),
            document_id=order.order_id,
        ),
    )


async def stop_payments(commerce: Commerce, merchant_id: MerchantId, order: Order) -> None:
    """Tell providers that an open payment is not wanted any more. If one pays all the same, the money is returned."""
    for paid in order.payments:
        if paid.state not in ("created", "authorised") or paid.provider_payment_id is None:
            continue
        try:
            await commerce.providers[paid.provider].void_payment(merchant_id, paid.provider_payment_id)
        except Outside as error:
            log.info("payment %s could not be stopped: %s", paid.intent_id, error)


def _refunds_of(order: Order, intent_id: UUID) -> int:
    return sum(r.amount_minor for r in order.refunds if r.intent_id == intent_id and r.state != "failed")


async def refund_order(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    amount_minor: int,
    reason: str,
    by: str,
    key: str,
    writes: tuple[Write, ...] = (),
) -> Order:
    """Give part or all of the money back, to the order's tenders first. The same key again changes nothing.

    ``writes`` commit with the refund.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``refund.amount_invalid``, more than ``refundable`` or not above zero.
        Conflict: ``order.cannot_refund``.
    """
    order = await _load(commerce, merchant_id, order_id)
    known = {r.refund_id for r in order.refunds} | {r.refund_id for r in order.tender_refunds}
    if derive_id("refund", order_id, key) in known:
        return order
    check_move(order, "refund")
    left = order.refundable_minor
    if isinstance(amount_minor, bool) or not 0 < amount_minor <= left:
        raise too_much(left)
    parts = split_refund(order, amount_minor)
    rest = amount_minor - sum(part.amount_minor for part in parts)
    ways = (_split_payments(order, rest), parts)
    await request_refund(commerce, merchant_id, order, ways, reason, by, key, writes=writes)
    return await _load(commerce, merchant_id, order_id)


def _split_payments(order: Order, amount_minor: int) -> tuple[tuple[Payment, int], ...]:
    """What goes back over which payment: over one that is large enough, else over several, the last one first."""
    if not amount_minor:
        return ()
    left = {p.intent_id: p.captured_minor - _refunds_of(order, p.intent_id) for p in order.payments}
    alone = next((p for p in order.payments if left[p.intent_id] >= amount_minor), None)
    if alone is not None:
        return ((alone, amount_minor),)
    parts = []
    for paid in reversed(order.payments):
        minor = min(amount_minor, left[paid.intent_id])
        if minor > 0:
            parts.append((paid, minor))
            amount_minor -= minor
    return tuple(parts)


async def refund_late_payment(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, intent_id: UUID
) -> None:
    """Return money that an order no longer expects: it was cancelled, sold out, or paid twice."""
    order = await _load(commerce, merchant_id, order_id)
    paid = next(p for p in order.payments if p.intent_id == intent_id)
    left = paid.captured_minor - _refunds_of(order, intent_id)
    if left > 0:
        # The late money made the order overpaid, whatever its state, so no sale is taken back for it.
        await request_refund(
            commerce,
            merchant_id,
            order,
            (((paid, left),), ()),
            "payment came too late",
            "system",
            f"late:{intent_id}",
            overpaid=True,
        )


async def _load(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> Order:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)
