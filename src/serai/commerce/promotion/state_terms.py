"""How a promotion is written: benefits, scope, audience and terms. Offered to other modules through ``types``.

Amounts are integers in minor units of the merchant's currency, percentages in basis points (2,500 = 25 %).
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from serai.foundation.i18n import pick_translation

Minor = Annotated[int, Meta(ge=0, le=10**12)]
BasisPoints = Annotated[int, Meta(ge=0, le=1_000_000)]
Count = Annotated[int, Meta(ge=0, le=10**9)]
Word = Annotated[str, Meta(min_length=1, max_length=60)]
MAX_TIERS = 20
MAX_IDS = 10_000
PriceSource = Literal["member", "channel", "quantity", "flash", "group", "presale"]


class Tier(msgspec.Struct, frozen=True, array_like=True):
    """From ``least`` (minor units or pieces, as the benefit says) on, ``benefit`` (minor units or basis points)."""

    least: Minor
    benefit: Minor


Tiers = Annotated[tuple[Tier, ...], Meta(max_length=MAX_TIERS)]


class SkuPrice(msgspec.Struct, frozen=True, array_like=True):
    """A price of one SKU, per unit."""

    sku_id: UUID
    price_minor: Minor


class SkuQuantity(msgspec.Struct, frozen=True, array_like=True):
    """So many pieces of one SKU."""

    sku_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=100_000)]


class UnitPrice(msgspec.Struct, frozen=True, tag="unit_price"):
    """Layer 1: another price per unit, fixed per SKU or a percentage off the list price. Of all sources one wins.

    ``least`` pieces of the SKU are needed (quantity price). A ``presale`` price belongs to the balance of a deposit. A
    ``group`` price holds in a group of ``people`` who all pay within ``hours`` of its opening.
    """

    source: PriceSource = "channel"
    prices: Annotated[tuple[SkuPrice, ...], Meta(max_length=MAX_IDS)] = ()
    percent_off: BasisPoints = 0
    least: Count = 1
    people: Annotated[int, Meta(ge=0, le=1000)] = 0
    hours: Annotated[int, Meta(ge=0, le=720)] = 24


class PiecesPercent(msgspec.Struct, frozen=True, tag="pieces_percent"):
    """Layer 2, N件折: from so many pieces on, a percentage off all of them. Tiers are (pieces, basis points)."""

    tiers: Tiers


class PiecesPrice(msgspec.Struct, frozen=True, tag="pieces_price"):
    """Layer 2, N件M元: each full set of so many pieces costs so much; the cheapest pieces make up the sets."""

    pieces: Annotated[int, Meta(ge=1, le=1000)]
    price_minor: Minor


class NthPiece(msgspec.Struct, frozen=True, tag="nth_piece"):
    """Layer 2, 第N件: one piece of every N, the cheapest ones, at a percentage off (5,000: half price, 10,000: free)."""

    nth: Annotated[int, Meta(ge=2, le=1000)]
    percent_off: BasisPoints


class Bundle(msgspec.Struct, frozen=True, tag="bundle"):
    """Layer 2: these pieces together cost so much, as often as the cart holds them all."""

    components: Annotated[tuple[SkuQuantity, ...], Meta(max_length=50)]
    price_minor: Minor


class AddOn(msgspec.Struct, frozen=True, tag="add_on"):
    """Layer 2, 加价购: from ``least`` spent in scope on, the shopper may add up to ``most`` pieces of one SKU at a price."""

    sku_id: UUID
    price_minor: Minor
    least: Minor = 0
    most: Annotated[int, Meta(ge=1, le=1000)] = 1


class Gift(msgspec.Struct, frozen=True, tag="gift"):
    """Layer 2, 赠品: from ``least`` (minor units or ``pieces``) in scope on, pieces of one SKU for nothing.

    ``every``: once per full ``least``, at most ``most`` times.
    """

    sku_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1000)] = 1
    least: Minor = 0
    unit: Literal["minor", "pieces"] = "minor"
    every: bool = False
    most: Annotated[int, Meta(ge=1, le=1000)] = 1


class AmountOff(msgspec.Struct, frozen=True, tag="amount_off"):
    """满减, 满减券, 立减, 跨店满减: an amount off by tiers (minor units spent, minor units off).

    ``every``: one tier, once per full step (每满), bounded by the rule's cap.
    """

    tiers: Tiers
    every: bool = False


class PercentOff(msgspec.Struct, frozen=True, tag="percent_off"):
    """满折, 折扣券: a percentage off by tiers (minor units spent, basis points)."""

    tiers: Tiers


class FreePiece(msgspec.Struct, frozen=True, tag="free_piece"):
    """兑换券: so many pieces in scope cost nothing, the dearest first."""

    quantity: Annotated[int, Meta(ge=1, le=1000)] = 1


class ShippingOff(msgspec.Struct, frozen=True, tag="shipping_off"):
    """Layer 6, 包邮 and 运费券: an amount off the delivery (None: all of it) from ``least`` spent in scope on."""

    amount_minor: Minor | None = None
    least: Minor = 0


class TenderLimit(msgspec.Struct, frozen=True, tag="tender_limit"):
    """Layer 7: at most a percentage of what is due may be paid with a tender."""

    tender: Literal["points", "gift_card", "wallet"]
    percent: BasisPoints


Benefit = (
    UnitPrice
    | PiecesPercent
    | PiecesPrice
    | NthPiece
    | Bundle
    | AddOn
    | Gift
    | AmountOff
    | PercentOff
    | FreePiece
    | ShippingOff
    | TenderLimit
)


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines a rule is about: ``everything``, or what any list names, less what is excluded."""

    everything: bool = False
    sku_ids: Annotated[tuple[UUID, ...], Meta(max_length=MAX_IDS)] = ()
    product_ids: Annotated[tuple[UUID, ...], Meta(max_length=MAX_IDS)] = ()
    category_ids: Annotated[tuple[UUID, ...], Meta(max_length=1000)] = ()
    brands: Annotated[tuple[Word, ...], Meta(max_length=1000)] = ()
    seller_ids: Annotated[tuple[UUID, ...], Meta(max_length=1000)] = ()
    excluded_sku_ids: Annotated[tuple[UUID, ...], Meta(max_length=MAX_IDS)] = ()


class Audience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom and where; an empty list is everybody, everywhere."""

    channels: Annotated[tuple[Word, ...], Meta(max_length=20)] = ()
    place_ids: Annotated[tuple[UUID, ...], Meta(max_length=1000)] = ()
    member_levels: Annotated[tuple[Word, ...], Meta(max_length=20)] = ()
    members_only: bool = False


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promotion as it is written: everything that decides, nothing that counts.

    Attributes:
        layer: 1 price, 2 several items, 3 shop, 4 shop coupon, 5 platform, 6 shipping, 7 tenders.
        basis: the layer after which thresholds are read (None: the one before this rule's own).
        exclusive_group: of the rules of one layer and group the best for the buyer applies.
        tags, combines_with: two rules meet on a line only when each one's ``combines_with`` names a tag of the other
            (None: whatever comes; empty: nothing).
        stop_after: no rule of layers 2 to 5 touches a line after this one.
        cap_minor: most that one order gets.
        per_order: most units at the price of layer 1 in one order (None: no limit).
        quota: units (layer 1) or orders (others) in total; ``per_user``: the same per member; ``budget_minor``: in total.
        coupon: applies only with a coupon of this promotion.
        seller_percent: of what a ``platform`` promotion takes off, the part (basis points) that each seller bears of its
            own goods' share.
        returns: what a partial return does when the rest misses the threshold: ``keep`` the benefit or ``claw_back``.
    """

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    translations: dict[str, Annotated[str, Meta(max_length=120)]] = {}
    layer: Annotated[int, Meta(ge=1, le=7)]
    benefit: Benefit
    scope: Scope = Scope(everything=True)
    audience: Audience = Audience()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    basis: Annotated[int, Meta(ge=0, le=6)] | None = None
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    exclusive_group: Annotated[str, Meta(max_length=60)] = ""
    tags: Annotated[tuple[Word, ...], Meta(max_length=20)] = ()
    combines_with: Annotated[tuple[Word, ...], Meta(max_length=20)] | None = None
    stop_after: bool = False
    cap_minor: Minor | None = None
    per_order: Count | None = None
    quota: Count | None = None
    per_user: Count | None = None
    budget_minor: Minor | None = None
    coupon: bool = False
    funded_by: Literal["seller", "platform", "brand"] = "seller"
    seller_percent: BasisPoints = 0
    returns: Literal["keep", "claw_back"] = "claw_back"

    def label(self, locale: str) -> str:
        """The name in a language, else the merchant's own."""
        return pick_translation(self.translations, locale, self.name)
