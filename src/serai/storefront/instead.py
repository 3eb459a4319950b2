"""Whether something similar may come instead of what is missing: asked on an order's page, per line, until it is packed."""

from typing import Any
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.fulfilment import api as fulfilment
from serai.commerce.order import api as order_api
from serai.commerce.order.types import Order
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.storefront.account import link_member
from serai.storefront.form import read_values
from serai.storefront.member import load_member
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.order_link import OrderLink, read_link
from serai.storefront.view import Asked, commerce_of, database_of, merchant_id_of


async def agree_by_order(request: Asked, order: Order, link: OrderLink) -> Response[Any]:
    """Keep what was ticked, for every line of the order."""
    values, locale = await read_values(request), request_locale(request)
    wishes = {
        line.line_no: values.get(f"instead_{line.line_no}") == "1" for line in order.lines if not line.parts
    }
    response = Redirect(link.to(""), status_code=303)
    try:
        await fulfilment.agree_substitutes(
            commerce_of(request),
            merchant_id_of(request),
            order_id=order.order_id,
            wishes=wishes,
            by="shopper",
        )
        leave_notice(request, response, Notice("ok", translate(_("Thank you, we keep to that."), locale)))
    except Refused as refusal:
        leave_notice(request, response, Notice("warn", translate(refusal.message, locale, refusal.data)))
    return response


@post("/orders/{order_id:uuid}/instead", include_in_schema=False)
async def agree_as_guest(request: Asked, order_id: FromPath[UUID]) -> Response[Any]:
    """What a guest says, by the link."""
    link = read_link(request, order_id)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await order_api.find_order(tx, order_id=order_id, access_token=link.key) if link.key else None
    if order is None:
        raise NotFound("order.unknown", _("There is no such order, or the link is not complete."))
    return await agree_by_order(request, order, link)


@post("/account/orders/{number:str}/instead", include_in_schema=False)
async def agree_as_member(request: Asked, number: FromPath[str]) -> Response[Any]:
    """What a member says of an own order."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        member = await load_member(request, tx)
        order = await order_api.find_order(tx, number=number[:40], member_id=member.member_id)
    if order is None:
        raise NotFound("order.unknown", _("There is no such order in your account."))
    return await agree_by_order(request, order, link_member(number))


HANDLERS = [agree_as_guest, agree_as_member]
