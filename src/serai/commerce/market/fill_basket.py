"""A shopper's basket at a market: the market knows whose goods are in it, the goods lie in a cart of each such member.

The members' carts belong to an owner that is named after the basket, so they end with it: once the basket was ordered, the
next one has carts of its own, and nobody has to close anything in another merchant's rows.
"""

from uuid import UUID

from serai.commerce.cart import api as cart_api
from serai.commerce.cart.api import owner_digest
from serai.commerce.cart.types import Cart
from serai.commerce.checkout import api as checkout_api
from serai.commerce.market import keep_basket
from serai.commerce.market.load_checkout import list_members
from serai.commerce.market.place_checkout import MAX_MERCHANTS, check_size
from serai.commerce.market.types import MARKET, Basket
from serai.commerce.promotion.api import find_coupon_by_code
from serai.commerce.types import Commerce
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, NotFound, _
from serai.foundation.ids import MerchantId, new_id

MAX_COUPONS = 12


def cart_owner(basket_id: UUID) -> str:
    """Who owns the carts that a basket has with the members."""
    return f"{MARKET}:{basket_id}"


async def find_basket(tx: Transaction, *, owner: str) -> Basket | None:
    """The owner's open basket; ``owner`` is a text such as ``web:<secret of the browser>``."""
    row = await keep_basket.find_basket(tx, owner_digest(owner))
    return await _read(tx, row) if row else None


async def find_any_basket(tx: Transaction, *, owner: str, basket_id: UUID) -> Basket | None:
    """A basket of the owner, also one that was ordered."""
    row = await keep_basket.find_any_basket(tx, owner_digest(owner), basket_id)
    return await _read(tx, row) if row else None


async def _read(tx: Transaction, row: keep_basket.Row) -> Basket:
    parts = await keep_basket.list_parts(tx, row["basket_id"])
    return Basket(
        row["basket_id"],
        tuple(row["coupon_ids"]),
        row["checkout_id"],
        {part["member_id"]: part["quantity"] for part in parts},
    )


async def add_to_basket(
    commerce: Commerce, market_id: MerchantId, *, owner: str, member_id: UUID, sku_id: UUID, text: str
) -> tuple[Basket, Cart, int]:
    """Put goods of a member into the owner's basket; ``text`` is the quantity as it was typed.

    Returns the basket, the member's cart in it, and the steps that were added.

    Raises:
        NotFound: ``market.member_unknown``, ``cart.product_unknown``. Invalid: ``market.too_many`` and what a cart refuses.
        Conflict: ``cart.short``.
    """
    async with commerce.db.transaction(market_id) as tx:
        members = {each.member_id for each in await list_members(tx) if each.left_at is None}
        if member_id not in members:
            raise NotFound("market.member_unknown", _("This merchant does not sell here."))
        row = await keep_basket.open_basket(tx, new_id(), owner_digest(owner), clock.now())
        basket = await _read(tx, row)
        check_size(len({*basket.parts, member_id}), 1)
        # Before the goods, so that whatever lies in a member's cart is known to the basket.
        await keep_basket.note_part(
            tx, basket.basket_id, member_id, basket.parts.get(member_id, 0), clock.now()
        )
    inner = cart_owner(basket.basket_id)
    async with commerce.db.transaction(MerchantId(member_id)) as tx:
        quantity = await cart_api.read_amount(tx, sku_id=sku_id, text=text)
        await cart_api.open_cart(tx, owner=inner)
        cart = await cart_api.add_line(tx, owner=inner, sku_id=sku_id, quantity=quantity)
    return await _count(commerce, market_id, owner, basket, member_id, cart), cart, quantity


async def _count(
    commerce: Commerce, market_id: MerchantId, owner: str, basket: Basket, member_id: UUID, cart: Cart
) -> Basket:
    async with commerce.db.transaction(market_id) as tx:
        await keep_basket.note_part(tx, basket.basket_id, member_id, cart.quantity, clock.now())
        return await find_any_basket(tx, owner=owner, basket_id=basket.basket_id) or basket


async def load_parts(commerce: Commerce, basket: Basket) -> dict[UUID, Cart]:
    """The members' carts of a basket that hold something, in the order in which checkouts are placed."""
    carts = {}
    for member_id in sorted(basket.parts)[:MAX_MERCHANTS]:
        async with commerce.db.transaction(MerchantId(member_id), "read") as tx:
            cart = await cart_api.find_cart(tx, owner=cart_owner(basket.basket_id))
        if cart is not None and cart.lines:
            carts[member_id] = cart
    return carts


async def set_basket_line(
    commerce: Commerce, market_id: MerchantId, *, owner: str, line_id: UUID, text: str, step: int = 0
) -> None:
    """Change the quantity of a line, as typed and then by so many increments; nothing left takes the line out.

    Raises:
        NotFound: ``cart.unknown``, ``cart.line_unknown``. Invalid: ``cart.quantity_invalid``. Conflict: ``cart.short``.
    """
    basket = await _load(commerce, market_id, owner)
    for member_id, cart in (await load_parts(commerce, basket)).items():
        line = next((each for each in cart.lines if each.line_id == line_id), None)
        if line is None:
            continue
        is_none = not text.strip("0.,") and text != ""
        quantity = 0 if is_none else cart_api.parse_amount(text, scale=line.scale, unit=line.unit)
        quantity = max(0, quantity + step * line.increment)
        async with commerce.db.transaction(MerchantId(member_id)) as tx:
            changed = await cart_api.set_line(
                tx,
                owner=cart_owner(basket.basket_id),
                cart_id=cart.cart_id,
                line_id=line_id,
                quantity=quantity,
            )
        await _count(commerce, market_id, owner, basket, member_id, changed)
        return
    raise NotFound("cart.line_unknown", _("This line is not in the cart any more."))


async def accept_basket_changes(commerce: Commerce, market_id: MerchantId, *, owner: str) -> None:
    """Agree to the prices and quantities as they are now, with every member. NotFound ``cart.unknown``."""
    basket = await _load(commerce, market_id, owner)
    for member_id in await load_parts(commerce, basket):
        async with commerce.db.transaction(MerchantId(member_id)) as tx:
            cart = await cart_api.accept_changes(tx, owner=cart_owner(basket.basket_id))
        await _count(commerce, market_id, owner, basket, member_id, cart)


async def enter_basket_coupon(
    commerce: Commerce, market_id: MerchantId, *, owner: str, code: str, member_id: UUID | None
) -> None:
    """Enter a code: one of the market's own, else one of a shop whose goods are in the basket.

    Raises:
        NotFound: ``cart.unknown``, ``coupon.unknown``. Invalid: ``coupon.too_many``. Conflict: ``coupon.ended``.
    """
    basket = await _load(commerce, market_id, owner)
    try:
        async with commerce.db.transaction(market_id) as tx:
            coupon = await find_coupon_by_code(tx, code=code, member_id=member_id)
            if coupon.coupon_id not in basket.coupon_ids:
                if len(basket.coupon_ids) >= MAX_COUPONS:
                    raise Invalid(
                        "coupon.too_many",
                        _("At most %(most)s coupons at a time."),
                        field="code",
                        most=MAX_COUPONS,
                    )
                await keep_basket.set_basket_coupons(
                    tx, basket.basket_id, [*basket.coupon_ids, coupon.coupon_id]
                )
            return
    except NotFound as unknown:
        for seller_id in await load_parts(commerce, basket):
            try:
                async with commerce.db.transaction(MerchantId(seller_id)) as tx:
                    await checkout_api.enter_coupon(tx, owner=cart_owner(basket.basket_id), code=code)
                    return
            except NotFound:
                continue
        raise unknown


async def drop_basket_coupon(
    commerce: Commerce, market_id: MerchantId, *, owner: str, coupon_id: UUID
) -> None:
    """Take a coupon out, whosever it is; one that is not in the basket is fine. NotFound ``cart.unknown``."""
    basket = await _load(commerce, market_id, owner)
    async with commerce.db.transaction(market_id) as tx:
        await keep_basket.set_basket_coupons(
            tx, basket.basket_id, [each for each in basket.coupon_ids if each != coupon_id]
        )
    for member_id in await load_parts(commerce, basket):
        async with commerce.db.transaction(MerchantId(member_id)) as tx:
            await checkout_api.remove_coupon(tx, owner=cart_owner(basket.basket_id), coupon_id=coupon_id)


async def _load(commerce: Commerce, market_id: MerchantId, owner: str) -> Basket:
    async with commerce.db.transaction(market_id, "read") as tx:
        basket = await find_basket(tx, owner=owner)
    if basket is None:
        raise NotFound("cart.unknown", _("This cart does not exist any more."))
    return basket
