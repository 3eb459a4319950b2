"""How an order's goods stand: read in one transaction, so that what is planned on it can take the order's next turn."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.order.read_order import load_order
from serai.commerce.order.take_turn import Turn, next_turn
from serai.commerce.order.types import Order
from serai.commerce.order.value_goods import list_steps
from serai.commerce.parcel.api import list_goods, write_goods
from serai.commerce.parcel.types import Goods, GoodsRow
from serai.foundation.database import Transaction
from serai.ledger import api as ledger
from serai.ledger.types import Write


class Standing(msgspec.Struct, frozen=True):
    """An order with its transfers and goods. ``is_new``: no row tells of its goods yet, they lie where it was placed."""

    order: Order
    moved: Sequence[ledger.DocumentTransfer]
    goods: tuple[Goods, ...]
    is_new: bool

    @property
    def turn(self) -> Turn:
        """The name of the order's next change."""
        return next_turn(self.order.order_id, self.moved)

    @property
    def open_goods(self) -> tuple[Goods, ...]:
        return tuple(each for each in self.goods if each.open)

    def write(self, changed: Sequence[Goods]) -> tuple[Write, ...]:
        """The rows of changed goods, and of all others too where none are written yet."""
        rows = {each.key: each for each in self.goods} if self.is_new else {}
        rows |= {each.key: each for each in changed}
        return tuple(Write(write_goods, GoodsRow(self.order.order_id, each)) for each in rows.values())


async def read_standing(tx: Transaction, order_id: UUID) -> Standing:
    """How an order stands. NotFound ``order.unknown``."""
    # The turns are counted from transfers that were read before everything else, see take_turn.
    moved = await ledger.list_document_transfers(tx, document_id=order_id)
    order = await load_order(tx, order_id=order_id)
    goods = await list_goods(tx, order_id=order_id)
    if goods:
        return Standing(order, moved, goods, False)
    pendings = await ledger.list_open_pendings(tx, document_id=order_id)
    return Standing(order, moved, find_goods(order, pendings), True)


def find_goods(order: Order, pendings: Sequence[ledger.OpenPending]) -> tuple[Goods, ...]:
    """The goods of an order from its own reservations: each line has one of its SKU and steps.

    Two lines of one SKU and as many steps have equal reservations, so it is the same which of them is whose.
    """
    left = [each for each in pendings if each.credit_kind == "stock"]
    goods = []
    for (line_no, sku_id), steps in list_steps(order.lines).items():
        hold = next((p for p in left if p.subject_id == sku_id and p.amount == steps), None)
        if hold is not None:
            left.remove(hold)
            goods.append(
                Goods(hold.place_id or order.place_id, line_no, sku_id, hold.transfer_id, open=steps)
            )
    return tuple(goods)
