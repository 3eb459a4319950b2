"""JSON API of presales."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import (
    API,
    Asked,
    answer_in_transaction,
    answer_through_lane,
    recognise_caller,
)
from serai.commerce.presale import api
from serai.commerce.presale.types import OpenPresale, Presale, PresaleReport, PresaleTerms
from serai.commerce.types import Page
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, _


class PresaleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A presale as it is written."""

    terms: PresaleTerms


class PresaleEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New terms for a draft; ``version`` is the one that was read."""

    version: Annotated[int, Meta(ge=1, le=10**9)]
    terms: PresaleTerms


class PresalePublication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version shall take deposits: the newest, as it was read."""

    version: Annotated[int, Meta(ge=1, le=10**9)]


@get(f"{API}/presales", tags=["presales"])
async def get_presales(
    request: Asked,
    words: Annotated[str, QueryParameter(name="query", max_length=100)] = "",
    presale_state: Annotated[Literal["draft", "live", "closed"] | None, QueryParameter(name="state")] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Page[Presale]:
    """Presales, the one changed last first."""
    caller = await recognise_caller(request, "promotion:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_presales(tx, query=words, state=presale_state, cursor=cursor, limit=limit)


@post(f"{API}/presales", tags=["presales"])
async def post_presale(request: Asked, data: JSONBody[PresaleBody]) -> Response[Presale]:
    """Write a presale as a draft. What contradicts itself is refused with every reason."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(tx: Transaction) -> Presale:
        return await api.create_presale(tx, terms=data.terms, by=caller.actor)

    return await answer_in_transaction(request, caller, "presale", data, effect, status=201)


@get(f"{API}/presales/{{presale_id:uuid}}", tags=["presales"])
async def get_presale(request: Asked, presale_id: FromPath[UUID]) -> Presale:
    """One presale."""
    caller = await recognise_caller(request, "promotion:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_presale(tx, presale_id=presale_id)


@patch(f"{API}/presales/{{presale_id:uuid}}", tags=["presales"])
async def patch_presale(
    request: Asked, presale_id: FromPath[UUID], data: JSONBody[PresaleEdit]
) -> Response[Presale]:
    """Give a draft other terms."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(tx: Transaction) -> Presale:
        return await api.edit_presale(
            tx, presale_id=presale_id, version=data.version, terms=data.terms, by=caller.actor
        )

    return await answer_in_transaction(request, caller, "edit", data, effect)


@post(f"{API}/presales/{{presale_id:uuid}}/publish", tags=["presales"], status_code=200)
async def post_presale_publish(
    request: Asked, presale_id: FromPath[UUID], data: JSONBody[PresalePublication]
) -> Response[Any]:
    """Take deposits within the window. From then on the terms stay."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(_effect_id: UUID) -> Presale:
        return await api.publish_presale(
            caller.commerce,
            caller.merchant_id,
            presale_id=presale_id,
            version=data.version,
            by=caller.actor,
        )

    return await answer_through_lane(request, caller, "publish", data, effect)


@post(f"{API}/presales/{{presale_id:uuid}}/stop", tags=["presales"], status_code=200)
async def post_presale_stop(request: Asked, presale_id: FromPath[UUID]) -> Response[Presale]:
    """Take no more deposits; those that were paid count."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(tx: Transaction) -> Presale:
        return await api.stop_presale(tx, presale_id=presale_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "stop", None, effect)


@get(f"{API}/presales/{{presale_id:uuid}}/report", tags=["presales"])
async def get_presale_report(request: Asked, presale_id: FromPath[UUID]) -> PresaleReport:
    """Deposits paid, balances due and paid, orders that lapsed."""
    caller = await recognise_caller(request, "promotion:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_report(tx, presale_id=presale_id)


@get(f"{API}/products/presales/{{sku_id:uuid}}", tags=["presales"])
async def get_offered_presale(request: Asked, sku_id: FromPath[UUID]) -> OpenPresale:
    """The presale in which an article is now or soon, with the pieces that are sold and left."""
    caller = await recognise_caller(request, "checkout:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        found = (await api.find_offered(tx, sku_ids=[sku_id])).get(sku_id)
    if found is None:
        raise NotFound("presale.unknown", _("There is no such presale."))
    return found


HANDLERS = [
    get_presales,
    post_presale,
    get_presale,
    patch_presale,
    post_presale_publish,
    post_presale_stop,
    get_presale_report,
    get_offered_presale,
]
