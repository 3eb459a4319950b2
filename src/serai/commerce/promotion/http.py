"""JSON API of promotions and coupons."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from serai.commerce.call.api import (
    API,
    Asked,
    answer_in_transaction,
    answer_through_lane,
    recognise_caller,
)
from serai.commerce.promotion import api
from serai.commerce.promotion.types import Coupon, IssuedCoupon, Promotion, PromotionReport, Terms
from serai.commerce.types import Page
from serai.foundation.database import Transaction

Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Cursor = Annotated[str | None, QueryParameter(max_length=100)]


class PromotionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A promotion as it is written."""

    terms: Terms


class PromotionEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New terms for a promotion; ``version`` is the one that was read."""

    version: int
    terms: Terms


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version shall count: the newest, as it was read."""

    version: int


class CouponIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many coupons, how often each may be used, for whom and until when; ``code`` for one code of your own."""

    count: Annotated[int, Meta(ge=1, le=1000)] = 1
    uses: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    code: Annotated[str, Meta(max_length=60)] | None = None
    holder_id: UUID | None = None
    expires_at: datetime | None = None


@get(f"{API}/promotions", tags=["promotions"])
async def get_promotions(
    request: Asked,
    words: Annotated[str, QueryParameter(name="query", max_length=100)] = "",
    promotion_state: Annotated[
        Literal["draft", "live", "stopped"] | None, QueryParameter(name="state")
    ] = None,
    stand: FromQuery[Literal["draft", "planned", "live", "over", "stopped"] | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Promotion]:
    """Promotions, the one changed last first; ``stand`` is where they stand at the moment."""
    caller = await recognise_caller(request, "promotion:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_promotions(
            tx, query=words, state=promotion_state, stand=stand, cursor=cursor, limit=limit
        )


@post(f"{API}/promotions", tags=["promotions"])
async def post_promotion(request: Asked, data: JSONBody[PromotionBody]) -> Response[Promotion]:
    """Write a promotion as a draft. What contradicts itself is refused with every reason."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(tx: Transaction) -> Promotion:
        return await api.create_promotion(tx, terms=data.terms, by=caller.actor)

    return await answer_in_transaction(request, caller, "promotion", data, effect, status=201)


@get(f"{API}/promotions/{{promotion_id:uuid}}", tags=["promotions"])
async def get_promotion(request: Asked, promotion_id: FromPath[UUID]) -> Promotion:
    """A promotion with its newest version."""
    caller = await recognise_caller(request, "promotion:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_promotion(tx, promotion_id=promotion_id)


@patch(f"{API}/promotions/{{promotion_id:uuid}}", tags=["promotions"])
async def patch_promotion(
    request: Asked, promotion_id: FromPath[UUID], data: JSONBody[PromotionEdit]
) -> Response[Promotion]:
    """Add a version; carts keep the live one until the new one is published."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(tx: Transaction) -> Promotion:
        return await api.edit_promotion(
            tx, promotion_id=promotion_id, version=data.version, terms=data.terms, by=caller.actor
        )

    return await answer_in_transaction(request, caller, "edit", data, effect)


@post(f"{API}/promotions/{{promotion_id:uuid}}/publish", tags=["promotions"], status_code=200)
async def post_publish(
    request: Asked, promotion_id: FromPath[UUID], data: JSONBody[Publication]
) -> Response[Any]:
    """Let the newest version count from now on, within its window."""
    caller = await recognise_caller(request, "promotion:write")
    currency: str = request.scope["state"]["merchant"].currency

    async def effect(_effect_id: UUID) -> Promotion:
        return await api.publish_promotion(
            caller.commerce,
            caller.merchant_id,
            promotion_id=promotion_id,
            version=data.version,
            currency=currency,
            by=caller.actor,
        )

    return await answer_through_lane(request, caller, "publish", data, effect)


@post(f"{API}/promotions/{{promotion_id:uuid}}/stop", tags=["promotions"], status_code=200)
async def post_stop(request: Asked, promotion_id: FromPath[UUID]) -> Response[Promotion]:
    """Let a promotion count no more; orders that stand keep what they got."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(tx: Transaction) -> Promotion:
        return await api.stop_promotion(tx, promotion_id=promotion_id, by=caller.actor)

    return await answer_in_transaction(request, caller, "stop", None, effect)


@get(f"{API}/promotions/{{promotion_id:uuid}}/report", tags=["promotions"])
async def get_report(request: Asked, promotion_id: FromPath[UUID]) -> PromotionReport:
    """What a promotion has done so far, with its counters."""
    caller = await recognise_caller(request, "promotion:write")
    currency: str = request.scope["state"]["merchant"].currency
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_report(tx, promotion_id=promotion_id, currency=currency)


@post(f"{API}/promotions/{{promotion_id:uuid}}/coupons", tags=["promotions"])
async def post_coupons(
    request: Asked, promotion_id: FromPath[UUID], data: JSONBody[CouponIssue]
) -> Response[Any]:
    """Issue coupons. Their codes are in this answer (and its repeats) only; what is kept is a digest."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(effect_id: UUID) -> tuple[IssuedCoupon, ...]:
        return await api.issue_coupons(
            caller.commerce,
            caller.merchant_id,
            promotion_id=promotion_id,
            count=data.count,
            uses=data.uses,
            code=data.code,
            holder_id=data.holder_id,
            expires_at=data.expires_at,
            by=caller.actor,
            key=effect_id,
        )

    return await answer_through_lane(request, caller, "issue", data, effect, status=201)


@get(f"{API}/promotions/{{promotion_id:uuid}}/coupons", tags=["promotions"])
async def get_promotion_coupons(
    request: Asked, promotion_id: FromPath[UUID], cursor: Cursor = None, limit: Limit = 50
) -> Page[Coupon]:
    """A promotion's coupons, known by the ends of their codes."""
    caller = await recognise_caller(request, "promotion:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_coupons(tx, promotion_id=promotion_id, cursor=cursor, limit=limit)


@post(f"{API}/coupons/{{coupon_id:uuid}}/revoke", tags=["promotions"], status_code=200)
async def post_revoke(request: Asked, coupon_id: FromPath[UUID]) -> Response[Any]:
    """End a coupon. An order that holds it keeps it."""
    caller = await recognise_caller(request, "promotion:write")

    async def effect(_effect_id: UUID) -> Coupon:
        return await api.revoke_coupon(
            caller.commerce, caller.merchant_id, coupon_id=coupon_id, by=caller.actor
        )

    return await answer_through_lane(request, caller, "revoke", None, effect)


HANDLERS = [
    get_promotions,
    post_promotion,
    get_promotion,
    patch_promotion,
    post_publish,
    post_stop,
    get_report,
    post_coupons,
    get_promotion_coupons,
    post_revoke,
]
