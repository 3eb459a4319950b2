"""JSON API of what comes instead of what is short: the buyer's word, suggestions, replacements."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, Caller, answer_through_lane, recognise_caller
from serai.commerce.fulfilment import api
from serai.commerce.fulfilment.types import Replacement, Suggestion
from serai.commerce.parcel.types import Substitute

LineNo = Annotated[int, Meta(ge=0, le=1000)]


class LineWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether something similar may come instead of a line; line 0 stands for all of which nothing else is said."""

    line_no: LineNo
    agreed: bool


class WishesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The buyer's word, for some lines or for all."""

    lines: Annotated[list[LineWish], Meta(min_length=1, max_length=500)]


class Wishes(msgspec.Struct, frozen=True):
    """Of each line of an order whether something similar may come instead."""

    order_id: UUID
    lines: tuple[LineWish, ...]


class Suggestions(msgspec.Struct, frozen=True):
    """What could come instead, the most similar first."""

    items: tuple[Suggestion, ...]


class ReplacementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is picked instead of how much of which line."""

    replacement: Replacement
    place_id: UUID | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class Substitutes(msgspec.Struct, frozen=True):
    """All that came instead of what was ordered."""

    order_id: UUID
    state: str
    substitutes: tuple[Substitute, ...]


@get(f"{API}/orders/{{order_id:uuid}}/substitute-wishes", tags=["parcels"])
async def get_wishes(request: Asked, order_id: FromPath[UUID]) -> Wishes:
    """Of which lines something similar may come instead."""
    return await _load_wishes(await recognise_caller(request, "order:read"), order_id)


async def _load_wishes(caller: Caller, order_id: UUID) -> Wishes:
    async with caller.commerce.db.transaction(caller.merchant_id, "snapshot") as tx:
        order = (await api.load_handling(tx, order_id=order_id)).order
        said = await api.list_wishes(
            tx, order_id=order_id, line_nos=[0, *(line.line_no for line in order.lines)]
        )
    return Wishes(order_id, tuple(LineWish(line_no, agreed) for line_no, agreed in said.items()))


@post(f"{API}/orders/{{order_id:uuid}}/substitute-wishes", tags=["parcels"])
async def post_wishes(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[WishesBody]
) -> Response[Wishes]:
    """Pass on the buyer's word. Without one nothing is replaced."""
    caller = await recognise_caller(request, "order:write")

    async def effect(_effect_id: UUID) -> Wishes:
        await api.agree_substitutes(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            wishes={each.line_no: each.agreed for each in data.lines},
            by=caller.actor,
        )
        return await _load_wishes(caller, order_id)

    return await answer_through_lane(request, caller, "substitute wishes", data, effect)


@get(f"{API}/orders/{{order_id:uuid}}/suggestions", tags=["parcels"])
async def get_suggestions(
    request: Asked,
    order_id: FromPath[UUID],
    place_id: FromQuery[UUID],
    line_no: Annotated[int, QueryParameter(ge=1, le=1000)],
    sku_id: FromQuery[UUID | None] = None,
    q: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Suggestions:
    """What a place has that could come instead of a line: similar goods, or what matches ``q``."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return Suggestions(
            await api.suggest_substitutes(
                tx, order_id=order_id, line_no=line_no, place_id=place_id, sku_id=sku_id, query=q
            )
        )


@post(f"{API}/orders/{{order_id:uuid}}/substitutes", tags=["parcels"])
async def post_substitute(
    request: Asked, order_id: FromPath[UUID], data: JSONBody[ReplacementBody]
) -> Response[Substitutes]:
    """Pick something else instead of what is short; it never costs more, and the difference goes back."""
    caller = await recognise_caller(request, "order:write")

    async def effect(effect_id: UUID) -> Substitutes:
        order = await api.substitute_goods(
            caller.commerce,
            caller.merchant_id,
            order_id=order_id,
            replacement=data.replacement,
            by=caller.actor,
            key=effect_id,
            place_id=data.place_id,
            reason=data.reason,
        )
        return Substitutes(order.order_id, order.state, order.substitutes)

    return await answer_through_lane(request, caller, "substitute", data, effect)


HANDLERS = [get_wishes, post_wishes, get_suggestions, post_substitute]
