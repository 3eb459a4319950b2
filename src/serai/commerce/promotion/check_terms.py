"""What a promotion may not say: contradictions, tiers that nobody reaches, loops, more than its budget. Pure.

A promotion is refused when it is saved, with every reason at once, because a mistake here is paid by the merchant.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

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
    Rule,
    RuleFault,
    Scope,
    ShippingOff,
    TenderLimit,
    Terms,
    Tier,
    UnitPrice,
)
from serai.foundation.errors import Invalid, _

WHOLE = 10_000
LAYERS: dict[type, frozenset[int]] = {
    UnitPrice: frozenset({1}),
    PiecesPercent: frozenset({2}),
    PiecesPrice: frozenset({2}),
    NthPiece: frozenset({2}),
    Bundle: frozenset({2}),
    AddOn: frozenset({2}),
    Gift: frozenset({2}),
    AmountOff: frozenset({3, 4, 5}),
    PercentOff: frozenset({3, 4, 5}),
    FreePiece: frozenset({4, 5}),
    ShippingOff: frozenset({6}),
    TenderLimit: frozenset({7}),
}


def refuse_faults(faults: Sequence[RuleFault]) -> None:
    """Invalid ``promotion.invalid`` with all ``reasons``, unless there are none."""
    if faults:
        reasons = [{"code": f.code, "field": f.field, "message": f.message, **f.data} for f in faults]
        raise Invalid(
            "promotion.invalid",
            _("This promotion cannot be saved like this."),
            field=faults[0].field,
            reasons=reasons,
        )


def check_terms(terms: Terms) -> tuple[RuleFault, ...]:
    """Everything that is wrong with a promotion by itself; empty when nothing is."""
    return tuple(_list_faults(terms))


def _list_faults(terms: Terms) -> Iterator[RuleFault]:
    if not terms.name.strip():
        yield RuleFault("name_empty", "name", _("Please give the promotion a name."))
    if terms.layer not in LAYERS[type(terms.benefit)]:
        yield RuleFault("layer_wrong", "layer", _("This kind of benefit does not belong to that layer."))
    yield from _check_window(terms)
    yield from _check_scope(terms.scope)
    yield from _check_benefit(terms)
    yield from _check_limits(terms)
    yield from _check_budget(terms)
    if terms.basis is not None and terms.basis >= terms.layer:
        yield RuleFault("basis_late", "basis", _("The threshold must be read before the promotion applies."))
    if terms.coupon and terms.layer not in (4, 5, 6):
        yield RuleFault("coupon_layer", "coupon", _("Only layers 4 to 6 can ask for a coupon."))
    if terms.seller_percent > WHOLE or (terms.seller_percent and terms.funded_by != "platform"):
        yield RuleFault(
            "seller_percent_wrong",
            "seller_percent",
            _("Sellers can bear up to 100 % of a promotion that the platform funds."),
        )
    if terms.layer == 4 and not terms.coupon:
        yield RuleFault("coupon_missing", "coupon", _("A promotion of the coupon layer needs coupons."))


def _check_window(terms: Terms) -> Iterator[RuleFault]:
    for field in ("starts_at", "ends_at"):
        moment = getattr(terms, field)
        if moment is not None and moment.tzinfo is None:
            yield RuleFault("window_zone", field, _("Please give the moment with its time zone."))
            return
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        yield RuleFault("window_empty", "ends_at", _("The promotion would end before it starts."))


def _check_scope(scope: Scope) -> Iterator[RuleFault]:
    named = (scope.sku_ids, scope.product_ids, scope.category_ids, scope.brands, scope.seller_ids)
    if not scope.everything and not any(named):
        yield RuleFault("scope_empty", "scope", _("Please say which goods the promotion is about."))
    if scope.everything and any(named):
        yield RuleFault("scope_contradicts", "scope", _("Either everything or a choice of goods, not both."))
    if scope.sku_ids and not any(named[1:]) and set(scope.sku_ids) <= set(scope.excluded_sku_ids):
        yield RuleFault("scope_excluded", "scope", _("Everything that the promotion is about is excluded."))


def _check_benefit(terms: Terms) -> Iterator[RuleFault]:
    match terms.benefit:
        case UnitPrice() as benefit:
            yield from _check_unit_price(benefit)
        case PiecesPercent(tiers=tiers):
            yield from _check_tiers(tiers, percent=True)
            if tiers and tiers[0].least < 1:
                yield RuleFault("pieces_zero", "tiers", _("A tier needs at least one piece."))
        case PercentOff(tiers=tiers):
            yield from _check_tiers(tiers, percent=True)
        case AmountOff(tiers=tiers, every=every):
            yield from _check_tiers(tiers, percent=False)
            yield from _check_every(terms, tiers, every)
        case NthPiece(percent_off=percent_off):
            yield from _check_percent(percent_off)
        case PiecesPrice(pieces=pieces) if pieces < 2:
            yield RuleFault("pieces_few", "pieces", _("A set needs at least two pieces."))
        case Bundle(components=components):
            skus = [component.sku_id for component in components]
            if len(skus) < 2 and sum(c.quantity for c in components) < 2:
                yield RuleFault("bundle_single", "components", _("A bundle needs at least two pieces."))
            if len(set(skus)) < len(skus):
                yield RuleFault("bundle_double", "components", _("A bundle names the same goods twice."))
        case Gift() | AddOn() as benefit:
            yield from _check_loop(terms.scope, benefit)
            if isinstance(benefit, Gift) and benefit.every and not benefit.least:
                yield RuleFault("step_zero", "least", _("A gift per step needs a step above zero."))
        case TenderLimit(percent=percent) if percent > WHOLE:
            yield _over_whole()
        case _:
            pass


def _check_unit_price(benefit: UnitPrice) -> Iterator[RuleFault]:
    if bool(benefit.prices) == bool(benefit.percent_off):
        yield RuleFault("price_unclear", "prices", _("Please give either prices or a percentage off."))
    if benefit.percent_off > WHOLE:
        yield _over_whole()
    if len({p.sku_id for p in benefit.prices}) < len(benefit.prices):
        yield RuleFault("price_double", "prices", _("The same goods have two prices."))
    if benefit.source == "group" and (benefit.people < 2 or not benefit.hours):
        yield RuleFault(
            "group_small", "people", _("A group needs two people or more, and hours to find them.")
        )
    if benefit.source == "quantity" and benefit.least < 2:
        yield RuleFault("quantity_one", "least", _("A quantity price needs a quantity of two or more."))


def _over_whole() -> RuleFault:
    return RuleFault("percent_over", "percent_off", _("More than 100 % cannot be taken off."))


def _check_percent(percent: int) -> Iterator[RuleFault]:
    if percent > WHOLE:
        yield _over_whole()
    if percent == 0:
        yield RuleFault("benefit_nothing", "percent_off", _("The promotion would take nothing off."))


def _check_tiers(tiers: Sequence[Tier], *, percent: bool) -> Iterator[RuleFault]:
    if not tiers:
        yield RuleFault("tiers_empty", "tiers", _("Please give at least one tier."))
    for number, tier in enumerate(tiers):
        if percent and tier.benefit > WHOLE:
            yield _over_whole()
        if tier.benefit == 0:
            yield RuleFault("benefit_nothing", "tiers", _("The promotion would take nothing off."))
        if not percent and 0 < tier.least < tier.benefit:
            yield RuleFault(
                "benefit_over", "tiers", _("A tier takes off more than it asks for."), {"tier": number + 1}
            )
    for number, (lower, higher) in enumerate(itertools.pairwise(tiers), 2):
        if higher.least <= lower.least:
            yield RuleFault(
                "tier_unreachable",
                "tiers",
                _("Tier %(tier)s is never reached: its threshold must be above the one before."),
                {"tier": number},
            )
        elif higher.benefit <= lower.benefit:
            yield RuleFault(
                "tier_descending",
                "tiers",
                _("Tier %(tier)s gives no more than the one before."),
                {"tier": number},
            )


def _check_every(terms: Terms, tiers: Sequence[Tier], every: bool) -> Iterator[RuleFault]:
    if not every:
        return
    if len(tiers) > 1:
        yield RuleFault("every_tiers", "tiers", _("A benefit per full step has exactly one step."))
    if tiers and not tiers[0].least:
        yield RuleFault("step_zero", "tiers", _("A benefit per full step needs a step above zero."))
    if terms.cap_minor is not None and tiers and terms.cap_minor < tiers[0].benefit:
        yield RuleFault("cap_low", "cap_minor", _("The cap is below a single step's benefit."))


def _check_loop(scope: Scope, benefit: Gift | AddOn) -> Iterator[RuleFault]:
    if scope.sku_ids == (benefit.sku_id,) and not benefit.least:
        yield RuleFault("loop", "sku_id", _("What the promotion adds would bring the promotion about again."))


def _check_limits(terms: Terms) -> Iterator[RuleFault]:
    for field in ("quota", "per_user", "per_order", "budget_minor", "cap_minor"):
        if getattr(terms, field) == 0:
            yield RuleFault("limit_zero", field, _("A limit of zero would stop the promotion altogether."))
    if terms.quota and terms.per_user and terms.per_user > terms.quota:
        yield RuleFault(
            "per_user_over", "per_user", _("One member may not take more than there is in total.")
        )
    if terms.per_order is not None and terms.layer != 1:
        yield RuleFault("per_order_layer", "per_order", _("Only a price can be limited per order in units."))


def greatest_benefit(terms: Terms) -> int | None:
    """The most that one order can get, in minor units; None when nothing bounds it."""
    bound: int | None = None
    match terms.benefit:
        case AmountOff(tiers=tiers, every=False):
            bound = max((tier.benefit for tier in tiers), default=0)
        case ShippingOff(amount_minor=amount) if amount is not None:
            bound = amount
        case _:
            pass
    caps = [limit for limit in (bound, terms.cap_minor) if limit is not None]
    return min(caps) if caps else None


def _check_budget(terms: Terms) -> Iterator[RuleFault]:
    if terms.budget_minor is None:
        return
    greatest = greatest_benefit(terms)
    if greatest is None:
        yield RuleFault(
            "budget_uncapped",
            "cap_minor",
            _("One order could use up the whole budget. Please set a cap per order."),
        )
    elif greatest > terms.budget_minor:
        yield RuleFault(
            "budget_exceeded",
            "budget_minor",
            _("A single order could get more than the whole budget."),
            {"greatest_minor": greatest},
        )


def check_together(rule: Rule, others: Iterable[Rule]) -> tuple[RuleFault, ...]:
    """What is wrong between a promotion and the ones that are live: gifts that bring about each other in a circle."""
    edges: dict[UUID, set[UUID]] = {}
    for each in (rule, *(other for other in others if other.promotion_id != rule.promotion_id)):
        benefit = each.terms.benefit
        if isinstance(benefit, Gift | AddOn):
            for sku_id in set(each.terms.scope.sku_ids) - set(each.terms.scope.excluded_sku_ids):
                edges.setdefault(sku_id, set()).add(benefit.sku_id)
    benefit = rule.terms.benefit
    if not isinstance(benefit, Gift | AddOn):
        return ()
    sources = set(rule.terms.scope.sku_ids)
    seen: set[UUID] = set()
    waiting = [benefit.sku_id]
    while waiting:
        sku_id = waiting.pop()
        for target in edges.get(sku_id, ()):
            if target in seen:
                continue
            seen.add(target)
            waiting.append(target)
    # A gift of more of the same goods is the usual "buy two, get one": only a longer circle is a mistake.
    if benefit.sku_id not in sources and seen & sources:
        fault = RuleFault(
            "loop", "sku_id", _("Together with another live promotion, gifts would bring about gifts.")
        )
        return (fault,)
    return ()
