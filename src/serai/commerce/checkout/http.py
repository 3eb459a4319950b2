"""JSON API of carts and checkout, and the door for providers' webhooks."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from serai.commerce.call.api import (
    API,
    Asked,
    Caller,
    answer_in_transaction,
    answer_through_lane,
    answer_with_document,
    check_sent,
    describe_call,
    recognise_caller,
)
from serai.commerce.cart import api as cart_api
from serai.commerce.cart.types import Cart
from serai.commerce.checkout import api
from serai.commerce.checkout.answer_balance import post_balance_coupon
from serai.commerce.checkout.enter_tender import member_of
from serai.commerce.checkout.read_body import (
    AddOnChoice,
    Completion,
    CouponCode,
    DeliveryChoice,
    GroupChoice,
    LineEdit,
    NewCart,
    NewLine,
    OrderBody,
    OrderItem,
    PreviewBody,
)
from serai.commerce.checkout.read_cart import choice_of, quote_api_cart
from serai.commerce.checkout.types import PlacedOrder, Quote, QuoteCoupon
from serai.commerce.gift.api import Gift, check_message, insert_gifts
from serai.commerce.order.types import Address, Contact
from serai.commerce.promotion.api import list_open_groups, load_group, open_group
from serai.commerce.promotion.types import GroupBuy
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.idempotency import ReplyRow, save_replies
from serai.identity.apikey.api import require_scope
from serai.ledger.types import Write


@post(f"{API}/carts", tags=["checkout"])
async def post_cart(request: Asked, data: JSONBody[NewCart]) -> Response[Cart]:
    """Open a cart of this key."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await cart_api.open_cart(tx, owner=caller.owner, place_id=data.place_id, fresh=True)

    return await answer_in_transaction(request, caller, "open", data, effect, status=201)


@get(f"{API}/carts/{{cart_id:uuid}}", tags=["checkout"])
async def get_cart(request: Asked, cart_id: FromPath[UUID]) -> Cart:
    """A cart of this key."""
    caller = await recognise_caller(request, "checkout:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await cart_api.load_cart(tx, owner=caller.owner, cart_id=cart_id)


@post(f"{API}/carts/{{cart_id:uuid}}/lines", tags=["checkout"])
async def post_line(request: Asked, cart_id: FromPath[UUID], data: JSONBody[NewLine]) -> Response[Cart]:
    """Put something into the cart."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await cart_api.add_line(
            tx, owner=caller.owner, cart_id=cart_id, sku_id=data.sku_id, quantity=data.quantity
        )

    return await answer_in_transaction(request, caller, "add", data, effect, status=201)


@patch(f"{API}/carts/{{cart_id:uuid}}/lines/{{line_id:uuid}}", tags=["checkout"])
async def patch_line(
    request: Asked, cart_id: FromPath[UUID], line_id: FromPath[UUID], data: JSONBody[LineEdit]
) -> Response[Cart]:
    """Change a line's quantity."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await cart_api.set_line(
            tx, owner=caller.owner, cart_id=cart_id, line_id=line_id, quantity=data.quantity
        )

    return await answer_in_transaction(request, caller, "set", data, effect)


@delete(f"{API}/carts/{{cart_id:uuid}}/lines/{{line_id:uuid}}", tags=["checkout"], status_code=200)
async def delete_line(request: Asked, cart_id: FromPath[UUID], line_id: FromPath[UUID]) -> Response[Cart]:
    """Take a line out."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await cart_api.remove_line(tx, owner=caller.owner, cart_id=cart_id, line_id=line_id)

    return await answer_in_transaction(request, caller, "remove", None, effect)


@post(f"{API}/carts/{{cart_id:uuid}}/coupons", tags=["checkout"])
async def post_coupon(request: Asked, cart_id: FromPath[UUID], data: JSONBody[CouponCode]) -> Response[Cart]:
    """Enter a coupon. Whether it applies, and why not, is what the quote says."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await api.enter_coupon(tx, owner=caller.owner, cart_id=cart_id, code=data.code)

    return await answer_in_transaction(request, caller, "coupon", data, effect, status=201)


@get(f"{API}/carts/{{cart_id:uuid}}/coupons", tags=["checkout"])
async def get_coupons(request: Asked, cart_id: FromPath[UUID]) -> tuple[QuoteCoupon, ...]:
    """The coupons that were entered, and what each does to the cart now."""
    caller = await recognise_caller(request, "checkout:write")
    return (await quote_api_cart(caller, cart_id)).coupons


@delete(f"{API}/carts/{{cart_id:uuid}}/coupons/{{coupon_id:uuid}}", tags=["checkout"], status_code=200)
async def delete_coupon(request: Asked, cart_id: FromPath[UUID], coupon_id: FromPath[UUID]) -> Response[Cart]:
    """Take a coupon out."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await api.remove_coupon(tx, owner=caller.owner, cart_id=cart_id, coupon_id=coupon_id)

    return await answer_in_transaction(request, caller, "coupon", None, effect)


@put(f"{API}/carts/{{cart_id:uuid}}/add-ons/{{promotion_id:uuid}}", tags=["checkout"])
async def put_add_on(
    request: Asked, cart_id: FromPath[UUID], promotion_id: FromPath[UUID], data: JSONBody[AddOnChoice]
) -> Response[Cart]:
    """Choose how much to take of what a promotion offers."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await api.choose_add_on(
            tx, owner=caller.owner, cart_id=cart_id, promotion_id=promotion_id, quantity=data.quantity
        )

    return await answer_in_transaction(request, caller, "add_on", data, effect)


@post(f"{API}/promotions/{{promotion_id:uuid}}/groups", tags=["checkout"])
async def post_group(request: Asked, promotion_id: FromPath[UUID]) -> Response[Any]:
    """Open a buying group of a group price. A cart that joins it buys at that price once enough people have paid."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(effect_id: UUID) -> GroupBuy:
        return await open_group(caller.commerce, caller.merchant_id, promotion_id=promotion_id, key=effect_id)

    return await answer_through_lane(request, caller, "group", None, effect, status=201)


@get(f"{API}/promotions/{{promotion_id:uuid}}/groups", tags=["checkout"])
async def get_groups(request: Asked, promotion_id: FromPath[UUID]) -> list[GroupBuy]:
    """Buying groups that can be joined, the one that ends first before the others."""
    caller = await recognise_caller(request, "checkout:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await list_open_groups(tx, promotion_id=promotion_id)


@get(f"{API}/groups/{{group_id:uuid}}", tags=["checkout"])
async def get_group(request: Asked, group_id: FromPath[UUID]) -> GroupBuy:
    """A buying group and how its seats stand; its outcome once it has ended."""
    caller = await recognise_caller(request, "checkout:write")
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await load_group(tx, group_id=group_id)


@put(f"{API}/carts/{{cart_id:uuid}}/group", tags=["checkout"])
async def put_group(request: Asked, cart_id: FromPath[UUID], data: JSONBody[GroupChoice]) -> Response[Cart]:
    """Buy this cart in a group: join one, open one with the order, or buy alone again."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await api.choose_group(
            tx,
            owner=caller.owner,
            cart_id=cart_id,
            group_id=data.group_id,
            promotion_id=data.promotion_id,
        )

    return await answer_in_transaction(request, caller, "group", data, effect)


async def _keep(request: Asked, cart_id: UUID, what: str, content: Any) -> Response[Any]:
    caller = await recognise_caller(request, "checkout:write")

    async def effect(tx: Transaction) -> Cart:
        return await cart_api.set_details(tx, owner=caller.owner, cart_id=cart_id, **{what: content})

    return await answer_in_transaction(request, caller, what, content, effect)


@put(f"{API}/carts/{{cart_id:uuid}}/contact", tags=["checkout"])
async def put_contact(request: Asked, cart_id: FromPath[UUID], data: JSONBody[Contact]) -> Response[Cart]:
    """Say whom to reach."""
    return await _keep(request, cart_id, "contact", api.check_contact(data))


@put(f"{API}/carts/{{cart_id:uuid}}/address", tags=["checkout"])
async def put_address(request: Asked, cart_id: FromPath[UUID], data: JSONBody[Address]) -> Response[Cart]:
    """Say where to deliver."""
    return await _keep(request, cart_id, "address", api.check_address(data))


@put(f"{API}/carts/{{cart_id:uuid}}/delivery", tags=["checkout"])
async def put_delivery(
    request: Asked, cart_id: FromPath[UUID], data: JSONBody[DeliveryChoice]
) -> Response[Cart]:
    """Choose delivery or pick-up."""
    return await _keep(request, cart_id, "delivery", data)


@get(f"{API}/carts/{{cart_id:uuid}}/quote", tags=["checkout"])
async def get_quote(request: Asked, cart_id: FromPath[UUID]) -> Quote:
    """What an order of this cart comes to now; its ``digest`` completes it."""
    caller = await recognise_caller(request, "checkout:write")
    return await quote_api_cart(caller, cart_id)


@post(f"{API}/carts/{{cart_id:uuid}}/complete", tags=["checkout"])
async def post_complete(
    request: Asked, cart_id: FromPath[UUID], data: JSONBody[Completion]
) -> Response[PlacedOrder]:
    """Place the order that was quoted."""
    caller = await recognise_caller(request, "checkout:write")

    async def effect(_effect_id: UUID) -> PlacedOrder:
        async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
            earlier = await cart_api.find_placed_order(tx, owner=caller.owner, cart_id=cart_id)
            cart = None if earlier else await cart_api.load_cart(tx, owner=caller.owner, cart_id=cart_id)
        details = cart.details if cart else {}
        if cart and "contact" not in details:
            raise Invalid(
                "checkout.field_invalid", _("Please give an e-mail address."), field="email", reason="missing"
            )
        choice = choice_of(cart) if cart else DeliveryChoice("ship")
        contact, address = details.get("contact"), details.get("address")
        return await api.place_order(
            caller.commerce,
            caller.merchant_id,
            owner=caller.owner,
            cart_id=cart_id,
            # A cart that has become an order already answers with it, whatever else is said.
            contact=msgspec.convert(contact, Contact) if contact else Contact("", ""),
            address=msgspec.convert(address, Address) if address else None,
            delivery=choice.delivery,
            place_id=choice.place_id,
            expected_digest=data.digest,
            member_id=member_of(cart) if cart else None,
            locale="en",
            note=data.note,
            gift_message=data.gift_message,
            channel="api",
            presale_agreed=data.presale_agreed,
        )

    return await answer_through_lane(request, caller, "complete", data, effect, status=201)


@post(f"{API}/orders", tags=["checkout"])
async def post_order(request: Asked, data: JSONBody[OrderBody]) -> Response[PlacedOrder]:
    """Place a whole order in one call."""
    caller = await recognise_caller(request, "checkout:write")
    return await answer_order(request, caller, data)


async def answer_order(request: Asked, caller: Caller, data: OrderBody) -> Response[PlacedOrder]:
    """The answer to a whole order of a caller who may order."""
    call = describe_call(request, caller, "order", data)

    if data.member_id is not None:
        require_scope(caller.key, "tender:write")

    async def effect(effect_id: UUID) -> tuple[PlacedOrder, bool]:
        try:
            return await place(await _make_draft(caller, data, effect_id))
        except Conflict as error:
            if error.code == "checkout.short":
                raise
            # Counters with plenty left may be a moment old: judged again by what there is now.
            return await place(await _make_draft(caller, data, effect_id, exact=True))

    async def place(draft: api.Draft) -> tuple[PlacedOrder, bool]:
        # What will be answered follows from the draft, so it can commit together with the order.
        reply = ReplyRow(call, 201, msgspec.to_builtins(api.describe_placed(caller.commerce, draft)))
        writes = [Write(save_replies, reply, early=True)]
        if message := check_message(data.gift_message):
            writes.append(Write(insert_gifts, Gift(draft.order_id, message, draft.contact.name), early=True))
        placed = await api.submit_draft(caller.commerce, caller.merchant_id, draft, tuple(writes))
        return placed, placed.replayed

    return await answer_with_document(request, caller, call, effect, status=201)


async def _make_draft(caller: Caller, data: OrderBody, order_id: UUID, *, exact: bool = False) -> api.Draft:
    contact = api.check_contact(data.contact)
    address = api.check_address(data.address) if data.delivery == "ship" else None
    db, merchant_id = caller.commerce.db, caller.merchant_id
    async with db.transaction(merchant_id, "read") if exact else db.reading(merchant_id) as tx:
        draft = await api.draft_order(
            tx,
            settings=caller.commerce.settings,
            order_id=order_id,
            wanted=_sum_lines(data.lines),
            contact=contact,
            address=address,
            delivery=data.delivery,
            delivery_option=data.delivery_option,
            place_id=data.place_id,
            locale=data.locale,
            note=data.note,
            coupon_codes=data.coupon_codes,
            add_ons=data.add_ons,
            member_id=data.member_id,
        )
        draft = await api.pay_draft(tx, draft, data.gift_card_codes)
    api.check_total(data.expected_total_minor, draft.total_minor)
    return draft


def _sum_lines(lines: list[OrderItem]) -> dict[UUID, int]:
    wanted: dict[UUID, int] = {}
    for line in lines:
        wanted[line.sku_id] = wanted.get(line.sku_id, 0) + line.quantity
    return wanted


@post(f"{API}/promotions/preview", tags=["promotions"], status_code=200)
async def post_preview(request: Asked, data: JSONBody[PreviewBody]) -> api.Preview:
    """Try a promotion on goods: what they cost without it and with it, and why. Nothing is stored."""
    caller = await recognise_caller(request, "promotion:write")
    check_sent(request, data)
    async with caller.commerce.db.transaction(caller.merchant_id, "read") as tx:
        return await api.preview_promotion(
            tx,
            settings=caller.commerce.settings,
            terms=data.terms,
            wanted=_sum_lines(data.lines),
            promotion_id=data.promotion_id,
            channel=data.channel,
            member_level=data.member_level,
        )


HANDLERS = [
    post_cart,
    get_cart,
    post_line,
    patch_line,
    delete_line,
    put_contact,
    put_address,
    put_delivery,
    post_coupon,
    get_coupons,
    delete_coupon,
    put_add_on,
    post_group,
    get_groups,
    get_group,
    put_group,
    get_quote,
    post_complete,
    post_order,
    post_preview,
    post_balance_coupon,
]
