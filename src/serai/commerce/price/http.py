"""JSON API of prices beside the list price."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, recognise_caller
from serai.commerce.catalogue.api import MAX_PRICE_MINOR, load_variant
from serai.commerce.price import api
from serai.commerce.price.types import NewOffer, OfferKind, PriceHistory, PriceOffer
from serai.foundation.database import Transaction

Moment = Annotated[datetime, Meta(tz=True)]


class OfferBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price for a channel, store, level, quantity or time; ``kind`` list plans the next list price.

    ``amount_minor`` is in minor units of the variant's currency, per unit. Without ``valid_from`` it holds from now on,
    without ``valid_to`` until it is ended. Reductions (sale, clearance) are for everybody: no level, no quantity.
    """

    amount_minor: Annotated[int, Meta(ge=0, le=MAX_PRICE_MINOR)]
    kind: OfferKind = "sale"
    channel: Annotated[str, Meta(max_length=20)] | None = None
    place_id: UUID | None = None
    member_level: Annotated[str, Meta(max_length=40)] | None = None
    min_quantity: Annotated[int, Meta(ge=1, le=100_000)] = 1
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


@get(f"{API}/variants/{{sku_id:uuid}}/offers", tags=["prices"])
async def get_offers(request: Asked, sku_id: FromPath[UUID]) -> list[PriceOffer]:
    """Every offer of a variant there ever was: planned, live and over, the newest first."""
    caller = await recognise_caller(request, "product:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        await load_variant(tx, sku_id=sku_id)
        return await api.list_price_offers(tx, sku_id=sku_id)


@get(f"{API}/variants/{{sku_id:uuid}}/price-history", tags=["prices"])
async def get_history(
    request: Asked, sku_id: FromPath[UUID], channel: Annotated[str, QueryParameter(max_length=20)] = "web"
) -> PriceHistory:
    """What everybody paid in a channel over time, and the reduction that may be announced now with its reference."""
    caller = await recognise_caller(request, "catalogue:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_history(tx, sku_id=sku_id, channel=channel)


@post(f"{API}/variants/{{sku_id:uuid}}/offers", tags=["prices"])
async def post_offer(
    request: Asked, sku_id: FromPath[UUID], data: JSONBody[OfferBody]
) -> Response[PriceOffer]:
    """Add an offer."""
    caller = await recognise_caller(request, "product:write")
    offer = NewOffer(sku_id=sku_id, **{name: getattr(data, name) for name in data.__struct_fields__})

    async def effect(tx: Transaction) -> PriceOffer:
        return await api.add_offer(tx, offer=offer, by=caller.actor)

    return await answer_in_transaction(request, caller, "offer", data, effect, status=201)


@delete(f"{API}/offers/{{offer_id:uuid}}", tags=["prices"], status_code=200)
async def delete_offer(request: Asked, offer_id: FromPath[UUID]) -> Response[PriceOffer]:
    """End an offer now, or call off one that is planned. It stays in the history."""
    caller = await recognise_caller(request, "product:write")

    async def effect(tx: Transaction) -> PriceOffer:
        return await api.end_offer(tx, offer_id=offer_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "end offer", None, effect)


HANDLERS = [get_offers, get_history, post_offer, delete_offer]
