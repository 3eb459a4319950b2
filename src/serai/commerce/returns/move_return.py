"""Moving a return on: one group of the lane, in which the return's token is replaced by that of its next turn.

A token can be resolved once. Of two moves that read the same return one passes, and the other finds the token gone, reads
again and is judged anew. The same move sent twice is the same group, so it happens once.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import msgspec

from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.returns import store
from serai.commerce.returns.load_returns import load_return
from serai.commerce.returns.logic import LEADS_TO, is_allowed
from serai.commerce.returns.types import (
    Return,
    announced_id,
    return_closed,
    return_control,
    returnable_account,
    returned_account,
    token_id,
)
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, Refused, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Group, Outcome, Shortage, Transfer, Write, pending, post, void

ATTEMPTS = 20
MAX_WORDS = 1000


class Step(msgspec.Struct, frozen=True):
    """What a move comes to: the return after it (its turn is counted by the mover), what moves with it, and what is told.

    ``ends``: that nothing more is to happen afterwards; ``begins``: that it was over before.
    """

    after: Return
    transfers: tuple[Transfer, ...] = ()
    writes: tuple[Write, ...] = ()
    facts: tuple[Fact, ...] = ()
    ends: bool = False
    begins: bool = False


Plan = Callable[[Transaction, Return, Order], Awaitable[Step]]


def check_move(found: Return, move: str) -> None:
    """Conflict ``return.cannot_<move>`` unless the return's state allows the move."""
    if not is_allowed(found.state, move):
        raise Conflict(
            f"return.cannot_{move}", _("This is not possible for a return in this state."), state=found.state
        )


def turn_over(found: Return, step: Step) -> tuple[Return, tuple[Transfer, ...], tuple[Write, ...]]:
    """The return after a step, and the transfers and rows that bring it there, its token's first."""
    after = msgspec.structs.replace(step.after, turn=found.turn + 1)
    token = token_id(found.return_id, found.turn)
    if step.begins:
        tokens: tuple[Transfer, ...] = (make_token(after),)
    elif step.ends:
        tokens = (post(token, "return closed"),)
    else:
        tokens = (void(token, "return moved on"), make_token(after))
    return after, (*tokens, *step.transfers), (Write(write_returns, after), *step.writes)


def make_token(found: Return) -> Transfer:
    """The pending that stands for an open return."""
    return pending(token_id(found.return_id, found.turn), return_closed(), return_control(), 1, "return open")


def announce(found: Return) -> list[Transfer]:
    """The reservations of a return's pieces: nobody can announce them twice."""
    return [
        pending(
            announced_id(found.return_id, line.line_no, found.announced_turn),
            returned_account(found.order_id, line.line_no),
            returnable_account(found.order_id, line.line_no),
            line.quantity,
            "announced",
        )
        for line in found.lines
    ]


def audit_move(found: Return, move: str, by: str, **details: object) -> Write:
    """The row of the audit log about a move by staff."""
    return Write(record_rows, AuditRow(by, f"return.{move}", "return", str(found.return_id), None, details))


def check_words(text: str, field: str) -> str:
    """A text for people, its inner space single but for line ends. Invalid ``return.words_invalid`` when it is too long."""
    lines = [" ".join(line.split()) for line in text.replace("\r\n", "\n").split("\n")]
    clean = "\n".join(lines).strip()
    if len(clean) > MAX_WORDS or any(not (each.isprintable() or each == "\n") for each in clean):
        raise Invalid(
            "return.words_invalid",
            _("Please use at most %(most)s characters."),
            field=field,
            most=MAX_WORDS,
        )
    return clean


async def move_return(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    return_id: UUID,
    move: str,
    sent: tuple[object, ...],
    plan: Plan,
    short: Callable[[Sequence[Shortage]], Refused] | None = None,
    repeats: bool = True,
) -> Return:
    """Move a return on.

    Args:
        sent: what tells this call from another one of the same move.
        plan: the step, from the return and its order as they stand; may raise.
        short: the refusal when accounts cannot give what the step takes.
        repeats: whether a return that is where the move leads already is answered as it is.
    """
    outcome = Outcome(False)
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "read") as tx:
            found = await load_return(tx, return_id=return_id)
            if repeats and found.state == LEADS_TO[move]:
                return found
            check_move(found, move)
            order = await load_order(tx, order_id=found.order_id)
            step = await plan(tx, found, order)
        _after, transfers, writes = turn_over(found, step)
        group_id = derive_id("return move", return_id, found.turn, move, *sent)
        outcome = await commerce.lane.submit(
            merchant_id, Group(group_id, transfers, writes, step.facts, document_id=return_id)
        )
        if outcome.passed:
            async with commerce.db.transaction(merchant_id, "read") as tx:
                return await load_return(tx, return_id=return_id)
        if outcome.shortages and short is not None:
            raise short(outcome.shortages)
    raise changed_meanwhile()


def changed_meanwhile() -> Conflict:
    """The refusal of a move that others kept overtaking."""
    return Conflict("return.changed", _("The return has changed meanwhile. Please look at it again."))


async def write_returns(tx: Transaction, rows: Sequence[Return]) -> None:
    """Write returns as they are after a move, with their lines; a writer for the lane's batches."""
    columns = [[getattr(row, name) for row in rows] for name, _kind in store.MUTABLE]
    await store.save_returns(tx, [row.return_id for row in rows], columns)
    lines = [(row.return_id, line) for row in rows for line in row.lines]
    await store.save_lines(
        tx,
        (
            [return_id for return_id, _line in lines],
            [line.line_no for _return_id, line in lines],
            [line.sellable for _return_id, line in lines],
            [line.damaged for _return_id, line in lines],
            [line.unusable for _return_id, line in lines],
            [line.share_minor for _return_id, line in lines],
            [line.charged_minor for _return_id, line in lines],
        ),
    )
