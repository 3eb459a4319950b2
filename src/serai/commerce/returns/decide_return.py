"""What may become of a return before the goods come: approved, declined, taken up again, withdrawn, sent, expired."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from serai.commerce.order.types import Order
from serai.commerce.returns.events import (
    ReturnApproved,
    ReturnDeclined,
    ReturnExpired,
    ReturnReopened,
    ReturnSent,
    ReturnWithdrawn,
)
from serai.commerce.returns.keep_terms import load_terms
from serai.commerce.returns.move_return import Step, announce, audit_move, check_words, move_return
from serai.commerce.returns.types import Return, announced_id, exchange_hold, hold_id
from serai.commerce.stock.types import stock_account
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, Refused, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId
from serai.ledger.types import Shortage, Transfer, pending, void

MAX_TRACKING = 100
HOLD = "exchange hold"


async def approve_return(commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID, by: str) -> Return:
    """The goods may be sent; what is wished for instead of them is kept on the shelf until they come.

    Raises:
        NotFound: ``return.unknown``. Conflict: ``return.cannot_approve``, ``return.replacement_short``.
    """

    async def plan(tx: Transaction, found: Return, order: Order) -> Step:
        terms, now = await load_terms(tx), clock.now()
        after = msgspec.structs.replace(
            found, approved_at=now, expires_at=now + timedelta(days=terms.send_days)
        )
        fact = ReturnApproved(found.return_id, order.order_id, found.number, by)
        return Step(
            after,
            tuple(_hold(found, order)),
            (audit_move(found, "approved", by, order=order.number),),
            (Fact(order.order_id, fact),),
        )

    def short(_shortages: Sequence[Shortage]) -> Refused:
        return Conflict(
            "return.replacement_short",
            _("What is wished for instead is sold out. The return can still be refunded."),
        )

    return await move_return(
        commerce, merchant_id, return_id=return_id, move="approve", sent=(), plan=plan, short=short
    )


def _hold(found: Return, order: Order) -> list[Transfer]:
    """Reservations of what is wished for, at the place that the order left from."""
    if found.wish != "exchange":
        return []
    return [
        pending(
            hold_id(found.return_id, line.line_no, found.announced_turn),
            exchange_hold(line.replacement_sku_id),
            stock_account(line.replacement_sku_id, order.place_id),
            line.quantity,
            HOLD,
        )
        for line in found.lines
        if line.replacement_sku_id is not None
    ]


def release_hold(found: Return, reason: str) -> list[Transfer]:
    """The transfers that free what was kept for an exchange."""
    if found.wish != "exchange" or found.approved_at is None:
        return []
    return [
        void(hold_id(found.return_id, line.line_no, found.announced_turn), reason) for line in found.lines
    ]


def _release_pieces(found: Return, reason: str) -> list[Transfer]:
    """The transfers that let announced pieces be announced again."""
    return [
        void(announced_id(found.return_id, line.line_no, found.announced_turn), reason)
        for line in found.lines
    ]


async def decline_return(
    commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID, answer: str, by: str
) -> Return:
    """The goods stay with the buyer, who is told why.

    Raises:
        NotFound: ``return.unknown``. Invalid: ``return.answer_missing``, ``return.words_invalid``.
        Conflict: ``return.cannot_decline``.
    """
    answer = check_words(answer, "answer")
    if not answer:
        raise Invalid("return.answer_missing", _("Please say why; the buyer reads it."), field="answer")

    async def plan(_tx: Transaction, found: Return, order: Order) -> Step:
        after = msgspec.structs.replace(found, declined_at=clock.now(), answer=answer)
        fact = ReturnDeclined(found.return_id, order.order_id, found.number, answer, by)
        return Step(
            after,
            tuple(_release_pieces(found, "return declined")),
            (audit_move(found, "declined", by, order=order.number, answer=answer),),
            (Fact(order.order_id, fact),),
            ends=True,
        )

    return await move_return(
        commerce, merchant_id, return_id=return_id, move="decline", sent=(answer,), plan=plan
    )


async def reopen_return(commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID, by: str) -> Return:
    """Take a declined return up again, as if it had just been asked for.

    Raises:
        NotFound: ``return.unknown``. Conflict: ``return.cannot_reopen``; ``return.nothing_left`` when its pieces were
            announced again meanwhile.
    """

    async def plan(_tx: Transaction, found: Return, order: Order) -> Step:
        after = msgspec.structs.replace(found, declined_at=None, answer="", announced_turn=found.turn + 1)
        fact = ReturnReopened(found.return_id, order.order_id, found.number, by)
        return Step(
            after,
            tuple(announce(after)),
            (audit_move(found, "reopened", by, order=order.number),),
            (Fact(order.order_id, fact),),
            begins=True,
        )

    def short(_shortages: Sequence[Shortage]) -> Refused:
        return Conflict("return.nothing_left", _("These pieces were announced again meanwhile."))

    return await move_return(
        commerce, merchant_id, return_id=return_id, move="reopen", sent=(), plan=plan, short=short
    )


async def withdraw_return(commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID, by: str) -> Return:
    """The buyer keeps the goods after all. Doing it again changes nothing.

    Raises:
        NotFound: ``return.unknown``. Conflict: ``return.cannot_withdraw`` once they are on their way.
    """

    async def plan(_tx: Transaction, found: Return, order: Order) -> Step:
        after = msgspec.structs.replace(found, withdrawn_at=clock.now())
        fact = ReturnWithdrawn(found.return_id, order.order_id, found.number, by)
        return _end(found, after, Fact(order.order_id, fact), "return withdrawn")

    return await move_return(commerce, merchant_id, return_id=return_id, move="withdraw", sent=(), plan=plan)


async def expire_return(
    commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID, by: str = "system"
) -> Return:
    """Give up waiting for goods. By itself only of what was not sent in time; staff may do so of what got lost.

    Raises:
        NotFound: ``return.unknown``. Conflict: ``return.cannot_expire``.
    """

    async def plan(_tx: Transaction, found: Return, order: Order) -> Step:
        now = clock.now()
        is_due = found.state == "approved" and found.expires_at is not None and found.expires_at <= now
        if by == "system" and not is_due:
            raise Conflict("return.cannot_expire", _("The time to send it is not over."), state=found.state)
        fact = ReturnExpired(found.return_id, order.order_id, found.number, by)
        step = _end(
            found,
            msgspec.structs.replace(found, expired_at=now),
            Fact(order.order_id, fact),
            "return expired",
        )
        if by == "system":
            return step
        audit = audit_move(found, "expired", by, order=order.number)
        return msgspec.structs.replace(step, writes=(audit,))

    return await move_return(commerce, merchant_id, return_id=return_id, move="expire", sent=(), plan=plan)


def _end(found: Return, after: Return, fact: Fact, reason: str) -> Step:
    """The step of a return whose goods will not come."""
    transfers = (*_release_pieces(found, reason), *release_hold(found, reason))
    return Step(after, transfers, facts=(fact,), ends=True)


async def send_return(
    commerce: Commerce, merchant_id: MerchantId, *, return_id: UUID, carrier: str, tracking: str, by: str
) -> Return:
    """The goods are on their way back; said again with another number, that one holds.

    Raises:
        NotFound: ``return.unknown``. Invalid: ``return.words_invalid``. Conflict: ``return.cannot_send``.
    """
    carrier, tracking = _check_tracking(carrier, "carrier"), _check_tracking(tracking, "tracking")

    async def plan(_tx: Transaction, found: Return, order: Order) -> Step:
        after = msgspec.structs.replace(
            found, sent_at=found.sent_at or clock.now(), carrier=carrier, tracking=tracking
        )
        fact = ReturnSent(found.return_id, order.order_id, found.number, carrier, tracking, by)
        return Step(after, facts=(Fact(order.order_id, fact),))

    return await move_return(
        commerce,
        merchant_id,
        return_id=return_id,
        move="send",
        sent=(carrier, tracking),
        plan=plan,
        repeats=False,
    )


def _check_tracking(text: str, field: str) -> str:
    clean = " ".join(text.split())
    if len(clean) > MAX_TRACKING or not clean.isprintable():
        raise Invalid(
            "return.words_invalid",
            _("Please use at most %(most)s characters."),
            field=field,
            most=MAX_TRACKING,
        )
    return clean
