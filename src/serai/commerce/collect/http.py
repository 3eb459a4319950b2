"""JSON API of payments that come later: promised, taken in parts, refused, listed; and of providers' statements."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.capture.api import capture_payment
from serai.commerce.checkout.api import accept_promise, list_order_methods
from serai.commerce.collect import api
from serai.commerce.method.types import MethodOffer
from serai.commerce.order.api import load_order
from serai.commerce.order.types import Order
from serai.commerce.pledge.api import list_open
from serai.commerce.pledge.types import Kind, OpenPledge
from serai.commerce.types import Page

Cursor = Annotated[str | None, QueryParameter(max_length=100)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an order is to be paid without a provider."""

    method: Annotated[str, Meta(min_length=1, max_length=40)]


class Capture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has come, or is to be taken, in minor units; all that is open without."""

    amount_minor: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a delivery was refused."""

    reason: Annotated[str, Meta(max_length=200)] = ""


class Secured(msgspec.Struct, frozen=True):
    """How an order's money stands: what has come, and what is pledged, how and until when."""

    order_id: UUID
    state: str
    secured: str
    paid_minor: int
    pledged_minor: int
    currency: str
    due_at: datetime | None


def _tell(order: Order) -> Secured:
    due = next((paid.pledge.due_at for paid in order.payments if paid.pledge and paid.open_minor), None)
    return Secured(
        order.order_id,
        order.state,
        order.secured,
        order.paid_minor,
        order.pledged_minor,
        order.currency,
        due,
    )


@get(f"{API}/orders/{{order_id:uuid}}/payment-methods", tags=["checkout"])
async def get_methods(request: Asked, order_id: FromPath[UUID]) -> tuple[MethodOffer, ...]:
    """Every payment method for an order that waits, with why it is not offered."""
    caller = await recognise_caller(request, "checkout:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await list_order_methods(tx, order=await load_order(tx, order_id=order_id))


@post(f"{API}/orders/{{order_id:uuid}}/promise", tags=["checkout"], status_code=200)
async def post_promise(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[Promise]
) -> Response[Secured]:
    """Accept an order that is paid on delivery or by invoice."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(_effect_id: UUID) -> Secured:
        return _tell(
            await accept_promise(
                caller.commerce,
                caller.merchant_id,
                order_id=order_id,
                method=data.method,
                by=caller.actor,
            )
        )

    return await answer_through_lane(request, caller, "promise", data, effect)


@post(f"{API}/orders/{{order_id:uuid}}/captures", tags=["orders"])
async def post_capture(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[Capture]
) -> Response[Secured]:
    """Take part of what a provider holds, or say that part of what was promised has come."""
    caller = await recognise_caller(request, "order:write")

    async def effect(effect_id: UUID) -> Secured:
        return _tell(
            await capture_payment(
                caller.commerce,
                caller.merchant_id,
                order_id=order_id,
                amount_minor=data.amount_minor,
                by=caller.actor,
                key=f"api:{effect_id}",
                reason=data.reason,
            )
        )

    return await answer_through_lane(request, caller, "capture", data, effect, status=201)


@post(f"{API}/orders/{{order_id:uuid}}/refusal", tags=["orders"], status_code=200)
async def post_refusal(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[Refusal]
) -> Response[Secured]:
    """Say that a delivery to be paid at the door was refused: the order is called off, its goods are back."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> Secured:
        return _tell(
            await api.refuse_delivery(
                caller.commerce,
                caller.merchant_id,
                order_id=order_id,
                by=caller.actor,
                reason=data.reason,
            )
        )

    return await answer_through_lane(request, caller, "refusal", data, effect)


@get(f"{API}/pledges", tags=["orders"])
async def get_pledges(
    request: Asked,
    kind: FromQuery[Kind | None] = None,
    overdue: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[OpenPledge]:
    """What has not come, the one that is due first before the others."""
    caller = await recognise_caller(request, "order:read")
    kinds: tuple[Kind, ...] = (kind,) if kind else ("authorised", "cash_on_delivery", "invoice")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await list_open(tx, kinds=kinds, overdue=overdue, cursor=cursor, limit=limit)


HANDLERS = [get_methods, post_promise, post_capture, post_refusal, get_pledges]
