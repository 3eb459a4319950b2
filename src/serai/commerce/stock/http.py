"""JSON API of places and stock."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.lot.types import LotMark
from serai.commerce.place import api as place_api
from serai.commerce.place.types import Place
from serai.commerce.stock import api
from serai.commerce.stock.types import Movement, StockLevel
from serai.commerce.types import Page

Quantity = Annotated[int, Meta(ge=1, le=api.MAX_QUANTITY)]
Delta = Annotated[int, Meta(ge=-api.MAX_QUANTITY, le=api.MAX_QUANTITY)]
Reason = Annotated[str, Meta(max_length=200)]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that came from the supplier; ``lot``: what is printed on goods that are kept by lots."""

    sku_id: UUID
    place_id: UUID
    quantity: Quantity
    reason: Reason = ""
    lot: LotMark | None = None


class Adjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A correction of the books, up or down."""

    sku_id: UUID
    place_id: UUID
    delta: Delta
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class Relocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that go from one place to another."""

    sku_id: UUID
    from_place_id: UUID
    to_place_id: UUID
    quantity: Quantity
    reason: Reason = ""


@get(f"{API}/places", tags=["stock"])
async def get_places(request: Asked) -> list[Place]:
    """Active warehouses and stores."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await place_api.list_places(tx)


@get(f"{API}/stock/{{sku_id:uuid}}", tags=["stock"])
async def get_levels(request: Asked, sku_id: FromPath[UUID]) -> list[StockLevel]:
    """Stock of a SKU at every place."""
    caller = await recognise_caller(request, "stock:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_levels(tx, sku_id=sku_id)


@get(f"{API}/stock/{{sku_id:uuid}}/movements", tags=["stock"])
async def get_movements(
    request: Asked,
    sku_id: FromPath[UUID],
    place_id: FromQuery[UUID],
    cursor: Annotated[str | None, QueryParameter(max_length=60)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
) -> Page[Movement]:
    """The ledger behind a number, the newest first."""
    caller = await recognise_caller(request, "stock:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_movements(tx, sku_id=sku_id, place_id=place_id, cursor=cursor, limit=limit)


@post(f"{API}/stock/receipts", tags=["stock"])
async def post_receipt(request: Asked, data: JSONBody[Receipt]) -> Response[list[StockLevel]]:
    """Take goods in."""
    caller = await recognise_caller(request, "stock:write")

    async def effect(effect_id: UUID) -> list[StockLevel]:
        await api.receive_stock(
            caller.commerce, caller.merchant_id, by=caller.actor, key=effect_id, **_fields(data)
        )
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            return await api.list_levels(tx, sku_id=data.sku_id)

    return await answer_through_lane(request, caller, "receive", data, effect, status=201)


@post(f"{API}/stock/adjustments", tags=["stock"])
async def post_adjustment(request: Asked, data: JSONBody[Adjustment]) -> Response[list[StockLevel]]:
    """Correct the books."""
    caller = await recognise_caller(request, "stock:write")

    async def effect(effect_id: UUID) -> list[StockLevel]:
        await api.adjust_stock(
            caller.commerce, caller.merchant_id, by=caller.actor, key=effect_id, **_fields(data)
        )
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            return await api.list_levels(tx, sku_id=data.sku_id)

    return await answer_through_lane(request, caller, "adjust", data, effect, status=201)


@post(f"{API}/stock/transfers", tags=["stock"])
async def post_transfer(request: Asked, data: JSONBody[Relocation]) -> Response[list[StockLevel]]:
    """Move goods between places."""
    caller = await recognise_caller(request, "stock:write")

    async def effect(effect_id: UUID) -> list[StockLevel]:
        await api.transfer_stock(
            caller.commerce, caller.merchant_id, by=caller.actor, key=effect_id, **_fields(data)
        )
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            return await api.list_levels(tx, sku_id=data.sku_id)

    return await answer_through_lane(request, caller, "transfer", data, effect, status=201)


def _fields(body: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


HANDLERS = [get_places, get_levels, get_movements, post_receipt, post_adjustment, post_transfer]
