"""What may follow on an order: cancel, expire, refund, and money that comes late. All of it repeatable."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from serai.commerce.aftersale.charge_lines import charge_lines, fund_lines, load_line_money
from serai.commerce.aftersale.propose_refund import propose_refund
from serai.commerce.aftersale.refund_tenders import Back, split_refund
from serai.commerce.aftersale.release_deposit import keeps_deposit
from serai.commerce.aftersale.release_order import Refunding, payment_left, release_order, what_is_left
from serai.commerce.aftersale.repay_by_hand import list_repaid, repay_by_hand
from serai.commerce.aftersale.request_refund import (
    Beside,
    Ways,
    ask_refund,
    nothing_beside,
    plan_refund,
    request_refund,
    settle_refund,
    too_much,
)
from serai.commerce.capture.api import ask_order, refuse_under_way
from serai.commerce.order.api import Stamp, check_move, load_order
from serai.commerce.order.events import OrderCancelled, OrderExpired
from serai.commerce.order.types import Order
from serai.commerce.payment.api import provider_of
from serai.commerce.payment.types import Payment
from serai.commerce.presale.events import OrderLapsed
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Outside, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Group, Write

__all__ = [
    "list_repaid",
    "repay_by_hand",
    "Back",
    "ask_refund",
    "cancel_order",
    "charge_lines",
    "expire_order",
    "fund_lines",
    "lapse_order",
    "load_line_money",
    "propose_refund",
    "plan_part_refund",
    "refund_order",
    "refund_planned",
    "return_deposit",
    "settle_refund",
    "stop_payments",
]

log = logging.getLogger("serai.commerce")
ATTEMPTS = 20


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
        Conflict: ``order.cannot_cancel`` once it was fulfilled or has expired, or is paid and must not be;
            ``capture.under_way`` while a provider does not answer whether it has taken money for it.
    """
    order = await _load(commerce, merchant_id, order_id)
    reason = " ".join(reason.split())[:200]
    for _attempt in range(ATTEMPTS):
        if order.state == "cancelled":
            break
        order = await ask_order(commerce, merchant_id, order)
        check_move(order, "expire" if unpaid_only else "cancel")
        stamp = Stamp(order_id, cancelled_at=clock.now())
        fact = Fact(order_id, OrderCancelled(order_id, by, reason))
        audit = Write(
            record_rows, AuditRow(by, "order.cancelled", "order", str(order_id), None, {"reason": reason})
        )
        refunds = Refunding(reason or "cancelled", by, "cancel")
        keep = keeps_deposit(order, by_buyer=by_buyer)
        await release_order(
            commerce, merchant_id, order, "cancel", stamp, fact, (audit,), refunds, keep_deposit=keep
        )
        # Refused means that a payment, a shipment or an expiry came between: look again and judge anew.
        order = await _load(commerce, merchant_id, order_id)
    if order.state != "cancelled":
        raise Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))
    await stop_payments(commerce, merchant_id, order)
    await ask_refunds(commerce, merchant_id, order=order)
    return await _load(commerce, merchant_id, order_id)


async def expire_order(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID) -> bool:
    """Give up waiting for a payment: the stock is free again. False when the order is not waiting any more."""
    order = await _load(commerce, merchant_id, order_id)
    if order.state not in ("awaiting_payment", "awaiting_deposit") or order.expires_at > clock.now():
        return False
    stamp = Stamp(order_id, expired_at=clock.now())
    fact = Fact(order_id, OrderExpired(order_id))
    if not await release_order(commerce, merchant_id, order, "expire", stamp, fact):
        return False
    await stop_payments(commerce, merchant_id, order)
    return True


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
    if not await release_order(commerce, merchant_id, order, "lapse", stamp, fact, keep_deposit=keep):
        return False
    await stop_payments(commerce, merchant_id, order)
    await return_deposit(commerce, merchant_id, order_id=order_id)
    return True


async def return_deposit(commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID) -> bool:
    """Send back what was paid for an order that has lapsed, unless it stays as agreed. Doing it again changes nothing."""
    order = await _load(commerce, merchant_id, order_id)
    returned = False
    for paid in order.payments:
        if order.state == "lapsed" and payment_left(order, paid) > 0:
            key = f"lapse:{paid.intent_id}"
            await request_refund(
                commerce, merchant_id, order_id, what_is_left(paid), "balance not paid", "system", key
            )
            returned = True
    return returned


async def stop_payments(commerce: Commerce, merchant_id: MerchantId, order: Order) -> None:
    """Tell providers that an open payment is not wanted any more. If one pays all the same, the money is returned."""
    for paid in order.payments:
        is_over = paid.pledge is not None and paid.open_minor == 0 and paid.pledge.released_minor > 0
        is_open = paid.state in ("created", "authorised") if paid.pledge is None else is_over
        if not is_open or paid.provider_payment_id is None:
            continue
        try:
            await provider_of(commerce, paid.provider).void_payment(merchant_id, paid.provider_payment_id)
        except Outside as error:
            log.info("payment %s could not be stopped: %s", paid.intent_id, error)


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
    beside: Beside = nothing_beside,
) -> Order:
    """Give part or all of the money back, to the order's tenders first. The same key again changes nothing.

    ``writes`` and what moves ``beside`` it commit with the refund.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``refund.amount_invalid``, more than ``refundable`` or not above zero.
        Conflict: ``order.cannot_refund``; ``capture.under_way`` while a provider does not say whether it has taken what
            would go back.
    """

    def choose(order: Order) -> Ways:
        check_move(order, "refund")
        left = order.refundable_minor
        if isinstance(amount_minor, bool) or not 0 < amount_minor <= left:
            raise too_much(left)
        return split_ways(order, amount_minor)

    async def request() -> None:
        await request_refund(
            commerce, merchant_id, order_id, choose, reason, by, key, writes=writes, beside=beside
        )

    await _request_after_capture(commerce, merchant_id, order_id, request)
    return await _release_pledge(commerce, merchant_id, order_id)


async def _request_after_capture(
    commerce: Commerce, merchant_id: MerchantId, order_id: UUID, request: Callable[[], Awaitable[None]]
) -> None:
    """Request a refund; where held money is just being taken, once more after the provider has said what came of that."""
    try:
        await request()
    except Conflict as refusal:
        if refusal.code != "capture.under_way":
            raise
        await ask_order(commerce, merchant_id, await _load(commerce, merchant_id, order_id))
        await request()


async def _release_pledge(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> Order:
    """The order after a refund; what is not pledged any more a provider need not hold."""
    order = await _load(commerce, merchant_id, order_id)
    if order.released_minor and order.state in ("paid", "fulfilled"):
        await stop_payments(commerce, merchant_id, order)
    return order


async def refund_planned(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    plan: Callable[[Transaction, Order], Awaitable[tuple[int, Back]]],
    reason: str,
    by: str,
    key: str,
) -> Order:
    """Give back what a plan finds at the refund's turn, with what moves beside it; nothing of money is fine too.

    The same key again changes nothing.

    Args:
        plan: the amount in minor units and what moves beside it, from the order as it stands; may raise.

    Raises:
        NotFound: ``order.unknown``. Invalid: ``refund.amount_invalid``. Conflict: ``order.cannot_refund``.
    """
    amount_minor = 0

    async def beside(tx: Transaction, order: Order) -> Back:
        nonlocal amount_minor
        amount_minor, more = await plan(tx, order)
        return more

    def choose(order: Order) -> Ways:
        if not amount_minor:
            return ((), ())
        check_move(order, "refund")
        if not 0 < amount_minor <= order.refundable_minor:
            raise too_much(order.refundable_minor)
        return split_ways(order, amount_minor)

    async def request() -> None:
        await request_refund(commerce, merchant_id, order_id, choose, reason, by, key, beside=beside)

    await _request_after_capture(commerce, merchant_id, order_id, request)
    return await _release_pledge(commerce, merchant_id, order_id)


def split_ways(order: Order, amount_minor: int) -> Ways:
    """How an amount goes back: to the order's tenders first, the rest over its payments.

    Conflict ``capture.under_way`` while part of it is being taken: what that comes to nobody knows yet.
    """
    parts = split_refund(order, amount_minor)
    rest_minor = amount_minor - sum(part.amount_minor for part in parts)
    payments = _split_payments(order, rest_minor)
    if sum(minor for _paid, minor in payments) < rest_minor:
        refuse_under_way(order)
    return payments, parts


async def plan_part_refund(
    tx: Transaction,
    *,
    order: Order,
    moved: Sequence[DocumentTransfer],
    amount_minor: int,
    reason: str,
    by: str,
    key: str,
) -> Group:
    """The group that gives back part of what was paid, for a change that takes the order's turn with more in it.

    Afterwards :func:`ask_refunds` tells the providers; a job does so again.
    """
    ways = split_ways(order, amount_minor)
    refund_id = derive_id("refund", order.order_id, key)
    return await plan_refund(tx, order, moved, ways, refund_id, reason, by, overpaid=False)


async def ask_refunds(commerce: Commerce, merchant_id: MerchantId, *, order: Order) -> None:
    """Ask providers for every refund of an order that nobody has answered."""
    for refund in order.refunds:
        if refund.state == "pending":
            await ask_refund(commerce, merchant_id, refund_id=refund.refund_id)


def _split_payments(order: Order, amount_minor: int) -> tuple[tuple[Payment, int], ...]:
    """What goes back over which payment: over one that is large enough, else over several, the last one first."""
    if not amount_minor:
        return ()
    left = {p.intent_id: payment_left(order, p) for p in order.payments}
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


def was_revived(order: Order, intent_id: UUID) -> bool:
    """Whether an expired order lives again since this payment came."""
    return any(
        note.what == "OrderRevived" and str(note.data.get("intent_id")) == str(intent_id)
        for note in order.timeline
    )


async def refund_late_payment(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    intent_id: UUID,
    amount_minor: int | None = None,
    turn: str = "",
) -> None:
    """Return money that an order no longer expects: it was cancelled, sold out, or paid twice.

    ``amount_minor`` of it, all without; ``turn`` tells several such refunds of one payment apart.
    """

    def choose(order: Order) -> Ways:
        if amount_minor is None and was_revived(order, intent_id):
            # A twin has found the goods again meanwhile: the money is what the order was paid with.
            return ((), ())
        now = next(each for each in order.payments if each.intent_id == intent_id)
        left = payment_left(order, now, kept=False, pledged=False)
        left = left if amount_minor is None else min(left, amount_minor)
        return (((now, left),) if left > 0 else (), ())

    # The late money made the order overpaid, whatever its state, so no sale is taken back for it.
    await request_refund(
        commerce,
        merchant_id,
        order_id,
        choose,
        "payment came too late",
        "system",
        f"late:{intent_id}{turn}",
        overpaid=True,
    )


async def _load(commerce: Commerce, merchant_id: MerchantId, order_id: UUID) -> Order:
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)
