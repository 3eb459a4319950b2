"""An order that comes to less than it was placed for: its presale's price fell, or a coupon was used on its balance.

Adjustments are added, never changed. What follows from them is written with them: the discount of each line, the taxes at
the order's own rates, and the sums.
"""

from collections.abc import Sequence

import msgspec

from serai.commerce.order import store
from serai.commerce.order.types import Order, OrderAdjustment
from serai.commerce.tax.api import OrderTax, added_minor, included_minor, retax
from serai.foundation.database import Transaction


def revise_order(order: Order, adjustments: Sequence[OrderAdjustment]) -> Order:
    """The order with more adjustments. Their numbers go on after those that it has; line 0 is the delivery."""
    off: dict[int, int] = {}
    for each in adjustments:
        for line_no, minor in each.shares:
            off[line_no] = off.get(line_no, 0) + minor
    lines = tuple(
        msgspec.structs.replace(line, discount_minor=line.discount_minor + off.get(line.line_no, 0))
        for line in order.lines
    )
    shipping_minor = order.shipping_minor - off.get(0, 0)
    taxes = retax(order.taxes, {0: shipping_minor} | {line.line_no: line.net_minor for line in lines})
    goods_minor = sum(line.net_minor for line in lines)
    return msgspec.structs.replace(
        order,
        lines=lines,
        adjustments=(*order.adjustments, *adjustments),
        adjustment_count=len(order.adjustments) + len(adjustments),
        discount_minor=sum(line.discount_minor for line in lines),
        shipping_minor=shipping_minor,
        taxes=taxes,
        tax_minor=added_minor(taxes),
        tax_included_minor=included_minor(taxes),
        total_minor=goods_minor + shipping_minor + added_minor(taxes),
    )


class Revision(msgspec.Struct, frozen=True):
    """A revised order, as a row beside the group that changes what is owed; ``added`` are its new adjustments."""

    order: Order
    added: tuple[OrderAdjustment, ...]


async def write_revisions(tx: Transaction, rows: Sequence[Revision]) -> None:
    """Write revised orders; a writer for the lane's batches."""
    orders = [row.order for row in rows]
    lines = [(order.order_id, line.line_no, line.discount_minor) for order in orders for line in order.lines]
    taxes: list[tuple[object, OrderTax]] = [(order.order_id, tax) for order in orders for tax in order.taxes]
    await store.revise_orders(
        tx,
        (
            [order.order_id for order in orders],
            [order.discount_minor for order in orders],
            [order.adjustment_count for order in orders],
            [order.shipping_minor for order in orders],
            [order.tax_minor for order in orders],
            [order.tax_included_minor for order in orders],
            [order.total_minor for order in orders],
        ),
        tuple([line[column] for line in lines] for column in range(3)),
        (
            [order_id for order_id, _tax in taxes],
            [tax.line_no for _order_id, tax in taxes],
            [tax.base_minor for _order_id, tax in taxes],
            [tax.tax_minor for _order_id, tax in taxes],
        ),
    )
    added = [(row.order.order_id, each) for row in rows for each in row.added]
    if added:
        await store.insert_adjustments(tx, added)
