"""The kinds of promotions that the console writes: their names, what each is good for, and which fields it asks for."""

import msgspec

from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    Bundle,
    FreePiece,
    Gift,
    NthPiece,
    PercentOff,
    PiecesPercent,
    PiecesPrice,
    PriceSource,
    ShippingOff,
    Terms,
    UnitPrice,
)
from serai.foundation.errors import _


class Kind(msgspec.Struct, frozen=True):
    """A kind: ``layer`` of the engine, ``benefit`` it writes, ``source`` of a price, and the ``fields`` of its form.

    ``tiers`` names what a tier is read in: ``money`` or ``pieces`` against ``money`` or ``percent``; empty without tiers.
    """

    code: str
    name: str
    note: str
    layer: int
    benefit: type
    fields: tuple[str, ...] = ()
    tiers: tuple[str, str] | None = None
    source: PriceSource | None = None
    coupon: bool = False


KINDS = (
    Kind(
        "amount_off",
        _("Spend and save"),
        _("An amount off from so much spent, in tiers or per full step."),
        3,
        AmountOff,
        ("every",),
        ("money", "money"),
    ),
    Kind(
        "percent_off",
        _("Spend, percent off"),
        _("A percentage off from so much spent."),
        3,
        PercentOff,
        (),
        ("money", "percent"),
    ),
    Kind(
        "pieces_percent",
        _("More pieces, percent off"),
        _("From two, three, … pieces on, a percentage off all of them."),
        2,
        PiecesPercent,
        (),
        ("pieces", "percent"),
    ),
    Kind(
        "pieces_price",
        _("Pieces for a fixed price"),
        _("Any three for $10: each full set costs so much."),
        2,
        PiecesPrice,
        ("pieces", "price"),
    ),
    Kind(
        "nth_piece",
        _("Every Nth piece"),
        _("The second at half price, the third for nothing."),
        2,
        NthPiece,
        ("nth", "percent"),
    ),
    Kind(
        "add_on",
        _("Add-on at a price"),
        _("Whoever spends so much may add one thing at a special price."),
        2,
        AddOn,
        ("sku", "price", "least", "most"),
    ),
    Kind(
        "gift",
        _("Gift"),
        _("Something for nothing from so much, or so many pieces, on."),
        2,
        Gift,
        ("sku", "quantity", "least", "unit", "per_step", "most"),
    ),
    Kind(
        "bundle",
        _("Set"),
        _("These goods together cost so much."),
        2,
        Bundle,
        ("components", "price"),
    ),
    Kind(
        "member",
        _("Member price"),
        _("A better price for members, or for a level of them."),
        1,
        UnitPrice,
        ("prices", "percent"),
        source="member",
    ),
    Kind(
        "flash",
        _("Flash sale"),
        _("A few goods, a short time, a number that is left."),
        1,
        UnitPrice,
        ("prices", "percent", "per_order"),
        source="flash",
    ),
    Kind(
        "group",
        _("Group buy"),
        _("A better price when so many people buy within some hours."),
        1,
        UnitPrice,
        ("prices", "percent", "people", "hours"),
        source="group",
    ),
    Kind(
        "shipping",
        _("Free delivery"),
        _("The delivery costs less, or nothing, from so much on."),
        6,
        ShippingOff,
        ("amount", "least"),
    ),
    Kind(
        "coupon_amount",
        _("Coupon: amount off"),
        _("An amount off for whoever has a code."),
        4,
        AmountOff,
        ("every",),
        ("money", "money"),
        coupon=True,
    ),
    Kind(
        "coupon_percent",
        _("Coupon: percent off"),
        _("A percentage off for whoever has a code."),
        4,
        PercentOff,
        (),
        ("money", "percent"),
        coupon=True,
    ),
    Kind(
        "coupon_free",
        _("Coupon: goods for nothing"),
        _("A voucher that pays for pieces of some goods."),
        4,
        FreePiece,
        ("quantity",),
        coupon=True,
    ),
    Kind(
        "coupon_shipping",
        _("Coupon: delivery"),
        _("A code that pays for the delivery."),
        6,
        ShippingOff,
        ("amount", "least"),
        coupon=True,
    ),
)
# What a market runs over the goods of all its shops; the market bears it, and its sellers the part that is said.
MARKET_KINDS = (
    Kind(
        "cross_amount",
        _("Over all shops: spend and save"),
        _("An amount off from so much spent, whichever shops it is spent in."),
        5,
        AmountOff,
        ("every", "seller_percent"),
        ("money", "money"),
    ),
    Kind(
        "cross_percent",
        _("Over all shops: percent off"),
        _("A percentage off from so much spent, whichever shops it is spent in."),
        5,
        PercentOff,
        ("seller_percent",),
        ("money", "percent"),
    ),
    Kind(
        "cross_coupon",
        _("Over all shops: coupon"),
        _("An amount off the goods of all shops for whoever has a code."),
        5,
        AmountOff,
        ("every", "seller_percent"),
        ("money", "money"),
        coupon=True,
    ),
)
BY_CODE = {kind.code: kind for kind in (*KINDS, *MARKET_KINDS)}


def find_kind(terms: Terms) -> Kind | None:
    """The kind of a promotion; None for one that only programs write (quantity and channel prices, tenders)."""
    source = terms.benefit.source if isinstance(terms.benefit, UnitPrice) else None
    return next(
        (
            kind
            for kind in BY_CODE.values()
            if isinstance(terms.benefit, kind.benefit)
            and (kind.layer, kind.source, kind.coupon) == (terms.layer, source, terms.coupon)
        ),
        None,
    )
