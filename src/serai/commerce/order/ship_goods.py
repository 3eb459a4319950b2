"""Goods of an order leave: what it moves in stock and earns in money. Pure.

A reservation is posted for what leaves, and the rest of it reserved anew in the same group. What was deferred becomes sales
in proportion to what leaves now and what is still to leave, so that the last goods earn all that is left: refunds that were
given meanwhile are borne by all of them. The delivery is earned with the first goods.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.order.judge_order import deferred_of
from serai.commerce.order.read_standing import Standing
from serai.commerce.order.types import Order
from serai.commerce.order.value_goods import Key, delivery_worth, value_steps
from serai.commerce.parcel.types import Goods, ParcelLine
from serai.commerce.payment.types import deferred_sales, sales, shipping_income, tax_payable
from serai.commerce.stock.types import customer_account, stock_account
from serai.foundation.ids import derive_id
from serai.foundation.money import share_out
from serai.ledger.types import Account, Transfer, pending, post, posted

GoodsKey = tuple[UUID, int, UUID]


class Shipment(msgspec.Struct, frozen=True):
    """Transfers of goods that leave, and the goods as they stand afterwards. ``is_last``: nothing is open any more."""

    transfers: tuple[Transfer, ...]
    goods: tuple[Goods, ...]
    is_first: bool
    is_last: bool


def ship_goods(standing: Standing, steps: Mapping[GoodsKey, int], packed: Mapping[GoodsKey, int]) -> Shipment:
    """Let steps of goods leave.

    Args:
        steps: how many, at most what is open there.
        packed: how many of them lie in packed parcels; the others are taken from what is not in any.
    """
    order, group_id = standing.order, standing.turn.group_id
    transfers: list[Transfer] = []
    after: list[Goods] = []
    for each in standing.goods:
        count = steps.get(each.key, 0)
        if count:
            moves, left = take_open(each, count, packed.get(each.key, 0))
            transfers += moves
            after.append(left)
    changed = {each.key: each for each in after}
    now = [changed.get(each.key, each) for each in standing.goods]
    is_first = not any(each.shipped for each in standing.goods)
    is_last = not any(each.open for each in now)
    for name, account, amount in _earn(standing, _sum_keys(steps), now, is_first):
        if amount > 0:
            transfers.append(
                posted(derive_id(group_id, name), deferred_sales(order.currency), account, amount, name)
            )
    return Shipment(tuple(transfers), tuple(after), is_first, is_last)


def take_open(each: Goods, count: int, packed: int) -> tuple[list[Transfer], Goods]:
    """The transfers by which open steps leave, and what stands afterwards; of them ``packed`` come out of parcels."""
    assert each.hold_id is not None
    assert packed <= count <= each.open
    assert count - packed <= each.open - each.packed
    transfers, hold_id = resolve_hold(each, count, post(each.hold_id, "shipped", count))
    free = count - packed
    picked = max(each.picked, min(each.open, each.packed + free))
    left = msgspec.structs.replace(
        each,
        hold_id=hold_id,
        open=each.open - count,
        picked=picked - count,
        packed=each.packed - packed,
        shipped=each.shipped + count,
    )
    return transfers, left


def resolve_hold(each: Goods, count: int, resolution: Transfer) -> tuple[list[Transfer], UUID | None]:
    """A reservation's resolution with the new reservation of what it leaves open, and that one's id."""
    rest = each.open - count
    if not rest:
        return [resolution], None
    assert each.hold_id is not None
    hold_id = derive_id("rest", each.hold_id)
    accounts = customer_account(each.sku_id), stock_account(each.sku_id, each.place_id)
    return [resolution, pending(hold_id, *accounts, rest, "order")], hold_id


def _sum_keys(steps: Mapping[GoodsKey, int]) -> dict[Key, int]:
    summed: dict[Key, int] = {}
    for (_place_id, *key), count in steps.items():
        line_no, sku_id = key
        assert isinstance(line_no, int)
        assert isinstance(sku_id, UUID)
        summed[line_no, sku_id] = summed.get((line_no, sku_id), 0) + count
    return summed


def _earn(
    standing: Standing, steps: Mapping[Key, int], now: Sequence[Goods], is_first: bool
) -> tuple[tuple[str, Account, int], ...]:
    """What the goods that leave earn of what is deferred: sales, and with the first goods the delivery, and taxes."""
    order, deferred = standing.order, deferred_of(standing.moved)
    value, tax = value_steps(order, standing.goods, steps)
    rest, _tax = value_steps(order, now, _count_open(now))
    if is_first:
        delivery, delivery_tax = delivery_worth(order)
        value, tax = value + delivery, tax + delivery_tax
    if not any(each.open for each in now):
        earned = deferred
    elif not value:
        earned = 0
    else:
        earned, _later = share_out(deferred, [value, rest])
    return split_earned(order, earned, value, tax, has_delivery=is_first)


def _count_open(goods: Sequence[Goods]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for each in goods:
        if each.open:
            found[each.line_no, each.sku_id] = found.get((each.line_no, each.sku_id), 0) + each.open
    return found


def split_earned(
    order: Order, earned: int, value: int, tax: int, *, has_delivery: bool
) -> tuple[tuple[str, Account, int], ...]:
    """What was earned for goods of a value, as sales, delivery and taxes: (name, account, minor).

    Taxes shrink with what refunds took back before; delivery is kept whole as far as it goes, without its own tax where
    that is in its price.
    """
    tax_part = share_out(min(earned, value), [tax, max(0, value - tax)])[0] if tax else 0
    shipping = 0
    if has_delivery:
        inside = sum(each.tax_minor for each in order.taxes if each.line_no == 0 and each.included)
        shipping = min(order.shipping_minor - inside, earned - tax_part)
    return (
        ("sales", sales(order.currency), earned - shipping - tax_part),
        ("shipping", shipping_income(order.currency), shipping),
        ("tax", tax_payable(order.currency), tax_part),
    )


def list_parcel_steps(place_id: UUID, lines: Sequence[ParcelLine]) -> dict[GoodsKey, int]:
    """What a parcel of a place takes of goods."""
    return {(place_id, line.line_no, line.sku_id): line.quantity for line in lines}
