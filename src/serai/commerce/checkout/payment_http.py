"""JSON API of payments, and the doors for providers' messages, each answered in the words that its provider waits for."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, Parameter

from serai.commerce.call.api import API, Asked, recognise_caller
from serai.commerce.checkout import api
from serai.commerce.checkout.read_body import PaymentStart
from serai.commerce.order.api import load_order
from serai.commerce.types import Commerce
from serai.foundation.errors import NotFound, Outside, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId

MESSAGE_LIMIT_BYTES = 256 * 1024


class PaymentOption(msgspec.Struct, frozen=True):
    """A way in which an order can be paid: ``provider`` starts it, ``label`` is for people."""

    provider: str
    label: str
    about: str


@get(f"{API}/orders/{{order_id:uuid}}/payment-options", tags=["checkout"])
async def get_payment_options(request: Asked, order_id: FromPath[UUID]) -> list[PaymentOption]:
    """The ways in which an order can be paid now, in the order in which the shop shows them."""
    caller = await recognise_caller(request, "checkout:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        order = await load_order(tx, order_id=order_id)
        offers = await api.list_pay_offers(tx, caller.commerce, order=order)
    return [
        PaymentOption(each.provider, translate(each.label, "en"), translate(each.about, "en"))
        for each in offers
    ]


@post(f"{API}/orders/{{order_id:uuid}}/payment", tags=["checkout"], status_code=200)
async def post_payment(
    request: Asked,
    order_id: FromPath[UUID],
    provider: Annotated[str | None, Parameter(max_length=40)] = None,
    device: Annotated[str, Parameter(pattern="^(desktop|phone)$")] = "desktop",
) -> Response[PaymentStart]:
    """Start (or go on with) the order's payment; answers where the buyer pays. Repeating it is harmless.

    ``provider`` is one of the payment options; another one than before stops the attempt before. An address that begins
    with ``weixin:`` is to be shown as a QR code.
    """
    caller = await recognise_caller(request, "checkout:write")
    pay_url = await api.start_payment(
        caller.commerce,
        caller.merchant_id,
        order_id=order_id,
        base_url=str(request.base_url),
        provider=provider,
        device=device,
    )
    return Response(PaymentStart(pay_url))


@post(
    "/webhooks/{provider:str}/{merchant_id:uuid}",
    include_in_schema=False,
    status_code=200,
    request_max_body_size=MESSAGE_LIMIT_BYTES,
)
async def post_merchant_webhook(
    request: Asked, provider: FromPath[str], merchant_id: FromPath[UUID]
) -> Response[Any]:
    """A provider's message about a payment of this merchant, under whatever host it comes."""
    return await _take(request, provider, MerchantId(merchant_id))


@post(
    "/webhooks/{provider:str}",
    include_in_schema=False,
    status_code=200,
    request_max_body_size=MESSAGE_LIMIT_BYTES,
)
async def post_webhook(request: Asked, provider: FromPath[str]) -> Response[Any]:
    """A provider's message about a payment of the merchant whose host was asked."""
    return await _take(request, provider, MerchantId(request.scope["state"]["merchant"].merchant_id))


async def _take(request: Asked, provider: str, merchant_id: MerchantId) -> Response[Any]:
    """Check a message by its signature, take it in once, and acknowledge it when it is durable."""
    commerce: Commerce = request.app.state.commerce
    try:
        adapter = commerce.providers.get(provider)
        if adapter is None:
            raise NotFound("webhook.unknown", _("There is no such payment provider."))
        event = await adapter.read_webhook(merchant_id, request.headers, await request.body())
        if event is not None:
            await api.settle_payment(commerce, merchant_id, event=event, source="webhook")
    except Refused as refusal:
        answer = _refuse(provider, refusal.status)
        if answer is None:
            raise
        return answer
    except Outside:
        answer = _refuse(provider, 503)
        if answer is None:
            raise
        return answer
    match provider:
        case "wechat":
            return Response({"code": "SUCCESS", "message": "成功"})
        case "alipay":
            return Response("success", media_type="text/plain")
    return Response({"received": event.event_id if event else None})


def _refuse(provider: str, status: int) -> Response[Any] | None:
    """A refusal in the provider's words, so that it comes again; None for those who go by the status alone."""
    match provider:
        case "wechat":
            return Response({"code": "FAIL", "message": "失败"}, status_code=status)
        case "alipay":
            return Response("failure", media_type="text/plain", status_code=status)
    return None


HANDLERS = [get_payment_options, post_payment, post_webhook, post_merchant_webhook]
