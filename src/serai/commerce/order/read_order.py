"""Reading one order with all that belongs to it."""

from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.delivery.types import OrderDelivery
from serai.commerce.order import store
from serai.commerce.order.logic import access_digest
from serai.commerce.order.types import Address, Order, OrderAdjustment, OrderLine, OrderNote, OrderPart
from serai.commerce.parcel.api import list_cuts, list_parcels, list_substitutes
from serai.commerce.payment.api import list_payments, list_refunds
from serai.commerce.place.api import find_place
from serai.commerce.presale.api import find_order_presale
from serai.commerce.promotion.api import find_order_group
from serai.commerce.promotion.types import Claim
from serai.commerce.tax.api import list_order_taxes
from serai.commerce.tender.api import list_order_tenders, list_tender_refunds
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _
from serai.foundation.event import list_subject_events


async def find_order(
    tx: Transaction,
    *,
    order_id: UUID | None = None,
    number: str | None = None,
    access_token: str | None = None,
    member_id: UUID | None = None,
) -> Order | None:
    """An order with all that belongs to it. With a guest's token or a member, only what that shopper may see."""
    if order_id is None and number is None:
        return None
    digest = access_digest(access_token) if access_token is not None else None
    row = await store.find_order(tx, order_id, number, digest, member_id)
    if row is None:
        return None
    order_id = row["order_id"]
    events = await list_subject_events(tx, subject_id=order_id)
    place = await find_place(tx, place_id=row["place_id"])
    values = dict(row)
    address, shipping = values.pop("address"), values.pop("shipping")
    adjustments = await _list_adjustments(tx, order_id) if row["adjustment_count"] else ()
    has_seat = any(claim.kind == "seat" for each in adjustments for claim in each.claims)
    cuts = await list_cuts(tx, order_id=order_id) if row["paid_at"] else ()
    replaced = any(cut.kind == "substituted" for cut in cuts)
    return Order(
        **values,
        address=msgspec.convert(address, Address) if address else None,
        shipping=msgspec.convert(shipping, OrderDelivery) if shipping else None,
        place_name=place.name if place else "",
        lines=tuple(_line(line) for line in await store.list_lines(tx, order_id)),
        adjustments=adjustments,
        taxes=await list_order_taxes(tx, order_id=order_id) if row["tax_count"] else (),
        payments=await list_payments(tx, order_id=order_id),
        refunds=await list_refunds(tx, order_id=order_id),
        timeline=tuple(OrderNote(event.recorded_at, event.name, event.data) for event in events),
        tenders=await list_order_tenders(tx, order_id=order_id) if row["tender_count"] else (),
        tender_refunds=await list_tender_refunds(tx, order_id=order_id) if row["tender_count"] else (),
        group=await find_order_group(tx, order_id=order_id) if has_seat else None,
        presale=await find_order_presale(tx, order_id=order_id) if row["presale_id"] else None,
        parcels=await list_parcels(tx, order_id=order_id) if row["paid_at"] else (),
        cuts=cuts,
        substitutes=await list_substitutes(tx, order_id=order_id) if replaced else (),
    )


def _line(row: Any) -> OrderLine:
    values = dict(row)
    return OrderLine(
        **(values | {"parts": msgspec.convert(values["parts"].get("items", ()), tuple[OrderPart, ...])})
    )


async def _list_adjustments(tx: Transaction, order_id: UUID) -> tuple[OrderAdjustment, ...]:
    adjustments = []
    for row in await store.list_adjustments(tx, order_id):
        values = dict(row)
        shares = zip(values.pop("line_nos") or (), values.pop("amounts") or (), strict=True)
        claims = msgspec.convert(values.pop("claims").get("items", ()), tuple[Claim, ...])
        adjustments.append(OrderAdjustment(**values, claims=claims, shares=tuple(shares)))
    return tuple(adjustments)


async def load_order(tx: Transaction, *, order_id: UUID) -> Order:
    """An order. NotFound ``order.unknown``."""
    order = await find_order(tx, order_id=order_id)
    if order is None:
        raise NotFound("order.unknown", _("There is no such order."))
    return order
