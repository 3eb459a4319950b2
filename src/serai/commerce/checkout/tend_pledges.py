"""What becomes of held money when nobody asks: it is taken as goods leave, taken before its time is over, and asked for
again while a provider does not answer."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from serai.commerce.capture.api import ask_capture, capture_payment, find_order_of
from serai.commerce.checkout.settle_payment import settle_payment
from serai.commerce.order.api import deferred_of
from serai.commerce.order.types import Order
from serai.commerce.payment.api import provider_of
from serai.commerce.payment.types import Payment
from serai.commerce.pledge import api as pledges
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Database
from serai.foundation.errors import Conflict, Outside, Refused
from serai.foundation.ids import MerchantId
from serai.ledger import api as ledger

log = logging.getLogger("serai.commerce")
Act = Callable[[Commerce, MerchantId, Order, Payment], Awaitable[None]]


async def tend_pledges(commerce: Commerce, owner: Database) -> int:
    """Take what is to be taken now, over all merchants. Returns how many pledges were looked at."""
    settings, now = commerce.settings, clock.now()
    asked_before = now - timedelta(seconds=settings.refund_retry_s)
    done = 0
    for merchant_id, intent_id in await pledges.list_open_steps(owner, before=asked_before):
        done += await _try(commerce, MerchantId(merchant_id), intent_id, _ask_again)
    for merchant_id, intent_id, since in await pledges.list_wanted(owner):
        if await _try(commerce, MerchantId(merchant_id), intent_id, _take_earned):
            async with commerce.db.transaction(MerchantId(merchant_id)) as tx:
                await pledges.clear_wanted(tx, intent_id=intent_id, before=since)
            done += 1
    before = now + timedelta(hours=settings.capture_before_end_hours)
    for merchant_id, intent_id, _end in await pledges.list_expiring(owner, before=before):
        done += await _try(commerce, MerchantId(merchant_id), intent_id, _take_rest)
    return done


async def _try(commerce: Commerce, merchant_id: MerchantId, intent_id: UUID, act: Act) -> bool:
    """Do it for one payment; one that fails is left for the next round and does not stop the others."""
    try:
        order = await find_order_of(commerce, merchant_id, intent_id)
        intent = next(paid for paid in order.payments if paid.intent_id == intent_id)
        await act(commerce, merchant_id, order, intent)
    except (Refused, Outside) as error:
        log.info("pledge %s is not taken: %s", intent_id, error)
        return isinstance(error, Conflict) and error.code == "capture.nothing_pledged"
    except Exception:
        log.exception("pledge %s could not be tended", intent_id)
        return False
    return True


async def _ask_again(commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment) -> None:
    await ask_capture(commerce, merchant_id, order_id=order.order_id, intent_id=intent.intent_id)
    after = await find_order_of(commerce, merchant_id, intent.intent_id)
    paid = next(each for each in after.payments if each.intent_id == intent.intent_id)
    if (
        paid.pledge is not None
        and paid.pledge.pending is None
        and paid.captured_minor == intent.captured_minor
    ):
        # Refused: the money may have been taken or let go by another hand.
        await _hear(commerce, merchant_id, paid)


async def _take_earned(commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment) -> None:
    """Take what goods that have left are worth: what stays held is at most what has yet to leave."""
    assert intent.pledge is not None, "only pledges are wanted"
    async with commerce.db.transaction(merchant_id, "read") as tx:
        moved = await ledger.list_document_transfers(tx, document_id=order.order_id)
    minor = intent.pledge.open_minor - max(0, deferred_of(moved))
    if minor > 0 and intent.pledge.is_once:
        # Taken once only, the rest would be let go although its goods have yet to leave.
        minor = intent.pledge.open_minor
    if minor > 0:
        await _take(commerce, merchant_id, order, intent, minor, "goods have left")


async def _take_rest(commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment) -> None:
    """Take all before the provider lets go of it: goods are promised for it. It may have let go unheard."""
    await _hear(commerce, merchant_id, intent)
    order = await find_order_of(commerce, merchant_id, intent.intent_id)
    intent = next(paid for paid in order.payments if paid.intent_id == intent.intent_id)
    assert intent.pledge is not None, "only pledges expire"
    if not intent.open_minor:
        return
    await _take(commerce, merchant_id, order, intent, intent.pledge.open_minor, "before the hold ends")


async def _hear(commerce: Commerce, merchant_id: MerchantId, intent: Payment) -> None:
    """Ask the provider how held money stands, and take in what it says."""
    found = await provider_of(commerce, intent.provider).load_payment(
        merchant_id, intent.intent_id, intent.provider_payment_id
    )
    for event in found.events if found else ():
        await settle_payment(commerce, merchant_id, event=event, source="check")


async def _take(
    commerce: Commerce, merchant_id: MerchantId, order: Order, intent: Payment, minor: int, reason: str
) -> None:
    assert intent.pledge is not None
    await capture_payment(
        commerce,
        merchant_id,
        order_id=order.order_id,
        amount_minor=minor,
        by="system",
        # Named after the pledge's turn: the job run twice at once takes it once.
        key=f"job:{intent.pledge.captures}",
        reason=reason,
    )
