"""Bundles: what a variant consists of, and a price that follows its parts'.

A bundle has no stock of its own: what is sold of it is taken from its parts. A part is never a bundle itself.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from serai.commerce.catalogue import store, write_bundles
from serai.commerce.catalogue.edit_product import lock_version
from serai.commerce.catalogue.events import ProductChanged
from serai.commerce.catalogue.load_product import load_variant
from serai.commerce.catalogue.price_bundles import load_parts, reprice_bundles
from serai.commerce.catalogue.types import Bundle
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.event import Fact, append_facts
from serai.identity.audit import api as audit
from serai.ledger import api as ledger

MAX_PARTS = 20
MAX_QUANTITY = 100_000
Pricing = Literal["own", "sum"]


async def find_bundle(tx: Transaction, *, sku_id: UUID) -> Bundle | None:
    """A bundle with its parts, None for plain goods."""
    row = await write_bundles.find_bundle(tx, sku_id)
    if row is None:
        return None
    parts = (await load_parts(tx, sku_ids=[sku_id])).get(sku_id, ())
    return Bundle(sku_id, row["pricing"], row["discount_bp"], parts)


async def set_bundle(
    tx: Transaction,
    *,
    sku_id: UUID,
    version: int,
    parts: Sequence[tuple[UUID, int]],
    pricing: Pricing,
    discount_bp: int = 0,
    by: str,
) -> Bundle | None:
    """Say what a variant consists of (part and its steps in one bundle); no parts make it plain goods again.

    ``sum`` prices it at its parts' list prices less ``discount_bp`` hundredths of a percent, now and whenever they change.

    Raises:
        NotFound: ``product.unknown``. Conflict: ``product.edited_meanwhile``, ``bundle.has_stock``, ``bundle.nested``.
        Invalid: ``bundle.parts_invalid``.
    """
    variant = await load_variant(tx, sku_id=sku_id)
    await lock_version(tx, variant.product_id, version)
    wanted = dict(parts)
    if len(wanted) != len(parts) or (parts and variant.is_weighed) or not 0 <= discount_bp <= 10_000:
        raise _wrong_parts()
    if len(parts) > MAX_PARTS or sku_id in wanted or not all(0 < n <= MAX_QUANTITY for n in wanted.values()):
        raise _wrong_parts()
    locked = await write_bundles.lock_variants(tx, [sku_id, *wanted])
    if len(locked) != len(wanted) + 1:
        raise NotFound("product.unknown", _("There is no such product."))
    await _check_nesting(tx, sku_id, wanted)
    if parts and await _has_stock(tx, sku_id):
        raise Conflict(
            "bundle.has_stock",
            _("There is stock of this variant itself. A bundle's stock is that of its parts."),
        )
    before = await find_bundle(tx, sku_id=sku_id)
    await write_bundles.replace_bundle(tx, sku_id, pricing, discount_bp, parts)
    await store.raise_version(tx, variant.product_id)
    await append_facts(tx, [Fact(variant.product_id, ProductChanged(variant.product_id, "edited"))])
    await audit.record(
        tx,
        actor=by,
        action="bundle.changed",
        subject_kind="product",
        subject_id=variant.product_id,
        before={"parts": [(str(p.sku_id), p.quantity) for p in before.parts] if before else []},
        after={
            "parts": [(str(part), quantity) for part, quantity in parts],
            "pricing": pricing,
            "discount_bp": discount_bp,
        },
    )
    await reprice_bundles(tx, part_sku_ids=list(wanted), by=by)
    return await find_bundle(tx, sku_id=sku_id)


def _wrong_parts() -> Invalid:
    return Invalid(
        "bundle.parts_invalid",
        _("A bundle is sold by the piece and has at most %(most)s different parts, none of them itself."),
        field="parts",
        most=MAX_PARTS,
    )


async def _check_nesting(tx: Transaction, sku_id: UUID, wanted: dict[UUID, int]) -> None:
    nested = wanted and await write_bundles.is_in_bundle(tx, sku_id)
    if nested or await write_bundles.list_parts(tx, list(wanted)):
        raise Conflict("bundle.nested", _("A bundle cannot be part of another bundle."), field="parts")


async def _has_stock(tx: Transaction, sku_id: UUID) -> bool:
    found = await ledger.list_subject_balances(tx, kind="stock", subject_ids=[sku_id])
    return any(balance.posted or balance.reserved for _sku_id, _place_id, balance in found)
