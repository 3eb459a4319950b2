"""JSON API of what pays a cart: gift cards by their code, and with a further scope a member's points and red packets."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from serai.commerce.call.api import API, Asked, answer_in_transaction, recognise_caller
from serai.commerce.cart import api as cart_api
from serai.commerce.cart.types import Cart
from serai.commerce.checkout import api
from serai.commerce.checkout.enter_tender import member_of
from serai.commerce.checkout.read_cart import quote_api_cart
from serai.commerce.tender.types import Kind, QuoteTenders
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.identity.apikey.api import require_scope
from serai.identity.member.api import find_member


class TenderEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall pay the cart's order: a ``gift_card`` by its ``code``, or ``points`` or ``wallet`` of a member.

    ``units`` is the most to use (points, or minor units); without it as much as goes. The member whose balance pays
    becomes the order's. That takes the scope ``tender:write``.
    """

    kind: Kind
    code: Annotated[str, Meta(max_length=100)] = ""
    units: Annotated[int, Meta(ge=1, le=10**10)] | None = None
    member_id: UUID | None = None


@post(f"{API}/carts/{{cart_id:uuid}}/tenders", tags=["checkout"])
async def post_tender(request: Asked, cart_id: FromPath[UUID], data: JSONBody[TenderEntry]) -> Response[Cart]:
    """Let something pay (part of) the cart's order. How much of it does so is what the quote says."""
    caller = await recognise_caller(request, "checkout:write")
    if data.kind != "gift_card" or data.member_id is not None:
        require_scope(caller.key, "tender:write")

    async def effect(tx: Transaction) -> Cart:
        if data.kind == "gift_card":
            return await api.enter_gift_card(
                tx, owner=caller.owner, cart_id=cart_id, code=data.code, wanted_minor=data.units
            )
        cart = await cart_api.load_cart(tx, owner=caller.owner, cart_id=cart_id)
        member_id = data.member_id or member_of(cart)
        if member_id is None:
            raise Invalid("tender.member_missing", _("Please say whose balance pays."), field="member_id")
        if await find_member(tx, member_id=member_id) is None:
            raise NotFound("member.unknown", _("There is no such account."))
        await cart_api.set_details(tx, owner=caller.owner, cart_id=cart_id, member_id=member_id)
        return await api.use_balance(
            tx, owner=caller.owner, cart_id=cart_id, kind=data.kind, member_id=member_id, wanted=data.units
        )

    return await answer_in_transaction(request, caller, "tender", data, effect, status=201)


@get(f"{API}/carts/{{cart_id:uuid}}/tenders", tags=["checkout"])
async def get_tenders(request: Asked, cart_id: FromPath[UUID]) -> QuoteTenders:
    """The tenders that were entered, what each pays of the cart now, and what is left to pay."""
    caller = await recognise_caller(request, "checkout:write")
    return (await quote_api_cart(caller, cart_id)).tendered


@delete(f"{API}/carts/{{cart_id:uuid}}/tenders/{{key:str}}", tags=["checkout"], status_code=200)
async def delete_tender(request: Asked, cart_id: FromPath[UUID], key: FromPath[str]) -> Response[Cart]:
    """Take a tender out: ``points``, ``wallet``, or a gift card's id."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await api.drop_tender(tx, owner=caller.owner, cart_id=cart_id, key=key[:60])

    return await answer_in_transaction(request, caller, "tender", None, effect)


HANDLERS = [post_tender, get_tenders, delete_tender]
