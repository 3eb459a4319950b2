"""The account: register, sign in and out, orders, name."""

from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.order import api as order_api
from serai.commerce.order.types import Order
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.i18n import translate
from serai.foundation.pages import request_locale
from serai.identity.member import api as member_api
from serai.identity.member.types import Member
from serai.storefront import cookie, market_order
from serai.storefront.form import Form, read_values
from serai.storefront.member import client_agent, client_ip, enter, load_member
from serai.storefront.notice import Notice, leave_notice
from serai.storefront.order import begin_payment, cancel, claim_price, show_order
from serai.storefront.order_link import OrderLink
from serai.storefront.presale import use_coupon
from serai.storefront.proof import send_link
from serai.storefront.view import (
    Asked,
    database_of,
    is_market,
    load_shell,
    merchant_id_of,
    safe_next,
    show,
)

ORDERS_SHOWN = 20


@get("/account", include_in_schema=False)
async def show_account(request: Asked) -> Response[Any]:
    """Who is signed in, and their orders, the newest first."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return Redirect("/account/sign-in?next=/account", status_code=303)
        if is_market(request):
            return await market_order.show_account(request, shell, shell.member)
        page = await order_api.list_orders(
            tx,
            member_id=shell.member.member_id,
            cursor=request.query_params.get("cursor"),
            limit=ORDERS_SHOWN,
        )
    return show(request, "account.html", shell=shell, page=page)


@get("/account/sign-in", include_in_schema=False)
async def show_sign_in(request: Asked) -> Response[str]:
    """The form to sign in."""
    return await _show_form(request, "sign_in.html", Form(), request.query_params.get("next"))


@post("/account/sign-in", include_in_schema=False)
async def sign_in(request: Asked) -> Response[Any]:
    """Sign in; which part was wrong is not told."""
    form = Form(values=await read_values(request))
    locale = request_locale(request)
    form.require("email", _("Please write your e-mail address."), locale=locale, limit=254)
    if not form.values.get("password"):
        form.errors["password"] = translate(_("Please write your password."), locale)
    if form.is_good:
        try:
            token = await member_api.sign_in_member(
                database_of(request),
                merchant_id_of(request),
                email=form.text("email"),
                password=form.values["password"],
                ip=client_ip(request),
                agent=client_agent(request),
            )
            return enter(request, token, form.values.get("next"))
        except Refused as refusal:
            form.general = translate(refusal.message, locale, refusal.data)
            return await _show_form(
                request, "sign_in.html", form, form.values.get("next"), status_code=refusal.status
            )
    return await _show_form(request, "sign_in.html", form, form.values.get("next"), status_code=422)


@get("/account/register", include_in_schema=False)
async def show_register(request: Asked) -> Response[str]:
    """The form to open an account."""
    return await _show_form(request, "register.html", Form(), request.query_params.get("next"))


@post("/account/register", include_in_schema=False)
async def register(request: Asked) -> Response[Any]:
    """Open an account and sign it in."""
    form = Form(values=await read_values(request))
    locale = request_locale(request)
    form.require("name", _("Please write your name."), locale=locale, limit=100)
    form.require_email("email", locale=locale)
    if not form.values.get("password"):
        form.errors["password"] = translate(_("Please choose a password."), locale)
    if form.is_good:
        try:
            token = await member_api.register_member(
                database_of(request),
                merchant_id_of(request),
                email=form.text("email"),
                password=form.values["password"],
                name=form.text("name"),
                ip=client_ip(request),
                agent=client_agent(request),
            )
            async with database_of(request).transaction(merchant_id_of(request)) as tx:
                await send_link(
                    tx,
                    purpose="verify",
                    email=form.text("email").lower(),
                    locale=locale,
                    ip=client_ip(request),
                )
            return enter(request, token, form.values.get("next"))
        except Refused as refusal:
            form.take_refusal(refusal, locale=locale)
    return await _show_form(request, "register.html", form, form.values.get("next"), status_code=422)


@post("/account/sign-out", include_in_schema=False)
async def sign_out(request: Asked) -> Response[Any]:
    """End the session here."""
    token = cookie.read_secret(request, cookie.MEMBER)
    if token:
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            await member_api.sign_out_member(tx, token=token)
    response = Redirect("/", status_code=303)
    response.delete_cookie(cookie.MEMBER)
    leave_notice(
        request, response, Notice("ok", translate(_("You are signed out."), request_locale(request)))
    )
    return response


@get("/account/profile", include_in_schema=False)
async def show_profile(request: Asked) -> Response[Any]:
    """The form to change one's name."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    if shell.member is None:
        return Redirect("/account/sign-in?next=/account/profile", status_code=303)
    return show(request, "profile.html", shell=shell, form=Form(values={"name": shell.member.name}))


@post("/account/profile", include_in_schema=False)
async def edit_profile(request: Asked) -> Response[Any]:
    """Change the name."""
    form = Form(values=await read_values(request))
    locale = request_locale(request)
    name = form.require("name", _("Please write your name."), locale=locale, limit=100)
    async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
        member = await load_member(request, tx)
        if form.is_good:
            await member_api.edit_member(tx, member_id=member.member_id, name=name)
            response = Redirect("/account", status_code=303)
            leave_notice(request, response, Notice("ok", translate(_("Your name is changed."), locale)))
            return response
        shell = await load_shell(request, tx)
    return show(request, "profile.html", shell=shell, form=form, status_code=422)


@get("/account/orders/{number:str}", include_in_schema=False)
async def show_member_order(request: Asked, number: FromPath[str]) -> Response[Any]:
    """One of the member's own orders; of anybody else's there is no trace."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return Redirect(f"/account/sign-in?next={link_member(number).path}", status_code=303)
        order = await _load_own_order(tx, shell.member, number)
        return await show_order(request, tx, shell, order, link=link_member(number), is_account=True)


@post("/account/orders/{number:str}/pay", include_in_schema=False)
async def pay_member_order(request: Asked, number: FromPath[str]) -> Response[Any]:
    """Begin the payment (again) of an own order."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await _load_own_order(tx, await load_member(request, tx), number)
    return await begin_payment(request, order.order_id, link=link_member(number))


@post("/account/orders/{number:str}/coupon", include_in_schema=False)
async def use_member_coupon(request: Asked, number: FromPath[str]) -> Response[Any]:
    """Use a coupon on the balance of an own order."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await _load_own_order(tx, await load_member(request, tx), number)
    return await use_coupon(request, order, link_member(number).to(""))


@post("/account/orders/{number:str}/cancel", include_in_schema=False)
async def cancel_member_order(request: Asked, number: FromPath[str]) -> Response[Any]:
    """Cancel an own order."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await _load_own_order(tx, await load_member(request, tx), number)
    return await cancel(request, order.order_id, link=link_member(number))


@post("/account/orders/{number:str}/price-claims/{line_no:int}", include_in_schema=False)
async def claim_member_price(request: Asked, number: FromPath[str], line_no: FromPath[int]) -> Response[Any]:
    """Claim what the price of a line of an own order has fallen by."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        order = await _load_own_order(tx, await load_member(request, tx), number)
    return await claim_price(request, order.order_id, line_no, link=link_member(number))


def link_member(number: str) -> OrderLink:
    """The addresses of an order in the account."""
    return OrderLink(f"/account/orders/{quote(number, safe='')}")


async def _load_own_order(tx: Transaction, member: Member, number: str) -> Order:
    order = await order_api.find_order(tx, number=number[:40], member_id=member.member_id)
    if order is None:
        raise NotFound("order.unknown", _("There is no such order in your account."))
    return order


async def _show_form(
    request: Asked, name: str, form: Form, next_url: str | None, *, status_code: int = 200
) -> Response[str]:
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
    return show(
        request,
        name,
        shell=shell,
        form=form,
        next_url=safe_next(next_url or "/account"),
        status_code=status_code,
    )
