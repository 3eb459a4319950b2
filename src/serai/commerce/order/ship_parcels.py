"""Parcels leave: goods are out of stock, their part of the sale is earned, and with the last ones the order is fulfilled.

READ    the order's transfers, then the order and its goods
PLAN    which parcels leave; pure
SUBMIT  one group under the order's next turn: whoever comes second reads again and judges anew
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from serai.commerce.lot.api import plan_leaving
from serai.commerce.lot.types import LeavingLine
from serai.commerce.order.events import OrderFulfilled, OrderShipped, ShippedLine
from serai.commerce.order.judge_order import check_group, check_move
from serai.commerce.order.read_order import load_order
from serai.commerce.order.read_standing import Standing, read_standing
from serai.commerce.order.ship_goods import GoodsKey, list_parcel_steps, ship_goods
from serai.commerce.order.stamp_orders import Stamp, stamp_orders
from serai.commerce.order.take_turn import was_late
from serai.commerce.order.types import Order
from serai.commerce.parcel.api import insert_parcels, stamp_parcels
from serai.commerce.parcel.types import Goods, NewParcel, Parcel, ParcelLine, ParcelStamp
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.errors import Conflict, NotFound, _
from serai.foundation.event import Fact
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Group, Write

# Each try reads the order anew; so often only when an order is changed from all sides at once.
ATTEMPTS = 20


class Leaving(msgspec.Struct, frozen=True):
    """What leaves now: packed parcels, and parcels that are packed by leaving."""

    packed: tuple[Parcel, ...] = ()
    fresh: tuple[NewParcel, ...] = ()
    carrier: str = ""
    tracking: str = ""
    is_handed_over: bool = False


Choice = Callable[[Standing], Leaving | None]


async def fulfil_order(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, by: str, tracking: str = ""
) -> Order:
    """All that is left of an order leaves: packed parcels as they are, the rest in one parcel per place.

    Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``.
        Conflict: ``order.cannot_fulfil`` when the order is not paid, or was cancelled meanwhile.
    """
    tracking = " ".join(tracking.split())[:100]

    def choose(standing: Standing) -> Leaving | None:
        order = standing.order
        if order.state == "fulfilled":
            return None
        packed = tuple(each for each in order.parcels if each.is_here)
        fresh = pack_rest(standing, by, tracking)
        handed_over = order.delivery == "pickup"
        return Leaving(packed, fresh, tracking="" if fresh else tracking, is_handed_over=handed_over)

    return await ship_parcels(commerce, merchant_id, order_id=order_id, by=by, choose=choose)


async def ship_parcel(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    parcel_id: UUID,
    by: str,
    carrier: str = "",
    tracking: str = "",
) -> Order:
    """A packed parcel leaves. Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``, ``parcel.unknown``.
        Conflict: ``order.cannot_fulfil``; ``parcel.unpacked`` when it was unpacked; ``lot.expired``.
    """
    tracking, carrier = " ".join(tracking.split())[:100], " ".join(carrier.split())[:60]

    def choose(standing: Standing) -> Leaving | None:
        parcel = find_parcel(standing.order, parcel_id)
        if parcel.shipped_at is not None:
            return None
        check_packed(parcel)
        handed_over = standing.order.delivery == "pickup"
        return Leaving((parcel,), carrier=carrier, tracking=tracking, is_handed_over=handed_over)

    return await ship_parcels(commerce, merchant_id, order_id=order_id, by=by, choose=choose)


def find_parcel(order: Order, parcel_id: UUID) -> Parcel:
    """A parcel of an order. NotFound ``parcel.unknown``."""
    found = next((each for each in order.parcels if each.parcel_id == parcel_id), None)
    if found is None:
        raise NotFound("parcel.unknown", _("There is no such parcel."))
    return found


def check_packed(parcel: Parcel) -> None:
    """Conflict ``parcel.unpacked`` for a parcel that was unpacked again."""
    if parcel.state == "unpacked":
        raise Conflict("parcel.unpacked", _("This parcel was unpacked again."))


def pack_rest(standing: Standing, by: str, tracking: str) -> tuple[NewParcel, ...]:
    """New parcels, one per place, of what is open and in no parcel yet."""
    by_place: dict[UUID, list[Goods]] = {}
    for each in standing.goods:
        if each.open > each.packed:
            by_place.setdefault(each.place_id, []).append(each)
    number = count_parcels(standing.order)
    return tuple(
        NewParcel(
            derive_id("parcel", standing.order.order_id, number + n),
            standing.order.order_id,
            place_id,
            number + n,
            by,
            clock.now(),
            tuple(ParcelLine(g.line_no, g.sku_id, g.open - g.packed) for g in goods),
            tracking=tracking,
        )
        for n, (place_id, goods) in enumerate(by_place.items(), 1)
    )


def count_parcels(order: Order) -> int:
    """The highest number of an order's parcels; 0 when it has none."""
    return max((each.parcel_no for each in order.parcels), default=0)


async def ship_parcels(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, by: str, choose: Choice
) -> Order:
    """Let parcels leave that are chosen from the order as it stands at its turn; None when that has been done.

    Raises:
        NotFound: ``order.unknown``. Conflict: ``order.cannot_fulfil``, ``order.awaiting_group``, ``order.changed``.
    """
    for _attempt in range(ATTEMPTS):
        # All of one moment: what is packed and what is open are judged by each other.
        async with commerce.db.transaction(merchant_id, "snapshot") as tx:
            standing = await read_standing(tx, order_id)
            leaving = choose(standing)
            if leaving is None:
                return standing.order
            check_move(standing.order, "fulfil")
            check_group(standing.order)
            lots = await plan_leaving(tx, group_id=standing.turn.group_id, lines=_list_lines(leaving))
        group = _plan(standing, leaving, by)
        outcome = await commerce.lane.submit(
            merchant_id,
            msgspec.structs.replace(
                group,
                transfers=(*group.transfers, *lots.transfers),
                writes=(*group.writes, *lots.writes),
            ),
        )
        if outcome.passed and not was_late(outcome):
            break
    else:
        raise order_changed()
    async with commerce.db.transaction(merchant_id, "read") as tx:
        return await load_order(tx, order_id=order_id)


def _list_lines(leaving: Leaving) -> list[LeavingLine]:
    gone: list[Parcel | NewParcel] = [*leaving.packed, *leaving.fresh]
    return [
        LeavingLine(each.parcel_id, each.place_id, line.line_no, line.sku_id, line.quantity)
        for each in gone
        for line in each.lines
    ]


def order_changed() -> Conflict:
    return Conflict("order.changed", _("The order has changed meanwhile. Please look at it again."))


def _plan(standing: Standing, leaving: Leaving, by: str) -> Group:
    """The group of parcels that leave."""
    order, now, turn = standing.order, clock.now(), standing.turn
    packed: dict[GoodsKey, int] = {}
    for parcel in leaving.packed:
        _add(packed, list_parcel_steps(parcel.place_id, parcel.lines))
    steps = dict(packed)
    for new in leaving.fresh:
        _add(steps, list_parcel_steps(new.place_id, new.lines))
    if not steps:
        raise order_changed()
    shipment = ship_goods(standing, steps, packed)
    delivered_at = now if leaving.is_handed_over else None
    stamps = [
        ParcelStamp(
            each.parcel_id,
            shipped_at=now,
            delivered_at=delivered_at,
            carrier=leaving.carrier,
            tracking=leaving.tracking,
        )
        for each in leaving.packed
    ]
    fresh = [
        msgspec.structs.replace(each, shipped_at=now, delivered_at=delivered_at) for each in leaving.fresh
    ]
    gone: list[Parcel | NewParcel] = [*leaving.packed, *fresh]
    tracking = leaving.tracking or next((each.tracking for each in gone if each.tracking), "")
    facts = [Fact(order.order_id, _tell(each, leaving, by, is_last=shipment.is_last)) for each in gone]
    what = "order.fulfilled" if shipment.is_last else "order.shipped"
    audit = AuditRow(by, what, "order", str(order.order_id), None, {"tracking": tracking})
    writes = [Write(record_rows, audit), *standing.write(shipment.goods)]
    if stamps:
        writes += [Write(stamp_parcels, each) for each in stamps]
    writes += [Write(insert_parcels, each) for each in fresh]
    stamp = make_stamp(order, now, is_first=shipment.is_first, is_last=shipment.is_last, tracking=tracking)
    writes.append(Write(stamp_orders, stamp))
    if shipment.is_last:
        facts.append(Fact(order.order_id, OrderFulfilled(order.order_id, by, tracking)))
    return Group(
        turn.group_id,
        (turn.transfer, *shipment.transfers),
        tuple(writes),
        tuple(facts),
        document_id=order.order_id,
    )


def make_stamp(order: Order, now: datetime, *, is_first: bool, is_last: bool, tracking: str = "") -> Stamp:
    """The moments of an order of which goods left: with the last ones it is fulfilled."""
    return Stamp(
        order.order_id,
        fulfilled_at=now if is_last else None,
        part_shipped_at=now if is_first and not is_last else None,
        tracking=tracking or None,
    )


def _add(sums: dict[GoodsKey, int], more: dict[GoodsKey, int]) -> None:
    for key, count in more.items():
        sums[key] = sums.get(key, 0) + count


def _tell(parcel: Parcel | NewParcel, leaving: Leaving, by: str, *, is_last: bool) -> OrderShipped:
    lines: Sequence[ParcelLine] = parcel.lines
    return OrderShipped(
        parcel.order_id,
        parcel.parcel_id,
        parcel.parcel_no,
        parcel.place_id,
        leaving.carrier or parcel.carrier,
        leaving.tracking or parcel.tracking,
        tuple(ShippedLine(each.line_no, each.sku_id, each.quantity) for each in lines),
        is_last,
        by,
    )
