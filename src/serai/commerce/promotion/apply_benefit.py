"""What one rule gives on the lines as they stand, in integers. Pure.

Every function takes the groups in the rule's reach and answers an amount with weights by which it is spread, or what is
missing. Amounts are never above what the lines still cost.
"""

from collections.abc import Sequence
from operator import le
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.promotion.compile_rules import Compiled
from serai.commerce.promotion.types import (
    AmountOff,
    Bundle,
    FreePiece,
    NthPiece,
    PercentOff,
    PiecesPercent,
    PiecesPrice,
    Tier,
)

WHOLE = 10_000


class Group(msgspec.Struct, eq=False):
    """Lines that are the same to every rule: one SKU in pieces, or one weighed line.

    ``unit_minor`` is the price per piece after layer 1, ``pieces`` 1 for a weighed line.
    """

    key: tuple[str, str]
    sku_id: UUID
    lines: list[int]
    quantity: int
    pieces: int
    scale: int
    list_total: int
    mask: int
    start: int = 0
    unit_minor: int = 0
    seller_id: UUID | None = None


class Gain(msgspec.Struct, frozen=True):
    """An amount and how it is spread: by ``weights`` per member, None: by what each still costs.

    ``tier`` points at the tier that was reached, ``reached`` is what was compared with it.
    """

    amount: int
    weights: tuple[int, ...] | None = None
    tier: int | None = None
    reached: int = 0


class Missing(msgspec.Struct, frozen=True):
    """Nothing, and why."""

    code: str
    data: dict[str, Any] = {}


def percent_of(amount: int, basis_points: int) -> int:
    """A percentage, rounded half up."""
    return (amount * basis_points + WHOLE // 2) // WHOLE


def spread(amount: int, weights: Sequence[int], limits: Sequence[int]) -> list[int]:
    """Split an amount by weights, largest remainder, ties to the earlier; nobody above his limit, the rest re-spread.

    ``amount`` is at most the sum of the limits.
    """
    if len(limits) == 1:
        return [amount]
    shares = _share(amount, weights)
    # By what each still costs, nobody can get more than that.
    if weights is limits or all(map(le, shares, limits)):
        return shares
    taken = [min(share, limit) for share, limit in zip(shares, limits, strict=True)]
    rest = amount - sum(taken)
    while rest:
        room = [limit - share for limit, share in zip(limits, taken, strict=True)]
        # By weight among those who have room; when none of these weighs anything, by the room itself.
        heavy = [weight if space else 0 for weight, space in zip(weights, room, strict=True)]
        more = _share(rest, heavy if any(heavy) else room)
        taken = [share + min(extra, space) for share, extra, space in zip(taken, more, room, strict=True)]
        rest = amount - sum(taken)
    return taken


def spread_over_sellers(amount: int, weights: Sequence[int], groups: Sequence[Group]) -> list[int]:
    """Split an amount first over shops and then within each, both exactly, so that every shop bears its own share.

    Shops come in the order of their ids. ``weights`` are also the limits; within one shop it is :func:`spread`.
    """
    members: dict[UUID | None, list[int]] = {}
    for number, group in enumerate(groups):
        members.setdefault(group.seller_id, []).append(number)
    if len(members) == 1:
        return spread(amount, weights, weights)
    shops = [
        members[seller] for seller in sorted(members, key=lambda seller: seller.bytes if seller else b"")
    ]
    sums = [sum(weights[n] for n in shop) for shop in shops]
    shares = [0] * len(groups)
    for shop, part in zip(shops, spread(amount, sums, sums), strict=True):
        own = [weights[n] for n in shop]
        for n, share in zip(shop, spread(part, own, own), strict=True):
            shares[n] = share
    return shares


def _share(amount: int, weights: Sequence[int]) -> list[int]:
    total = sum(weights)
    if not total:
        return _share(amount, [1] * len(weights))
    shares = [amount * weight // total for weight in weights]
    rest = amount - sum(shares)
    if rest:
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
        for i in by_remainder[:rest]:
            shares[i] += 1
    return shares


def find_tier(tiers: Sequence[Tier], reached: int) -> int | None:
    """The highest tier whose threshold is reached."""
    found = None
    for number, tier in enumerate(tiers):
        if reached >= tier.least:
            found = number
    return found


def threshold_missing(unit: str, reached: int, needed: int) -> Missing:
    """How far it is to the threshold."""
    return Missing(
        "threshold", {"unit": unit, "reached": reached, "needed": needed, "missing": needed - reached}
    )


def gain_of(each: Compiled, groups: Sequence[Group], running: Sequence[int], basis: int) -> Gain | Missing:
    """What a rule of layers 2 to 5 takes off its member groups.

    Args:
        running: what each of the groups costs now.
        basis: what they cost together after the rule's basis layer, with which thresholds are compared.
    """
    match each.benefit:
        case AmountOff(tiers=tiers, every=every):
            tier = find_tier(tiers, basis)
            if tier is None:
                return threshold_missing("minor", basis, tiers[0].least)
            times = basis // tiers[0].least if every else 1
            return Gain(times * tiers[tier].benefit, None, tier, basis)
        case PercentOff(tiers=tiers):
            tier = find_tier(tiers, basis)
            if tier is None:
                return threshold_missing("minor", basis, tiers[0].least)
            return Gain(percent_of(sum(running), tiers[tier].benefit), None, tier, basis)
        case PiecesPercent(tiers=tiers):
            pieces = sum(group.pieces for group in groups)
            tier = find_tier(tiers, pieces)
            if tier is None:
                return threshold_missing("pieces", pieces, tiers[0].least)
            return Gain(percent_of(sum(running), tiers[tier].benefit), None, tier, pieces)
        case NthPiece(nth=nth, percent_off=percent):
            return _gain_of_nth(groups, nth, percent)
        case PiecesPrice(pieces=pieces, price_minor=price):
            return _gain_of_sets(groups, pieces, price)
        case Bundle(components=_):
            return _gain_of_bundle(each.benefit, groups)
        case FreePiece(quantity=quantity):
            values = _take_pieces(groups, quantity, dearest=True)
            return Gain(sum(values), tuple(values))
        case _:
            raise ValueError(f"{each.kind} takes nothing off lines")


def _by_price(groups: Sequence[Group], *, dearest: bool = False) -> list[int]:
    """Indexes of groups sold in pieces, by price per piece, then id."""
    pieces = [i for i, group in enumerate(groups) if not group.scale]
    sign = -1 if dearest else 1
    return sorted(pieces, key=lambda i: (sign * groups[i].unit_minor, groups[i].key))


def _take_pieces(groups: Sequence[Group], count: int, *, dearest: bool = False) -> list[int]:
    """The value per group of so many pieces, the cheapest (or dearest) first."""
    values = [0] * len(groups)
    for i in _by_price(groups, dearest=dearest):
        taken = min(count, groups[i].quantity)
        values[i] = taken * groups[i].unit_minor
        count -= taken
        if not count:
            break
    return values


def _gain_of_nth(groups: Sequence[Group], nth: int, percent: int) -> Gain | Missing:
    pieces = sum(group.quantity for group in groups if not group.scale)
    if pieces < nth:
        return threshold_missing("pieces", pieces, nth)
    values = _take_pieces(groups, pieces // nth)
    return Gain(percent_of(sum(values), percent), tuple(values), None, pieces)


def _gain_of_sets(groups: Sequence[Group], size: int, price: int) -> Gain | Missing:
    """Full sets out of the cheapest pieces; a set that costs less than its price by itself is none."""
    pieces = sum(group.quantity for group in groups if not group.scale)
    if pieces < size:
        return threshold_missing("pieces", pieces, size)
    saved, values = 0, [0] * len(groups)
    current: list[tuple[int, int]] = []
    held = 0
    for i in _by_price(groups):
        unit, left = groups[i].unit_minor, groups[i].quantity
        while left:
            if not held and left >= size:
                sets = left // size
                if unit * size > price:
                    saved += sets * (unit * size - price)
                    values[i] += sets * size * unit
                left -= sets * size
                continue
            taken = min(left, size - held)
            current.append((i, taken))
            held, left = held + taken, left - taken
            if held == size:
                worth = sum(groups[n].unit_minor * count for n, count in current)
                if worth > price:
                    saved += worth - price
                    for n, count in current:
                        values[n] += count * groups[n].unit_minor
                current, held = [], 0
    return Gain(saved, tuple(values), None, pieces)


def _gain_of_bundle(bundle: Bundle, groups: Sequence[Group]) -> Gain | Missing:
    quantities: dict[UUID, int] = {}
    for group in groups:
        if not group.scale:
            quantities[group.sku_id] = quantities.get(group.sku_id, 0) + group.quantity
    times = min(quantities.get(c.sku_id, 0) // c.quantity for c in bundle.components)
    if not times:
        missing = {
            str(c.sku_id): c.quantity - quantities.get(c.sku_id, 0)
            for c in bundle.components
            if quantities.get(c.sku_id, 0) < c.quantity
        }
        return Missing("threshold", {"unit": "components", "missing": missing})
    wanted = {c.sku_id: c.quantity * times for c in bundle.components}
    worth, weights = 0, [0] * len(groups)
    for i in _by_price(groups):
        group = groups[i]
        taken = min(wanted.get(group.sku_id, 0), group.quantity)
        if taken:
            wanted[group.sku_id] -= taken
            worth += taken * group.unit_minor
            weights[i] = taken * (group.list_total // group.quantity)
    return Gain(max(0, worth - times * bundle.price_minor), tuple(weights), None, times)
