"""Promotions as other modules see them: rules and their benefits, what is asked of the engine, and what it answers.

Amounts are integers in minor units of the merchant's currency, percentages in basis points (2,500 = 25 %), quantities in
whole steps of 10^-scale. Nothing here does I/O.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.commerce.promotion.state_group import (
    GroupBuy,
    GroupMember,
    GroupOutcome,
    MemberGroup,
    write_initials,
)
from serai.commerce.promotion.state_terms import (
    AddOn,
    AmountOff,
    Audience,
    Benefit,
    Bundle,
    FreePiece,
    Gift,
    NthPiece,
    PercentOff,
    PiecesPercent,
    PiecesPrice,
    PriceSource,
    Scope,
    ShippingOff,
    SkuPrice,
    SkuQuantity,
    TenderLimit,
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation.i18n import pick_translation

__all__ = [
    "AddOn",
    "AmountOff",
    "Audience",
    "Benefit",
    "Bundle",
    "FreePiece",
    "Gift",
    "NthPiece",
    "PercentOff",
    "PiecesPercent",
    "PiecesPrice",
    "Scope",
    "ShippingOff",
    "SkuPrice",
    "SkuQuantity",
    "TenderLimit",
    "Terms",
    "Tier",
    "UnitPrice",
    "Rule",
    "Offer",
    "Line",
    "Extra",
    "HeldCoupon",
    "Left",
    "Tender",
    "Request",
    "Share",
    "Claim",
    "Adjustment",
    "PricedLine",
    "Seat",
    "GroupBuy",
    "GroupMember",
    "GroupOutcome",
    "MemberGroup",
    "write_initials",
    "UsedTender",
    "Reason",
    "Result",
    "RuleFault",
    "Promotion",
    "PromotionReport",
    "Coupon",
    "IssuedCoupon",
    "State",
    "SHIPPING",
    "CouponState",
    "Outcome",
    "PriceSource",
]

State = Literal["draft", "live", "stopped"]
Stand = Literal["draft", "planned", "live", "over", "stopped"]


class Rule(msgspec.Struct, frozen=True):
    """A version of a promotion, as the engine takes it."""

    promotion_id: UUID
    version: int
    terms: Terms


class Offer(msgspec.Struct, frozen=True):
    """A price of a line from a price list: source, price per unit, the quantity it needs, the entry it stands in."""

    source: str
    amount_minor: int
    min_quantity: int = 1
    entry_id: UUID | None = None


class Line(msgspec.Struct, frozen=True):
    """A line to be priced. ``list_minor`` is per unit; ``category_ids`` is the chain from its own category upwards.

    Where an offer of the price list holds already, ``list_minor`` is that offer and ``regular_minor`` the list price above
    it: percentages of layer 1 are taken off the list price, so that of all its prices exactly one wins.
    """

    line_key: str
    sku_id: UUID
    product_id: UUID
    quantity: int
    list_minor: int
    scale: int = 0
    category_ids: tuple[UUID, ...] = ()
    brand: str = ""
    seller_id: UUID | None = None
    offers: tuple[Offer, ...] = ()
    regular_minor: int | None = None


class Extra(msgspec.Struct, frozen=True):
    """What the engine must know of goods that rules may add: list price per unit and how many can be had."""

    product_id: UUID
    list_minor: int
    available: int


class HeldCoupon(msgspec.Struct, frozen=True):
    """A coupon that the buyer holds or has entered."""

    coupon_id: UUID
    promotion_id: UUID
    expires_at: datetime | None = None
    free: int = 1


class Left(msgspec.Struct, frozen=True):
    """What is left of a promotion's counters for this buyer; None: it has no such limit."""

    quota: int | None = None
    allowance: int | None = None
    budget_minor: int | None = None


class Tender(msgspec.Struct, frozen=True):
    """Another way to pay: of ``balance`` units worth ``unit_minor`` each, the buyer wants to use ``wanted``."""

    kind: Literal["points", "gift_card", "wallet"]
    key: str
    balance: int
    wanted: int
    unit_minor: int = 1


class Seat(msgspec.Struct, frozen=True):
    """A place in a group that buys together: seats ``free`` now, of ``people``."""

    group_id: UUID
    free: int
    people: int


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A cart at a moment, with all that decides its price. ``user_id`` is who per-user limits are counted for, ``seats``
    the groups that the buyer joins, by promotion."""

    lines: tuple[Line, ...]
    now: datetime
    channel: str = "web"
    place_id: UUID | None = None
    member_level: str | None = None
    user_id: UUID | None = None
    shipping_minor: int = 0
    coupons: tuple[HeldCoupon, ...] = ()
    left: dict[UUID, Left] = {}
    extras: dict[UUID, Extra] = {}
    add_ons: dict[UUID, int] = {}
    seats: dict[UUID, Seat] = {}
    tenders: tuple[Tender, ...] = ()


SHIPPING = "shipping"


class Share(msgspec.Struct, frozen=True):
    """What of an adjustment falls on a line; the line ``shipping`` is the delivery."""

    line_key: str
    amount_minor: int


class Claim(msgspec.Struct, frozen=True):
    """What an adjustment takes from a counter in the ledger: ``quota`` and ``allowance`` in units, ``budget`` in money.

    ``subject_id`` is the coupon of a ``coupon`` claim, the user of an ``allowance`` and the group of a ``seat``, else the
    promotion. The claims ``…_discount`` are no limits: they post what was taken off to whoever funds it, in money.
    """

    kind: Literal[
        "quota",
        "budget",
        "coupon",
        "allowance",
        "seat",
        "seller_discount",
        "platform_discount",
        "brand_discount",
    ]
    promotion_id: UUID
    subject_id: UUID
    amount: int
    limit: int = 0


class Adjustment(msgspec.Struct, frozen=True):
    """What one rule (or price list entry) takes off: shares sum to the amount exactly.

    ``promotion_id`` is None for a price from a price list, whose entry is ``source_id``.
    """

    kind: str
    layer: int
    amount_minor: int
    shares: tuple[Share, ...]
    promotion_id: UUID | None = None
    version: int = 0
    source_id: UUID | None = None
    coupon_id: UUID | None = None
    name: str = ""
    translations: dict[str, str] = {}
    funded_by: str = "seller"
    returns: str = "claw_back"
    claims: tuple[Claim, ...] = ()

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.name)


class PricedLine(msgspec.Struct, frozen=True):
    """A line as it comes out: list_total - discount = net, all >= 0. ``extra`` tells gifts and add-ons from the cart's."""

    line_key: str
    sku_id: UUID
    product_id: UUID
    quantity: int
    list_minor: int
    list_total_minor: int
    discount_minor: int
    net_minor: int
    extra: Literal["", "gift", "add_on"] = ""
    promotion_id: UUID | None = None


class UsedTender(msgspec.Struct, frozen=True):
    """What a tender pays: ``units`` of it, worth ``amount_minor``."""

    kind: str
    key: str
    units: int
    amount_minor: int


Outcome = Literal["applied", "missed", "offered"]


class Reason(msgspec.Struct, frozen=True):
    """Why a rule applied or not. ``code`` and ``data`` are translated at the edge.

    Codes: ``applied``; ``add_on`` (may be chosen: ``sku_id``, ``price_minor``); ``threshold`` (``unit``, ``reached``,
    ``needed``, ``missing``); ``scope``; ``window``; ``channel``; ``place``; ``level``; ``members``; ``sign_in``;
    ``coupon`` (needs one); ``coupon_expired``; ``coupon_locked``; ``quota``; ``allowance``; ``budget``; ``cap``;
    ``group`` (open or join one); ``group_full``; ``extra_gone`` (``sku_id``); ``better`` (another of its group is better:
    ``by``); ``excluded`` (by rules on the lines); ``nothing``.
    For applied rules ``next_needed``, ``next_missing`` and ``next_benefit`` tell the way to the next tier.
    """

    promotion_id: UUID
    version: int
    kind: str
    name: str
    translations: dict[str, str]
    outcome: Outcome
    code: str
    amount_minor: int = 0
    data: dict[str, Any] = {}
    coupon_id: UUID | None = None

    def label(self, locale: str) -> str:
        return pick_translation(self.translations, locale, self.name)


class Result(msgspec.Struct, frozen=True):
    """What a request comes to. items - discount + shipping = total; total - tenders = due. ``tender_caps``: (kind, basis
    points of the total that it may pay)."""

    lines: tuple[PricedLine, ...]
    adjustments: tuple[Adjustment, ...]
    items_minor: int
    discount_minor: int
    shipping_list_minor: int
    shipping_minor: int
    total_minor: int
    tenders: tuple[UsedTender, ...]
    due_minor: int
    reasons: tuple[Reason, ...]
    tender_caps: tuple[tuple[str, int], ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All that has to be taken in the ledger."""
        return tuple(claim for adjustment in self.adjustments for claim in adjustment.claims)


class RuleFault(msgspec.Struct, frozen=True):
    """Why a promotion cannot be saved or go live: a code, the field, and a gettext message with its data."""

    code: str
    field: str
    message: str
    data: dict[str, Any] = {}


class Promotion(msgspec.Struct, frozen=True):
    """A promotion with its newest version. ``live_version`` is what carts get, None before it went live.

    ``stand`` is where it stands at the moment: a draft, planned, live, over or stopped, by the times of the version that
    carts get.
    """

    promotion_id: UUID
    version: int
    live_version: int | None
    state: State
    terms: Terms
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    stand: Stand = "draft"


class PromotionReport(msgspec.Struct, frozen=True):
    """What a promotion has done: orders that count (not cancelled or expired), discount, and its counters.

    ``quota`` and ``budget`` are (limit, sold, held, left), None without such a limit; ``coupons`` is
    (issued, free, locked, used, expired, revoked).
    """

    promotion_id: UUID
    orders: int
    discount_minor: int
    sales_minor: int
    quota: tuple[int, int, int, int] | None
    budget: tuple[int, int, int, int] | None
    coupons: tuple[int, int, int, int, int, int] | None


CouponState = Literal["free", "locked", "used", "expired", "revoked"]


class Coupon(msgspec.Struct, frozen=True):
    """A coupon in a list; its code is known by its end only. ``uses`` of them, ``free`` still free."""

    coupon_id: UUID
    promotion_id: UUID
    code_end: str
    holder_id: UUID | None
    uses: int
    free: int
    locked: int
    used: int
    issued_by: str
    issued_at: datetime
    expires_at: datetime | None
    ended: Literal["expired", "revoked"] | None


class IssuedCoupon(msgspec.Struct, frozen=True):
    """A new coupon with its code, which is shown once and not kept."""

    coupon_id: UUID
    code: str
