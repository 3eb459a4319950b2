"""JSON API of orders."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.order import api
from serai.commerce.order.types import Order, OrderRow, State
from serai.commerce.types import Page


class Fulfilment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The goods have left."""

    tracking: Annotated[str, Meta(max_length=100)] = ""


@get(f"{API}/orders", tags=["orders"])
async def get_orders(
    request: Asked,
    words: Annotated[str, QueryParameter(name="query", max_length=100)] = "",
    order_state: Annotated[
        State | None,
        QueryParameter(name="state"),
    ] = None,
    since: FromQuery[datetime | None] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Page[OrderRow]:
    """Orders, the newest first."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_orders(
            tx, query=words, state=order_state, since=since, cursor=cursor, limit=limit
        )


@get(f"{API}/orders/{{order_id:uuid}}", tags=["orders"])
async def get_order(request: Asked, order_id: FromPath[UUID]) -> Order:
    """One order with lines, payments, refunds and history."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_order(tx, order_id=order_id)


@post(f"{API}/orders/{{order_id:uuid}}/fulfilment", tags=["orders"])
async def post_fulfilment(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[Fulfilment]
) -> Response[Order]:
    """Tell that the goods have left."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> Order:
        return await api.fulfil_order(
            caller.commerce, caller.merchant_id, order_id=order_id, by=caller.actor, tracking=data.tracking
        )

    return await answer_through_lane(request, caller, "fulfil", data, effect)


HANDLERS = [get_orders, get_order, post_fulfilment]
