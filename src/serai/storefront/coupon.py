"""Coupons and add-ons at the cart: entered, taken out, chosen. A refusal comes back to the page that asked."""

from typing import Any
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath

from serai.commerce.checkout import api as checkout_api
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, Refused, _
from serai.foundation.pages import request_locale
from serai.identity.member.types import Member
from serai.storefront import market_cart
from serai.storefront.attempt import take_attempt
from serai.storefront.cart import answer_change
from serai.storefront.form import Form, read_values
from serai.storefront.view import (
    Asked,
    buying_owner_of,
    database_of,
    find_signed_in,
    is_market,
    merchant_id_of,
    owner_of,
    parse_uuid,
)

CODE_LIMIT = 80


async def add_coupon(request: Asked, tx: Transaction, code: str, member: Member | None) -> None:
    """Enter a code at the browser's cart.

    Raises:
        Invalid: ``coupon.code_missing``, ``coupon.too_many``. NotFound: ``cart.unknown``, ``coupon.unknown``.
        Conflict: ``coupon.ended``.
    """
    owner = buying_owner_of(request)
    if owner is None:
        raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
    if not code.strip():
        raise Invalid("coupon.code_missing", _("Please write the code of the coupon."), field="code")
    if is_market(request):
        await market_cart.add_coupon(request, code.strip()[:CODE_LIMIT], member)
        return
    await checkout_api.enter_coupon(
        tx, owner=owner, code=code.strip()[:CODE_LIMIT], member_id=member.member_id if member else None
    )


async def drop_coupon(request: Asked, tx: Transaction, coupon_id: UUID) -> None:
    """Take a coupon out of the browser's cart. NotFound ``cart.unknown``."""
    if is_market(request):
        await market_cart.drop_coupon(request, coupon_id)
        return
    owner = buying_owner_of(request)
    if owner is None:
        raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
    await checkout_api.remove_coupon(tx, owner=owner, coupon_id=coupon_id)


async def change_coupons(request: Asked, form: Form) -> bool:
    """Enter or take out the coupon that the form names. True when it named one, whatever came of it."""
    code, dropped = form.values.get("code", "").strip(), parse_uuid(form.values.get("drop_coupon"))
    if not code and dropped is None and form.values.get("intent") != "coupon":
        return False
    try:
        if dropped is None:
            await take_attempt(request, "code")
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            if dropped is not None:
                await drop_coupon(request, tx, dropped)
            else:
                await add_coupon(request, tx, code, await find_signed_in(request, tx))
                form.values["code"] = ""
    except Refused as refusal:
        form.take_refusal(refusal, locale=request_locale(request))
    return True


@post("/cart/coupons", include_in_schema=False)
async def enter_coupon(request: Asked) -> Response[Any]:
    """Enter a code; what it does is told on the page that comes back."""
    values = await read_values(request)
    code = values.get("code", "")
    try:
        await take_attempt(request, "code")
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            await add_coupon(request, tx, code, await find_signed_in(request, tx))
    except Refused as refusal:
        return await answer_change(request, refusal, code=code[:CODE_LIMIT])
    return await answer_change(request, None)


@post("/cart/coupons/{coupon_id:uuid}/remove", include_in_schema=False)
async def remove_coupon(request: Asked, coupon_id: FromPath[UUID]) -> Response[Any]:
    """Take a coupon out again."""
    try:
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            await drop_coupon(request, tx, coupon_id)
    except Refused as refusal:
        return await answer_change(request, refusal)
    return await answer_change(request, None)


@post("/cart/add-ons/{promotion_id:uuid}", include_in_schema=False)
async def choose_add_on(request: Asked, promotion_id: FromPath[UUID]) -> Response[Any]:
    """Take what a promotion offers at its price (``quantity``), or give it back (0)."""
    text = (await read_values(request)).get("quantity", "").strip()
    owner = owner_of(request)
    try:
        if owner is None:
            raise NotFound("cart.unknown", _("There is no such cart. It may have been ordered already."))
        quantity = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1
        async with database_of(request).transaction(merchant_id_of(request), "write") as tx:
            await checkout_api.choose_add_on(tx, owner=owner, promotion_id=promotion_id, quantity=quantity)
    except Refused as refusal:
        return await answer_change(request, refusal)
    return await answer_change(request, None)
