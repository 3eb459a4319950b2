"""What promotions mean for one product before it is in a cart: its price now, how long and how many, and what else holds."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import Variant
from serai.commerce.checkout.api import Goods, Priced, Shopper, price_goods
from serai.commerce.promotion import api as promotion
from serai.commerce.promotion.types import Reason
from serai.foundation.database import Transaction
from serai.storefront.grouping import find_group_offer
from serai.storefront.view import Shell

NOTES_SHOWN = 4
# Whatever keeps an offer from everybody, or from this shop, is not told at a product.
UNTOLD = frozenset(
    {"scope", "window", "channel", "place", "quota", "budget", "allowance", "group_full", "extra_gone"}
)
# A price that this shopper cannot have yet, but could. Group prices stand by themselves on the page.
OPEN = frozenset({"members", "level", "sign_in"})


class OfferPrice(msgspec.Struct, frozen=True):
    """A price by a promotion: minor units per piece, until when (None: open), and how many are left (None: no limit)."""

    name: str
    is_flash: bool
    price_minor: int
    ends_at: datetime | None
    left: int | None


class OfferNote(msgspec.Struct, frozen=True):
    """An offer that holds for the product with others, or for members: its name, and what it gives."""

    name: str
    words: str


class Offers(msgspec.Struct, frozen=True):
    """All that a product's page tells of promotions."""

    price: OfferPrice | None = None
    notes: list[OfferNote] = []


async def load_offers(tx: Transaction, variant: Variant, shell: Shell, locale: str) -> dict[str, Any]:
    """What a product's page tells of promotions to whoever looks at it: ``offers``, and ``group_offer`` where it can be
    bought together with others."""
    return {
        "offers": await _load_own(tx, variant, shell, locale),
        "group_offer": await find_group_offer(tx, variant, shell, locale),
    }


async def _load_own(tx: Transaction, variant: Variant, shell: Shell, locale: str) -> Offers:
    """The offers of a version for one who buys alone; nothing without a price or a place that sends."""
    if variant.price_minor is None or shell.online is None:
        return Offers()
    member = shell.member
    priced = await price_goods(
        tx,
        goods=[Goods("piece", variant.sku_id, variant.increment, variant.price_minor)],
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
    member_id = member.member_id if member else None
    return Offers(await _find_price(tx, priced, variant, member_id, locale), notes[:NOTES_SHOWN])


def _note(priced: Priced, reason: Reason, variant: Variant, locale: str) -> OfferNote | None:
    compiled = priced.program.by_promotion.get(reason.promotion_id)
    if compiled is None or compiled.terms.coupon or reason.code in UNTOLD or compiled.layer == 7:
        return None
    if compiled.layer == 1 and reason.code not in OPEN:
        return None
    return OfferNote(reason.label(locale), promotion.tell_benefit(compiled.benefit, variant.currency, locale))


async def _find_price(
    tx: Transaction, priced: Priced, variant: Variant, member_id: UUID | None, locale: str
) -> OfferPrice | None:
    """The promotion's price per piece; None for what is weighed, whose price is told in the cart."""
    cut = next((each for each in priced.result.adjustments if each.layer == 1 and each.promotion_id), None)
    if cut is None or cut.promotion_id is None or variant.scale or variant.price_minor is None:
        return None
    terms = priced.program.by_promotion[cut.promotion_id].terms
    left = await promotion.load_left(tx, priced.program, currency=variant.currency, user_id=member_id)
    kept = left.get(cut.promotion_id)
    return OfferPrice(
        cut.label(locale),
        cut.kind == "flash_price",
        variant.price_minor - cut.amount_minor // variant.increment,
        terms.ends_at,
        kept.quota if kept else None,
    )
