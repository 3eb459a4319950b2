"""JSON API of price protection."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.order.api import load_order
from serai.commerce.protection import api
from serai.commerce.protection.types import Claimable, PriceClaim
from serai.commerce.types import Page


class ClaimBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The line whose price has fallen. The amount is never taken from a request."""

    line_no: Annotated[int, Meta(ge=1, le=32_767)]


@get(f"{API}/price-claims", tags=["orders"])
async def get_claims(
    request: Asked,
    cursor: Annotated[str | None, QueryParameter(max_length=200)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Page[PriceClaim]:
    """All claims, the newest first."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_claims(tx, cursor=cursor, limit=limit)


@get(f"{API}/orders/{{order_id:uuid}}/price-claims", tags=["orders"])
async def get_claimable(request: Asked, order_id: FromPath[UUID]) -> list[Claimable]:
    """What can be claimed of an order now, because a price has fallen since it was paid."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
        return list(await api.list_claimable(tx, order=order, settings=caller.commerce.settings))


@post(f"{API}/orders/{{order_id:uuid}}/price-claims", tags=["orders"])
async def post_claim(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[ClaimBody]
) -> Response[PriceClaim]:
    """Give the difference of a line back. A line is claimed once; asking again answers with that claim."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> PriceClaim:
        return await api.claim_price(
            caller.commerce, caller.merchant_id, order_id=order_id, line_no=data.line_no, by=caller.actor
        )

    return await answer_through_lane(request, caller, "price claim", data, effect, status=201)


HANDLERS = [get_claims, get_claimable, post_claim]
