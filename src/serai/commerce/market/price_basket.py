"""What the market's own promotions take off a basket over several shops, and how it falls on shops and lines. Pure.

Layer 5 comes after everything that the shops take off by themselves: the engine sees each line once, at what it costs by
then, and its steps count over the whole basket. What a rule takes off is split over the shops first and within each shop
over its lines, both exactly, so no order of shops or lines changes anybody's share.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from serai.commerce.market.types import DiscountShare, MarketDiscount
from serai.commerce.promotion.api import Program, compile_rules, quote
from serai.commerce.promotion.types import (
    Adjustment,
    AmountOff,
    HeldCoupon,
    Left,
    Line,
    PercentOff,
    Request,
    Result,
    Scope,
    Terms,
)

CROSS_SHOP = 5
WHOLE = 10_000


class ShopLine(msgspec.Struct, frozen=True):
    """A line of one shop's part: its number there (from 1) and what it costs after the shop's own promotions."""

    member_id: UUID
    line_no: int
    sku_id: UUID
    product_id: UUID
    net_minor: int
    brand: str = ""
    category_ids: tuple[UUID, ...] = ()

    @property
    def key(self) -> str:
        """The line's name over the whole basket."""
        return f"{self.member_id}:{self.line_no:05}"


class CrossBuyer(msgspec.Struct, frozen=True, kw_only=True):
    """Who buys, as the market's promotions ask: its member, if any, and coupons of the market that were entered."""

    member_id: UUID | None = None
    member_level: str | None = None
    coupon_ids: tuple[UUID, ...] = ()


def is_cross_shop(terms: Terms) -> bool:
    """Whether a market can run a promotion: layer 5, an amount or a percentage off."""
    return terms.layer == CROSS_SHOP and isinstance(terms.benefit, AmountOff | PercentOff)


@lru_cache(maxsize=256)
def choose_cross_shop(program: Program) -> Program:
    """The part of a market's program that counts over shops; programs are compiled once per change, and so is this."""
    return compile_rules([each.rule for each in program.rules if is_cross_shop(each.terms)])


def price_over_shops(
    program: Program,
    lines: Sequence[ShopLine],
    *,
    now: datetime,
    channel: str,
    buyer: CrossBuyer,
    coupons: tuple[HeldCoupon, ...] = (),
    left: Mapping[UUID, Left] | None = None,
) -> Result:
    """The basket under the market's promotions."""
    request = Request(
        lines=tuple(
            Line(
                line.key,
                line.sku_id,
                line.product_id,
                1,
                line.net_minor,
                0,
                line.category_ids,
                line.brand,
                line.member_id,
            )
            for line in lines
        ),
        now=now,
        channel=channel,
        member_level=buyer.member_level,
        user_id=buyer.member_id,
        coupons=coupons,
        left=dict(left or {}),
    )
    return quote(program, request)


def read_discounts(
    program: Program, result: Result, lines: Sequence[ShopLine]
) -> tuple[tuple[MarketDiscount, ...], dict[str, tuple[int, ...]]]:
    """What each promotion took off: (discounts with their shares per member, per line key the amount of each discount)."""
    discounts = []
    by_line: dict[str, list[int]] = {line.key: [] for line in lines}
    for number, each in enumerate(result.adjustments, 1):
        assert each.promotion_id is not None, "a market's program has promotions only"
        terms = program.by_promotion[each.promotion_id].terms
        taken = {share.line_key: share.amount_minor for share in each.shares}
        discounts.append(_describe(number, each, terms, lines, taken))
        for key, amounts in by_line.items():
            amounts.append(taken.get(key, 0))
    return tuple(discounts), {key: tuple(amounts) for key, amounts in by_line.items()}


def _describe(
    number: int,
    each: Adjustment,
    terms: Terms,
    lines: Sequence[ShopLine],
    taken: Mapping[str, int],
) -> MarketDiscount:
    assert each.promotion_id is not None
    # Thresholds are read before any promotion of the market applies, so the basis is what the shops ask for.
    basis: dict[UUID, int] = {}
    amounts: dict[UUID, int] = {}
    for line in lines:
        if is_in_scope(terms.scope, line):
            basis[line.member_id] = basis.get(line.member_id, 0) + line.net_minor
            amounts[line.member_id] = amounts.get(line.member_id, 0) + taken.get(line.key, 0)
    return MarketDiscount(
        number,
        each.kind,
        each.promotion_id,
        each.version,
        each.coupon_id,
        each.name,
        each.translations,
        each.returns,
        each.amount_minor,
        each.claims,
        tuple(
            DiscountShare(
                member_id, basis[member_id], amounts[member_id], _platform_part(terms, amounts[member_id])
            )
            for member_id in sorted(basis, key=lambda member: member.bytes)
        ),
    )


def is_in_scope(scope: Scope, line: ShopLine) -> bool:
    """Whether a promotion is about a line."""
    if line.sku_id in scope.excluded_sku_ids:
        return False
    return (
        scope.everything
        or line.sku_id in scope.sku_ids
        or line.product_id in scope.product_ids
        or line.member_id in scope.seller_ids
        or line.brand in scope.brands
        or any(category_id in scope.category_ids for category_id in line.category_ids)
    )


def _platform_part(terms: Terms, amount_minor: int) -> int:
    """What the market bears of a share: all that its sellers do not, whose part is rounded down."""
    if terms.funded_by != "platform":
        return 0
    return amount_minor - amount_minor * terms.seller_percent // WHOLE


def earn_again(terms: Terms, basis_minor: int) -> int:
    """What a promotion would take off goods worth so much, as it was written: nothing below its first step."""
    benefit = terms.benefit
    reached = [tier for tier in getattr(benefit, "tiers", ()) if basis_minor >= tier.least]
    if not reached:
        return 0
    match benefit:
        case AmountOff(every=every):
            times = basis_minor // reached[0].least if every else 1
            amount = times * reached[-1].benefit
        case PercentOff():
            amount = (basis_minor * reached[-1].benefit + WHOLE // 2) // WHOLE
        case _:
            raise ValueError("a market's promotion takes an amount or a percentage off")
    caps = [basis_minor] + ([terms.cap_minor] if terms.cap_minor is not None else [])
    return min(amount, *caps)


def still_unearned(
    discounts: Sequence[tuple[MarketDiscount, Terms]], refunded: Mapping[UUID, tuple[int, int]]
) -> int:
    """How much of its discounts the rest of a checkout keeps without earning it any more: what is clawed back.

    Args:
        refunded: per member (refunded so far, its order's total), both in minor units; members without refunds may be left
            out. A part of an order counts as the same part of its goods.
    """
    unearned = 0
    for discount, terms in discounts:
        if discount.returns != "claw_back":
            continue
        basis = kept = 0
        for share in discount.shares:
            back, total = refunded.get(share.member_id, (0, 1))
            if back >= total:
                continue
            basis += share.basis_minor - share.basis_minor * back // total
            kept += share.amount_minor - share.amount_minor * back // total
        unearned += max(0, kept - earn_again(terms, basis))
    return unearned
