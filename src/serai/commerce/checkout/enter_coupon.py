"""Coupons and add-ons at the cart: they are kept with the cart's details, and judged anew at every quote."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.cart.api import load_cart, set_details
from serai.commerce.cart.types import Cart
from serai.commerce.checkout.price_goods import Shopper
from serai.commerce.checkout.types import QuoteCoupon
from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import AddOn, Result
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _

MAX_COUPONS = 12
MAX_ADD_ONS = 20


def read_shopper(
    cart: Cart, *, channel: str, member_id: UUID | None, member_level: str | None = None
) -> Shopper:
    """Who buys, with what was entered at the cart."""
    return Shopper(
        channel=channel,
        member_id=member_id,
        member_level=member_level,
        coupon_ids=tuple(UUID(text) for text in _list(cart, "coupons")),
        add_ons={UUID(promotion_id): quantity for promotion_id, quantity in _map(cart, "add_ons").items()},
        group_ids=tuple(UUID(text) for text in _list(cart, "groups")),
        opens={
            promotion_id: promotion.own_group_id(promotion_id, cart.cart_id)
            for promotion_id in map(UUID, _list(cart, "opens"))
        },
    )


def _list(cart: Cart, name: str) -> list[str]:
    kept = cart.details.get(name)
    return [str(each) for each in kept] if isinstance(kept, list) else []


def _map(cart: Cart, name: str) -> dict[str, int]:
    kept = cart.details.get(name)
    return {str(key): int(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


async def enter_coupon(
    tx: Transaction, *, owner: str, code: str, cart_id: UUID | None = None, member_id: UUID | None = None
) -> Cart:
    """Add a coupon to the owner's cart by its code. Whether it applies, and why not, is what the quote says.

    Raises:
        NotFound: ``cart.unknown``; ``coupon.unknown``. Conflict: ``coupon.ended``.
        Invalid: ``coupon.too_many``.
    """
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    coupon = await promotion.find_coupon_by_code(tx, code=code, member_id=member_id)
    entered = _list(cart, "coupons")
    if str(coupon.coupon_id) in entered:
        return cart
    if len(entered) >= MAX_COUPONS:
        raise Invalid(
            "coupon.too_many", _("At most %(most)s coupons at a time."), field="code", most=MAX_COUPONS
        )
    return await set_details(tx, owner=owner, cart_id=cart.cart_id, coupons=[*entered, str(coupon.coupon_id)])


async def remove_coupon(tx: Transaction, *, owner: str, coupon_id: UUID, cart_id: UUID | None = None) -> Cart:
    """Take a coupon out of the cart; one that is not in it is fine. NotFound ``cart.unknown``."""
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    kept = [each for each in _list(cart, "coupons") if each != str(coupon_id)]
    return await set_details(tx, owner=owner, cart_id=cart.cart_id, coupons=kept)


async def choose_add_on(
    tx: Transaction, *, owner: str, promotion_id: UUID, quantity: int, cart_id: UUID | None = None
) -> Cart:
    """Take pieces of what a promotion offers at its price; 0 takes none.

    Raises:
        NotFound: ``cart.unknown``; ``promotion.unknown`` when no such offer is live.
        Invalid: ``cart.quantity_invalid`` beyond what the offer allows; Conflict: ``cart.too_many_add_ons``.
    """
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    compiled = (await promotion.load_program(tx)).by_promotion.get(promotion_id)
    if compiled is None or not isinstance(compiled.benefit, AddOn):
        raise NotFound("promotion.unknown", _("There is no such promotion."))
    most = compiled.benefit.most
    if isinstance(quantity, bool) or not 0 <= quantity <= most:
        raise Invalid(
            "cart.quantity_invalid",
            _("Please choose a whole number from 1 to %(most)s."),
            field="quantity",
            most=most,
        )
    chosen = {**_map(cart, "add_ons"), str(promotion_id): quantity}
    chosen = {key: count for key, count in chosen.items() if count}
    if len(chosen) > MAX_ADD_ONS:
        raise Conflict("cart.too_many_add_ons", _("That is more than one order can take."))
    return await set_details(tx, owner=owner, cart_id=cart.cart_id, add_ons=chosen)


async def list_quote_coupons(
    tx: Transaction, coupon_ids: Sequence[UUID], result: Result | None
) -> tuple[QuoteCoupon, ...]:
    """What each coupon that was entered does in a quote."""
    if not coupon_ids:
        return ()
    reasons = {reason.promotion_id: reason for reason in result.reasons} if result else {}
    found = {
        coupon.coupon_id: coupon for coupon in (await promotion.list_coupons(tx, coupon_ids=coupon_ids)).items
    }
    shown = []
    for coupon_id in coupon_ids:
        coupon = found.get(coupon_id)
        if coupon is None:
            continue
        reason = reasons.get(coupon.promotion_id)
        if reason is None:
            shown.append(QuoteCoupon(coupon_id, coupon.code_end, "", 0, "stopped"))
        elif reason.outcome == "applied" and reason.coupon_id != coupon_id:
            # Another coupon of the same promotion is used: one of each kind per order.
            shown.append(QuoteCoupon(coupon_id, coupon.code_end, reason.name, 0, "better", reason))
        else:
            shown.append(
                QuoteCoupon(coupon_id, coupon.code_end, reason.name, reason.amount_minor, reason.code, reason)
            )
    return tuple(shown)
