"""Barcodes of variants: each code leads to one variant of the merchant, whatever its length was."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.catalogue import write_variants
from serai.commerce.catalogue.parse_barcode import parse_gtin
from serai.commerce.catalogue.types import Barcode, Variant
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _

MAX_BARCODES = 20


def list_codes(variants: Sequence[Variant], barcodes: Sequence[Barcode]) -> list[str]:
    """Every code under which a product is looked for."""
    codes = [code for v in variants for code in (v.sku, v.gtin) if code]
    return list(dict.fromkeys([*codes, *(barcode.gtin.lstrip("0") for barcode in barcodes)]))


async def list_barcodes(tx: Transaction, *, sku_ids: Sequence[UUID]) -> list[Barcode]:
    """Every code of some variants."""
    return [Barcode(*row.values()) for row in await write_variants.list_barcodes(tx, sku_ids)]


async def give_barcode(tx: Transaction, *, sku_id: UUID, gtin: str, by: str) -> Barcode:
    """Give a variant one more code; one it has already changes nothing.

    Raises:
        Invalid: ``product.gtin_invalid``. Conflict: ``product.barcode_taken``, ``product.too_many_barcodes``.
    """
    code = parse_gtin(gtin)
    await write_variants.insert_barcodes(tx, [code], [sku_id], by)
    if await write_variants.find_barcode(tx, code) != sku_id:
        raise Conflict("product.barcode_taken", _("Another variant has this barcode already."), field="gtin")
    if len(await write_variants.list_barcodes(tx, [sku_id])) > MAX_BARCODES:
        raise Conflict(
            "product.too_many_barcodes",
            _("A variant has at most %(most)s barcodes."),
            field="gtin",
            most=MAX_BARCODES,
        )
    return Barcode(code, sku_id)


async def replace_gtin(tx: Transaction, *, variant: Variant, gtin: str, by: str) -> None:
    """Another main code for a variant, or none; its further codes stay."""
    if variant.gtin:
        await write_variants.delete_barcode(tx, variant.gtin.rjust(14, "0"), variant.sku_id)
    if gtin.strip():
        await give_barcode(tx, sku_id=variant.sku_id, gtin=gtin, by=by)
    await write_variants.update_gtin(tx, variant.sku_id, gtin.replace(" ", "") or None)


async def claim_barcodes(tx: Transaction, *, gtins: Sequence[tuple[str | None, UUID]], by: str) -> None:
    """Give many variants their codes at once, as imports do: a code that is taken, or is none, is passed over."""
    pairs = []
    for text, sku_id in gtins:
        if text:
            try:
                pairs.append((parse_gtin(text), sku_id))
            except Invalid:
                # Older stock lists hold house codes in this column; they stay on the variant, but lead nowhere.
                continue
    if pairs:
        await write_variants.insert_barcodes(tx, [p[0] for p in pairs], [p[1] for p in pairs], by)
