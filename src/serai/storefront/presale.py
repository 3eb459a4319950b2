"""Presales in the shop: reserve with a deposit from the product's page, and use a coupon on the balance."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.cart import api as cart_api
from serai.commerce.checkout import api as checkout_api
from serai.commerce.checkout.types import Quote
from serai.commerce.order.types import Order
from serai.commerce.presale.api import find_offered, find_taking, presale_owner
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, NotFound, Outside, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money
from serai.foundation.pages import request_locale
from serai.storefront import cookie
from serai.storefront.form import read_values
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.saving import MISSED
from serai.storefront.view import (
    Asked,
    commerce_of,
    database_of,
    find_chosen_place,
    find_signed_in,
    merchant_id_of,
    parse_uuid,
    safe_next,
)


async def load_offered(tx: Transaction, sku_id: UUID) -> dict[str, Any]:
    """What a product's page says of a version's presale: ``presale``, None without one, and where it stands."""
    found = (await find_offered(tx, sku_ids=[sku_id])).get(sku_id)
    return {"presale": found, "presale_stand": found.presale.stand(clock.now()) if found else None}


def presale_path(presale_id: UUID) -> str:
    """Where a presale is checked out: its cart stands beside the shopper's own."""
    return f"/checkout?{urlencode({'presale': presale_id})}"


def tell_problem(quote: Quote | None, locale: str) -> str:
    """What keeps a presale in a cart from being ordered, in words; empty when nothing does."""
    if quote is None or quote.presale is None:
        return ""
    try:
        checkout_api.refuse_presale(quote.presale, agreed=True)
    except Refused as refusal:
        return translate(refusal.message, locale, refusal.data)
    return ""


async def refuse_presale_goods(tx: Transaction, sku_id: UUID) -> None:
    """Conflict ``presale.own_page`` for what can only be had with a deposit: it does not go into the cart."""
    if await find_taking(tx, sku_ids=[sku_id]):
        raise Conflict(
            "presale.own_page",
            _("This is on presale and is ordered on its own, with a deposit, from its page."),
        )


@post("/presales/{presale_id:uuid}", include_in_schema=False)
async def reserve(request: Asked, presale_id: FromPath[UUID]) -> Response[Any]:
    """Fill the presale's own cart and go on to its checkout."""
    values = await read_values(request)
    token = cookie.read_secret(request, cookie.CART) or cookie.make_secret()
    owner = presale_owner(f"web:{token}", presale_id)
    try:
        sku_id = parse_uuid(values.get("sku_id"))
        if sku_id is None:
            raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            taking = await find_taking(tx, sku_ids=[sku_id])
            if sku_id not in taking or taking[sku_id].presale.presale_id != presale_id:
                raise Conflict("presale.not_taking", _("This presale takes no deposits at the moment."))
            quantity = await cart_api.read_amount(tx, sku_id=sku_id, text=values.get("quantity", ""))
            place = await find_chosen_place(request, tx)
            cart = await cart_api.open_cart(
                tx, owner=owner, place_id=place.place_id if place else None, fresh=True
            )
            await cart_api.add_line(tx, owner=owner, sku_id=sku_id, quantity=quantity, cart_id=cart.cart_id)
    except Refused as refusal:
        response: Response[Any] = Redirect(safe_next(values.get("next")), status_code=303)
        text = translate(refusal.message, request_locale(request), refusal.data)
        leave_notice(request, response, Notice("danger", text))
        return response
    response = Redirect(presale_path(presale_id), status_code=303)
    cookie.set_cookie(request, response, cookie.CART, token, days=cookie.CART_DAYS)
    return response


async def use_coupon(request: Asked, order: Order, address: str) -> Response[Any]:
    """Use a coupon on an order's balance; the page then shows what is left, or why it does not apply."""
    locale = request_locale(request)
    code = (await read_values(request)).get("code", "").strip()
    response = Redirect(f"{address}#balance", status_code=303)
    try:
        async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
            member = await find_signed_in(request, tx)
        lower = await checkout_api.use_balance_coupon(
            commerce_of(request),
            merchant_id_of(request),
            order_id=order.order_id,
            code=code,
            member_id=member.member_id if member else None,
        )
        amount = format_money(max(0, order.due_minor - lower.due_minor), order.currency, locale)
        text = translate(_("The coupon takes %(amount)s off your balance."), locale, {"amount": amount})
        leave_notice(request, response, Notice("ok", text))
    except Outside:
        text = translate(
            _(
                "Our payment partner does not answer at the moment. Nothing has changed; please try again shortly."
            ),
            locale,
        )
        leave_notice(request, response, Notice("warn", text))
    except Refused as refusal:
        leave_notice(request, response, Notice("warn", explain_coupon(refusal, order.currency, locale)))
    return response


def explain_coupon(refusal: Refused, currency: str, locale: str) -> str:
    """Why a coupon does nothing for a balance, in words."""
    text = translate(refusal.message, locale, refusal.data)
    if refusal.code != "coupon.not_applied":
        return text
    needed, why = refusal.data.get("needed_minor"), refusal.data.get("why") or [""]
    if why[0] == "threshold" and isinstance(needed, int):
        amount = format_money(needed, currency, locale)
        return translate(
            _("This coupon holds for a balance of %(amount)s or more."), locale, {"amount": amount}
        )
    return " ".join((text, translate(MISSED[why[0]], locale))) if why[0] in MISSED else text
