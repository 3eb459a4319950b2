"""What promotions mean for one product before it is in a cart: its price now, how long and how many, and what else holds."""

from typing import Any

import msgspec

from serai.commerce.catalogue.types import Variant
from serai.commerce.checkout.api import Goods, Priced, Shopper, price_goods
from serai.commerce.price.types import Deal
from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import Reason
from serai.foundation.database import Transaction
from serai.storefront.grouping import find_group_offer
from serai.storefront.price import load_own_prices
from serai.storefront.view import Shell

NOTES_SHOWN = 4
# Whatever keeps an offer from everybody, or from this shop, is not told at a product.
UNTOLD = frozenset(
    {"scope", "window", "channel", "place", "quota", "budget", "allowance", "group_full", "extra_gone"}
)
# A price that this shopper cannot have yet, but could. Group prices stand by themselves on the page.
OPEN = frozenset({"members", "level", "sign_in"})


class OfferNote(msgspec.Struct, frozen=True):
    """An offer that holds for the product with others, or for members: its name, and what it gives."""

    name: str
    words: str


class Offers(msgspec.Struct, frozen=True):
    """The offers that a product's page lists."""

    notes: list[OfferNote] = []


async def load_offers(
    tx: Transaction, variant: Variant, deal: Deal | None, shell: Shell, locale: str
) -> dict[str, Any]:
    """What a product's page tells of prices and promotions to whoever looks at it: ``own``, the price for this shopper
    where it differs; ``offers``; and ``group_offer`` where it can be bought together with others."""
    found, list_minor = {}, deal.list_minor if deal else variant.price_minor
    if list_minor is not None:
        found = await load_own_prices(tx, {variant.sku_id: list_minor}, variant.currency, shell, locale)
    return {
        "own": found.get(variant.sku_id),
        "offers": await _list_notes(tx, variant, list_minor, shell, locale),
        "group_offer": await find_group_offer(tx, variant, list_minor, shell, locale),
    }


async def _list_notes(
    tx: Transaction, variant: Variant, list_minor: int | None, shell: Shell, locale: str
) -> Offers:
    """The offers of a version for one who buys alone; nothing without a price or a place that sends."""
    if variant.price_minor is None or shell.online is None:
        return Offers()
    member = shell.member
    priced = await price_goods(
        tx,
        goods=[Goods("piece", variant.sku_id, variant.increment, variant.price_minor, list_minor)],
        currency=variant.currency,
        place_id=shell.online.place_id,
        shipping_minor=0,
        shopper=Shopper(
            member_id=member.member_id if member else None,
            member_level=member.level or None if member else None,
        ),
    )
    if priced is None:
        return Offers()
    notes = [note for reason in priced.result.reasons if (note := _note(priced, reason, variant, locale))]
    return Offers(notes[:NOTES_SHOWN])


def _note(priced: Priced, reason: Reason, variant: Variant, locale: str) -> OfferNote | None:
    compiled = priced.program.by_promotion.get(reason.promotion_id)
    if compiled is None or compiled.terms.coupon or reason.code in UNTOLD or compiled.layer == 7:
        return None
    if compiled.layer == 1 and reason.code not in OPEN:
        return None
    return OfferNote(reason.label(locale), promotion.tell_benefit(compiled.benefit, variant.currency, locale))
