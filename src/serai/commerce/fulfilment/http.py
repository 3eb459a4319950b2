"""JSON API of handing over: parcels of orders."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import (
    API,
    Asked,
    Caller,
    answer_in_transaction,
    answer_through_lane,
    recognise_caller,
)
from serai.commerce.fulfilment import api
from serai.commerce.fulfilment.types import Content, Fulfilment, Pick, Size, Stage
from serai.commerce.parcel.types import Cut, Goods, Parcel
from serai.commerce.types import Page
from serai.foundation.database import Transaction


class OrderGoods(msgspec.Struct, frozen=True):
    """What of an order is open, picked, packed and gone at each place, its parcels, and what was cut of it."""

    order_id: UUID
    state: str
    goods: tuple[Goods, ...]
    parcels: tuple[Parcel, ...]
    cuts: tuple[Cut, ...]


class ParcelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A parcel to be packed, of all that is open when no lines are given; ``ship`` lets it leave at once."""

    lines: Annotated[list[Content], Meta(max_length=500)] = []
    place_id: UUID | None = None
    size: Size = Size()
    ship: bool = False
    carrier: Annotated[str, Meta(max_length=60)] = ""
    tracking: Annotated[str, Meta(max_length=100)] = ""


class ShipBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parcel has left."""

    carrier: Annotated[str, Meta(max_length=60)] = ""
    tracking: Annotated[str, Meta(max_length=100)] = ""


class NoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


@get(f"{API}/orders/{{order_id:uuid}}/goods", tags=["parcels"])
async def get_goods(request: Asked, order_id: FromPath[UUID]) -> OrderGoods:
    """How an order's goods stand at each place, with its parcels."""
    return await _load_goods(await recognise_caller(request, "order:read"), order_id)


async def _load_goods(caller: Caller, order_id: UUID) -> OrderGoods:
    async with caller.commerce.db.transaction(caller.merchant_id, "snapshot") as tx:
        handling = await api.load_handling(tx, order_id=order_id)
    order = handling.order
    return OrderGoods(order_id, order.state, handling.goods, order.parcels, order.cuts)


@post(f"{API}/orders/{{order_id:uuid}}/parcels", tags=["parcels"])
async def post_parcel(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[ParcelBody]
) -> Response[Parcel]:
    """Pack a parcel; it leaves at once when ``ship`` is set."""
    caller = await recognise_caller(request, "order:write")

    async def effect(effect_id: UUID) -> Parcel:
        parcel = await api.pack_parcel(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            contents=data.lines,
            by=caller.actor,
            key=effect_id,
            place_id=data.place_id,
            size=data.size,
        )
        return await _ship(caller, parcel, data.carrier, data.tracking) if data.ship else parcel

    return await answer_through_lane(request, caller, "pack", data, effect, status=201)


async def _ship(caller: Caller, parcel: Parcel, carrier: str, tracking: str) -> Parcel:
    await api.ship_parcel(
        caller.commerce,
        caller.merchant_id,
        order_id=parcel.order_id,
        parcel_id=parcel.parcel_id,
        by=caller.actor,
        carrier=carrier,
        tracking=tracking,
    )
    return await _load(caller, parcel.parcel_id)


async def _load(caller: Caller, parcel_id: UUID) -> Parcel:
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_parcel(tx, parcel_id=parcel_id)


@get(f"{API}/parcels/{{parcel_id:uuid}}", tags=["parcels"])
async def get_parcel(request: Asked, parcel_id: FromPath[UUID]) -> Parcel:
    """One parcel with what lies in it."""
    caller = await recognise_caller(request, "order:read")
    return await _load(caller, parcel_id)


@post(f"{API}/parcels/{{parcel_id:uuid}}/shipment", tags=["parcels"])
async def post_shipment(
    request: Asked, parcel_id: FromPath[UUID], data: JSONBody[ShipBody]
) -> Response[Parcel]:
    """Tell that a parcel has left; with the last one its order is fulfilled."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> Parcel:
        return await _ship(caller, await _load(caller, parcel_id), data.carrier, data.tracking)

    return await answer_through_lane(request, caller, "ship", data, effect)


@post(f"{API}/parcels/{{parcel_id:uuid}}/unpacking", tags=["parcels"])
async def post_unpacking(
    request: Asked, parcel_id: FromPath[UUID], data: JSONBody[NoBody]
) -> Response[Parcel]:
    """Take the goods out of a parcel that has not left."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> Parcel:
        parcel = await _load(caller, parcel_id)
        return await api.unpack_parcel(
            caller.commerce,
            caller.merchant_id,
            order_id=parcel.order_id,
            parcel_id=parcel_id,
            by=caller.actor,
        )

    return await answer_through_lane(request, caller, "unpack", data, effect)


class PicksBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of each line lies apart in all; what is missing of a final one is given up and refunded."""

    lines: Annotated[list[Pick], Meta(min_length=1, max_length=500)]
    place_id: UUID | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class CutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What will not come."""

    lines: Annotated[list[Content], Meta(min_length=1, max_length=500)]
    place_id: UUID | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class RestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the rest is called off."""

    reason: Annotated[str, Meta(max_length=200)] = ""


class MoveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which place sends instead of which."""

    from_place_id: UUID
    to_place_id: UUID


@get(f"{API}/fulfilments", tags=["parcels"])
async def get_fulfilments(
    request: Asked,
    place_id: FromQuery[UUID | None] = None,
    order_id: FromQuery[UUID | None] = None,
    stage: FromQuery[Stage | None] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Page[Fulfilment]:
    """Work that waits at places, what has waited longest first, each with the reasons of its place."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_fulfilments(
            tx, place_id=place_id, stage=stage, order_id=order_id, cursor=cursor, limit=limit
        )


@post(f"{API}/fulfilments/{{fulfilment_id:uuid}}/acceptance", tags=["parcels"])
async def post_acceptance(
    request: Asked, fulfilment_id: FromPath[UUID], data: JSONBody[NoBody]
) -> Response[NoBody]:
    """A place takes its work on."""
    caller = await recognise_caller(request, "order:write")

    async def effect(tx: Transaction) -> NoBody:
        await api.accept_fulfilment(tx, fulfilment_id=fulfilment_id, by=caller.actor)
        return NoBody()

    return await answer_in_transaction(request, caller, "accept", data, effect)


@post(f"{API}/orders/{{order_id:uuid}}/picks", tags=["parcels"])
async def post_picks(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[PicksBody]
) -> Response[OrderGoods]:
    """Say how much of each line lies apart."""
    caller = await recognise_caller(request, "order:write")

    async def effect(effect_id: UUID) -> OrderGoods:
        await api.pick_goods(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            picks=data.lines,
            by=caller.actor,
            key=effect_id,
            place_id=data.place_id,
            reason=data.reason,
        )
        return await _load_goods(caller, order_id)

    return await answer_through_lane(request, caller, "pick", data, effect)


@post(f"{API}/orders/{{order_id:uuid}}/cuts", tags=["parcels"])
async def post_cut(request: Asked, order_id: FromPath[UUID], data: JSONBody[CutBody]) -> Response[OrderGoods]:
    """Take open goods out of an order; what was paid for them goes back."""
    caller = await recognise_caller(request, "order:write")

    async def effect(effect_id: UUID) -> OrderGoods:
        await api.cut_goods(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            contents=data.lines,
            kind="short",
            reason=data.reason,
            by=caller.actor,
            key=effect_id,
            place_id=data.place_id,
        )
        return await _load_goods(caller, order_id)

    return await answer_through_lane(request, caller, "cut", data, effect)


@post(f"{API}/orders/{{order_id:uuid}}/rest-cancellation", tags=["parcels"])
async def post_rest_cancellation(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[RestBody]
) -> Response[OrderGoods]:
    """Call off what has not left of an order; of one of which nothing has left, all of it."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> OrderGoods:
        await api.cancel_rest(
            caller.commerce, caller.merchant_id, order_id=order_id, by=caller.actor, reason=data.reason
        )
        return await _load_goods(caller, order_id)

    return await answer_through_lane(request, caller, "rest", data, effect)


@post(f"{API}/orders/{{order_id:uuid}}/moves", tags=["parcels"])
async def post_move(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[MoveBody]
) -> Response[OrderGoods]:
    """Give what one place has not picked yet to another, with its reservations."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> OrderGoods:
        await api.move_order(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            from_place_id=data.from_place_id,
            to_place_id=data.to_place_id,
            by=caller.actor,
        )
        return await _load_goods(caller, order_id)

    return await answer_through_lane(request, caller, "move", data, effect)


HANDLERS = [
    get_goods,
    post_parcel,
    get_parcel,
    post_shipment,
    post_unpacking,
    get_fulfilments,
    post_acceptance,
    post_picks,
    post_cut,
    post_rest_cancellation,
    post_move,
]
