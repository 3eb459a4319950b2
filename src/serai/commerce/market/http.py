"""JSON API of markets: checkouts over several merchants, their payment, and where members stand."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_through_lane, recognise_caller
from serai.commerce.market import api
from serai.commerce.market.place_checkout import MAX_LINES
from serai.commerce.market.types import MarketCheckout, MarketLine, Settlement
from serai.commerce.order.types import Address, Contact
from serai.commerce.promotion.api import find_coupon_by_code
from serai.commerce.types import Commerce
from serai.foundation.errors import NotFound, _
from serai.foundation.ids import MerchantId


class MarketItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to buy of one of the market's members."""

    member_id: UUID
    sku_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=100_000)]


class CheckoutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole checkout. ``expected_total_minor``, where given, must be what it comes to over all merchants;
    ``coupon_codes`` are those of the market's own promotions."""

    lines: Annotated[list[MarketItem], Meta(min_length=1, max_length=MAX_LINES)]
    contact: Contact
    address: Address
    locale: Literal["en", "zh_Hans", "zh_Hant"] = "en"
    expected_total_minor: int | None = None
    coupon_codes: Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=12)] = []


class PaymentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the provider sends the buyer afterwards."""

    return_url: Annotated[str, Meta(pattern=r"^https?://", max_length=500)]


class MarketPaymentStart(msgspec.Struct, frozen=True):
    """Where the buyer pays."""

    pay_url: str


@post(f"{API}/market/checkouts", tags=["market"])
async def post_checkout(request: Asked, data: JSONBody[CheckoutBody]) -> Response[MarketCheckout]:
    """Order goods of several members: one order per merchant, all of them or none."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(effect_id: UUID) -> MarketCheckout:
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            coupons = [(await find_coupon_by_code(tx, code=code)).coupon_id for code in data.coupon_codes]
        return await api.place_checkout(
            caller.commerce,
            caller.merchant_id,
            checkout_id=effect_id,
            lines=[MarketLine(line.member_id, line.sku_id, line.quantity) for line in data.lines],
            contact=data.contact,
            address=data.address,
            locale=data.locale,
            expected_total_minor=data.expected_total_minor,
            coupon_ids=coupons,
        )

    return await answer_through_lane(request, caller, "market_checkout", data, effect, status=201)


@get(f"{API}/market/checkouts/{{checkout_id:uuid}}", tags=["market"])
async def get_checkout(request: Asked, checkout_id: FromPath[UUID]) -> MarketCheckout:
    """A checkout and its orders; each order itself is its merchant's to show."""
    caller = await recognise_caller(request, "order:read")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.load_checkout(tx, checkout_id=checkout_id)


@post(f"{API}/market/checkouts/{{checkout_id:uuid}}/payment", tags=["market"], status_code=200)
async def post_checkout_payment(
    request: Asked, checkout_id: FromPath[UUID], data: JSONBody[PaymentBody]
) -> Response[MarketPaymentStart]:
    """Start (or go on with) the payment of the whole checkout. Repeating it is harmless."""
    caller = await recognise_caller(request, "checkout:write")
    base = (caller.commerce.settings.public_url or str(request.base_url)).rstrip("/")
    pay_url = await api.start_checkout_payment(
        caller.commerce,
        caller.merchant_id,
        checkout_id=checkout_id,
        return_url=data.return_url,
        webhook_url=f"{base}/webhooks/market/{caller.commerce.default_provider}",
    )
    return Response(MarketPaymentStart(pay_url))


@get(f"{API}/market/settlements", tags=["market"])
async def get_settlements(request: Asked) -> list[Settlement]:
    """Where every member stands with this market."""
    caller = await recognise_caller(request, "order:read")
    currency = request.scope["state"]["merchant"].currency
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.list_settlements(tx, currency=currency)


@post("/webhooks/market/{provider:str}", include_in_schema=False, status_code=200)
async def post_market_webhook(request: Asked, provider: FromPath[str]) -> Response[Any]:
    """A provider's message about a checkout: checked by its signature, taken in once, acknowledged when it is durable."""
    market_id = MerchantId(request.scope["state"]["merchant"].merchant_id)
    commerce: Commerce = request.app.state.commerce
    adapter = commerce.providers.get(provider)
    if adapter is None:
        raise NotFound("webhook.unknown", _("There is no such payment provider."))
    event = await adapter.read_webhook(market_id, request.headers, await request.body())
    if event is None:
        return Response({"received": None})
    await api.settle_checkout(commerce, market_id, event=event, source="webhook")
    return Response({"received": event.event_id})


HANDLERS = [post_checkout, get_checkout, post_checkout_payment, get_settlements, post_market_webhook]
