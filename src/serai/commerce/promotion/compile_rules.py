"""Compile live rules once per change: order them into steps and index them by what they are about. Pure.

A program answers "which rules touch this line" with a few dictionary look-ups whose values are sets of rules kept as bits
of an integer, so a quote never walks over rules that have nothing to do with its lines.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from serai.commerce.promotion.types import (
    AddOn,
    Benefit,
    Bundle,
    Gift,
    Outcome,
    Reason,
    Rule,
    Terms,
    UnitPrice,
)

SHOP_COUPON = "shop coupon"


class Compiled(msgspec.Struct, frozen=True, eq=False):
    """A rule as a program holds it. ``conflicts``: rules that may not meet it on a line, as bits."""

    index: int
    bit: int
    rule: Rule
    terms: Terms
    benefit: Benefit
    kind: str
    layer: int
    basis: int
    starts_at: datetime | None
    ends_at: datetime | None
    gated: bool
    limited: bool
    conflicts: int
    out_of_scope: Reason
    prices: dict[UUID, int]

    @property
    def promotion_id(self) -> UUID:
        return self.rule.promotion_id

    def reason(
        self,
        outcome: Outcome,
        code: str,
        *,
        amount_minor: int = 0,
        coupon_id: UUID | None = None,
        **data: object,
    ) -> Reason:
        """Why this rule did or did not apply."""
        return Reason(
            self.rule.promotion_id,
            self.rule.version,
            self.kind,
            self.terms.name,
            self.terms.translations,
            outcome,
            code,
            amount_minor,
            data,
            coupon_id,
        )


class Program(msgspec.Struct, frozen=True, eq=False):
    """Live rules, ready to price carts.

    Attributes:
        rules: in order of application: layer, priority (high first), id.
        steps: per exclusive group of layers 2 to 6, in order, the rules of which one applies.
        limited: rules with a quota, a per-user limit or a budget.
        extra_sku_ids: what gifts and add-ons may bring into a cart.
    """

    rules: tuple[Compiled, ...]
    prices: tuple[Compiled, ...]
    steps: tuple[tuple[Compiled, ...], ...]
    tenders: tuple[Compiled, ...]
    by_promotion: dict[UUID, Compiled]
    everything: int
    by_sku: dict[UUID, int]
    by_product: dict[UUID, int]
    by_category: dict[UUID, int]
    by_brand: dict[str, int]
    by_seller: dict[UUID, int]
    excluded: dict[UUID, int]
    line_rules: int
    limited: tuple[Rule, ...]
    has_coupons: bool
    extra_sku_ids: frozenset[UUID]

    @property
    def is_empty(self) -> bool:
        return not self.rules


@lru_cache(maxsize=4096)
def list_bits(mask: int) -> tuple[int, ...]:
    """The numbers of the bits that are set. Carts of a shop meet the same few sets of rules again and again."""
    bits = []
    while mask:
        lowest = mask & -mask
        bits.append(lowest.bit_length() - 1)
        mask ^= lowest
    return tuple(bits)


def name_kind(terms: Terms) -> str:
    """The kind of a promotion in one word, for labels: the benefit, and for prices their source."""
    benefit = terms.benefit
    if isinstance(benefit, UnitPrice):
        return f"{benefit.source}_price"
    name = str(type(benefit).__struct_config__.tag)
    if terms.coupon:
        return f"coupon_{name}"
    return f"cross_{name}" if terms.layer == 5 else name


def compile_rules(rules: Iterable[Rule]) -> Program:
    """Make the program of some rules; their order does not matter."""
    ordered = sorted(
        rules,
        key=lambda rule: (rule.terms.layer, -rule.terms.priority, rule.promotion_id.bytes, rule.version),
    )
    conflicts = _find_conflicts(ordered)
    compiled = tuple(_compile(n, rule, conflicts[n]) for n, rule in enumerate(ordered))
    indexes: tuple[dict[UUID, int], ...] = ({}, {}, {}, {}, {})
    by_brand: dict[str, int] = {}
    everything = 0
    for each in compiled:
        everything |= _index(each, indexes, by_brand)
    by_sku, by_product, by_category, by_seller, excluded = indexes
    return Program(
        compiled,
        tuple(each for each in compiled if each.layer == 1),
        _make_steps(compiled),
        tuple(each for each in compiled if each.layer == 7),
        {each.promotion_id: each for each in compiled},
        everything,
        by_sku,
        by_product,
        by_category,
        by_brand,
        by_seller,
        excluded,
        sum(each.bit for each in compiled if 2 <= each.layer <= 5),
        tuple(each.rule for each in compiled if each.limited),
        any(each.terms.coupon for each in compiled),
        frozenset(each.benefit.sku_id for each in compiled if isinstance(each.benefit, AddOn | Gift)),
    )


def _compile(index: int, rule: Rule, conflicts: int) -> Compiled:
    terms = rule.terms
    audience = terms.audience
    limited = bool(
        terms.per_user is not None
        or terms.budget_minor is not None
        or (terms.quota is not None and not terms.coupon)
    )
    gated = bool(
        audience.channels
        or audience.place_ids
        or audience.member_levels
        or audience.members_only
        or terms.coupon
        or limited
        or (isinstance(terms.benefit, UnitPrice) and terms.benefit.source == "group")
    )
    kind = name_kind(terms)
    return Compiled(
        index,
        1 << index,
        rule,
        terms,
        terms.benefit,
        kind,
        terms.layer,
        terms.layer - 1 if terms.basis is None else terms.basis,
        terms.starts_at,
        terms.ends_at,
        gated,
        limited,
        conflicts,
        Reason(rule.promotion_id, rule.version, kind, terms.name, terms.translations, "missed", "scope"),
        {p.sku_id: p.price_minor for p in terms.benefit.prices}
        if isinstance(terms.benefit, UnitPrice)
        else {},
    )


def _find_conflicts(rules: Sequence[Rule]) -> list[int]:
    """For each rule the bits of those that it may not meet on a line: one of the two does not name a tag of the other."""
    signs = [(frozenset(rule.terms.tags), _combines(rule.terms)) for rule in rules]
    masks: dict[tuple[frozenset[str], frozenset[str] | None], int] = {}
    for n, sign in enumerate(signs):
        masks[sign] = masks.get(sign, 0) | 1 << n
    found: dict[tuple[frozenset[str], frozenset[str] | None], int] = {}
    for tags, accepts in masks:
        mask = 0
        for (other_tags, other_accepts), bits in masks.items():
            fits = accepts is None or bool(accepts & other_tags)
            fits_back = other_accepts is None or bool(other_accepts & tags)
            if not (fits and fits_back):
                mask |= bits
        found[tags, accepts] = mask
    return [found[sign] for sign in signs]


def _combines(terms: Terms) -> frozenset[str] | None:
    """What a rule combines with. Flash and group prices stand alone unless they say otherwise."""
    if terms.combines_with is None:
        alone = isinstance(terms.benefit, UnitPrice) and terms.benefit.source in ("flash", "group")
        return frozenset() if alone else None
    return frozenset(terms.combines_with)


def _index(each: Compiled, indexes: tuple[dict[UUID, int], ...], by_brand: dict[str, int]) -> int:
    """Put a rule into the indexes. Returns its bit when it is about everything."""
    by_sku, by_product, by_category, by_seller, excluded = indexes
    scope, bit = each.terms.scope, each.bit
    if isinstance(each.benefit, Bundle):
        for component in each.benefit.components:
            by_sku[component.sku_id] = by_sku.get(component.sku_id, 0) | bit
        return 0
    if each.prices:
        for sku_id in each.prices:
            by_sku[sku_id] = by_sku.get(sku_id, 0) | bit
        return 0
    for index, ids in (
        (by_sku, scope.sku_ids),
        (by_product, scope.product_ids),
        (by_category, scope.category_ids),
        (by_seller, scope.seller_ids),
        (excluded, scope.excluded_sku_ids),
    ):
        for each_id in ids:
            index[each_id] = index.get(each_id, 0) | bit
    for brand in scope.brands:
        by_brand[brand] = by_brand.get(brand, 0) | bit
    return bit if scope.everything else 0


def _make_steps(rules: Sequence[Compiled]) -> tuple[tuple[Compiled, ...], ...]:
    """Exclusive groups of layers 2 to 6 in order of their first members; a rule without a group is one of its own."""
    steps: dict[tuple[int, str], list[Compiled]] = {}
    for each in rules:
        if not 2 <= each.layer <= 6:
            continue
        group = each.terms.exclusive_group
        if not group and each.layer == 4:
            # One shop coupon per shop, as buyers know it, unless the merchant says otherwise.
            group = f"{SHOP_COUPON} {sorted(map(str, each.terms.scope.seller_ids))}"
        steps.setdefault((each.layer, group or f"\0{each.index}"), []).append(each)
    return tuple(tuple(step) for step in steps.values())
