"""Which places send an order's goods: few parcels first, then a short way, then a place with little to do. Pure.

The choice is kept with its reasons and with what spoke against each of the others, so that staff can follow it.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from uuid import UUID

import msgspec

# More places than this never share an order; past as many candidates only pairs are tried.
MAX_SPLIT = 3
MAX_COMBINED = 12
# How far a place lies from where the goods go, from what both say of themselves.
NEAR = ("same postcode", "same city", "same region", "same country", "far")


class Candidate(msgspec.Struct, frozen=True):
    """A place that could send. ``available`` counts what it holds for this order already; ``load`` its open orders."""

    place_id: UUID
    name: str
    nearness: int
    load: int
    available: Mapping[UUID, int]
    is_here: bool = False
    # What lies there and may not be sent any more; it is not in what is available.
    stale: Mapping[UUID, int] = {}


class Loser(msgspec.Struct, frozen=True):
    """A place that was not chosen: ``short`` (with how many steps are missing), ``expiring`` (what is missing is too old),
    ``more_parcels``, ``farther``, ``busier``, ``later`` (equal, but listed after) or ``excluded``."""

    place_id: UUID
    name: str
    why: str
    missing: int = 0
    nearness: str = ""
    load: int = 0


class Route(msgspec.Struct, frozen=True):
    """Which place sends how many steps of each SKU, and why."""

    shares: dict[UUID, dict[UUID, int]]
    choice: dict[str, object]


def choose_route(
    needed: Mapping[UUID, int], candidates: Sequence[Candidate], excluded: Sequence[Candidate] = ()
) -> Route | None:
    """The route with the least (number of places, distance, load, position); None when all together cannot send it."""
    best: tuple[tuple[int, ...], tuple[Candidate, ...]] | None = None
    for count in range(1, min(MAX_SPLIT, len(candidates)) + 1):
        if count > 2 and len(candidates) > MAX_COMBINED:
            break
        for group in combinations(range(len(candidates)), count):
            chosen = tuple(candidates[n] for n in group)
            if all(sum(c.available.get(sku, 0) for c in chosen) >= steps for sku, steps in needed.items()):
                rank = (
                    sum(c.nearness for c in chosen),
                    sum(c.load for c in chosen),
                    sum(not c.is_here for c in chosen),
                    *group,
                )
                if best is None or rank < best[0]:
                    best = rank, chosen
        if best is not None:
            break
    if best is None:
        return None
    chosen = best[1]
    shares = _share(needed, chosen)
    losers = [_explain(each, needed, chosen) for each in candidates if each not in chosen]
    losers += [Loser(each.place_id, each.name, "excluded") for each in excluded]
    return Route(
        shares,
        {
            "parcels": len(shares),
            "chosen": [
                {
                    "place_id": str(each.place_id),
                    "name": each.name,
                    "nearness": NEAR[each.nearness],
                    "load": each.load,
                }
                for each in chosen
                if each.place_id in shares
            ],
            "losers": [msgspec.to_builtins(each) for each in losers],
        },
    )


def _share(needed: Mapping[UUID, int], chosen: Sequence[Candidate]) -> dict[UUID, dict[UUID, int]]:
    """What each place sends: as much as it has, the nearest first."""
    shares: dict[UUID, dict[UUID, int]] = {}
    for sku_id, steps in needed.items():
        for each in sorted(chosen, key=lambda c: (c.nearness, not c.is_here, c.load)):
            taken = min(steps, each.available.get(sku_id, 0))
            if taken > 0:
                shares.setdefault(each.place_id, {})[sku_id] = taken
                steps -= taken
    return shares


def _explain(each: Candidate, needed: Mapping[UUID, int], chosen: Sequence[Candidate]) -> Loser:
    missing = sum(max(0, steps - each.available.get(sku, 0)) for sku, steps in needed.items())
    farthest, busiest = max(c.nearness for c in chosen), max(c.load for c in chosen)
    fresh_only = sum(
        max(0, steps - each.available.get(sku, 0) - each.stale.get(sku, 0)) for sku, steps in needed.items()
    )
    if missing:
        why = "short" if fresh_only else "expiring"
    elif len(chosen) > 1:
        why = "more_parcels"
    elif each.nearness > farthest:
        why = "farther"
    elif each.load > busiest:
        why = "busier"
    else:
        why = "later"
    return Loser(each.place_id, each.name, why, missing, NEAR[each.nearness], each.load)


def measure_nearness(place: tuple[str, str, str, str], goal: tuple[str, str, str, str]) -> int:
    """How far apart two (country, region, city, postcode) are, as an index of ``NEAR``; what is not told is not near."""
    country, region, city, postcode = (_same(a, b) for a, b in zip(place, goal, strict=True))
    if not country:
        return 4
    if postcode:
        return 0
    if city and (region or not goal[1]):
        return 1
    return 2 if region else 3


def _same(one: str, other: str) -> bool:
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()
