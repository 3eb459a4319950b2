"""JSON API of lots: which goods are kept by them, where they lie, what expires, who got one."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.lot import api
from serai.commerce.lot.types import ExpiringLot, LotLevel, LotOrder
from serai.foundation import clock


class RuleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days before its date on which a lot is not sent any more; null: the SKU is not kept by lots."""

    rest_days: Annotated[int, Meta(ge=0, le=3650)] | None


class LotLevels(msgspec.Struct, frozen=True):
    """How much of each lot lies where, what expires first first."""

    items: tuple[LotLevel, ...]


class ExpiringLots(msgspec.Struct, frozen=True):
    """What is near its date, or past it."""

    items: tuple[ExpiringLot, ...]


class LotOrders(msgspec.Struct, frozen=True):
    """Orders that got goods of a lot."""

    items: tuple[LotOrder, ...]


@post(f"{API}/lots/rules/{{sku_id:uuid}}", tags=["stock"])
async def post_rule(request: Asked, sku_id: FromPath[UUID], data: JSONBody[RuleBody]) -> Response[RuleBody]:
    """Keep a SKU by lots, or no longer. What lies there already gets the lot without a code."""
    caller = await recognise_caller(request, "stock:write")

    async def effect(_effect_id: UUID) -> RuleBody:
        await api.keep_lots(
            caller.commerce, caller.merchant_id, sku_id=sku_id, rest_days=data.rest_days, by=caller.actor
        )
        return data

    return await answer_through_lane(request, caller, "lot rule", data, effect)


@get(f"{API}/lots/levels/{{sku_id:uuid}}", tags=["stock"])
async def get_lot_levels(request: Asked, sku_id: FromPath[UUID]) -> LotLevels:
    """How much of each lot of a SKU lies where."""
    caller = await recognise_caller(request, "stock:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return LotLevels(tuple(await api.list_levels(tx, sku_ids=[sku_id])))


@get(f"{API}/lots/expiring", tags=["stock"])
async def get_expiring(
    request: Asked,
    days: Annotated[int, QueryParameter(ge=0, le=3650)] = 14,
    place_id: FromQuery[UUID | None] = None,
) -> ExpiringLots:
    """What lies somewhere and expires within some days, or has."""
    caller = await recognise_caller(request, "stock:read")
    until = clock.now().date() + timedelta(days=days)
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return ExpiringLots(tuple(await api.list_expiring(tx, until=until, place_id=place_id)))


@get(f"{API}/lots/{{lot_id:uuid}}/orders", tags=["stock"])
async def get_lot_orders(request: Asked, lot_id: FromPath[UUID]) -> LotOrders:
    """Which orders got goods of a lot: for a recall."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return LotOrders(await api.list_lot_orders(tx, lot_id=lot_id))


HANDLERS = [post_rule, get_lot_levels, get_expiring, get_lot_orders]
