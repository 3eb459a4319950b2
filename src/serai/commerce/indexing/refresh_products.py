"""What a search entry tells beside its words, computed from where it is kept: price, stock, attributes.

An entry's row is locked before anything is read, so a change that commits later finds the entry free and is seen to by the
note it left; no older state is written over a newer one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from serai.commerce.catalogue.api import list_sale_items
from serai.commerce.indexing import store
from serai.commerce.price.api import choose_price, price_items
from serai.commerce.price.types import SalePrice
from serai.commerce.stock.api import find_available
from serai.foundation.database import Transaction


async def refresh_products(tx: Transaction, *, product_ids: Sequence[UUID]) -> None:
    """Bring the entries of some products up to date but for their words; unknown ids are passed over.

    The price is the one that everybody pays now for a single piece of the first active variant, which is the one that
    lists show. A product is sold out when no active variant can be had at any active place.
    """
    ids = await store.lock_entries(tx, sorted(set(product_ids)))
    if not ids:
        return
    variants: dict[UUID, list[Any]] = {product_id: [] for product_id in ids}
    for row in await store.list_active_variants(tx, ids):
        variants[row["product_id"]].append(row)
    available = await find_available(
        tx, wanted={row["sku_id"]: row["increment"] for rows in variants.values() for row in rows}
    )
    first = {product_id: rows[0]["sku_id"] for product_id, rows in variants.items() if rows}
    prices = await price_items(tx, items=await list_sale_items(tx, sku_ids=list(first.values())))
    public = [_price(prices, first.get(product_id)) for product_id in ids]
    await store.refresh_entries(
        tx,
        ids,
        [amount for amount, _discount in public],
        [discount for _amount, discount in public],
        [not any(row["sku_id"] in available for row in variants[product_id]) for product_id in ids],
    )


def _price(prices: Mapping[UUID, SalePrice], sku_id: UUID | None) -> tuple[int | None, int]:
    """What everybody pays, and by how many hundredths of a percent that is below the list price."""
    found = prices.get(sku_id) if sku_id else None
    if found is None:
        return None, 0
    amount, _offer = choose_price(found.list_minor, [o for o in found.offers if o.is_public], 1)
    if amount >= found.list_minor:
        return amount, 0
    return amount, 10_000 * (found.list_minor - amount) // found.list_minor
