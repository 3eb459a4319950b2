"""The product page: price, unit price, stock at the chosen place and elsewhere, and what stands beside it."""

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from serai.commerce.catalogue import api as catalogue
from serai.commerce.catalogue.types import Product, Variant
from serai.commerce.stock import api as stock
from serai.commerce.stock.types import StockLevel
from serai.foundation.errors import NotFound, _
from serai.foundation.money import minor_digits
from serai.foundation.pages import request_locale
from serai.storefront.view import Asked, Shell, database_of, load_shell, merchant_id_of, show

RELATED = 5
STORES_SHOWN = 12


@get("/p/{slug:str}", include_in_schema=False)
async def show_product(request: Asked, slug: FromPath[str]) -> Response[str]:
    """One product; ``?sku=`` picks one of its versions."""
    locale = request_locale(request)
    async with database_of(request).transaction(merchant_id_of(request), "read") as tx:
        product = await catalogue.find_product(tx, slug=slug, published=True)
        variant = choose_variant(product, request.query_params.get("sku", "")) if product else None
        if product is None or variant is None:
            raise NotFound("product.unknown", _("This product is not sold here (any more)."))
        shell = await load_shell(request, tx)
        levels = await stock.list_levels(tx, sku_id=variant.sku_id)
        beside = await catalogue.list_featured(tx, category_id=product.category_id, limit=RELATED + 1)
    category = shell.shelves.find(category_id=product.category_id)
    trail = shell.shelves.trace(category) if category else []
    online, in_store, elsewhere = split_levels(levels, shell)
    label = product.label(locale)
    can_buy = variant.active and variant.price_minor is not None and (online > 0 or bool(in_store))
    address = f"{request.base_url}p/{product.slug}"
    return show(
        request,
        "product.html",
        shell=shell,
        here=trail[0].slug if trail else "",
        product=product,
        variant=variant,
        versions=[v for v in product.variants if v.active],
        label=label,
        motif=next((c.motif for c in reversed(trail) if c.motif), None),
        category=category,
        steps=[(f"/c/{c.slug}", c.label(locale)) for c in trail] + [("", label)],
        online_available=online,
        store_available=in_store,
        other_levels=elsewhere[:STORES_SHOWN],
        can_buy=can_buy,
        related=[card for card in beside if card.product_id != product.product_id][:RELATED],
        canonical_url=address,
        description_text=product.description or label,
        json_ld=describe_product(product, variant, label=label, address=address, is_available=can_buy),
    )


def choose_variant(product: Product, sku: str) -> Variant | None:
    """The version asked for, else the first that is sold."""
    sold = [variant for variant in product.variants if variant.active]
    return next((variant for variant in sold if variant.sku == sku), sold[0] if sold else None)


def split_levels(levels: list[StockLevel], shell: Shell) -> tuple[int, int | None, list[StockLevel]]:
    """What can be delivered, what the chosen store has (None when none is chosen), and the other stores that have any,
    the fullest first."""
    by_place = {level.place_id: level.available for level in levels}
    online = by_place.get(shell.online.place_id, 0) if shell.online else 0
    chosen = shell.place if shell.place and shell.place != shell.online else None
    named = {place.place_id for place in (shell.online, chosen) if place}
    elsewhere = [level for level in levels if level.place_id not in named and level.available > 0]
    elsewhere.sort(key=lambda level: (-level.available, level.place_name))
    return max(0, online), max(0, by_place.get(chosen.place_id, 0)) if chosen else None, elsewhere


def describe_product(
    product: Product, variant: Variant, *, label: str, address: str, is_available: bool
) -> dict[str, Any]:
    """The product in schema.org's words, for search engines."""
    described: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": label,
        "sku": variant.sku,
        "url": address,
    }
    if product.brand:
        described["brand"] = {"@type": "Brand", "name": product.brand}
    if product.description:
        described["description"] = product.description
    if variant.gtin:
        described["gtin"] = variant.gtin
    if variant.price_minor is not None:
        digits = minor_digits(variant.currency)
        whole, part = divmod(variant.price_minor, 10**digits)
        described["offers"] = {
            "@type": "Offer",
            "url": address,
            "price": f"{whole}.{part:0{digits}}" if digits else str(whole),
            "priceCurrency": variant.currency,
            "availability": f"https://schema.org/{'InStock' if is_available else 'OutOfStock'}",
        }
    return described
