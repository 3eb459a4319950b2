"""Buying in a group: open one from a product's page, join one, and the page of a group with its link to share.

What is bought in a group is bought by itself: it goes into a cart of its own and from there straight to the checkout, so
nothing else of an order has to wait until a group has come together.
"""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai.commerce.cart import api as cart_api
from serai.commerce.catalogue import api as catalogue
from serai.commerce.checkout import api as checkout_api
from serai.commerce.promotion import api as promotion
from serai.foundation.database import Transaction
from serai.foundation.errors import NotFound, Refused, _
from serai.foundation.pages import request_locale
from serai.storefront import cookie
from serai.storefront.form import read_values
from serai.storefront.grouping import find_item, load_group_cards, tell_group
from serai.storefront.member import go, sign_in_first
from serai.storefront.view import (
    GROUP_CHECKOUT,
    Asked,
    database_of,
    find_online_place,
    find_signed_in,
    group_owner,
    load_shell,
    merchant_id_of,
    parse_uuid,
    safe_next,
    show,
)


@get("/groups/{group_id:uuid}", include_in_schema=False)
async def show_group(request: Asked, group_id: FromPath[UUID]) -> Response[str]:
    """A group for whoever has its link: what it buys, who is in it, and a way to join."""
    locale = request_locale(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        group = await promotion.load_group(tx, group_id=group_id)
        item = await find_item(tx, group)
        cards = await catalogue.find_cards(tx, product_ids=[item.product_id]) if item else []
        members = (await promotion.list_group_members(tx, group_ids=[group_id]))[group_id]
        state = await tell_group(tx, group, members, item, shell)
    return show(
        request,
        "group.html",
        shell=shell,
        here_url=f"/groups/{group_id}",
        state=state,
        group=group,
        item=item,
        card=cards[0] if cards else None,
        label=item.label(locale) if item else "",
        share_url=f"{request.base_url}groups/{group_id}",
    )


@post("/groups", include_in_schema=False)
async def open_group(request: Asked) -> Response[Any]:
    """Put what is to be bought into a cart of its own that opens a group (``promotion_id``), and go to the checkout."""
    values = await read_values(request)
    promotion_id = parse_uuid(values.get("promotion_id"))

    async def choose(tx: Transaction, owner: str, _member_id: UUID | None) -> None:
        if promotion_id is None:
            raise NotFound("promotion.unknown", _("There is no such promotion."))
        await checkout_api.start_group(tx, owner=owner, promotion_id=promotion_id)

    return await _fill_cart(request, values, choose, back="/")


@post("/groups/{group_id:uuid}/join", include_in_schema=False)
async def join_group(request: Asked, group_id: FromPath[UUID]) -> Response[Any]:
    """Put what the group buys into a cart of its own, and go to the checkout."""
    values = await read_values(request)

    async def choose(tx: Transaction, owner: str, member_id: UUID | None) -> None:
        await checkout_api.join_group(tx, owner=owner, group_id=group_id, member_id=member_id)

    return await _fill_cart(request, values, choose, back=f"/groups/{group_id}")


async def _fill_cart(request: Asked, values: dict[str, str], choose: Any, *, back: str) -> Response[Any]:
    """A cart with one line and nothing else, for the group that ``choose`` names; on a refusal back to where it was
    asked."""
    back = safe_next(values.get("next") or back)
    token = cookie.read_secret(request, cookie.CART) or cookie.make_secret()
    owner = group_owner(token)
    sku_id = parse_uuid(values.get("sku_id"))
    try:
        if sku_id is None:
            raise NotFound("cart.product_unknown", _("This product is not sold here (any more)."))
        async with database_of(request).transaction(merchant_id_of(request)) as tx:
            member = await find_signed_in(request, tx)
            quantity = await cart_api.read_amount(tx, sku_id=sku_id, text=values.get("quantity") or "1")
            place = await find_online_place(tx)
            cart = await cart_api.open_cart(tx, owner=owner, place_id=place.place_id if place else None)
            for line in cart.lines:
                await cart_api.remove_line(tx, owner=owner, cart_id=cart.cart_id, line_id=line.line_id)
            await cart_api.add_line(tx, owner=owner, sku_id=sku_id, quantity=quantity, cart_id=cart.cart_id)
            await choose(tx, owner, member.member_id if member else None)
    except Refused as refusal:
        return go(request, back, refusal.message, "danger", **refusal.data)
    response: Response[Any] = Redirect(GROUP_CHECKOUT, status_code=303)
    cookie.set_cookie(request, response, cookie.CART, token, days=cookie.CART_DAYS)
    return response


@get("/account/groups", include_in_schema=False)
async def show_groups(request: Asked) -> Response[Any]:
    """The groups of the member's orders."""
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        if shell.member is None:
            return sign_in_first("/account/groups")
        rows = await load_group_cards(tx, shell.member.member_id)
    return show(request, "group_list.html", shell=shell, rows=rows)
