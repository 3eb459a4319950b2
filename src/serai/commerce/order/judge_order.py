"""What an order allows as it stands, and what of its sale is still deferred. Pure."""

from collections.abc import Sequence

from serai.commerce.order.logic import ALLOWED
from serai.commerce.order.types import Order
from serai.foundation.errors import Conflict, _
from serai.ledger.api import DocumentTransfer
from serai.ledger.types import Phase


def check_move(order: Order, move: str) -> None:
    """Conflict ``order.cannot_<move>`` unless the order's state allows the move; ``order.part_shipped`` when it is to be
    called off though some of it has left."""
    if move == "cancel" and order.is_part_shipped:
        raise Conflict(
            "order.part_shipped", _("Part of this order has left; only the rest can be called off.")
        )
    if order.state not in ALLOWED[move]:
        raise Conflict(
            f"order.cannot_{move}", _("This is not possible for an order in this state."), state=order.state
        )


def deferred_of(moved: Sequence[DocumentTransfer]) -> int:
    """What of an order is sold but neither handed over nor taken back, from all its transfers, in minor units."""
    counted = [t for t in moved if t.phase in (Phase.POSTED, Phase.POST)]
    gained = sum(t.amount for t in counted if t.credit_kind == "deferred_sales")
    return gained - sum(t.amount for t in counted if t.debit_kind == "deferred_sales")


def check_group(order: Order) -> None:
    """Conflict ``order.awaiting_group`` while an order's buying group is not complete: it may yet be called off."""
    if order.awaits_group:
        raise Conflict("order.awaiting_group", _("The group of this order is not complete yet."))
