"""A product like another one, to be changed from there: not published, with SKUs of its own and without barcodes."""

from uuid import UUID

from serai.commerce.catalogue import store
from serai.commerce.catalogue.edit_bundle import find_bundle, set_bundle
from serai.commerce.catalogue.edit_facts import set_facts, set_variant_facts
from serai.commerce.catalogue.edit_product import create_product
from serai.commerce.catalogue.edit_variants import add_variants, edit_variant, set_options
from serai.commerce.catalogue.load_product import load_product
from serai.commerce.catalogue.logic import parse_content
from serai.commerce.catalogue.types import NewProduct, NewVariant, Product, Variant, VariantEdit
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, _

MAX_COPIES = 200


async def copy_product(tx: Transaction, *, product_id: UUID, title: str, by: str) -> Product:
    """Make a product with the same category, text, options, variants, prices, measures, attributes, tags and parts.

    Raises:
        NotFound: ``product.unknown``. Conflict: ``product.sku_taken`` when no SKU can be made from the old ones.
        Invalid: ``product.title_missing``.
    """
    old = await load_product(tx, product_id=product_id)
    if not old.variants:
        raise Conflict("product.nothing_to_copy", _("The product has no variant that could be copied."))
    skus = await _make_skus(tx, old)
    first = old.variants[0]
    made = await create_product(
        tx,
        product=NewProduct(
            title=title[:200],
            sku=skus[first.sku_id],
            category_id=old.category_id,
            price_minor=first.price_minor,
            currency=first.currency,
            brand=old.brand,
            description=old.description,
            content=parse_content(first.content_text or ""),
            published=False,
        ),
        by=by,
    )
    made = await _copy_variants(tx, old, made, skus, by)
    return await _copy_facts(tx, old, made, skus, by)


async def _make_skus(tx: Transaction, old: Product) -> dict[UUID, str]:
    """A SKU for each variant: the old one with the first number behind it that is free for all of them."""
    for number in range(2, MAX_COPIES):
        end = f"-{number}"
        skus = {variant.sku_id: f"{variant.sku[: 60 - len(end)]}{end}" for variant in old.variants}
        if len(set(skus.values())) == len(skus) and not await store.list_skus(tx, list(skus.values())):
            return skus
    raise Conflict("product.sku_taken", _("Another product has this SKU already."), field="sku")


def _measure(variant: Variant) -> VariantEdit:
    return VariantEdit(
        choices=variant.choices or None,
        unit=variant.unit,
        scale=variant.scale,
        increment=variant.increment,
        active=variant.active,
    )


async def _copy_variants(
    tx: Transaction, old: Product, made: Product, skus: dict[UUID, str], by: str
) -> Product:
    product_id = made.product_id
    if old.options:
        made = await set_options(tx, product_id=product_id, version=made.version, options=old.options, by=by)
    made = await edit_variant(
        tx, sku_id=made.variants[0].sku_id, version=made.version, edit=_measure(old.variants[0]), by=by
    )
    others = [variant for variant in old.variants[1:] if variant.choices]
    if not others:
        return made
    made = await add_variants(
        tx,
        product_id=product_id,
        version=made.version,
        variants=[
            NewVariant(
                sku=skus[variant.sku_id],
                choices=variant.choices,
                price_minor=variant.price_minor,
                currency=variant.currency,
                content_text=variant.content_text or "",
                unit=variant.unit,
                scale=variant.scale,
                increment=variant.increment,
            )
            for variant in others
        ],
        by=by,
    )
    by_sku = {variant.sku: variant.sku_id for variant in made.variants}
    for variant in others:
        if not variant.active:
            made = await edit_variant(
                tx,
                sku_id=by_sku[skus[variant.sku_id]],
                version=made.version,
                edit=VariantEdit(active=False),
                by=by,
            )
    return made


async def _copy_facts(
    tx: Transaction, old: Product, made: Product, skus: dict[UUID, str], by: str
) -> Product:
    made = await set_facts(
        tx,
        product_id=made.product_id,
        version=made.version,
        attributes=dict(old.attributes),
        tags=old.tags,
        by=by,
    )
    by_sku = {variant.sku: variant.sku_id for variant in made.variants}
    for variant in old.variants:
        sku_id = by_sku.get(skus[variant.sku_id])
        if sku_id is None:
            continue
        if variant.attributes:
            made = await set_variant_facts(
                tx, sku_id=sku_id, version=made.version, attributes=dict(variant.attributes), by=by
            )
        bundle = await find_bundle(tx, sku_id=variant.sku_id)
        if bundle is not None:
            await set_bundle(
                tx,
                sku_id=sku_id,
                version=made.version,
                parts=[(part.sku_id, part.quantity) for part in bundle.parts],
                pricing=bundle.pricing,
                discount_bp=bundle.discount_bp,
                by=by,
            )
            made = await load_product(tx, product_id=made.product_id)
    return made
