"""A cart of one presale: what it comes to at most, what is paid at once, and what stands in its way.

Promotions do not touch the deposit; coupons are used on the balance. The price is the presale's, so of all sources of a
price this one wins; what the deposit counts for beyond itself is an adjustment that takes quota and allowance as well.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.cart.types import Cart, CartLine
from serai.commerce.checkout.choose_delivery import list_digested
from serai.commerce.checkout.logic import digest_quote
from serai.commerce.checkout.types import (
    DeliveryOption,
    PresaleProblem,
    Quote,
    QuotePresale,
    QuoteShortage,
)
from serai.commerce.presale.api import find_taking
from serai.commerce.presale.types import OpenPresale, OrderPresale
from serai.commerce.promotion.types import Adjustment, Claim, PricedLine, Result, Share
from serai.commerce.tax.api import OrderTax, added_minor
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _


async def find_presale(
    tx: Transaction, lines: Sequence[CartLine], *, member_id: UUID | None
) -> tuple[QuotePresale | None, OpenPresale | None]:
    """What of a cart is on presale now: for the quote, and, where it is there alone, the campaign itself."""
    taking = await find_taking(tx, sku_ids=[line.sku_id for line in lines])
    if not taking:
        return None, None
    line = next(each for each in lines if each.sku_id in taking)
    found = taking[line.sku_id]
    terms = found.presale.terms
    if len(lines) > 1:
        return QuotePresale(found.presale, found.count, 0, "alone", line.title), None
    problem: PresaleProblem | None = None
    if terms.per_member is not None and member_id is None:
        problem = "sign_in"
    elif terms.per_member is not None and line.quantity > terms.per_member:
        problem = "per_member"
    elif line.quantity > found.count.left:
        problem = "sold_out" if found.count.left <= 0 else "few"
    deposit_minor = terms.deposit_minor * line.quantity
    return QuotePresale(found.presale, found.count, deposit_minor, problem, line.title), found


def price_presale_line(line: CartLine, found: OpenPresale) -> CartLine:
    """The line at the presale's price, which the shopper agrees to by ordering."""
    price_minor = found.presale.terms.price_minor
    return msgspec.structs.replace(
        line,
        price_minor=price_minor,
        seen_price_minor=price_minor,
        total_minor=price_minor * line.quantity,
        offer=None,
        problem="short" if line.available < line.quantity else None,
    )


def price_presale(
    line: CartLine, found: OpenPresale, *, shipping_minor: int, member_id: UUID | None
) -> Result:
    """What the engine would answer: the price less what the deposit counts for beyond itself."""
    presale_id, terms = found.presale.presale_id, found.presale.terms
    line = price_presale_line(line, found)
    off = (terms.credit_minor - terms.deposit_minor) * line.quantity
    claims = [Claim("quota", presale_id, presale_id, line.quantity)]
    if terms.per_member is not None and member_id is not None:
        claims.append(Claim("allowance", presale_id, member_id, line.quantity, terms.per_member))
    key = str(line.line_id)
    total_minor = line.total_minor - off + shipping_minor
    return Result(
        (
            PricedLine(
                key,
                line.sku_id,
                line.product_id,
                line.quantity,
                line.price_minor,
                line.total_minor,
                off,
                line.total_minor - off,
            ),
        ),
        (
            Adjustment(
                "presale",
                1,
                off,
                (Share(key, off),) if off else (),
                source_id=presale_id,
                name=terms.name,
                translations=dict(terms.translations),
                returns="keep",
                claims=tuple(claims),
            ),
        ),
        line.total_minor,
        off,
        shipping_minor,
        shipping_minor,
        total_minor,
        (),
        total_minor,
        (),
    )


def quote_presale(
    cart: Cart,
    line: CartLine,
    presale: QuotePresale,
    found: OpenPresale,
    shortages: tuple[QuoteShortage, ...],
    option: DeliveryOption,
    result: Result,
    taxes: tuple[OrderTax, ...],
) -> Quote:
    """The quote of a cart that holds one presale: ``total_minor`` is the most it comes to."""
    line = price_presale_line(line, found)
    total_minor = result.total_minor + added_minor(taxes)
    digest = digest_quote(
        cart.cart_id,
        (line,),
        option.code,
        option.place_id,
        option.price_minor,
        total_minor,
        result,
        taxes,
        list_digested(option),
    )
    return Quote(
        cart.cart_id,
        (line,),
        (),
        shortages,
        option,
        cart.currency,
        result.items_minor,
        option.price_minor,
        total_minor,
        line.quantity,
        digest,
        discount_minor=result.discount_minor,
        pricing=result,
        taxes=taxes,
        presale=presale,
    )


def refuse_presale(quote: QuotePresale, *, agreed: bool) -> None:
    """Whatever keeps a cart of a presale from being ordered.

    Raises:
        Conflict: ``presale.alone``, ``presale.sign_in``, ``presale.per_member``, ``presale.sold_out``, ``presale.few``.
        Invalid: ``presale.not_agreed`` unless the buyer has agreed to what happens to the deposit.
    """
    facts = {"title": quote.title, "left": max(0, quote.count.left), "most": quote.presale.terms.per_member}
    match quote.problem:
        case "alone":
            raise Conflict(
                "presale.alone",
                _(
                    "“%(title)s” is on presale and is ordered on its own. Please order the other goods separately."
                ),
                **facts,
            )
        case "sign_in":
            message = _("Please sign in: of this presale every member may take up to %(most)s.")
            raise Conflict("presale.sign_in", message, **facts)
        case "per_member":
            message = _("Of this presale every member may take up to %(most)s.")
            raise Conflict("presale.per_member", message, **facts)
        case "sold_out":
            raise Conflict(
                "presale.sold_out", _("This presale is fully booked. Nothing was charged."), **facts
            )
        case "few":
            message = _("Only %(left)s of this presale are left. Nothing was charged.")
            raise Conflict("presale.few", message, **facts)
    if not agreed:
        raise Invalid(
            "presale.not_agreed",
            _("Please agree to the terms of the presale: what happens to the deposit is fixed with it."),
            field="agree",
        )


async def refuse_alone(tx: Transaction, sku_ids: Sequence[UUID]) -> None:
    """Conflict ``presale.by_cart`` for goods on presale where a whole order is placed at once: nobody agreed to terms."""
    if taking := await find_taking(tx, sku_ids=sku_ids):
        raise Conflict(
            "presale.by_cart",
            _("One of the articles is on presale. It is ordered by a cart of its own, with a deposit."),
            sku_id=str(next(iter(taking))),
        )


def agree_on(order_id: UUID, quote: QuotePresale, quantity: int) -> OrderPresale:
    """What an order agrees to."""
    terms = quote.presale.terms
    return OrderPresale(
        order_id,
        quote.presale.presale_id,
        quantity,
        terms.price_minor,
        terms.deposit_minor,
        terms.credit_minor,
        terms.tiers,
        terms.missed,
        terms.deposit_until,
        terms.balance_from,
        terms.balance_until,
    )
