"""Changes of a paid order take turns: what was decided on the order as it stood counts only if nothing came between. Pure.

Money that goes back and goods that leave share no account with a floor of their own, so two commands that read the same
order could each take the same sale back. Therefore every such group starts with one transfer that is named after the
order and the count of turns so far. Of two groups of one turn the ledger lets the first pass and answers the second as a
repeat of it; whoever hears that reads the order again and judges anew.

To be safe the turns are counted from transfers that were read **before** the order was.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.foundation.ids import derive_id
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Outcome, Transfer, account, posted

TURNS = derive_id("unit", "order turns")


class Turn(msgspec.Struct, frozen=True):
    """The name of an order's next change, and the transfer that stands first in its group."""

    group_id: UUID
    transfer: Transfer


def next_turn(order_id: UUID, moved: Sequence[DocumentTransfer]) -> Turn:
    """The turn after those that all transfers of an order tell of."""
    count = sum(each.debit_kind == "order_turns" for each in moved)
    taken = posted(
        derive_id("turn", order_id, count),
        account("order_turns", TURNS),
        account("order_turn_control", TURNS, normal="C"),
        1,
        "turn",
    )
    return Turn(derive_id("turn group", order_id, count), taken)


def was_late(outcome: Outcome) -> bool:
    """Whether another change took the turn first: nothing was moved, and the order has to be read again."""
    return outcome.passed and outcome.replayed
