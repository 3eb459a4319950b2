"""Two to four like products side by side: price, price per unit, and what is said of them."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Attribute, Product, ProductCard, Variant
from serai.commerce.media import api as media
from serai.commerce.media.api import Photo
from serai.commerce.stock import api as stock
from serai.foundation.database import Transaction
from serai.foundation.pages import request_locale
from serai.storefront.price import price_chosen
from serai.storefront.view import Asked, database_of, load_shell, merchant_id_of, show

MOST = 4
OFFERED = 6
# Unit prices compare only within one of these; weighed goods are told per kilogram or litre.
FAMILIES = {"g": ("g", 100), "kg": ("g", 1000), "ml": ("ml", 100), "l": ("ml", 1000), "pc": ("pc", 1)}


class Column(msgspec.Struct, frozen=True):
    """One product of the comparison. ``unit_minor`` is its price per 100 g, 100 ml or piece, where it has one."""

    product: Product
    variant: Variant
    motif: str | None
    photo: Photo | None
    available: int
    unit_minor: int | None
    unit_per: str | None
    is_cheapest: bool
    values: dict[str, str]
    without: str


@get("/compare", include_in_schema=False)
async def show_comparison(request: Asked) -> Response[str]:
    """The products of ``?sku=..&sku=..``; unknown ones are left out, more than four as well."""
    locale = request_locale(request)
    asked = list(dict.fromkeys(sku[:60] for sku in request.query_params.getall("sku", [])))
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        shell = await load_shell(request, tx)
        found = await _find(tx, asked[: MOST * 2])
        chosen = found[:MOST]
        columns, attributes = await _build(tx, shell, chosen, locale)
        beside = await _list_beside(tx, chosen) if len(chosen) < MOST else []
    skus = [column.variant.sku for column in columns]
    return show(
        request,
        "compare.html",
        shell=shell,
        columns=columns,
        attributes=attributes,
        left_out=len(found) > MOST,
        units_differ=len({c.unit_per for c in columns if c.unit_per}) > 1,
        offers=[(card, address_of([*skus, card.sku or ""])) for card in beside],
        most=MOST,
        here_url=address_of(skus),
    )


def address_of(skus: list[str]) -> str:
    """The address of a comparison."""
    return f"/compare?{urlencode([('sku', sku) for sku in skus])}" if skus else "/compare"


async def _find(tx: Transaction, skus: list[str]) -> list[tuple[Product, Variant]]:
    found = []
    for sku in skus:
        variant = await catalogue.find_variant(tx, sku=sku) if sku.isprintable() else None
        product = await catalogue.find_product(tx, product_id=variant.product_id) if variant else None
        if variant and product and variant.active:
            found.append((product, variant))
    return found


async def _build(
    tx: Transaction, shell: Any, chosen: list[tuple[Product, Variant]], locale: str
) -> tuple[list[Column], list[Attribute]]:
    photos = await media.list_photos(tx, product_ids=[product.product_id for product, _v in chosen])
    sku_ids = [variant.sku_id for _p, variant in chosen]
    chosen = [
        (product.as_variant(variant), variant)
        for product, variant in await price_chosen(tx, chosen, shell, locale)
    ]
    place = shell.place or shell.online
    available = await stock.load_available(tx, sku_ids=sku_ids, place_id=place.place_id) if place else {}
    known = [
        a for a in await catalogue.list_attributes(tx) if any(a.code in p.attributes for p, _v in chosen)
    ]
    priced = [price_per_unit(variant) for _p, variant in chosen]
    columns = []
    for place_no, (product, variant) in enumerate(chosen):
        unit_minor, unit_per = priced[place_no]
        alike = [minor for minor, per in priced if per == unit_per and minor is not None]
        category = shell.shelves.find(category_id=product.category_id)
        trail = shell.shelves.trace(category) if category else []
        columns.append(
            Column(
                product,
                variant,
                next((c.motif for c in reversed(trail) if c.motif), None),
                next(iter(photos[product.product_id]), None),
                available.get(variant.sku_id, 0),
                unit_minor,
                unit_per,
                unit_minor is not None and len(alike) > 1 and unit_minor == min(alike),
                {
                    a.code: catalogue.show_value(a, product.attributes[a.code], locale)
                    for a in known
                    if a.code in product.attributes
                },
                address_of([v.sku for n, (_p, v) in enumerate(chosen) if n != place_no]),
            )
        )
    return columns, known


def price_per_unit(variant: Variant) -> tuple[int | None, str | None]:
    """A variant's price per 100 g, 100 ml or piece, rounded half up, so that weighed and packed goods compare."""
    if variant.price_minor is None:
        return None, None
    if variant.is_weighed:
        if variant.unit not in FAMILIES:
            return variant.price_minor, f"1 {variant.unit}"
        base, amount = FAMILIES[variant.unit]
        per = FAMILIES[base][1]
        minor = (Decimal(variant.price_minor) * per / amount + Decimal("0.5")) // 1
        return int(minor), f"{per} {base}"
    return variant.unit_price_minor, variant.unit_price_per


async def _list_beside(tx: Transaction, chosen: list[tuple[Product, Variant]]) -> list[ProductCard]:
    """What else could be compared: of the first one's category, best sellers first."""
    if not chosen:
        return []
    first = chosen[0][0]
    have = {product.product_id for product, _v in chosen}
    cards = await catalogue.list_featured(tx, category_id=first.category_id, limit=OFFERED + len(have))
    return [card for card in cards if card.product_id not in have and card.sku][:OFFERED]
