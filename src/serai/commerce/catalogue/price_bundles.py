"""What bundles consist of, and prices that follow those of their parts."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.catalogue import store, write_bundles
from serai.commerce.catalogue.events import PriceChanged
from serai.commerce.catalogue.load_product import load_variant
from serai.commerce.catalogue.types import BundlePart
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.event import Fact, append_facts
from serai.foundation.ids import new_id
from serai.foundation.money import share_out


async def load_parts(tx: Transaction, *, sku_ids: Sequence[UUID]) -> dict[UUID, tuple[BundlePart, ...]]:
    """What the bundles among some variants consist of; plain goods are left out."""

    async def load(missing: list[UUID]) -> dict[UUID, tuple[tuple[BundlePart, ...], tuple[UUID, ...]]]:
        found: dict[UUID, list[BundlePart]] = {}
        for row in await write_bundles.list_parts(tx, missing):
            part = BundlePart(row["part_sku_id"], row["quantity"], row["price_minor"], row["scale"])
            found.setdefault(row["sku_id"], []).append(part)
        return {
            sku_id: (tuple(parts), (sku_id, *(part.sku_id for part in parts)))
            for sku_id, parts in found.items()
        }

    return await tx.keep("bundle parts", sku_ids, load)


def spread_price(parts: Sequence[BundlePart], amount_minor: int) -> list[int]:
    """What of a bundle's price falls on each part, by their list prices; the shares sum to it exactly.

    Orders spread it the same way, so that a part can be given back alone.
    """
    weights = [(part.price_minor or 0) * part.quantity * 10 ** (3 - part.scale) for part in parts]
    return share_out(amount_minor, weights)


def sum_parts(parts: Sequence[BundlePart], discount_bp: int) -> int | None:
    """The parts' list prices less a discount, rounded half up once; None while a part has no price.

    ``price = sum(price_i x quantity_i x 10^-scale_i) x (10000 - discount_bp) / 10000``.
    """
    if any(part.price_minor is None for part in parts):
        return None
    # Thousandths, since no scale is beyond three.
    total = sum((part.price_minor or 0) * part.quantity * 10 ** (3 - part.scale) for part in parts)
    divisor = 1000 * 10_000
    return (2 * total * (10_000 - discount_bp) + divisor) // (2 * divisor)


async def reprice_bundles(tx: Transaction, *, part_sku_ids: Sequence[UUID], by: str) -> int:
    """Let bundles follow the prices of these parts. Returns how many have another price now."""
    changed = 0
    for row in await write_bundles.list_bundles_of(tx, part_sku_ids):
        sku_id = row["sku_id"]
        parts = (await load_parts(tx, sku_ids=[sku_id]))[sku_id]
        amount_minor = sum_parts(parts, row["discount_bp"])
        variant = await load_variant(tx, sku_id=sku_id)
        if amount_minor is None or amount_minor == variant.price_minor:
            continue
        changed += 1
        await store.insert_prices(
            tx,
            (
                [new_id()],
                [sku_id],
                [variant.currency],
                [amount_minor],
                [clock.now()],
                ["price of its parts"],
                [by],
            ),
        )
        await store.update_price(tx, sku_id, amount_minor)
        fact = PriceChanged(sku_id, variant.product_id, variant.price_minor, amount_minor, variant.currency)
        await append_facts(tx, [Fact(variant.product_id, fact)])
    return changed
