"""What a basket over several shops comes to: every shop's part as its own cart is quoted, then the market's promotions."""

import hashlib
from uuid import UUID

import msgspec

from serai.commerce.cart.types import Cart, CartLine
from serai.commerce.checkout.api import Draft, Quote, keep_choice, quote_cart, read_quote
from serai.commerce.market.fill_basket import cart_owner, load_parts
from serai.commerce.market.load_checkout import list_members
from serai.commerce.market.plan_checkout import Plan, plan_checkout
from serai.commerce.market.price_basket import CrossBuyer
from serai.commerce.market.types import MARKET, Basket
from serai.commerce.order.types import Address, Contact
from serai.commerce.promotion.api import list_coupons
from serai.commerce.promotion.types import Coupon
from serai.commerce.tax.types import TaxPlace
from serai.commerce.types import Commerce
from serai.foundation.ids import MerchantId, derive_id

NOBODY = Contact("", "", "")


class BasketPart(msgspec.Struct, frozen=True):
    """One shop's part: its cart, and its quote before the market's promotions. ``off`` is what those take off each line,
    ``total_minor`` what the part comes to after them."""

    member_id: UUID
    cart: Cart
    quote: Quote
    draft: Draft
    off: dict[UUID, int]

    @property
    def cross_minor(self) -> int:
        """What the market's promotions take off this part."""
        return sum(self.off.values())

    @property
    def total_minor(self) -> int:
        return self.draft.total_minor


class BasketQuote(msgspec.Struct, frozen=True):
    """The whole basket. ``digest`` stands for all of it: any change in any shop, or in the market, changes it.
    ``coupons`` are those of the market that were entered, as they are kept."""

    basket: Basket
    parts: tuple[BasketPart, ...]
    plan: Plan
    digest: str
    coupons: tuple[Coupon, ...]

    @property
    def total_minor(self) -> int:
        return self.plan.total_minor

    @property
    def currency(self) -> str:
        return self.plan.currency


async def quote_basket(
    commerce: Commerce,
    market_id: MerchantId,
    *,
    basket: Basket,
    member_id: UUID | None = None,
    member_level: str | None = None,
    checkout_id: UUID | None = None,
    contact: Contact = NOBODY,
    address: Address | None = None,
    locale: str = "en",
    note: str = "",
) -> BasketQuote:
    """Quote a basket; with contact and address its drafts are ready to be placed as the orders of ``checkout_id``.

    Raises:
        Invalid: ``market.currency_mixed``. NotFound: ``place.none`` when a shop sends nothing.
    """
    async with commerce.db.transaction(market_id, "read") as tx:
        members = {each.member_id: each for each in await list_members(tx) if each.left_at is None}
        entered = await list_coupons(tx, coupon_ids=list(basket.coupon_ids)) if basket.coupon_ids else None
    carts = {key: cart for key, cart in (await load_parts(commerce, basket)).items() if key in members}
    destination = TaxPlace(address.country, address.region) if address else None
    quotes: dict[UUID, Quote] = {}
    for seller_id in carts:
        async with commerce.db.transaction(MerchantId(seller_id), "read") as tx:
            quotes[seller_id] = await quote_cart(
                tx,
                settings=commerce.settings,
                owner=cart_owner(basket.basket_id),
                destination=destination,
                postcode=address.postcode if address else "",
            )
    drafts = {
        seller_id: _draft(quote, seller_id, checkout_id, contact, address, locale, note)
        for seller_id, quote in quotes.items()
    }
    plan = await plan_checkout(
        commerce,
        market_id,
        drafts=drafts,
        members=members,
        buyer=CrossBuyer(member_id=member_id, member_level=member_level, coupon_ids=basket.coupon_ids),
    )
    parts = tuple(
        BasketPart(
            seller_id,
            carts[seller_id],
            quotes[seller_id],
            plan.drafts[seller_id],
            {
                line.line_id: plan.line_off(seller_id, number)
                for number, line in enumerate(list_sold(quotes[seller_id]), 1)
            },
        )
        for seller_id in carts
    )
    return BasketQuote(basket, parts, plan, _digest(parts, plan), entered.items if entered else ())


def list_sold(quote: Quote) -> list[CartLine]:
    """The lines of a quote that can be sold at all, as they are numbered in a draft."""
    return [line for line in quote.lines if line.problem != "gone"]


def _draft(
    quote: Quote,
    seller_id: UUID,
    checkout_id: UUID | None,
    contact: Contact,
    address: Address | None,
    locale: str,
    note: str,
) -> Draft:
    items, adjustments = read_quote(msgspec.structs.replace(quote, lines=tuple(list_sold(quote))))
    return Draft(
        order_id=derive_id("market order", checkout_id, seller_id),
        # The cart ends with its basket: nothing in the member's books has to close it.
        cart_id=None,
        channel=MARKET,
        items=items,
        currency=quote.currency,
        shipping_minor=quote.shipping_minor,
        contact=contact,
        address=address,
        delivery="ship",
        place_id=quote.delivery.place_id,
        member_id=None,
        locale=locale,
        note=note,
        adjustments=adjustments,
        taxes=quote.taxes,
        shipping=keep_choice(quote.delivery),
    )


def _digest(parts: tuple[BasketPart, ...], plan: Plan) -> str:
    content: list[object] = [
        (part.member_id, part.quote.digest, part.total_minor, sorted(part.off.items())) for part in parts
    ]
    content += [
        (each.promotion_id, each.version, each.coupon_id, each.amount_minor, each.shares, each.claims)
        for each in plan.discounts
    ]
    return hashlib.blake2b(repr(content).encode(), digest_size=15).hexdigest()
