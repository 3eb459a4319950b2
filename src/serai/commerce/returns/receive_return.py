"""Goods have come back: what was accepted goes on the shelf, into quarantine or out of the books, piece by piece.

One group: of every line the announced pieces that were accepted count as returned and the others may be announced again;
accepted ones enter a place by their condition; the return's token is replaced. Nothing accepted ends the return.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.order.types import Order
from serai.commerce.place.api import load_place
from serai.commerce.returns.decide_return import release_hold
from serai.commerce.returns.events import ReturnReceived, ReturnRejected
from serai.commerce.returns.move_return import Step, audit_move, check_words, move_return
from serai.commerce.returns.types import (
    ReceivedLine,
    Return,
    ReturnLine,
    announced_id,
    quarantine_account,
)
from serai.commerce.stock.events import StockMoved
from serai.commerce.stock.types import customer_account, shrink_account, stock_account
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.ledger.types import Transfer, post, posted, void

CONDITIONS = ("sellable", "damaged", "unusable")


async def receive_return(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    return_id: UUID,
    lines: Sequence[ReceivedLine],
    by: str,
    place_id: UUID | None = None,
    answer: str = "",
) -> Return:
    """Book in what came back. Lines that are not named, and pieces that are missing in them, were not accepted.

    Args:
        place_id: where the goods have come in; where the order left from, without it.
        answer: what the buyer is told of pieces that were not accepted.

    Raises:
        NotFound: ``return.unknown``, ``place.unknown``.
        Invalid: ``return.lines_invalid``, ``return.quantity_invalid``, ``return.answer_missing``.
        Conflict: ``return.cannot_receive``.
    """
    answer = check_words(answer, "answer")

    async def plan(tx: Transaction, found: Return, order: Order) -> Step:
        place = await load_place(tx, place_id=place_id or found.place_id)
        received = _check_lines(found, lines)
        accepted = _count_accepted(received, answer)
        refused = sum(line.quantity for line in found.lines) - accepted
        now = clock.now()
        after = msgspec.structs.replace(
            found,
            received_at=now,
            place_id=place.place_id,
            answer=answer,
            settled_at=None if accepted else now,
            outcome=None if accepted else "rejected",
            lines=tuple(_take_in(line, received.get(line.line_no)) for line in found.lines),
        )
        transfers = [*_count_pieces(found, received), *_book_goods(after, order)]
        if not accepted:
            transfers += release_hold(found, "return rejected")
        return Step(
            after,
            tuple(transfers),
            (audit_move(found, "received", by, order=order.number, accepted=accepted, refused=refused),),
            (*_tell(after, order, accepted, refused, by), *_tell_stock(after, order, by)),
            ends=not accepted,
        )

    sent = tuple((each.line_no, each.sellable, each.damaged, each.unusable) for each in lines)
    return await move_return(
        commerce,
        merchant_id,
        return_id=return_id,
        move="receive",
        sent=(sent, place_id, answer),
        plan=plan,
        repeats=False,
    )


def _count_accepted(received: Mapping[int, ReceivedLine], answer: str) -> int:
    accepted = sum(each.accepted for each in received.values())
    if not accepted and not answer:
        raise Invalid(
            "return.answer_missing",
            _("Please say why nothing is accepted; the buyer reads it."),
            field="answer",
        )
    return accepted


def _check_lines(found: Return, lines: Sequence[ReceivedLine]) -> dict[int, ReceivedLine]:
    announced = {line.line_no: line for line in found.lines}
    received = {each.line_no: each for each in lines}
    if len(received) < len(lines) or not set(received) <= set(announced):
        raise Invalid("return.lines_invalid", _("That line is not part of this return."), field="lines")
    for line_no, each in received.items():
        counts = [getattr(each, name) for name in CONDITIONS]
        most = announced[line_no].quantity
        if any(isinstance(count, bool) or count < 0 for count in counts) or each.accepted > most:
            raise Invalid(
                "return.quantity_invalid",
                _("Of “%(title)s” only %(most)s were announced."),
                field=f"sellable-{line_no}",
                title=announced[line_no].title,
                most=most,
            )
    return received


def _take_in(line: ReturnLine, received: ReceivedLine | None) -> ReturnLine:
    if received is None:
        return line
    return msgspec.structs.replace(
        line, sellable=received.sellable, damaged=received.damaged, unusable=received.unusable
    )


def _count_pieces(found: Return, received: Mapping[int, ReceivedLine]) -> list[Transfer]:
    """Announced pieces count as returned, as many as were accepted."""
    transfers = []
    for line in found.lines:
        name = announced_id(found.return_id, line.line_no, found.announced_turn)
        each = received.get(line.line_no)
        if each is not None and each.accepted:
            transfers.append(post(name, "returned", each.accepted))
        else:
            transfers.append(void(name, "not accepted"))
    return transfers


def _list_goods(line: ReturnLine, order: Order) -> list[tuple[UUID, int]]:
    """The SKUs that one piece of a line consists of, each with its steps: a bundle's are its parts."""
    sold = next(each for each in order.lines if each.line_no == line.line_no)
    return [(part.sku_id, part.quantity) for part in sold.parts] or [(line.sku_id, 1)]


def _book_goods(after: Return, order: Order) -> list[Transfer]:
    """Accepted goods come from the customers: onto the shelf, into quarantine, or out of the books."""
    transfers = []
    for line in after.lines:
        for sku_id, steps in _list_goods(line, order):
            places = {
                "sellable": stock_account(sku_id, after.place_id),
                "damaged": quarantine_account(sku_id, after.place_id),
                "unusable": shrink_account(sku_id),
            }
            for name, account in places.items():
                count = getattr(line, name)
                if count:
                    transfer_id = derive_id(after.return_id, "goods", line.line_no, sku_id, name)
                    transfers.append(
                        posted(
                            transfer_id, account, customer_account(sku_id), count * steps, f"returned, {name}"
                        )
                    )
    return transfers


def _tell(after: Return, order: Order, accepted: int, refused: int, by: str) -> list[Fact]:
    received = ReturnReceived(after.return_id, order.order_id, after.number, accepted, refused, by)
    if accepted:
        return [Fact(order.order_id, received)]
    return [
        Fact(order.order_id, ReturnRejected(after.return_id, order.order_id, after.number, after.answer, by))
    ]


def _tell_stock(after: Return, order: Order, by: str) -> list[Fact]:
    """What can be sold again, for those who follow stock."""
    return [
        Fact(sku_id, StockMoved(sku_id, after.place_id, line.sellable * steps, "returned", after.number, by))
        for line in after.lines
        if line.sellable
        for sku_id, steps in _list_goods(line, order)
    ]
