"""Layer 1: which price each line has. Exactly one source wins per line, the one that costs the buyer least. Pure."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from serai.commerce.promotion.apply_benefit import Group, Missing, percent_of
from serai.commerce.promotion.compile_rules import Compiled, Program
from serai.commerce.promotion.types import Claim, Left, Line, Offer, Request, UnitPrice


class PriceCut(msgspec.Struct, eq=False):
    """What one source of layer 1 takes off the list price, per group. ``units``: quantity sold at a rule's price."""

    source: str
    entry_id: UUID | None
    compiled: Compiled | None
    amounts: dict[int, int]
    units: int = 0


def line_total(price_minor: int, quantity: int, scale: int) -> int:
    """price x quantity x 10^-scale, rounded half up once."""
    if not scale:
        return price_minor * quantity
    steps = 10**scale
    return (2 * price_minor * quantity + steps) // (2 * steps)


def make_groups(program: Program, lines: Sequence[Line]) -> list[Group]:
    """Lines that are the same to every rule as one group, in the order of their keys, whatever order they came in."""
    by_key: dict[tuple[object, ...], Group] = {}
    for i in sorted(range(len(lines)), key=lambda n: lines[n].line_key):
        line = lines[i]
        own = line.line_key if line.scale else ""
        same = (line.sku_id, line.list_minor, line.regular_minor, own, line.seller_id, line.offers)
        group = by_key.get(same)
        if group is None:
            mask = program.everything
            if program.by_sku:
                mask |= program.by_sku.get(line.sku_id, 0)
            if program.by_product:
                mask |= program.by_product.get(line.product_id, 0)
            if program.by_category:
                for category_id in line.category_ids:
                    mask |= program.by_category.get(category_id, 0)
            if program.by_brand and line.brand:
                mask |= program.by_brand.get(line.brand, 0)
            if program.by_seller and line.seller_id:
                mask |= program.by_seller.get(line.seller_id, 0)
            if program.excluded:
                mask &= ~program.excluded.get(line.sku_id, 0)
            key = (line.sku_id.hex, f"{line.list_minor:020d}{own}")
            by_key[same] = group = Group(
                key, line.sku_id, [], 0, 0, line.scale, 0, mask, seller_id=line.seller_id
            )
        group.lines.append(i)
        group.quantity += line.quantity
        group.pieces += 1 if line.scale else line.quantity
        group.list_total += line_total(line.list_minor, line.quantity, line.scale)
    return sorted(by_key.values(), key=lambda group: group.key)


def price_groups(
    program: Program, request: Request, groups: Sequence[Group], gates: Sequence[Missing | None]
) -> list[PriceCut]:
    """Find each group's price: sets ``start`` and ``unit_minor``. Returns what the sources took off.

    Units that are limited (per order, by quota or allowance) go to the groups in the order of their keys; what is beyond
    the limit costs the next best price.
    """
    cuts: dict[object, PriceCut] = {}
    left_units: dict[int, int] = {}
    left_money: dict[int, int] = {}
    prices_mask = sum(each.bit for each in program.prices)
    for number, group in enumerate(groups):
        line = request.lines[group.lines[0]]
        offer = _best_offer(line.offers, group.quantity, line.list_minor)
        plain = offer.amount_minor if offer else line.list_minor
        group.start = _total(group, request, plain)
        group.unit_minor = plain
        best: tuple[Compiled, int, int, int] | None = None
        if group.mask & prices_mask:
            for each in program.prices:
                if not group.mask & each.bit or gates[each.index] is not None:
                    continue
                found = _try_rule(each, request, group, line, plain, left_units, left_money)
                if found is not None and found[2] < (best[2] if best else group.start):
                    best = (each, *found[:1], found[2], found[1])
        if best is None:
            if offer and group.list_total > group.start:
                cut = _cut_for(cuts, offer.source, offer.entry_id, None)
                cut.amounts[number] = group.list_total - group.start
            continue
        each, price, total, units = best
        cut = _cut_for(cuts, each.kind, None, each)
        rest = group.quantity - units
        beyond = (line.list_minor - plain) * rest if rest else 0
        if beyond and offer:
            _cut_for(cuts, offer.source, offer.entry_id, None).amounts[number] = beyond
        cut.amounts[number] = group.list_total - total - beyond
        cut.units += units
        if each.index in left_units:
            left_units[each.index] -= units
        if each.index in left_money:
            left_money[each.index] -= cut.amounts[number]
        group.start = total
        group.unit_minor = price if units == group.quantity else total // max(1, group.quantity)
    return list(cuts.values())


def _total(group: Group, request: Request, price_minor: int) -> int:
    if not group.scale:
        return price_minor * group.quantity
    return sum(line_total(price_minor, request.lines[i].quantity, group.scale) for i in group.lines)


def _best_offer(offers: Sequence[Offer], quantity: int, list_minor: int) -> Offer | None:
    best: Offer | None = None
    for offer in offers:
        below = offer.amount_minor < (best.amount_minor if best else list_minor)
        if below and quantity >= offer.min_quantity:
            best = offer
    return best


def _cut_for(
    cuts: dict[object, PriceCut], source: str, entry_id: UUID | None, compiled: Compiled | None
) -> PriceCut:
    key = compiled.index if compiled else (source, entry_id)
    if key not in cuts:
        cuts[key] = PriceCut(source, entry_id, compiled, {})
    return cuts[key]


def _try_rule(
    each: Compiled,
    request: Request,
    group: Group,
    line: Line,
    plain: int,
    left_units: dict[int, int],
    left_money: dict[int, int],
) -> tuple[int, int, int] | None:
    """(price, units at it, total of the group) under a price rule; None when it gives nothing here."""
    benefit = each.benefit
    assert isinstance(benefit, UnitPrice)
    if group.pieces < benefit.least:
        return None
    if each.prices:
        price = each.prices[group.sku_id]
    else:
        regular = line.list_minor if line.regular_minor is None else line.regular_minor
        price = regular - percent_of(regular, benefit.percent_off)
    if price >= plain:
        return None
    units = group.quantity
    if each.index not in left_units and (each.limited or each.terms.per_order is not None):
        left = request.left.get(each.promotion_id, Left())
        bounds = [bound for bound in (each.terms.per_order, left.quota, left.allowance) if bound is not None]
        if bounds:
            left_units[each.index] = max(0, min(bounds))
        money = [bound for bound in (each.terms.cap_minor, left.budget_minor) if bound is not None]
        if money:
            left_money[each.index] = max(0, min(money))
    if each.index in left_units:
        units = min(units, left_units[each.index])
    if each.index in left_money and not group.scale:
        units = min(units, left_money[each.index] // max(1, line.list_minor - price))
    if units == group.quantity:
        total = _total(group, request, price)
        if group.scale and group.list_total - total > left_money.get(each.index, group.list_total):
            return None
        return price, units, total
    # A weighed line rounds once, so it is never cut in two.
    if not units or group.scale:
        return None
    return price, units, price * units + plain * (group.quantity - units)


def price_claims(cut: PriceCut, request: Request) -> tuple[Claim, ...]:
    """What a rule of layer 1 takes from its counters."""
    each = cut.compiled
    if each is None:
        return ()
    terms, promotion_id = each.terms, each.promotion_id
    claims = []
    if terms.quota is not None:
        claims.append(Claim("quota", promotion_id, promotion_id, cut.units))
    if terms.per_user is not None and request.user_id is not None:
        claims.append(Claim("allowance", promotion_id, request.user_id, cut.units, terms.per_user))
    if terms.budget_minor is not None:
        claims.append(Claim("budget", promotion_id, promotion_id, sum(cut.amounts.values())))
    seat = request.seats.get(promotion_id)
    if seat is not None and isinstance(each.benefit, UnitPrice) and each.benefit.source == "group":
        claims.append(Claim("seat", promotion_id, seat.group_id, 1, seat.people))
    return tuple(claims)
