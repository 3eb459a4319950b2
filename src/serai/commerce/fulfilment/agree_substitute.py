"""Whether something similar may come instead of what is missing: the buyer's word, per line or for all; without one it is no.

A word is given under the order's turn, so one that is taken back either comes before a replacement or is told after it.
"""

from collections.abc import Mapping
from uuid import UUID

from serai.commerce.fulfilment import store
from serai.commerce.fulfilment.change_order import ATTEMPTS
from serai.commerce.fulfilment.types import SubstituteWish
from serai.commerce.order.api import order_changed, read_standing, was_late
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.ids import MerchantId
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Group, Write

# The line that stands for all lines of which nothing else is said.
ALL = 0
OPEN = ("awaiting_payment", "paid")


async def agree_substitutes(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, wishes: Mapping[int, bool], by: str
) -> None:
    """Say of some lines (0: all of which nothing is said) whether something similar may come instead.

    Saying it again changes nothing.

    Raises:
        NotFound: ``order.unknown``. Invalid: ``substitute.line_unknown``.
        Conflict: ``substitute.too_late`` once the order has ended, or waits for a presale.
    """
    for _attempt in range(ATTEMPTS):
        async with commerce.db.transaction(merchant_id, "snapshot") as tx:
            standing = await read_standing(tx, order_id)
            known = await store.list_wishes(tx, order_id)
        order = standing.order
        if not set(wishes) <= {ALL, *(line.line_no for line in order.lines)}:
            raise Invalid("substitute.line_unknown", _("This order has no such line."), field="line_no")
        held = {row["line_no"]: row["agreed"] for row in known}
        changed = {line_no: agreed for line_no, agreed in wishes.items() if held.get(line_no) is not agreed}
        if not changed:
            return
        if order.state not in OPEN:
            raise Conflict(
                "substitute.too_late", _("Nothing can be replaced in this order any more."), state=order.state
            )
        now, turn = clock.now(), standing.turn
        rows = [SubstituteWish(order_id, line_no, agreed, by, now) for line_no, agreed in changed.items()]
        details = {str(line_no): agreed for line_no, agreed in changed.items()}
        audit = AuditRow(by, "order.substitutes_agreed", "order", str(order_id), None, details)
        outcome = await commerce.lane.submit(
            merchant_id,
            Group(
                turn.group_id,
                (turn.transfer,),
                (*(Write(save_wishes, row) for row in rows), Write(record_rows, audit)),
                document_id=order_id,
            ),
        )
        if outcome.passed and not was_late(outcome):
            return
    raise order_changed()


async def save_wishes(tx: Transaction, rows: list[SubstituteWish]) -> None:
    """Words of buyers; a writer for the lane's batches. Of several for one line the last one counts."""
    last = {(row.order_id, row.line_no): row for row in rows}
    await store.save_wishes(tx, list(last.values()))


async def may_replace(tx: Transaction, *, order_id: UUID, line_no: int) -> bool:
    """Whether something similar may come instead of a line."""
    return (await list_wishes(tx, order_id=order_id, line_nos=[line_no]))[line_no]


async def list_wishes(tx: Transaction, *, order_id: UUID, line_nos: list[int]) -> dict[int, bool]:
    """Of each of some lines whether something similar may come instead."""
    said = {row["line_no"]: row["agreed"] for row in await store.list_wishes(tx, order_id)}
    return {line_no: said.get(line_no, said.get(ALL, False)) for line_no in line_nos}
