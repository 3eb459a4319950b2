"""The cart: put in, change, take out, accept new prices. Every change answers a form by redirect and htmx by a part."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.cart import api as cart_api
from serai.commerce.cart.types import Cart
from serai.commerce.catalogue.types import show_amount
from serai.commerce.checkout import api as checkout_api
from serai.commerce.checkout.types import Quote
from serai.commerce.saved import api as saved_api
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.storefront import cookie, market_cart
from serai.storefront.arrival import guess_destination, tell_promise
from serai.storefront.form import read_values
from serai.storefront.line import stand_in_line
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.presale import refuse_presale_goods, tell_problem
from serai.storefront.refusal import answer_refusal
from serai.storefront.saving import Savings, tell_savings
from serai.storefront.view import (
    Asked,
    Shell,
    book_of,
    commerce_of,
    database_of,
    find_chosen_place,
    is_market,
    load_shell,
    merchant_id_of,
    owner_of,
    parse_uuid,
    safe_next,
    show,
    wants_fragment,
)

STEPS = {"1": 1, "-1": -1}


@get("/cart", include_in_schema=False)
async def show_cart(request: Asked) -> Response[str]:
    """The cart with what is wrong in it told at its lines."""
    if is_market(request):
        return await market_cart.show_cart(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        return await _show_cart(request, tx)


@post("/cart/lines", include_in_schema=False)
async def add_to_cart(request: Asked) -> Response[Any]:
    """Put a product in. The first one makes the cart and its cookie."""
    values = await read_values(request)
    if is_market(request):
        return await market_cart.add_to_cart(request, values)
    locale = request_locale(request)
    token = cookie.read_secret(request, cookie.CART) or cookie.make_secret()
    try:
        sku_id = parse_uuid(values.get("sku_id"))
        if sku_id is None:
            raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
        if (line := await stand_in_line(request, sku_id, token)) is not None:
            return line
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            await refuse_presale_goods(tx, sku_id)
            quantity = await cart_api.read_amount(tx, sku_id=sku_id, text=values.get("quantity", ""))
            place = await find_chosen_place(request, tx)
            await cart_api.open_cart(tx, owner=f"web:{token}", place_id=place.place_id if place else None)
            cart = await cart_api.add_line(tx, owner=f"web:{token}", sku_id=sku_id, quantity=quantity)
            shell = await load_shell(request, tx)
    except Refused as refusal:
        return answer_refusal(request, refusal, safe_next(values.get("next")))
    notice = _tell_added(cart, sku_id, quantity, locale)
    if wants_fragment(request):
        response: Response[Any] = show(
            request,
            "parts/added.html",
            shell=shell,
            fragment="added",
            notice=notice,
            cart_quantity=cart.quantity,
        )
    else:
        response = Redirect(safe_next(values.get("next")), status_code=303)
        leave_notice(request, response, notice)
    cookie.set_cookie(request, response, cookie.CART, token, days=cookie.CART_DAYS)
    return response


@post("/cart/lines/{line_id:uuid}", include_in_schema=False)
async def change_line(request: Asked, line_id: FromPath[UUID]) -> Response[Any]:
    """Set a line's quantity, or step it by one; 0 takes the line out."""
    values = await read_values(request)
    if is_market(request):
        return await market_cart.change_line(request, line_id, values)
    try:
        text = values.get("quantity", "").strip()
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            owner, cart = await _load_own_cart(request, tx)
            line = next((each for each in cart.lines if each.line_id == line_id), None)
            scale, unit, increment = (line.scale, line.unit, line.increment) if line else (0, "pc", 1)
            is_none = not text.strip("0.,") and text != ""
            quantity = 0 if is_none else cart_api.parse_amount(text, scale=scale, unit=unit)
            quantity = max(0, quantity + STEPS.get(values.get("step", ""), 0) * increment)
            await cart_api.set_line(tx, owner=owner, cart_id=cart.cart_id, line_id=line_id, quantity=quantity)
    except Refused as refusal:
        return await answer_change(request, refusal)
    return await answer_change(request, None)


@post("/cart/accept", include_in_schema=False)
async def accept_prices(request: Asked) -> Response[Any]:
    """Agree to the prices as they are now."""
    if is_market(request):
        return await market_cart.accept_prices(request)
    try:
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            owner, _cart = await _load_own_cart(request, tx)
            await cart_api.accept_changes(tx, owner=owner)
    except Refused as refusal:
        return await answer_change(request, refusal)
    return await answer_change(request, None)


async def _load_own_cart(request: Asked, tx: Transaction) -> tuple[str, Cart]:
    owner = owner_of(request)
    cart = await cart_api.find_cart(tx, owner=owner) if owner else None
    if owner is None or cart is None:
        raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
    return owner, cart


async def find_quote(request: Asked, tx: Transaction, cart: Cart | None, shell: Shell) -> Quote | None:
    """What the cart comes to when it is sent; None without lines or in a shop that sends nothing."""
    if cart is None or not cart.lines:
        return None
    try:
        return await checkout_api.quote_cart(
            tx,
            settings=commerce_of(request).settings,
            owner=owner_of(request) or "",
            member_id=shell.member.member_id if shell.member else None,
            ship_to=guess_destination(book_of(request), request_locale(request)),
        )
    except NotFound as refusal:
        if refusal.code == "place.none":
            return None
        raise


async def _show_cart(
    request: Asked,
    tx: Transaction,
    *,
    refusal: Refused | None = None,
    fragment: str | None = None,
    code: str = "",
) -> Response[str]:
    shell: Shell = await load_shell(request, tx)
    owner = owner_of(request)
    cart = await cart_api.find_cart(tx, owner=owner) if owner else None
    quote = await find_quote(request, tx, cart, shell)
    presale_problem = tell_problem(quote, request_locale(request))
    problems = {line.problem for line in cart.lines if line.problem} if cart else set()
    return show(
        request,
        "parts/cart.html" if fragment else "cart.html",
        shell=shell,
        status_code=refusal.status if refusal else 200,
        fragment=fragment,
        here_url="/cart",
        cart=cart,
        quote=quote,
        # As they cost this shopper, whose member level the cart itself does not know.
        lines=quote.lines if quote else cart.lines if cart else (),
        savings=await tell_savings(tx, quote, request_locale(request)) if quote else Savings(),
        code=code,
        code_refusal=explain(request, refusal) if refusal and is_about_code(refusal) else None,
        saved_lines=[] if fragment else await saved_api.list_saved(tx, owner=owner) if owner else [],
        refusal=explain(request, refusal) if refusal and not is_about_code(refusal) else None,
        has_changed=bool(problems),
        presale_problem=presale_problem,
        can_check_out=bool(cart and cart.lines and not problems and not presale_problem),
        days=tell_promise(quote.delivery.option.promise, request_locale(request))
        if quote and quote.delivery.option
        else "",
    )


def explain(request: Asked, refusal: Refused) -> str:
    """A refusal in the shopper's language."""
    return translate(refusal.message, request_locale(request), refusal.data)


def is_about_code(refusal: Refused) -> bool:
    """Whether a refusal belongs to the field for coupons."""
    return refusal.code.startswith("coupon.")


async def answer_change(request: Asked, refusal: Refused | None, *, code: str = "") -> Response[Any]:
    """The cart as it is now, with the reason where a change was refused."""
    if is_market(request):
        return await market_cart.answer_change(request, refusal, code=code)
    if not refusal and not wants_fragment(request):
        return Redirect("/cart", status_code=303)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        fragment = "cart" if wants_fragment(request) else None
        return await _show_cart(request, tx, refusal=refusal, fragment=fragment, code=code)


def _tell_added(cart: Cart, sku_id: UUID, quantity: int, locale: str) -> Notice:
    line = next((line for line in cart.lines if line.sku_id == sku_id), None)
    title = line.label(locale) if line else ""
    text = translate(
        _("In the cart: %(quantity)s × %(title)s."),
        locale,
        {"quantity": show_amount(quantity, line.scale, line.unit) if line else quantity, "title": title},
    )
    return Notice("ok", text, "/cart", translate(_("View cart"), locale))
