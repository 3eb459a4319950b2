"""Pure rules of stock: how many bundles their parts make, and what lines that share parts leave each other."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from serai.commerce.catalogue.types import BundlePart

Parts = Mapping[UUID, tuple[BundlePart, ...]]


def list_stocked(sku_ids: Sequence[UUID], parts: Parts) -> list[UUID]:
    """The SKUs that have stock of their own behind some SKUs: plain goods themselves, bundles by their parts."""
    stocked = [
        each
        for sku_id in sku_ids
        for each in ([part.sku_id for part in parts[sku_id]] if sku_id in parts else [sku_id])
    ]
    return list(dict.fromkeys(stocked))


def count_bundles(sku_id: UUID, parts: Parts, own: Mapping[UUID, int]) -> int:
    """How many of a SKU its own stock, or that of its parts, makes."""
    if sku_id not in parts:
        return own.get(sku_id, 0)
    return min(own.get(part.sku_id, 0) // part.quantity for part in parts[sku_id])


def share_stock(wanted: Sequence[tuple[UUID, int]], parts: Parts, own: Mapping[UUID, int]) -> list[int]:
    """The most each line could have once the lines before it have taken what they want of what is left."""
    left = dict(own)
    most = []
    for sku_id, quantity in wanted:
        count = count_bundles(sku_id, parts, left)
        most.append(count)
        taken = min(quantity, count)
        if sku_id in parts:
            for part in parts[sku_id]:
                left[part.sku_id] = left.get(part.sku_id, 0) - taken * part.quantity
        else:
            left[sku_id] = left.get(sku_id, 0) - taken
    return most
