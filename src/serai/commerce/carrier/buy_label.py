"""A label is bought of a carrier, and taken back when its parcel does not go after all. Repeatable at every step.

ASK    a row says that a label is wanted; its id is the carrier's idempotency key, and a parcel has one living label
CALL   the carrier is asked, outside any transaction
BOOK   what it answered is written; an answer that was lost is looked up by the label's id, by a job
"""

import logging
from uuid import UUID

import msgspec

from serai.commerce.carrier import store
from serai.commerce.carrier.events import LabelBought
from serai.commerce.carrier.follow_parcel import take_event
from serai.commerce.carrier.types import Label
from serai.commerce.order.api import Order, load_order
from serai.commerce.parcel.api import load_parcel, stamp_parcels
from serai.commerce.parcel.types import Parcel, ParcelStamp
from serai.commerce.types import Carrier, CarrierLabel, CarrierRate, Commerce, ShipmentRequest
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, Outside, Refused, _
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import MerchantId, derive_id
from serai.identity.audit.api import AuditRow, record_rows

log = logging.getLogger("serai.commerce")


def find_carrier(commerce: Commerce, name: str) -> Carrier:
    """An adapter by its name. NotFound ``carrier.unknown``."""
    found = commerce.carriers.get(name)
    if found is None:
        raise NotFound("carrier.unknown", _("There is no such carrier."))
    return found


async def quote_parcel(
    commerce: Commerce, merchant_id: MerchantId, *, parcel_id: UUID, carrier: str
) -> tuple[CarrierRate, ...]:
    """What a carrier takes for a parcel.

    Raises:
        NotFound: ``parcel.unknown``, ``carrier.unknown``. Invalid: ``carrier.no_address``, ``carrier.no_weight``,
            ``carrier.refused``. Outside: it does not answer.
    """
    adapter = find_carrier(commerce, carrier)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        parcel, order = await _load(tx, parcel_id)
    request = _describe(commerce, order, parcel, parcel_id, "", "")
    return await adapter.quote(merchant_id, request)


async def buy_label(
    commerce: Commerce,
    merchant_id: MerchantId,
    *,
    parcel_id: UUID,
    carrier: str,
    service: str,
    by: str,
    base_url: str = "",
) -> Label:
    """Buy a label for a packed parcel. A parcel that has one keeps it: doing it again changes nothing.

    A label whose answer does not come is ``asked``; a job finds out what became of it.

    Raises:
        NotFound: ``parcel.unknown``, ``carrier.unknown``.
        Conflict: ``parcel.has_left``.
        Invalid: ``carrier.no_address``, ``carrier.no_weight``, ``carrier.refused``.
    """
    find_carrier(commerce, carrier)
    async with commerce.db.transaction(merchant_id) as tx:
        parcel, order = await _load(tx, parcel_id)
        if not parcel.is_here:
            raise Conflict("parcel.has_left", _("This parcel has left already."), state=parcel.state)
        label_id = derive_id("label", parcel_id, await store.count_labels(tx, parcel_id))
        url = f"{(commerce.settings.public_url or base_url).rstrip('/')}/webhooks/carriers/{carrier}"
        request = _describe(commerce, order, parcel, label_id, service, url)
        row = (label_id, parcel_id, carrier, service, msgspec.to_builtins(request), by, clock.now())
        if await store.insert_label(tx, row):
            details = {"carrier": carrier, "service": service, "parcel_no": parcel.parcel_no}
            await record_rows(tx, [AuditRow(by, "label.asked", "order", str(order.order_id), None, details)])
        # Of a twin's label the carrier may have made up its mind already.
        living = await find_living(tx, parcel_id) or await load_label(tx, label_id=label_id)
    await settle_label(commerce, merchant_id, label_id=living.label_id)
    async with commerce.db.transaction(merchant_id, "read") as tx:
        label = await load_label(tx, label_id=living.label_id)
    if label.state == "failed":
        raise Invalid(
            "carrier.refused", _("The carrier does not take this parcel: %(why)s."), why=label.failure
        )
    return label


async def find_living(tx: Transaction, parcel_id: UUID) -> Label | None:
    """A parcel's label that was neither refused nor taken back."""
    labels = await list_labels(tx, parcel_ids=[parcel_id])
    return next((each for each in labels if each.state in ("asked", "bought")), None)


async def list_labels(tx: Transaction, *, parcel_ids: list[UUID]) -> list[Label]:
    """All labels of some parcels, in order of time."""
    return [Label(*row.values()) for row in await store.list_labels(tx, parcel_ids)]


async def load_label(tx: Transaction, *, label_id: UUID) -> Label:
    """A label. NotFound ``label.unknown``."""
    row = await store.find_label(tx, label_id)
    if row is None:
        raise NotFound("label.unknown", _("There is no such label."))
    return Label(*list(row.values())[:-1])


async def _load(tx: Transaction, parcel_id: UUID) -> tuple[Parcel, Order]:
    parcel = await load_parcel(tx, parcel_id=parcel_id)
    return parcel, await load_order(tx, order_id=parcel.order_id)


def _describe(
    commerce: Commerce, order: Order, parcel: Parcel, label_id: UUID, service: str, url: str
) -> ShipmentRequest:
    if order.address is None:
        raise Invalid("carrier.no_address", _("This order is collected, so no carrier takes it."))
    if parcel.weight_g is None:
        raise Invalid("carrier.no_weight", _("Please give the parcel's weight first."), field="weight")
    to = {name: str(value) for name, value in msgspec.to_builtins(order.address).items()} | {
        "name": order.name,
        "phone": order.phone,
    }
    sizes = {name: getattr(parcel, name) for name in ("length_mm", "width_mm", "height_mm")}
    return ShipmentRequest(label_id, service, parcel.weight_g, to, url, **sizes)


async def settle_label(commerce: Commerce, merchant_id: MerchantId, *, label_id: UUID) -> None:
    """Bring a label in line with the carrier: buy it, find the answer that was lost, follow its parcel, or take it back.

    Doing it again changes nothing. A carrier that is down leaves it for the next time.
    """
    async with commerce.db.transaction(merchant_id) as tx:
        row = await store.find_label(tx, label_id)
        if row is None or row["failed_at"] or row["voided_at"]:
            return
        parcel, order = await _load(tx, row["parcel_id"])
        await store.touch_label(tx, label_id, clock.now())
    adapter = find_carrier(commerce, row["carrier"])
    is_wanted = parcel.shipped_at is not None or (parcel.state != "unpacked" and order.state == "paid")
    try:
        if row["bought_at"] is None:
            found = await adapter.find(merchant_id, label_id)
            if found is None and not is_wanted:
                await _fail(commerce, merchant_id, label_id, "not wanted any more")
                return
            if found is None:
                found = await adapter.buy(merchant_id, msgspec.convert(row["request"], ShipmentRequest))
            await _book(commerce, merchant_id, label_id, parcel, adapter, found)
            shipment_id, events = found.shipment_id, found.events
        else:
            known = await adapter.find(merchant_id, label_id)
            shipment_id, events = row["shipment_id"], known.events if known else ()
        if not is_wanted and not events and await adapter.void(merchant_id, shipment_id):
            async with commerce.db.transaction(merchant_id) as tx:
                await store.void_label(tx, label_id, clock.now())
            return
    except Outside as error:
        log.info("label %s is not answered: %s", label_id, error)
        return
    except Refused as error:
        await _fail(commerce, merchant_id, label_id, str(error.data.get("why", error.code)))
        return
    for event in events:
        await take_event(commerce, merchant_id, carrier=adapter.name, event=event)


async def _book(
    commerce: Commerce,
    merchant_id: MerchantId,
    label_id: UUID,
    parcel: Parcel,
    adapter: Carrier,
    found: CarrierLabel,
) -> None:
    """Write what the carrier sold; whoever comes second finds it written."""
    async with commerce.db.transaction(merchant_id) as tx:
        row = await store.find_label(tx, label_id, lock=True)
        if row["bought_at"] is not None or row["failed_at"] is not None:
            return
        values = (label_id, found.shipment_id, found.tracking, found.price_minor, found.sort, clock.now())
        await store.finish_label(tx, values)
        stamp = ParcelStamp(
            parcel.parcel_id, carrier=adapter.title, service=found.service, tracking=found.tracking
        )
        await stamp_parcels(tx, [stamp])
        bought = LabelBought(
            parcel.order_id,
            parcel.parcel_id,
            label_id,
            adapter.name,
            found.service,
            found.tracking,
            found.price_minor,
        )
        await append_facts(tx, [Fact(parcel.order_id, bought)])


async def _fail(commerce: Commerce, merchant_id: MerchantId, label_id: UUID, failure: str) -> None:
    async with commerce.db.transaction(merchant_id) as tx:
        await store.fail_label(tx, label_id, clock.now(), failure[:200])
