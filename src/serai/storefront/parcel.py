"""Parcels of an order as their buyer sees them: their way in words, and the codes of pick-ups."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.carrier.api import list_tracks
from serai.commerce.fulfilment.api import pickup_code
from serai.commerce.order.types import Order
from serai.commerce.types import Commerce
from serai.foundation.database import Transaction
from serai.foundation.errors import _
from serai.foundation.i18n import translate

WORDS = {
    "picked_up": _("The carrier has it"),
    "in_transit": _("On its way"),
    "out_for_delivery": _("Comes today"),
    "failed_attempt": _("Nobody was there; the carrier comes again"),
    "delivered": _("Arrived"),
    "lost": _("Lost on its way"),
    "returned": _("Came back to us"),
}


class Stop(msgspec.Struct, frozen=True):
    """One thing that a carrier told of a parcel."""

    text: str
    place: str
    at: datetime


async def view_parcels(tx: Transaction, commerce: Commerce, order: Order, locale: str) -> dict[str, Any]:
    """What the pages of an order need of its parcels: ``tracks`` and ``codes`` by parcel."""
    ids = [each.parcel_id for each in order.parcels]
    told = await list_tracks(tx, parcel_ids=ids) if ids else {}
    tracks: dict[UUID, list[Stop]] = {
        parcel_id: [Stop(translate(WORDS[each.kind], locale), each.place, each.at) for each in tracks]
        for parcel_id, tracks in told.items()
    }
    codes = {
        each.parcel_id: pickup_code(commerce.secret, each.parcel_id)
        for each in order.parcels
        if each.state == "ready"
    }
    return {"tracks": tracks, "codes": codes}
