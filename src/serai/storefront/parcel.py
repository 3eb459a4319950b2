"""Parcels of an order as their buyer sees them: their way in words, and the codes of pick-ups."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.carrier.api import list_tracks
from serai.commerce.fulfilment.api import list_wishes, load_handling, pickup_code
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


class Choice(msgspec.Struct, frozen=True):
    """A line that could be replaced if it is missing: what was said of it so far."""

    line_no: int
    product_id: UUID
    title: str
    agreed: bool


async def _list_choices(tx: Transaction, order: Order) -> list[Choice]:
    """The lines of which something may still be said; none once all of an order is packed or it is over."""
    lines = [line for line in order.lines if not line.parts]
    is_open = order.state in ("paid", "awaiting_payment") and not order.presale_id
    if not lines or not is_open:
        return []
    if order.parcels:
        goods = (await load_handling(tx, order_id=order.order_id)).goods
        left = {each.line_no for each in goods if each.open > each.packed}
        lines = [line for line in lines if line.line_no in left]
    said = await list_wishes(tx, order_id=order.order_id, line_nos=[line.line_no for line in lines])
    return [Choice(line.line_no, line.product_id, line.title, said[line.line_no]) for line in lines]


async def view_parcels(tx: Transaction, commerce: Commerce, order: Order, locale: str) -> dict[str, Any]:
    """What the pages of an order need of its parcels: ``tracks`` and ``codes`` by parcel, and what may be replaced."""
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
    return {"tracks": tracks, "codes": codes, "instead": await _list_choices(tx, order)}
