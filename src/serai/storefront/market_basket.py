"""A market's basket as the shop's pages take a cart: one cart and one quote over all shops, with a sum for each of them."""

from uuid import UUID

import msgspec

from serai.commerce.cart.types import Cart, CartLine
from serai.commerce.checkout.types import DeliveryOption, Quote, QuoteCoupon
from serai.commerce.delivery.types import Problem
from serai.commerce.market import api as market_api
from serai.commerce.market.api import BasketPart, BasketQuote
from serai.commerce.order.types import Address
from serai.commerce.promotion.types import Adjustment, PricedLine, Reason, Result
from serai.foundation.pages import request_locale
from serai.identity.member.types import Member
from serai.storefront.arrival import tell_promise
from serai.storefront.saving import Savings, tell_savings
from serai.storefront.sellers import Mall
from serai.storefront.view import Asked, commerce_of, database_of, merchant_id_of, merchant_of, owner_of


class SellerSum(msgspec.Struct, frozen=True):
    """What one shop's part comes to; ``name`` heads its lines."""

    name: str
    items_minor: int
    discount_minor: int
    cross_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    days: str = ""


class MarketCart(msgspec.Struct, frozen=True):
    """A basket as the shop's pages take a cart: one cart and one quote over all shops. ``heads`` are the shops by the
    first of their lines, ``sums`` by the last."""

    cart: Cart
    quote: Quote
    savings: Savings
    heads: dict[UUID, SellerSum]
    sums: dict[UUID, SellerSum]
    has_presale: bool


async def find_cart(
    request: Asked, member: Member | None, mall: Mall, *, address: Address | None = None
) -> MarketCart | None:
    """The browser's basket with all that its pages tell; None before anything was put in."""
    owner = owner_of(request)
    db = database_of(request)
    if owner is None:
        return None
    async with db.transaction(merchant_id_of(request), "read") as tx:
        basket = await market_api.find_basket(tx, owner=owner)
    if basket is None:
        return None
    quoted = await market_api.quote_basket(
        commerce_of(request),
        merchant_id_of(request),
        basket=basket,
        member_id=member.member_id if member else None,
        member_level=member.level or None if member else None,
        address=address,
    )
    cart, quote = join_parts(quoted, mall, merchant_of(request).currency)
    async with db.transaction(merchant_id_of(request), "read") as tx:
        savings = await tell_savings(tx, quote, request_locale(request))
    heads, sums = {}, {}
    for part in quoted.parts:
        summed = sum_part(part, mall, request_locale(request))
        heads[part.cart.lines[0].line_id] = summed
        sums[part.cart.lines[-1].line_id] = summed
    has_presale = any(part.quote.presale is not None for part in quoted.parts)
    return MarketCart(cart, quote, savings, heads, sums, has_presale)


def sum_part(part: BasketPart, mall: Mall, locale: str) -> SellerSum:
    """One shop's sums, as its head and foot show them."""
    quote = part.quote
    return SellerSum(
        mall.name_of(part.member_id),
        quote.items_minor,
        quote.discount_minor,
        part.cross_minor,
        quote.shipping_minor,
        msgspec.structs.replace(quote, taxes=part.draft.taxes).tax_minor,
        part.total_minor,
        tell_promise(quote.delivery.option.promise, locale) if quote.delivery.option else "",
    )


def join_parts(quoted: BasketQuote, mall: Mall, currency: str) -> tuple[Cart, Quote]:
    """The parts as one cart and one quote."""
    lines = tuple(_show_line(line, part, mall) for part in quoted.parts for line in part.cart.lines)
    items_minor = sum(part.quote.items_minor for part in quoted.parts)
    shipping_minor = sum(part.quote.shipping_minor for part in quoted.parts)
    quantity = sum(part.cart.quantity for part in quoted.parts)
    changes = tuple(change for part in quoted.parts for change in part.cart.changes)
    currency = quoted.currency or currency
    basket_id = quoted.basket.basket_id
    cart = Cart(basket_id, 0, basket_id, currency, lines, items_minor, quantity, changes, {})
    discount_minor = sum(part.quote.discount_minor for part in quoted.parts) + quoted.plan.discount_minor
    quote = Quote(
        basket_id,
        lines,
        tuple(change for change in changes if change.kind != "short"),
        tuple(short for part in quoted.parts for short in part.quote.shortages),
        DeliveryOption("ship", shipping_minor, basket_id, "", problem=_find_problem(quoted)),
        currency,
        items_minor,
        shipping_minor,
        quoted.total_minor,
        quantity,
        quoted.digest,
        discount_minor,
        tuple(extra for part in quoted.parts for extra in part.quote.extras),
        tuple(_join_coupons(quoted)),
        _join_results(quoted, items_minor, discount_minor, shipping_minor),
        tuple(tax for part in quoted.parts for tax in part.draft.taxes),
    )
    return cart, quote


def _find_problem(quoted: BasketQuote) -> Problem:
    """What keeps any shop from sending its part."""
    return next((part.quote.delivery.problem for part in quoted.parts if part.quote.delivery.problem), "")


def _show_line(line: CartLine, part: BasketPart, mall: Mall) -> CartLine:
    seller = mall.find(merchant_id=part.member_id)
    if seller is None or not line.slug:
        return line
    return msgspec.structs.replace(line, slug=seller.place(line.slug), photo=seller.show_photo(line.photo))


def _join_coupons(quoted: BasketQuote) -> list[QuoteCoupon]:
    """What coupons do: the shops' own in their parts, the market's over all of them."""
    coupons = [coupon for part in quoted.parts for coupon in part.quote.coupons]
    reasons = {r.promotion_id: r for r in quoted.plan.result.reasons} if quoted.plan.result else {}
    for coupon in quoted.coupons:
        reason = reasons.get(coupon.promotion_id)
        name = reason.name if reason else ""
        if reason is None:
            coupons.append(QuoteCoupon(coupon.coupon_id, coupon.code_end, name, 0, "stopped"))
        elif reason.outcome == "applied" and reason.coupon_id != coupon.coupon_id:
            coupons.append(QuoteCoupon(coupon.coupon_id, coupon.code_end, name, 0, "better", reason))
        else:
            coupons.append(
                QuoteCoupon(coupon.coupon_id, coupon.code_end, name, reason.amount_minor, reason.code, reason)
            )
    return coupons


def _join_results(
    quoted: BasketQuote, items_minor: int, discount_minor: int, shipping_minor: int
) -> Result | None:
    """Why each promotion applied or not, of the shops and of the market, and what all of them take off each line."""
    own = [part.quote.pricing for part in quoted.parts if part.quote.pricing is not None]
    crossed = quoted.plan.result
    if not own and crossed is None:
        return None
    adjustments: list[Adjustment] = []
    reasons: list[Reason] = list(crossed.reasons) if crossed else []
    for result in own:
        adjustments += result.adjustments
        # What may be added at a price is ordered in the shop itself: a basket over several has no place for it.
        reasons += [reason for reason in result.reasons if reason.code != "add_on"]
    if crossed:
        names = {
            f"{part.member_id}:{number:05}": str(line.line_id)
            for part in quoted.parts
            for number, line in enumerate(market_api.list_sold(part.quote), 1)
        }
        adjustments += [
            msgspec.structs.replace(
                each,
                shares=tuple(
                    msgspec.structs.replace(share, line_key=names[share.line_key]) for share in each.shares
                ),
            )
            for each in crossed.adjustments
        ]
    off = {line_id: minor for part in quoted.parts for line_id, minor in part.off.items()}
    lines = tuple(
        msgspec.structs.replace(
            line,
            discount_minor=line.discount_minor + off.pop(UUID(line.line_key), 0),
        )
        if not line.extra
        else line
        for result in own
        for line in result.lines
    )
    rest = _lines_without(quoted, off)
    total = items_minor - discount_minor + shipping_minor
    return Result(
        lines + rest,
        tuple(adjustments),
        items_minor,
        discount_minor,
        shipping_minor,
        shipping_minor,
        total,
        (),
        total,
        tuple(reasons),
    )


def _lines_without(quoted: BasketQuote, off: dict[UUID, int]) -> tuple[PricedLine, ...]:
    """Lines of shops that have no promotion of their own, with what the market takes off them."""
    return tuple(
        PricedLine(
            str(line.line_id),
            line.sku_id,
            line.product_id,
            line.quantity,
            line.price_minor,
            line.total_minor,
            off[line.line_id],
            line.total_minor - off[line.line_id],
        )
        for part in quoted.parts
        if part.quote.pricing is None
        for line in market_api.list_sold(part.quote)
        if off.get(line.line_id)
    )
