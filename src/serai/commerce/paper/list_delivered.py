"""What a delivery note lists: the ordered goods, without those that something else came for, and what came instead. Pure."""

import msgspec

from serai.commerce.order.types import Order
from serai.commerce.paper.logic import clean
from serai.commerce.paper.types import PaperLine


def list_delivered(lines: tuple[PaperLine, ...], order: Order) -> tuple[PaperLine, ...]:
    """Lines of an order as they lie in its parcels; those that were replaced whole are left out."""
    if not order.substitutes:
        return lines
    found: list[PaperLine] = []
    for line, sold in zip(lines, order.lines, strict=True):
        mine = [each for each in order.substitutes if each.line_no == line.line_no]
        left = line.quantity - sum(each.quantity for each in mine if each.sku_id == sold.sku_id)
        if left:
            found.append(msgspec.structs.replace(line, quantity=left))
        steps: dict[object, PaperLine] = {}
        for each in mine:
            before = steps[each.new_sku_id].quantity if each.new_sku_id in steps else 0
            steps[each.new_sku_id] = msgspec.structs.replace(
                line,
                title=clean(each.title),
                quantity=before + each.new_quantity,
                scale=each.scale,
                unit=each.unit,
                code="",
            )
            if each.sku_id in steps:
                other = steps[each.sku_id]
                steps[each.sku_id] = msgspec.structs.replace(other, quantity=other.quantity - each.quantity)
        found += [each for each in steps.values() if each.quantity]
    return tuple(found)
