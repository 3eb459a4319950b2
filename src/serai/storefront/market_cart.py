"""A market's cart on the shop's own page: put in, change, take out, coupons; every shop is told of its part alone."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.response import Redirect

from serai.commerce.catalogue.types import show_amount
from serai.commerce.market import api as market_api
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.identity.member.types import Member
from serai.storefront import cookie
from serai.storefront.market_basket import find_cart
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.refusal import answer_refusal
from serai.storefront.saving import Savings
from serai.storefront.view import (
    Asked,
    Shell,
    commerce_of,
    load_mall,
    load_market_shell,
    merchant_id_of,
    owner_of,
    parse_uuid,
    safe_next,
    show,
    wants_fragment,
)

STEPS = {"1": 1, "-1": -1}


async def show_cart(
    request: Asked,
    *,
    refusal: Refused | None = None,
    fragment: str | None = None,
    code: str = "",
) -> Response[str]:
    """The cart, grouped by shop."""
    mall = await load_mall(request)
    shell: Shell = await load_market_shell(request)
    found = await find_cart(request, shell.member, mall)
    cart = found.cart if found else None
    if cart:
        # What the header counts was counted when something was put in; goods that are gone since do not count.
        shell = msgspec.structs.replace(shell, cart_quantity=cart.quantity)
    problems = {line.problem for line in cart.lines if line.problem} if cart else set()
    about_code = refusal is not None and refusal.code.startswith("coupon.")
    words = translate(refusal.message, request_locale(request), refusal.data) if refusal else None
    if found and found.has_presale and words is None:
        words = translate(
            _("Goods on presale are ordered in the seller’s own shop. Please take them out."),
            request_locale(request),
        )
    return show(
        request,
        "parts/cart.html" if fragment else "cart.html",
        shell=shell,
        status_code=refusal.status if refusal else 200,
        fragment=fragment,
        here_url="/cart",
        cart=cart,
        lines=cart.lines if cart else (),
        quote=found.quote if found and cart and cart.lines else None,
        savings=found.savings if found else Savings(),
        heads=found.heads if found else {},
        part_sums=found.sums if found else {},
        code=code,
        code_refusal=words if about_code else None,
        saved_lines=[],
        refusal=None if about_code else words,
        has_changed=bool(problems),
        presale_problem="",
        days="",
        can_check_out=bool(cart and cart.lines and not problems and not (found and found.has_presale)),
    )


async def answer_change(request: Asked, refusal: Refused | None, *, code: str = "") -> Response[Any]:
    """The cart as it is now, with the reason where a change was refused."""
    if not refusal and not wants_fragment(request):
        return Redirect("/cart", status_code=303)
    return await show_cart(
        request, refusal=refusal, fragment="cart" if wants_fragment(request) else None, code=code
    )


async def add_to_cart(request: Asked, values: dict[str, str]) -> Response[Any]:
    """Put a product of one of the shops in; the first one makes the basket and its cookie."""
    locale = request_locale(request)
    token = cookie.read_secret(request, cookie.CART) or cookie.make_secret()
    mall = await load_mall(request)
    sku_id, next_url = parse_uuid(values.get("sku_id")), safe_next(values.get("next"))
    try:
        seller = mall.find(slug=values.get("of", "")[:60])
        if sku_id is None or seller is None:
            raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
        basket, cart, quantity = await market_api.add_to_basket(
            commerce_of(request),
            merchant_id_of(request),
            owner=f"web:{token}",
            member_id=seller.merchant_id,
            sku_id=sku_id,
            text=values.get("quantity", ""),
        )
    except Refused as refusal:
        return answer_refusal(request, refusal, next_url)
    line = next((each for each in cart.lines if each.sku_id == sku_id), None)
    notice = Notice(
        "ok",
        translate(
            _("In the cart: %(quantity)s × %(title)s."),
            locale,
            {
                "quantity": show_amount(quantity, line.scale, line.unit) if line else quantity,
                "title": line.label(locale) if line else "",
            },
        ),
        "/cart",
        translate(_("View cart"), locale),
    )
    if wants_fragment(request):
        response: Response[Any] = show(
            request,
            "parts/added.html",
            shell=await load_market_shell(request),
            fragment="added",
            notice=notice,
            cart_quantity=basket.quantity,
        )
    else:
        response = Redirect(next_url, status_code=303)
        leave_notice(request, response, notice)
    cookie.set_cookie(request, response, cookie.CART, token, days=cookie.CART_DAYS)
    return response


def _own(request: Asked) -> str:
    owner = owner_of(request)
    if owner is None:
        raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
    return owner


async def change_line(request: Asked, line_id: UUID, values: dict[str, str]) -> Response[Any]:
    """Set a line's quantity, or step it by one; 0 takes the line out."""
    try:
        await market_api.set_basket_line(
            commerce_of(request),
            merchant_id_of(request),
            owner=_own(request),
            line_id=line_id,
            text=values.get("quantity", "").strip(),
            step=STEPS.get(values.get("step", ""), 0),
        )
    except Refused as refusal:
        return await answer_change(request, refusal)
    return await answer_change(request, None)


async def accept_prices(request: Asked) -> Response[Any]:
    """Agree to the prices as they are now, with every shop."""
    try:
        await market_api.accept_basket_changes(
            commerce_of(request), merchant_id_of(request), owner=_own(request)
        )
    except Refused as refusal:
        return await answer_change(request, refusal)
    return await answer_change(request, None)


async def add_coupon(request: Asked, code: str, member: Member | None) -> None:
    """Enter a code of the market or of one of the shops. Raises what :func:`enter_basket_coupon` does."""
    await market_api.enter_basket_coupon(
        commerce_of(request),
        merchant_id_of(request),
        owner=_own(request),
        code=code,
        member_id=member.member_id if member else None,
    )


async def drop_coupon(request: Asked, coupon_id: UUID) -> None:
    """Take a coupon out of the basket again. NotFound ``cart.unknown``."""
    await market_api.drop_basket_coupon(
        commerce_of(request), merchant_id_of(request), owner=_own(request), coupon_id=coupon_id
    )
