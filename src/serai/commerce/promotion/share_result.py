"""From groups back to lines: every adjustment's shares per line, exact, then extras, tenders and sums. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from serai.commerce.promotion.apply_benefit import percent_of, spread
from serai.commerce.promotion.price_lines import PriceCut, line_total, price_claims
from serai.commerce.promotion.pricing_state import Applied, Pricing, State
from serai.commerce.promotion.types import (
    SHIPPING,
    AddOn,
    Adjustment,
    Claim,
    Gift,
    PricedLine,
    Reason,
    Request,
    Result,
    Share,
    ShippingOff,
    Tender,
    TenderLimit,
    UsedTender,
)


def share_result(
    pricing: Pricing, state: State, cuts: Sequence[PriceCut], reasons: tuple[Reason, ...]
) -> Result:
    """The result of a quote."""
    request = pricing.request
    totals = [line_total(line.list_minor, line.quantity, line.scale) for line in request.lines]
    left = totals.copy()
    adjustments = []
    for cut in cuts:
        shares = tuple(
            share
            for n, amount in sorted(cut.amounts.items())
            for share in _to_lines(pricing, left, n, amount)
        )
        adjustments.append(_price_adjustment(cut, shares, request))
    extras: list[PricedLine] = []
    for found in state.applied:
        if isinstance(found.each.benefit, Gift | AddOn):
            extra = _extra_line(pricing, found)
            extras.append(extra)
            shares = (Share(extra.line_key, found.amount),)
        elif isinstance(found.each.benefit, ShippingOff):
            shares = (Share(SHIPPING, found.amount),)
        else:
            shares = tuple(
                share
                for n, amount in zip(found.members, found.shares, strict=True)
                for share in _to_lines(pricing, left, n, amount)
            )
        adjustments.append(_rule_adjustment(found, shares, request))
    lines = [
        PricedLine(
            line.line_key,
            line.sku_id,
            line.product_id,
            line.quantity,
            line.list_minor,
            total,
            total - net,
            net,
        )
        for line, total, net in zip(request.lines, totals, left, strict=True)
    ] + extras
    items = sum(line.list_total_minor for line in lines)
    discount = sum(line.discount_minor for line in lines)
    total_minor, caps = items - discount + state.shipping, list_caps(pricing)
    tenders = tuple(use_tenders(request.tenders, total_minor, caps))
    return Result(
        tuple(lines),
        tuple(adjustments),
        items,
        discount,
        request.shipping_minor,
        state.shipping,
        total_minor,
        tenders,
        total_minor - sum(tender.amount_minor for tender in tenders),
        reasons,
        caps,
    )


def _to_lines(pricing: Pricing, left: list[int], number: int, amount: int) -> list[Share]:
    """Split what falls on a group over its lines by what each still costs, and take it from there."""
    indexes = pricing.groups[number].lines
    lines = pricing.request.lines
    if not amount:
        return []
    if len(indexes) == 1:
        left[indexes[0]] -= amount
        return [Share(lines[indexes[0]].line_key, amount)]
    limits = [left[i] for i in indexes]
    shares = spread(amount, limits, limits)
    for i, share in zip(indexes, shares, strict=True):
        left[i] -= share
    return [Share(lines[i].line_key, share) for i, share in zip(indexes, shares, strict=True) if share]


def _price_adjustment(cut: PriceCut, shares: tuple[Share, ...], request: Request) -> Adjustment:
    each = cut.compiled
    amount = sum(cut.amounts.values())
    if each is None:
        return Adjustment(cut.source, 1, amount, shares, source_id=cut.entry_id, returns="keep")
    terms = each.terms
    return Adjustment(
        each.kind,
        1,
        amount,
        shares,
        each.promotion_id,
        each.rule.version,
        None,
        None,
        terms.name,
        terms.translations,
        terms.funded_by,
        terms.returns,
        price_claims(cut, request),
    )


def _rule_adjustment(found: Applied, shares: tuple[Share, ...], request: Request) -> Adjustment:
    each, terms = found.each, found.each.terms
    return Adjustment(
        each.kind,
        each.layer,
        found.amount,
        shares,
        each.promotion_id,
        each.rule.version,
        None,
        found.coupon.coupon_id if found.coupon else None,
        terms.name,
        terms.translations,
        terms.funded_by,
        terms.returns,
        tuple(_claims(found, request)),
    )


def _claims(found: Applied, request: Request) -> Iterator[Claim]:
    terms, promotion_id = found.each.terms, found.each.promotion_id
    if found.coupon is not None:
        yield Claim("coupon", promotion_id, found.coupon.coupon_id, 1)
    elif terms.quota is not None:
        yield Claim("quota", promotion_id, promotion_id, 1)
    if terms.per_user is not None and request.user_id is not None:
        yield Claim("allowance", promotion_id, request.user_id, 1, terms.per_user)
    if terms.budget_minor is not None:
        yield Claim("budget", promotion_id, promotion_id, found.amount)


def _extra_line(pricing: Pricing, found: Applied) -> PricedLine:
    """The line that a gift or an add-on brings: at its list price, with what was taken off beside it."""
    benefit = found.each.benefit
    assert isinstance(benefit, Gift | AddOn)
    extra = pricing.request.extras[benefit.sku_id]
    total = extra.list_minor * found.pieces
    kind: Literal["gift", "add_on"] = "gift" if isinstance(benefit, Gift) else "add_on"
    return PricedLine(
        f"{kind}:{found.each.promotion_id}",
        benefit.sku_id,
        extra.product_id,
        found.pieces,
        extra.list_minor,
        total,
        found.amount,
        total - found.amount,
        kind,
        found.each.promotion_id,
    )


def list_caps(pricing: Pricing) -> tuple[tuple[str, int], ...]:
    """(kind, percentage of the total in basis points) of the live limits on tenders, the lowest of each kind."""
    caps: dict[str, int] = {}
    for each in pricing.program.tenders:
        if pricing.gates[each.index] is None and isinstance(each.benefit, TenderLimit):
            caps[each.benefit.tender] = min(each.benefit.percent, caps.get(each.benefit.tender, 10_000))
    return tuple(sorted(caps.items()))


def use_tenders(
    tenders: Iterable[Tender], total_minor: int, caps: Iterable[tuple[str, int]] = ()
) -> Iterator[UsedTender]:
    """Layer 7: what other means pay, in the order they were given, each within its limit and what is still due."""
    due = total_minor
    limits = {kind: percent_of(total_minor, percent) for kind, percent in caps}
    for tender in tenders:
        most = min(due, limits.get(tender.kind, due))
        units = min(tender.balance, tender.wanted, most // tender.unit_minor)
        if units > 0:
            amount = units * tender.unit_minor
            due -= amount
            if tender.kind in limits:
                limits[tender.kind] -= amount
            yield UsedTender(tender.kind, tender.key, units, amount)
