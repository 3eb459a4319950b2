"""Quote a cart: what an order of it would come to at this moment, and whatever stands in its way."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.cart.api import load_cart, price_lines, read_buyer
from serai.commerce.cart.types import Cart, CartLine
from serai.commerce.checkout.choose_delivery import (
    Way,
    choose_way,
    list_digested,
    list_goods,
    read_destination,
    read_option,
)
from serai.commerce.checkout.enter_coupon import list_quote_coupons, read_shopper
from serai.commerce.checkout.enter_tender import quote_tenders, read_tenders
from serai.commerce.checkout.logic import digest_quote, digest_tenders
from serai.commerce.checkout.price_goods import Goods, Priced, Shopper, price_goods
from serai.commerce.checkout.quote_presale import (
    find_presale,
    price_presale,
    quote_presale,
)
from serai.commerce.checkout.types import (
    Delivery,
    DeliveryOption,
    Quote,
    QuoteCoupon,
    QuoteExtra,
    QuotePresale,
    QuoteShortage,
)
from serai.commerce.delivery.types import Destination
from serai.commerce.delivery.types import Goods as Sent
from serai.commerce.place.api import default_place, load_place
from serai.commerce.place.types import Place
from serai.commerce.presale.types import OpenPresale
from serai.commerce.price.types import Buyer
from serai.commerce.promotion.types import Result
from serai.commerce.settings import CommerceSettings
from serai.commerce.stock.api import allot
from serai.commerce.tax.api import OrderTax, TaxPlace, added_minor, tax_goods
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _
from serai.foundation.trace import traced
from serai.identity.member.api import find_member


async def choose_place(tx: Transaction, delivery: str, place_id: UUID | None) -> Place:
    """Where the goods come from: the online warehouse for parcels, the chosen store for pick-up."""
    if delivery == "ship":
        return await default_place(tx)
    if delivery != "pickup" or place_id is None:
        raise Invalid(
            "checkout.field_invalid",
            _("Please choose a store to pick up from."),
            field="place_id",
            reason="missing",
        )
    place = await load_place(tx, place_id=place_id)
    if place.kind != "store" or not place.active:
        raise Invalid(
            "checkout.field_invalid",
            _("Please choose a store to pick up from."),
            field="place_id",
            reason="unknown",
        )
    return place


@traced("quote")
async def quote_cart(
    tx: Transaction,
    *,
    settings: CommerceSettings,
    owner: str,
    cart_id: UUID | None = None,
    delivery: Delivery = "ship",
    place_id: UUID | None = None,
    channel: str | None = None,
    member_id: UUID | None = None,
    destination: TaxPlace | None = None,
    postcode: str = "",
    delivery_option: str | None = None,
    ship_to: Destination | None = None,
) -> Quote:
    """What an order of the owner's cart would come to, with whatever stands in its way.

    ``member_id`` is who is signed in; the channel is that of the cart's owner unless it is given. ``destination`` (with its
    ``postcode``) is where a parcel goes: without one, and for a pick-up, taxes are those of the merchant's home, and it is
    likely to go ``ship_to``. It goes by the option of that code, else by the cart's, else by the cheapest.

    Raises:
        NotFound: ``cart.unknown``, ``place.unknown``, ``place.none``.
        Invalid: ``checkout.field_invalid`` for the place of a pick-up.
    """
    cart = await load_cart(tx, owner=owner, cart_id=cart_id)
    place = await choose_place(tx, delivery, place_id)
    shortages = await _find_shortages(tx, cart.lines, place.place_id)
    known, level = read_buyer(owner), await _find_level(tx, member_id)
    buyer = Buyer(channel or known.channel, place.place_id if delivery == "pickup" else None, level)
    taxed_at = destination if delivery == "ship" else None
    cart_lines = cart.lines if buyer == known else await price_lines(tx, lines=cart.lines, buyer=buyer)
    lines = [line for line in cart_lines if line.problem != "gone"]
    presale, found = await find_presale(tx, lines, member_id=member_id)
    # A delivery costs what it does at the prices before promotions: a coupon can then never make an order dearer.
    way = await choose_way(
        tx,
        settings=settings,
        delivery=delivery,
        place=place,
        destination=ship_to or read_destination(taxed_at, postcode),
        goods=_list_goods(lines, found),
        option=delivery_option or read_option(cart),
    )
    if presale is not None and found is not None:
        return await _quote_presale(tx, cart, lines[0], presale, found, shortages, way, taxed_at, member_id)
    shopper = read_shopper(cart, channel=buyer.channel, member_id=member_id, member_level=level)
    if shopper.group_ids or shopper.opens:
        way = way.without_promise()
    priced = await price_goods(
        tx,
        goods=[read_goods(line) for line in lines],
        currency=cart.currency,
        place_id=place.place_id,
        shipping_minor=way.price_minor,
        shopper=shopper,
    )
    quote = await _add_up(tx, cart, cart_lines, shortages, way.chosen, priced, shopper, taxed_at)
    quote = await _add_tenders(tx, cart, quote, member_id)
    return msgspec.structs.replace(quote, presale=presale or quote.presale, options=way.options)


def _list_goods(lines: Sequence[CartLine], found: OpenPresale | None) -> list[Sent]:
    """What is sent; goods on presale are worth their price in it."""
    if found is None:
        return list_goods(lines)
    terms, line = found.presale.terms, lines[0]
    return list_goods([msgspec.structs.replace(line, total_minor=terms.price_minor * line.quantity)])


async def _quote_presale(
    tx: Transaction,
    cart: Cart,
    line: CartLine,
    presale: QuotePresale,
    found: OpenPresale,
    shortages: tuple[QuoteShortage, ...],
    way: Way,
    taxed_at: TaxPlace | None,
    member_id: UUID | None,
) -> Quote:
    """The quote of a cart that holds one presale: when its goods leave nobody knows yet."""
    way = way.without_promise()
    deposit = price_presale(line, found, shipping_minor=way.price_minor, member_id=member_id)
    taxes = await tax_goods(
        tx, goods=list_taxed([line], deposit), shipping_minor=way.price_minor, place=taxed_at
    )
    quote = quote_presale(cart, line, presale, found, shortages, way.chosen, deposit, taxes)
    return msgspec.structs.replace(quote, options=way.options)


async def _add_up(
    tx: Transaction,
    cart: Cart,
    cart_lines: tuple[CartLine, ...],
    shortages: tuple[QuoteShortage, ...],
    option: DeliveryOption,
    priced: Priced | None,
    shopper: Shopper,
    taxed_at: TaxPlace | None,
) -> Quote:
    """The quote of what the engine priced, with its taxes and what every coupon does."""
    result = priced.result if priced else None
    if result:
        option = msgspec.structs.replace(option, price_minor=result.shipping_minor)
    lines = [line for line in cart_lines if line.problem != "gone"]
    taxes = await tax_goods(
        tx, goods=list_taxed(lines, result), shipping_minor=option.price_minor, place=taxed_at
    )
    coupons = await list_quote_coupons(tx, shopper.coupon_ids, result)
    goods_minor = sum(line.total_minor for line in lines)
    return _make_quote(cart, cart_lines, goods_minor, shortages, option, priced, coupons, taxes)


async def _add_tenders(tx: Transaction, cart: Cart, quote: Quote, member_id: UUID | None) -> Quote:
    """The quote with what points, gift cards and red packets pay of it."""
    tendered = await quote_tenders(
        tx,
        entered=read_tenders(cart),
        member_id=member_id,
        currency=quote.currency,
        total_minor=quote.total_minor,
        caps=quote.pricing.tender_caps if quote.pricing else (),
    )
    digest = digest_tenders(quote.digest, tendered.used)
    return msgspec.structs.replace(quote, tendered=tendered, digest=digest)


def _make_quote(
    cart: Cart,
    lines: tuple[CartLine, ...],
    goods_minor: int,
    shortages: tuple[QuoteShortage, ...],
    option: DeliveryOption,
    priced: Priced | None,
    coupons: tuple[QuoteCoupon, ...],
    taxes: tuple[OrderTax, ...],
) -> Quote:
    result = priced.result if priced else None
    shipping_minor = option.price_minor
    total_minor = (result.total_minor if result else goods_minor + shipping_minor) + added_minor(taxes)
    return Quote(
        cart.cart_id,
        lines,
        tuple(change for change in cart.changes if change.kind != "short"),
        shortages,
        option,
        cart.currency,
        result.items_minor if result else goods_minor,
        shipping_minor,
        total_minor,
        cart.quantity,
        digest_quote(
            cart.cart_id,
            lines,
            option.code,
            option.place_id,
            shipping_minor,
            total_minor,
            result,
            taxes,
            list_digested(option),
        ),
        result.discount_minor if result else 0,
        list_extras(priced),
        coupons,
        result,
        taxes,
    )


def list_taxed(lines: Sequence[CartLine], result: Result | None) -> list[tuple[UUID, int]]:
    """What is taxed, in the order of the order's lines: SKU and amount after promotions, what they add at the end."""
    if result is None:
        return [(line.sku_id, line.total_minor) for line in lines]
    net = {line.line_key: line.net_minor for line in result.lines}
    goods = [(line.sku_id, net[str(line.line_id)]) for line in lines]
    return goods + [(line.sku_id, line.net_minor) for line in result.lines if line.extra]


async def _find_level(tx: Transaction, member_id: UUID | None) -> str | None:
    member = await find_member(tx, member_id=member_id) if member_id else None
    return member.level or None if member else None


async def _find_shortages(
    tx: Transaction, lines: tuple[CartLine, ...], place_id: UUID
) -> tuple[QuoteShortage, ...]:
    # Line by line: what one takes is gone for the next, also inside bundles.
    wanted = [line for line in lines if line.problem != "gone"]
    most, _parts = await allot(
        tx, wanted=[(line.sku_id, line.quantity) for line in wanted], place_ids=[place_id]
    )
    return tuple(
        QuoteShortage(line.sku_id, line.title, line.quantity, available)
        for line, available in zip(wanted, most, strict=True)
        if available < line.quantity
    )


def read_goods(line: CartLine) -> Goods:
    """A line of a cart as promotions price it."""
    return Goods(str(line.line_id), line.sku_id, line.quantity, line.price_minor, line.list_price_minor)


def list_extras(priced: Priced | None) -> tuple[QuoteExtra, ...]:
    """What promotions add to the goods, with names."""
    if priced is None:
        return ()
    return tuple(
        QuoteExtra(
            line.extra,
            line.promotion_id,
            line.sku_id,
            line.product_id,
            priced.items[line.sku_id].title,
            priced.items[line.sku_id].translations,
            line.quantity,
            line.list_minor,
            line.net_minor,
            priced.parts.get(line.sku_id, ()),
        )
        for line in priced.result.lines
        if line.extra and line.promotion_id is not None
    )
