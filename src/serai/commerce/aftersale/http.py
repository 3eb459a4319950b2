"""JSON API of what follows on an order: cancel and refund."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from serai.commerce.aftersale import api
from serai.commerce.aftersale.propose_refund import propose_refund
from serai.commerce.call.api import API, Asked, answer_through_lane, check_sent, recognise_caller
from serai.commerce.order.types import Order
from serai.commerce.promotion.api import Returned


class Cancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=200)] = ""


class RefundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Part or all of the money, in minor units."""

    amount_minor: Annotated[int, Meta(ge=1)]
    reason: Annotated[str, Meta(max_length=200)] = ""


class ReturnLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many pieces of an order's line came back in all."""

    line_no: Annotated[int, Meta(ge=1, le=1000)]
    quantity: Annotated[int, Meta(ge=0, le=100_000)]


class ReturnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came back so far."""

    lines: Annotated[list[ReturnLine], Meta(min_length=1, max_length=200)]


@post(f"{API}/orders/{{order_id:uuid}}/cancellation", tags=["orders"])
async def post_cancellation(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[Cancellation]
) -> Response[Order]:
    """Call the order off; what was paid goes back."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> Order:
        return await api.cancel_order(
            caller.commerce, caller.merchant_id, order_id=order_id, by=caller.actor, reason=data.reason
        )

    return await answer_through_lane(request, caller, "cancel", data, effect)


@post(f"{API}/orders/{{order_id:uuid}}/refunds", tags=["orders"])
async def post_refund(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[RefundBody]
) -> Response[Order]:
    """Give money back."""
    caller = await recognise_caller(request, "order:write")

    async def effect(effect_id: UUID) -> Order:
        return await api.refund_order(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            amount_minor=data.amount_minor,
            reason=data.reason,
            by=caller.actor,
            key=str(effect_id),
        )

    return await answer_through_lane(request, caller, "refund", data, effect, status=201)


@post(f"{API}/orders/{{order_id:uuid}}/refunds/proposal", tags=["orders"], status_code=200)
async def post_proposal(request: Asked, order_id: FromPath[UUID], data: JSONBody[ReturnBody]) -> Returned:
    """What a return should give back: each piece's paid share, less what promotions take back. Nothing is stored."""
    caller = await recognise_caller(request, "order:write")
    check_sent(request, data)
    returned = {line.line_no: line.quantity for line in data.lines}
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await propose_refund(tx, order_id=order_id, returned=returned)


HANDLERS = [post_cancellation, post_refund, post_proposal]
