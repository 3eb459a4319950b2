"""JSON API of labels and tracking, and what carriers tell."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.carrier import api
from serai.commerce.carrier.types import Label, Track
from serai.commerce.types import CarrierRate, Commerce
from serai.foundation.ids import MerchantId


class LabelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which carrier and service."""

    carrier: Annotated[str, Meta(min_length=1, max_length=60)]
    service: Annotated[str, Meta(min_length=1, max_length=60)]


class Way(msgspec.Struct, frozen=True):
    """A parcel's labels and what carriers told of it."""

    parcel_id: UUID
    labels: list[Label]
    tracks: tuple[Track, ...]


@get(f"{API}/parcels/{{parcel_id:uuid}}/rates/{{carrier:str}}", tags=["parcels"])
async def get_rates(
    request: Asked, parcel_id: FromPath[UUID], carrier: FromPath[str]
) -> tuple[CarrierRate, ...]:
    """What a carrier takes for a parcel."""
    caller = await recognise_caller(request, "order:read")
    return await api.quote_parcel(caller.commerce, caller.merchant_id, parcel_id=parcel_id, carrier=carrier)


@post(f"{API}/parcels/{{parcel_id:uuid}}/labels", tags=["parcels"])
async def post_label(request: Asked, parcel_id: FromPath[UUID], data: JSONBody[LabelBody]) -> Response[Label]:
    """Buy a label; one whose answer does not come at once is ``asked`` and followed up."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> Label:
        return await api.buy_label(
            caller.commerce,
            caller.merchant_id,
            parcel_id=parcel_id,
            carrier=data.carrier,
            service=data.service,
            by=caller.actor,
            base_url=str(request.base_url),
        )

    return await answer_through_lane(request, caller, "label", data, effect, status=201)


@get(f"{API}/parcels/{{parcel_id:uuid}}/tracking", tags=["parcels"])
async def get_tracking(request: Asked, parcel_id: FromPath[UUID]) -> Way:
    """A parcel's labels and its way so far."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        labels = await api.list_labels(tx, parcel_ids=[parcel_id])
        tracks = await api.list_tracks(tx, parcel_ids=[parcel_id])
    return Way(parcel_id, labels, tracks.get(parcel_id, ()))


@post("/webhooks/carriers/{carrier:str}", include_in_schema=False, status_code=200)
async def post_carrier_webhook(request: Asked, carrier: FromPath[str]) -> Response[Any]:
    """What a carrier tells: checked by its signature, taken in once, acknowledged when it is durable."""
    merchant_id = MerchantId(request.scope["state"]["merchant"].merchant_id)
    commerce: Commerce = request.app.state.commerce
    adapter = api.find_carrier(commerce, carrier)
    event = adapter.read_webhook(merchant_id, request.headers, await request.body())
    await api.take_event(commerce, merchant_id, carrier=adapter.name, event=event)
    return Response({"received": event.event_id})


HANDLERS = [get_rates, post_label, get_tracking, post_carrier_webhook]
