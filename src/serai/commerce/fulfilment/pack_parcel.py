"""Goods go into a parcel, or out of it again. What is packed counts as picked: somebody holds it in their hands."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.fulfilment.change_order import Change, change_order
from serai.commerce.fulfilment.types import NO_SIZE, Content, Size
from serai.commerce.order.api import Standing, check_packed, count_parcels, find_parcel
from serai.commerce.parcel.api import insert_parcels, stamp_parcels
from serai.commerce.parcel.types import Goods, NewParcel, Parcel, ParcelLine, ParcelStamp
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows
from serai.ledger.types import Write


async def pack_parcel(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    order_id: UUID,
    contents: Sequence[Content],
    by: str,
    key: str | UUID,
    place_id: UUID | None = None,
    size: Size = NO_SIZE,
) -> Parcel:
    """Pack open goods of one place into a new parcel. The same key again changes nothing.

    Args:
        contents: what goes in; nothing stands for all that is open and in no parcel there.
        place_id: where; it may be left out while all that is open lies at one place.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``parcel.line_unknown``, ``parcel.place_missing``, ``parcel.empty``.
        Conflict: ``parcel.too_much`` with ``left``, ``order.cannot_fulfil``, ``order.awaiting_group``.
    """
    parcel_id = derive_id("parcel", order_id, key)

    async def plan(_tx: Transaction, standing: Standing) -> Change | None:
        if any(each.parcel_id == parcel_id for each in standing.order.parcels):
            return None
        here = choose_place(standing, place_id)
        chosen = choose_goods(standing, here, contents)
        parcel = NewParcel(
            parcel_id,
            order_id,
            here,
            count_parcels(standing.order) + 1,
            by,
            clock.now(),
            tuple(ParcelLine(each.line_no, each.sku_id, count) for each, count in chosen),
            **msgspec.structs.asdict(size),
        )
        details = {"parcel_no": parcel.parcel_no, "steps": sum(count for _each, count in chosen)}
        audit = AuditRow(by, "parcel.packed", "order", str(order_id), None, details)
        changed = [
            msgspec.structs.replace(
                each, packed=each.packed + count, picked=max(each.picked, each.packed + count)
            )
            for each, count in chosen
        ]
        writes = (Write(insert_parcels, parcel), Write(record_rows, audit), *standing.write(changed))
        return Change(writes=writes)

    standing = await change_order(commerce, merchant_id, order_id=order_id, plan=plan)
    return find_parcel(standing.order, parcel_id)


def choose_place(standing: Standing, place_id: UUID | None) -> UUID:
    """The place that is meant, or the only one with open goods. Invalid ``parcel.place_missing``."""
    places = {each.place_id for each in standing.open_goods}
    if place_id is not None:
        return place_id
    if len(places) > 1:
        raise Invalid(
            "parcel.place_missing",
            _("The goods lie at several places; please say which one."),
            field="place_id",
        )
    return next(iter(places), standing.order.place_id)


def choose_goods(standing: Standing, place_id: UUID, contents: Sequence[Content]) -> list[tuple[Goods, int]]:
    """The goods that are meant, each with its steps; of none given, all that is in no parcel yet.

    Raises:
        Invalid: ``parcel.line_unknown``, ``parcel.empty``. Conflict: ``parcel.too_much``.
    """
    here = [each for each in standing.goods if each.place_id == place_id]
    if not contents:
        chosen = [(each, each.open - each.packed) for each in here if each.open > each.packed]
        if not chosen:
            raise Invalid("parcel.empty", _("There is nothing left to pack here."), field="lines")
        return chosen
    sums: dict[tuple[int, UUID], int] = {}
    for each in contents:
        goods = find_goods(here, each.line_no, each.sku_id)
        sums[goods.line_no, goods.sku_id] = sums.get((goods.line_no, goods.sku_id), 0) + each.quantity
    found = []
    for (line_no, sku_id), count in sums.items():
        goods = find_goods(here, line_no, sku_id)
        if count > goods.open - goods.packed:
            raise Conflict(
                "parcel.too_much",
                _("Only %(left)s of that are still to be packed here."),
                left=goods.open - goods.packed,
                line_no=line_no,
            )
        found.append((goods, count))
    return found


def find_goods(here: Sequence[Goods], line_no: int, sku_id: UUID | None) -> Goods:
    """The goods of a line at a place. Invalid ``parcel.line_unknown`` when none, or when a bundle's part is not named."""
    found = [each for each in here if each.line_no == line_no and sku_id in (None, each.sku_id)]
    if len(found) != 1:
        raise Invalid(
            "parcel.line_unknown",
            _("This line has nothing to hand over at that place."),
            field="lines",
            line_no=line_no,
        )
    return found[0]


async def unpack_parcel(
    commerce: Commerce, merchant_id: MerchantId, *, order_id: UUID, parcel_id: UUID, by: str
) -> Parcel:
    """Take the goods out of a parcel that has not left; they stay picked. Doing it again changes nothing.

    Raises:
        NotFound: ``order.unknown``, ``parcel.unknown``. Conflict: ``parcel.has_left``.
    """

    async def plan(_tx: Transaction, standing: Standing) -> Change | None:
        parcel = find_parcel(standing.order, parcel_id)
        if parcel.state == "unpacked":
            return None
        check_here(parcel)
        audit = AuditRow(by, "parcel.unpacked", "order", str(order_id), None, {"parcel_no": parcel.parcel_no})
        writes = (
            Write(stamp_parcels, ParcelStamp(parcel_id, unpacked_at=clock.now())),
            Write(record_rows, audit),
            *standing.write(take_out(standing, parcel)),
        )
        return Change(writes=writes)

    standing = await change_order(commerce, merchant_id, order_id=order_id, plan=plan)
    return find_parcel(standing.order, parcel_id)


def check_here(parcel: Parcel) -> None:
    """Conflict ``parcel.unpacked`` or ``parcel.has_left`` for a parcel that is not here any more."""
    check_packed(parcel)
    if not parcel.is_here:
        raise Conflict("parcel.has_left", _("This parcel has left already."), state=parcel.state)


def take_out(standing: Standing, parcel: Parcel) -> list[Goods]:
    """The goods as they stand once a parcel is unpacked."""
    inside = {(line.line_no, line.sku_id): line.quantity for line in parcel.lines}
    return [
        msgspec.structs.replace(each, packed=each.packed - inside[each.line_no, each.sku_id])
        for each in standing.goods
        if each.place_id == parcel.place_id and (each.line_no, each.sku_id) in inside
    ]
