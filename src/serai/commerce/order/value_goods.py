"""What the goods of an order's lines are worth, step by step: shares of what they cost after promotions, with taxes. Pure.

Whatever happens to a line's steps (they leave, or are cut) takes the next slice of its value, so that all slices together are
the line's value exactly.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.order.types import Order, OrderLine
from serai.commerce.parcel.types import Goods
from serai.foundation.money import share_out

# A SKU of a line: of a bundle, one of its parts.
Key = tuple[int, UUID]


class Worth(msgspec.Struct, frozen=True):
    """All steps of a SKU of a line: ``value_minor`` with taxes, of which ``tax_minor`` is tax."""

    steps: int
    value_minor: int
    tax_minor: int

    def slice(self, done: int, steps: int) -> tuple[int, int]:
        """(value, tax) of the steps that follow on ``done`` ones."""
        return (
            self.value_minor * (done + steps) // self.steps - self.value_minor * done // self.steps,
            self.tax_minor * (done + steps) // self.steps - self.tax_minor * done // self.steps,
        )


def list_worth(order: Order) -> dict[Key, Worth]:
    """What each SKU of each line is worth in all, what came instead of others included."""
    found: dict[Key, Worth] = {}
    for line in order.lines:
        added, tax = _taxes_of(order, line.line_no)
        value = line.net_minor + added
        if not line.parts:
            found[line.line_no, line.sku_id] = Worth(line.quantity, value, tax)
            continue
        weights = [part.share_minor for part in line.parts]
        values, taxes = share_out(value, weights), share_out(tax, weights)
        for part, part_value, part_tax in zip(line.parts, values, taxes, strict=True):
            found[line.line_no, part.sku_id] = Worth(part.quantity * line.quantity, part_value, part_tax)
    for each in order.substitutes:
        key = each.line_no, each.new_sku_id
        before = found.get(key, Worth(0, 0, 0))
        found[key] = Worth(
            before.steps + each.new_quantity,
            before.value_minor + each.value_minor,
            before.tax_minor + each.tax_minor,
        )
    return found


def delivery_worth(order: Order) -> tuple[int, int]:
    """(value, tax) of an order's delivery."""
    added, tax = _taxes_of(order, 0)
    return order.shipping_minor + added, tax


def _taxes_of(order: Order, line_no: int) -> tuple[int, int]:
    """(what taxes add to a line, all of its taxes)."""
    taxes = [each for each in order.taxes if each.line_no == line_no]
    return sum(t.tax_minor for t in taxes if not t.included), sum(t.tax_minor for t in taxes)


def list_steps(lines: Sequence[OrderLine]) -> dict[Key, int]:
    """How many steps of each SKU each line comes to."""
    return {
        key: steps
        for line in lines
        for key, steps in (
            [((line.line_no, part.sku_id), part.quantity * line.quantity) for part in line.parts]
            or [((line.line_no, line.sku_id), line.quantity)]
        )
    }


def count_done(goods: Sequence[Goods]) -> dict[Key, int]:
    """How many steps of each SKU of each line have left or were cut."""
    done: dict[Key, int] = {}
    for each in goods:
        key = each.line_no, each.sku_id
        done[key] = done.get(key, 0) + each.shipped + each.cut
    return done


def value_steps(order: Order, goods: Sequence[Goods], steps: Mapping[Key, int]) -> tuple[int, int]:
    """(value, tax) of the next steps of some lines."""
    worth, done = list_worth(order), count_done(goods)
    slices = [worth[key].slice(done.get(key, 0), count) for key, count in steps.items()]
    return sum(value for value, _tax in slices), sum(tax for _value, tax in slices)
