"""Barcodes of variants: each code leads to one variant of the merchant, whatever its length was."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import msgspec

from serai.commerce.catalogue import write_variants
from serai.commerce.catalogue.load_product import find_variant, load_product
from serai.commerce.catalogue.parse_barcode import Scan, parse_gtin, parse_scan, read_house_code
from serai.commerce.catalogue.types import Barcode, Variant
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.foundation.money import minor_digits

MAX_BARCODES = 20


def list_codes(variants: Sequence[Variant], barcodes: Sequence[Barcode]) -> list[str]:
    """Every code under which a product is looked for."""
    codes = [code for v in variants for code in (v.sku, v.gtin) if code]
    return list(dict.fromkeys([*codes, *(barcode.gtin.lstrip("0") for barcode in barcodes)]))


async def list_barcodes(tx: Transaction, *, sku_ids: Sequence[UUID]) -> list[Barcode]:
    """Every code of some variants."""
    return [Barcode(*row.values()) for row in await write_variants.list_barcodes(tx, sku_ids)]


async def give_barcode(tx: Transaction, *, sku_id: UUID, gtin: str, by: str) -> Barcode:
    """Give a variant one more code; one it has already changes nothing. Of a scale's label only the article counts.

    Raises:
        Invalid: ``product.gtin_invalid``. Conflict: ``product.barcode_taken`` with the other one's ``sku`` and ``title``,
            ``product.too_many_barcodes``.
    """
    code = parse_gtin(gtin)
    house = read_house_code(code)
    code = house.gtin if house else code
    await write_variants.insert_barcodes(tx, [code], [sku_id], by)
    owner = await write_variants.find_barcode(tx, code)
    if owner != sku_id:
        raise await refuse_taken(tx, owner)
    if len(await write_variants.list_barcodes(tx, [sku_id])) > MAX_BARCODES:
        raise Conflict(
            "product.too_many_barcodes",
            _("A variant has at most %(most)s barcodes."),
            field="gtin",
            most=MAX_BARCODES,
        )
    return Barcode(code, sku_id)


async def refuse_taken(tx: Transaction, owner: UUID | None) -> Conflict:
    """The refusal of a code that another variant has, which it names."""
    variant = await find_variant(tx, sku_id=owner) if owner else None
    if variant is None:
        return Conflict("product.barcode_taken", _("Another variant has this barcode already."), field="gtin")
    product = await load_product(tx, product_id=variant.product_id)
    return Conflict(
        "product.barcode_taken",
        _("“%(title)s” (%(sku)s) has this barcode already."),
        field="gtin",
        title=product.title,
        sku=variant.sku,
        product_id=str(variant.product_id),
    )


async def replace_gtin(tx: Transaction, *, variant: Variant, gtin: str, by: str) -> None:
    """Another main code for a variant, or none; its further codes stay."""
    if variant.gtin:
        await write_variants.delete_barcode(tx, variant.gtin.rjust(14, "0"), variant.sku_id)
    given = None
    if gtin.strip():
        given = await give_barcode(tx, sku_id=variant.sku_id, gtin=gtin, by=by)
    # A code of the shop's own scales means nothing to anybody else, so it is no GTIN of the goods.
    is_own = given is not None and read_house_code(given.gtin) is not None
    main = None if is_own else gtin.replace(" ", "") or None
    await write_variants.update_gtin(tx, variant.sku_id, main)


async def claim_barcodes(tx: Transaction, *, gtins: Sequence[tuple[str | None, UUID]], by: str) -> None:
    """Give many variants their codes at once, as imports do: a code that is taken, or is none, is passed over."""
    pairs = []
    for text, sku_id in gtins:
        if text:
            try:
                code = parse_gtin(text)
                house = read_house_code(code)
                pairs.append((house.gtin if house else code, sku_id))
            except Invalid:
                # Older stock lists hold house codes in this column; they stay on the variant, but lead nowhere.
                continue
    if pairs:
        await write_variants.insert_barcodes(tx, [p[0] for p in pairs], [p[1] for p in pairs], by)


async def find_scanned(tx: Transaction, *, code: str) -> tuple[Scan, Variant | None]:
    """What a scanned code says, and the variant that has it (None when nobody does). Invalid ``product.gtin_invalid``."""
    scan = parse_scan(code)
    house = read_house_code(scan.gtin)
    sku_id = await write_variants.find_barcode(tx, house.gtin if house else scan.gtin)
    variant = await find_variant(tx, sku_id=sku_id) if sku_id else None
    if variant is None or house is None or not house.value:
        return scan, variant
    # A label of the shop's own scales: the article, and what was weighed or what it costs.
    told = {"weight_kg": str(Decimal(house.value).scaleb(-3))}
    if house.kind == "price":
        told = {"amount": str(Decimal(house.value).scaleb(-minor_digits(variant.currency)))}
    return msgspec.structs.replace(scan, gtin=house.gtin, **told), variant
