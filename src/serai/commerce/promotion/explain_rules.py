"""Why each rule in view applied or not, and how far it is to the next tier. Pure; words are put to it at the edge."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from serai.commerce.promotion.apply_benefit import Gain, Missing
from serai.commerce.promotion.compile_rules import Compiled, Program
from serai.commerce.promotion.price_lines import PriceCut
from serai.commerce.promotion.pricing_state import Applied, Pricing, State
from serai.commerce.promotion.types import (
    AddOn,
    AmountOff,
    HeldCoupon,
    Left,
    PercentOff,
    PiecesPercent,
    Reason,
    Request,
    TenderLimit,
    UnitPrice,
)


def gate_rules(program: Program, request: Request, coupons: Mapping[int, HeldCoupon]) -> list[Missing | None]:
    """Per rule what keeps it from applying at all, whatever is in the cart; None when nothing does."""
    now = request.now
    return [
        Missing("window", _window(each))
        if (each.starts_at and now < each.starts_at) or (each.ends_at and now >= each.ends_at)
        else _gate(each, request, coupons)
        if each.gated
        else None
        for each in program.rules
    ]


def _window(each: Compiled) -> dict[str, str | None]:
    def text(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {"starts_at": text(each.starts_at), "ends_at": text(each.ends_at)}


def _gate(each: Compiled, request: Request, coupons: Mapping[int, HeldCoupon]) -> Missing | None:
    terms, audience = each.terms, each.terms.audience
    if audience.channels and request.channel not in audience.channels:
        return Missing("channel")
    if audience.place_ids and request.place_id not in audience.place_ids:
        return Missing("place")
    if audience.members_only and request.user_id is None:
        return Missing("members")
    if audience.member_levels and request.member_level not in audience.member_levels:
        return Missing("level", {"levels": list(audience.member_levels)})
    if terms.coupon and each.index not in coupons:
        return _why_no_coupon(each, request)
    if terms.per_user is not None and request.user_id is None:
        return Missing("sign_in")
    if isinstance(each.benefit, UnitPrice) and each.benefit.source == "group":
        seat = request.seats.get(each.promotion_id)
        if seat is None or seat.free < 1:
            people = {"people": each.benefit.people, "hours": each.benefit.hours}
            return Missing("group" if seat is None else "group_full", people)
    if each.limited:
        left = request.left.get(each.promotion_id, Left())
        if left.quota is not None and left.quota < 1:
            return Missing("quota")
        if left.allowance is not None and left.allowance < 1:
            return Missing("allowance")
        if left.budget_minor is not None and left.budget_minor < 1:
            return Missing("budget")
    return None


def _why_no_coupon(each: Compiled, request: Request) -> Missing:
    held = [coupon for coupon in request.coupons if coupon.promotion_id == each.promotion_id]
    if not held:
        return Missing("coupon")
    if any(coupon.expires_at is None or coupon.expires_at > request.now for coupon in held):
        return Missing("coupon_locked")
    return Missing("coupon_expired")


def explain(pricing: Pricing, state: State, cuts: Sequence[PriceCut]) -> tuple[Reason, ...]:
    """One reason per rule of the program, in the order of application."""
    applied = {found.each.index: found for found in state.applied}
    prices = {cut.compiled.index: cut for cut in cuts if cut.compiled is not None}
    reasons = []
    for each in pricing.program.rules:
        index = each.index
        gate = pricing.gates[index]
        if index in applied:
            reasons.append(_explain_applied(each, applied[index]))
        elif index in prices:
            amount = sum(prices[index].amounts.values())
            reasons.append(each.reason("applied", "applied", amount_minor=amount, units=prices[index].units))
        elif not pricing.members[index] and each.layer < 7:
            reasons.append(each.out_of_scope)
        elif gate is not None:
            reasons.append(each.reason("missed", gate.code, **gate.data))
        elif index in pricing.missed:
            missing = pricing.missed[index]
            offered = missing.code == "add_on"
            reasons.append(each.reason("offered" if offered else "missed", missing.code, **missing.data))
        elif isinstance(each.benefit, TenderLimit):
            reasons.append(each.reason("missed", "nothing"))
        else:
            # A price that is not the lowest, or a coupon without which the cart costs less.
            reasons.append(each.reason("missed", "better", by=None))
    return tuple(reasons)


def _explain_applied(each: Compiled, found: Applied) -> Reason:
    data: dict[str, object] = {}
    if found.pieces:
        data["pieces"] = found.pieces
        assert hasattr(each.benefit, "sku_id")
        data["sku_id"] = str(each.benefit.sku_id)
    if found.gain is not None and not isinstance(each.benefit, AddOn):
        data |= _next_tier(each, found.gain)
    coupon_id = found.coupon.coupon_id if found.coupon else None
    return each.reason("applied", "applied", amount_minor=found.amount, coupon_id=coupon_id, **data)


def _next_tier(each: Compiled, gain: Gain) -> dict[str, object]:
    """How far it is to the next tier, where there is one."""
    benefit = each.benefit
    if gain.tier is None or not isinstance(benefit, AmountOff | PercentOff | PiecesPercent):
        return {}
    if isinstance(benefit, AmountOff) and benefit.every:
        step = benefit.tiers[0]
        needed = (gain.reached // step.least + 1) * step.least
        following = needed // step.least * step.benefit
        if each.terms.cap_minor is not None and following > each.terms.cap_minor:
            return {}
    elif gain.tier + 1 < len(benefit.tiers):
        needed, following = benefit.tiers[gain.tier + 1].least, benefit.tiers[gain.tier + 1].benefit
    else:
        return {}
    return {
        "unit": "pieces" if isinstance(benefit, PiecesPercent) else "minor",
        "next_needed": needed,
        "next_missing": needed - gain.reached,
        "next_benefit": following,
    }
