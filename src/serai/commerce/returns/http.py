"""JSON API of returns."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, Caller, answer_through_lane, recognise_caller
from serai.commerce.order.api import load_order
from serai.commerce.returns import api
from serai.commerce.returns.types import (
    ReceivedLine,
    RefundPlan,
    Return,
    ReturnableLine,
    ReturnRow,
    State,
    WantedLine,
    Wish,
)
from serai.commerce.types import Page

Quantity = Annotated[int, Meta(ge=1, le=100_000)]
Count = Annotated[int, Meta(ge=0, le=100_000)]
LineNo = Annotated[int, Meta(ge=1, le=32_767)]
Words = Annotated[str, Meta(max_length=1000)]


class WantedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pieces of a line that shall come back; ``reason`` is a code of the merchant's terms of returns."""

    line_no: LineNo
    quantity: Quantity
    reason: Annotated[str, Meta(max_length=40)]
    replacement_sku_id: UUID | None = None


class RequestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A return; with the wish to exchange each line names what it shall become."""

    lines: Annotated[list[WantedBody], Meta(min_length=1, max_length=200)]
    wish: Wish = "refund"
    words: Words = ""


class DeclineBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the goods stay with the buyer, who is told."""

    answer: Annotated[str, Meta(min_length=1, max_length=1000)]


class SentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who carries the goods back."""

    carrier: Annotated[str, Meta(max_length=100)] = ""
    tracking: Annotated[str, Meta(max_length=100)] = ""


class ReceivedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pieces of a line that were accepted, by their condition."""

    line_no: LineNo
    sellable: Count = 0
    damaged: Count = 0
    unusable: Count = 0


class ReceiptBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came back. What is missing was not accepted; ``answer`` tells the buyer why."""

    lines: Annotated[list[ReceivedBody], Meta(max_length=200)]
    place_id: UUID | None = None
    answer: Words = ""


class RefundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Less than what was found, in minor units; without it all of that."""

    amount_minor: Annotated[int, Meta(ge=0)] | None = None


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


class ReasonView(msgspec.Struct, frozen=True):
    """A reason to choose from; ``by_fault``: the merchant's own fault, so no fee is taken."""

    code: str
    name: str
    by_fault: bool


class TermsView(msgspec.Struct, frozen=True):
    """What may come back: days after the hand-over to ask in (0: never), days to send it in, fees unless the merchant is
    at fault (``restocking_bp`` in hundredths of a percent), and the reasons to choose from."""

    window_days: int
    send_days: int
    restocking_bp: int
    postage_minor: int
    exchanges: bool
    excluded_category_ids: list[UUID]
    reasons: list[ReasonView]


@get(f"{API}/return-terms", tags=["returns"])
async def get_terms(request: Asked) -> TermsView:
    """What may come back, until when, and the reasons to choose from."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        terms = await api.load_terms(tx)
    return TermsView(
        terms.window_days,
        terms.send_days,
        terms.restocking_bp,
        terms.postage_minor,
        terms.exchanges,
        list(terms.excluded_category_ids),
        [ReasonView(reason.code, reason.name, reason.by_fault) for reason in terms.reasons],
    )


@get(f"{API}/returns", tags=["returns"])
async def get_returns(
    request: Asked,
    words: Annotated[str, QueryParameter(name="query", max_length=40)] = "",
    return_state: Annotated[State | None, QueryParameter(name="state")] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Page[ReturnRow]:
    """Returns, the newest first. ``query`` is the beginning of their number or of their order's."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        states = [return_state] if return_state else None
        return await api.list_returns(tx, states=states, query=words, cursor=cursor, limit=limit)


@get(f"{API}/returns/{{return_id:uuid}}", tags=["returns"])
async def get_return(request: Asked, return_id: FromPath[UUID]) -> Return:
    """One return."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_return(tx, return_id=return_id)


@get(f"{API}/returns/{{return_id:uuid}}/proposal", tags=["returns"])
async def get_proposal(request: Asked, return_id: FromPath[UUID]) -> RefundPlan:
    """What a return comes to if it is settled now: shares, what promotions keep, and fees. Nothing is stored."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        found = await api.load_return(tx, return_id=return_id)
        order = await load_order(tx, order_id=found.order_id)
        return await api.estimate(tx, order, found, await api.load_terms(tx))


@get(f"{API}/orders/{{order_id:uuid}}/returnable", tags=["returns"])
async def get_returnable(request: Asked, order_id: FromPath[UUID]) -> list[ReturnableLine]:
    """What of an order may be sent back now, line by line, and if not, why."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
        return list(await api.list_returnable(tx, order=order, terms=await api.load_terms(tx)))


@get(f"{API}/orders/{{order_id:uuid}}/returns", tags=["returns"])
async def get_order_returns(request: Asked, order_id: FromPath[UUID]) -> list[Return]:
    """The returns of an order, the oldest first."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_order_returns(tx, order_id=order_id)


@post(f"{API}/orders/{{order_id:uuid}}/returns", tags=["returns"])
async def post_return(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[RequestBody]
) -> Response[Return]:
    """Ask for a return, by the terms that bind shoppers."""
    caller = await recognise_caller(request, "order:write")

    async def effect(effect_id: UUID) -> Return:
        return await api.request_return(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            lines=[
                WantedLine(line.line_no, line.quantity, line.reason, line.replacement_sku_id)
                for line in data.lines
            ],
            wish=data.wish,
            words=data.words,
            by=caller.actor,
            key=str(effect_id),
        )

    return await answer_through_lane(request, caller, "return", data, effect, status=201)


async def _open(request: Asked) -> Caller:
    return await recognise_caller(request, "order:write")


@post(f"{API}/returns/{{return_id:uuid}}/approval", tags=["returns"])
async def post_approval(
    request: Asked, return_id: FromPath[UUID], data: JSONBody[Nothing]
) -> Response[Return]:
    """The goods may be sent; what is wished for instead is kept."""
    caller = await _open(request)

    async def effect(_effect_id: UUID) -> Return:
        return await api.approve_return(
            caller.commerce, caller.merchant_id, return_id=return_id, by=caller.actor
        )

    return await answer_through_lane(request, caller, "approve", data, effect)


@post(f"{API}/returns/{{return_id:uuid}}/refusal", tags=["returns"])
async def post_refusal(
    request: Asked, return_id: FromPath[UUID], data: JSONBody[DeclineBody]
) -> Response[Return]:
    """The goods stay with the buyer, who is told why."""
    caller = await _open(request)

    async def effect(_effect_id: UUID) -> Return:
        return await api.decline_return(
            caller.commerce, caller.merchant_id, return_id=return_id, answer=data.answer, by=caller.actor
        )

    return await answer_through_lane(request, caller, "decline", data, effect)


@post(f"{API}/returns/{{return_id:uuid}}/withdrawal", tags=["returns"])
async def post_withdrawal(
    request: Asked, return_id: FromPath[UUID], data: JSONBody[Nothing]
) -> Response[Return]:
    """The buyer keeps the goods after all."""
    caller = await _open(request)

    async def effect(_effect_id: UUID) -> Return:
        return await api.withdraw_return(
            caller.commerce, caller.merchant_id, return_id=return_id, by=caller.actor
        )

    return await answer_through_lane(request, caller, "withdraw", data, effect)


@post(f"{API}/returns/{{return_id:uuid}}/shipment", tags=["returns"])
async def post_shipment(
    request: Asked, return_id: FromPath[UUID], data: JSONBody[SentBody]
) -> Response[Return]:
    """The goods are on their way back."""
    caller = await _open(request)

    async def effect(_effect_id: UUID) -> Return:
        return await api.send_return(
            caller.commerce, caller.merchant_id, return_id=return_id,
            carrier=data.carrier, tracking=data.tracking, by=caller.actor,
        )  # fmt: skip

    return await answer_through_lane(request, caller, "send", data, effect)


@post(f"{API}/returns/{{return_id:uuid}}/receipt", tags=["returns"])
async def post_receipt(
    request: Asked, return_id: FromPath[UUID], data: JSONBody[ReceiptBody]
) -> Response[Return]:
    """Book in what came back, by its condition."""
    caller = await _open(request)
    lines = [ReceivedLine(each.line_no, each.sellable, each.damaged, each.unusable) for each in data.lines]

    async def effect(_effect_id: UUID) -> Return:
        return await api.receive_return(
            caller.commerce, caller.merchant_id, return_id=return_id,
            lines=lines, place_id=data.place_id, answer=data.answer, by=caller.actor,
        )  # fmt: skip

    return await answer_through_lane(request, caller, "receive", data, effect)


@post(f"{API}/returns/{{return_id:uuid}}/refund", tags=["returns"])
async def post_refund(
    request: Asked, return_id: FromPath[UUID], data: JSONBody[RefundBody]
) -> Response[Return]:
    """Give back what the accepted pieces were paid with."""
    caller = await _open(request)

    async def effect(_effect_id: UUID) -> Return:
        return await api.refund_return(
            caller.commerce, caller.merchant_id, return_id=return_id,
            by=caller.actor, amount_minor=data.amount_minor,
        )  # fmt: skip

    return await answer_through_lane(request, caller, "return refund", data, effect)


HANDLERS = [
    get_terms,
    get_returns,
    get_return,
    get_proposal,
    get_returnable,
    get_order_returns,
    post_return,
    post_approval,
    post_refusal,
    post_withdrawal,
    post_shipment,
    post_receipt,
    post_refund,
]
