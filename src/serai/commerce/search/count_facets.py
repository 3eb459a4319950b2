"""How what was found divides into categories, brands, price bands and attributes. What is too much to count is estimated.

Each kind is counted as if nothing of its own kind were chosen, so that a shopper sees what another choice would bring. So
the matches are looked at once under all choices, and once more for each kind of which something is chosen.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from serai.commerce.search import store
from serai.commerce.search.narrow_query import narrow
from serai.commerce.search.types import Facets, PriceBand, Wanted
from serai.foundation.database import Transaction

# More matches than this are estimated from every sixteenth product: off by about 7 % here, less beyond.
COUNT_LIMIT = 3_000
# Whether there is anything at all, or next to nothing, is told from this many.
FEW = 100
BANDS = 5
VALUES_LIMIT = 40
KINDS = ("categories", "brands", "bands", "facts")
# Edges that people find round: 1, 2, 5, 10, … in minor units, from 0.50 on.
EDGES = tuple(step * 10**power for power in range(1, 12) for step in (1, 2, 5) if step * 10**power >= 50)


class Count(msgspec.Struct, frozen=True):
    """What one look at the matches came to; numbers are those of products already."""

    total: int
    is_estimated: bool
    categories: list[tuple[str, int]]
    brands: list[tuple[str, int]]
    bands: list[tuple[int, int]]
    facts: list[tuple[str, int]]


async def count_facets(
    tx: Transaction, *, match: str | None, wanted: Wanted, is_inside: bool = False, is_brief: bool = False
) -> Facets:
    """Numbers of a list among published products. ``match`` is a tsquery's text; None counts the whole shop.

    ``is_inside``: the category is where the shopper stands and no choice, so other categories are not counted.
    ``is_brief``: only how many there are, by one look.
    """
    if is_brief:
        whole = await _look(tx, match, wanted, ())
        return Facets(total=whole.total, seen=whole.total, is_estimated=whole.is_estimated)
    chosen = [kind for kind in _list_chosen(wanted) if not (is_inside and kind == "categories")]
    base = await _look(tx, match, wanted, [kind for kind in KINDS if kind not in chosen])
    looks = dict.fromkeys(KINDS, base)
    facts = _by_attribute(base.facts)
    seen = base.total
    for kind in chosen:
        code = kind.removeprefix("facts:") if kind.startswith("facts:") else ""
        look = await _look(tx, match, _without(wanted, kind), ["facts" if code else kind])
        if code:
            facts[code] = _by_attribute(look.facts).get(code, ())
        else:
            looks[kind] = look
        seen = max(seen, look.total)
    if len(chosen) > 1 and seen < FEW:
        kept = wanted.category_ids if is_inside else None
        free = Wanted(category_ids=kept, published=wanted.published)
        seen = max(seen, await store.count_entries(tx, narrow(tx.merchant_id, match, free), free, FEW))
    return Facets(
        total=base.total,
        seen=seen,
        is_estimated=base.is_estimated,
        categories=tuple((UUID(category_id), n) for category_id, n in looks["categories"].categories),
        brands=tuple(looks["brands"].brands),
        bands=merge_bands(looks["bands"].bands),
        facts=facts,
    )


def _list_chosen(wanted: Wanted) -> list[str]:
    """The kinds of which something is chosen."""
    has_price = wanted.min_minor is not None or wanted.max_minor is not None
    kinds = [
        *(["categories"] if wanted.category_ids else []),
        *(["brands"] if wanted.brands else []),
        *(["bands"] if has_price else []),
    ]
    return kinds + [f"facts:{code}" for code, values in wanted.attributes if values]


def _without(wanted: Wanted, kind: str) -> Wanted:
    """What is wanted without the choice of one kind."""
    match kind:
        case "categories":
            return msgspec.structs.replace(wanted, category_ids=None)
        case "brands":
            return msgspec.structs.replace(wanted, brands=())
        case "bands":
            return msgspec.structs.replace(wanted, min_minor=None, max_minor=None)
    code = kind.removeprefix("facts:")
    return msgspec.structs.replace(
        wanted, attributes=tuple(each for each in wanted.attributes if each[0] != code)
    )


async def _look(tx: Transaction, match: str | None, wanted: Wanted, kinds: Sequence[str]) -> Count:
    found = await store.divide_found(
        tx, narrow(tx.merchant_id, match, wanted), wanted, EDGES, COUNT_LIMIT, kinds
    )
    factor = found["factor"]

    def scale(pairs: list[Any] | None) -> list[Any]:
        return [(key, estimate(n, factor)) for key, n in pairs or []]

    return Count(
        estimate(found["total"], factor),
        factor > 1,
        scale(found["categories"]),
        scale(found["brands"]),
        scale(found["bands"]),
        scale(found["facts"]),
    )


def estimate(sampled: int, factor: int) -> int:
    """The number that a sample stands for, in two significant digits; a full count (factor 1) stays as it is."""
    if factor == 1:
        return sampled
    number = sampled * factor
    step = 10 ** max(0, len(str(number)) - 2)
    return (number + step // 2) // step * step


def _by_attribute(pairs: Sequence[tuple[str, int]]) -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for fact, products in pairs:
        code, _is, value = fact.partition("=")
        values = found.setdefault(code, [])
        if len(values) < VALUES_LIMIT:
            values.append((value, products))
    return {code: tuple(values) for code, values in found.items()}


def merge_bands(counts: Sequence[tuple[int, int]]) -> tuple[PriceBand, ...]:
    """At most five bands of about equal numbers of products, from numbers per edge (0: below the first edge)."""
    total = sum(products for _band, products in counts)
    filled = [(band, products) for band, products in counts if products]
    if len(filled) < 2:
        return ()
    share = total / min(BANDS, len(filled))
    bands: list[PriceBand] = []
    start, gathered = 0, 0
    for at, (band, products) in enumerate(filled):
        gathered += products
        rest_of_bands = BANDS - len(bands)
        is_last = at == len(filled) - 1
        if is_last or (gathered >= share * 0.8 and rest_of_bands > 1):
            low = EDGES[start - 1] if start else None
            high = None if is_last else EDGES[band] - 1
            bands.append(PriceBand(low, high, gathered))
            start, gathered = band + 1, 0
    return tuple(bands)
