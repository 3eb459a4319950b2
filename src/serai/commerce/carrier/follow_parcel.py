"""What a carrier tells of a parcel is taken in once, in whatever order it comes.

A parcel that the carrier has is one that has left, whether or not somebody said so here. The last word is that it arrived.
"""

from uuid import UUID

from serai.commerce.carrier import store
from serai.commerce.carrier.events import ParcelTracked
from serai.commerce.carrier.types import Track
from serai.commerce.order.api import ship_parcel
from serai.commerce.parcel.api import load_parcel, stamp_parcels
from serai.commerce.parcel.types import ParcelStamp
from serai.commerce.types import Commerce, TrackEvent
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId


async def take_event(commerce: Commerce, merchant_id: MerchantId, *, carrier: str, event: TrackEvent) -> bool:
    """Take an event in. False when it is known already.

    Raises:
        NotFound: ``label.unknown``: no label here is of that shipment.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        label_id = await store.find_shipment(tx, carrier, event.shipment_id)
        row = await store.find_label(tx, label_id) if label_id else None
        if row is None:
            raise NotFound("label.unknown", _("There is no such label."))
        parcel = await load_parcel(tx, parcel_id=row["parcel_id"])
        values = (
            carrier,
            event.event_id,
            parcel.parcel_id,
            event.kind,
            event.place,
            event.at,
            event.sequence,
        )
        is_new = await store.insert_track(tx, (*values, clock.now()))
        if is_new:
            stamp = _stamp(parcel.parcel_id, event)
            if stamp is not None:
                await stamp_parcels(tx, [stamp])
            told = ParcelTracked(
                parcel.order_id,
                parcel.parcel_id,
                parcel.parcel_no,
                carrier,
                event.kind,
                event.place,
                event.at,
            )
            await append_facts(tx, [Fact(parcel.order_id, told)])
    if parcel.is_here:
        await _let_leave(commerce, merchant_id, parcel.order_id, parcel.parcel_id, carrier)
    return is_new


def _stamp(parcel_id: UUID, event: TrackEvent) -> ParcelStamp | None:
    match event.kind:
        case "delivered":
            return ParcelStamp(parcel_id, delivered_at=event.at)
        case "lost":
            return ParcelStamp(parcel_id, lost_at=event.at)
        case "returned":
            return ParcelStamp(parcel_id, returned_at=event.at)
        case _:
            return None


async def _let_leave(
    commerce: Commerce, merchant_id: MerchantId, order_id: UUID, parcel_id: UUID, carrier: str
) -> None:
    """The carrier has it, so it has left; of an order that was called off meanwhile staff have to see to it."""
    try:
        await ship_parcel(
            commerce, merchant_id, order_id=order_id, parcel_id=parcel_id, by=f"carrier:{carrier}"
        )
    except Refused:
        return


async def list_tracks(tx: Transaction, *, parcel_ids: list[UUID]) -> dict[UUID, tuple[Track, ...]]:
    """What carriers told of some parcels, in the order in which it happened."""
    found: dict[UUID, list[Track]] = {}
    for row in await store.list_tracks(tx, parcel_ids):
        found.setdefault(row["parcel_id"], []).append(Track(*row.values()))
    return {parcel_id: tuple(tracks) for parcel_id, tracks in found.items()}
