"""A product in schema.org's words, as JSON-LD for search engines: product, offer, versions and the way to it."""

from collections.abc import Sequence
from typing import Any

from serai.commerce.catalogue.types import Attribute, Product, Variant
from serai.commerce.media.api import Photo
from serai.foundation.money import minor_digits

# UN/ECE Recommendation 20 codes of the bases that unit prices have here.
UNIT_CODES = {"g": "GRM", "ml": "MLT", "pc": "C62", "kg": "KGM", "l": "LTR", "m": "MTR"}
# Options that schema.org has a property for; the others are named as they are.
VARIES_BY = {
    "size": "size",
    "colour": "color",
    "color": "color",
    "material": "material",
    "pattern": "pattern",
}


def describe_page(
    product: Product,
    variant: Variant,
    *,
    label: str,
    base_url: str,
    photos: Sequence[Photo],
    available: dict[str, bool],
    facts: Sequence[tuple[Attribute, str]],
    steps: Sequence[tuple[str, str]],
    seller: str,
) -> list[dict[str, Any]]:
    """What a product page is about. ``available`` tells by SKU what can be bought; ``steps`` is the trail: (path, text).

    A product in several versions is a ProductGroup of them; one in a single version is a Product.
    """
    base = base_url.rstrip("/")
    common = _describe_common(product, label, base, photos, facts)
    sold = [v for v in product.variants if v.active]
    one = {
        v.sku: _describe_variant(product, v, label, base, available.get(v.sku, False), seller) for v in sold
    }
    if len(sold) > 1:
        group = common | {
            "@type": "ProductGroup",
            "productGroupID": str(product.product_id),
            "variesBy": [
                f"https://schema.org/{VARIES_BY[option.name.lower()]}"
                if option.name.lower() in VARIES_BY
                else option.name
                for option in product.options
            ],
            "hasVariant": list(one.values()),
        }
        return [group, _describe_trail(base, steps)]
    return [common | one.get(variant.sku, {}), _describe_trail(base, steps)]


def _describe_common(
    product: Product,
    label: str,
    base: str,
    photos: Sequence[Photo],
    facts: Sequence[tuple[Attribute, str]],
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": label,
        "url": f"{base}/p/{product.slug}",
        "image": [f"{base}{photo.address('large')}" for photo in photos],
    }
    if not photos:
        del described["image"]
    if product.brand:
        described["brand"] = {"@type": "Brand", "name": product.brand}
    if product.description:
        described["description"] = product.description
    if facts:
        described["additionalProperty"] = [
            {"@type": "PropertyValue", "name": attribute.name, "value": product.attributes[attribute.code]}
            | ({"unitText": attribute.unit} if attribute.unit else {})
            for attribute, _shown in facts
        ]
    return described


def _describe_variant(
    product: Product, variant: Variant, label: str, base: str, is_available: bool, seller: str
) -> dict[str, Any]:
    name = f"{label}, {variant.option}" if variant.option else label
    described: dict[str, Any] = {"@type": "Product", "name": name, "sku": variant.sku}
    address = f"{base}/p/{product.slug}"
    if len(product.variants) > 1:
        address += f"?sku={variant.sku}"
        described["url"] = address
    if variant.gtin:
        described["gtin"] = variant.gtin
    for option, choice in zip(product.options, variant.choices, strict=False):
        known = VARIES_BY.get(option.name.lower())
        if known:
            described[known] = choice
    if variant.price_minor is not None:
        described["offers"] = _describe_offer(variant, address, is_available, seller)
    return described


def _describe_offer(variant: Variant, address: str, is_available: bool, seller: str) -> dict[str, Any]:
    assert variant.price_minor is not None, "the caller has checked"
    offer: dict[str, Any] = {
        "@type": "Offer",
        "url": address,
        "price": show_decimal(variant.price_minor, variant.currency),
        "priceCurrency": variant.currency,
        "availability": f"https://schema.org/{'InStock' if is_available else 'OutOfStock'}",
        "itemCondition": "https://schema.org/NewCondition",
        "seller": {"@type": "Organization", "name": seller},
    }
    per_minor, per = variant.unit_price_minor, variant.unit_price_per
    if variant.is_weighed:
        per_minor, per = variant.price_minor, f"1 {variant.unit}"
    if per_minor is not None and per:
        amount, unit = per.split()
        offer["priceSpecification"] = {
            "@type": "UnitPriceSpecification",
            "price": show_decimal(per_minor, variant.currency),
            "priceCurrency": variant.currency,
            "referenceQuantity": {
                "@type": "QuantitativeValue",
                "value": amount,
                "unitCode": UNIT_CODES[unit],
            },
        }
    return offer


def _describe_trail(base: str, steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
    items = []
    for position, (path, text) in enumerate([("/", "Home"), *steps], 1):
        item: dict[str, Any] = {"@type": "ListItem", "position": position, "name": text}
        # The last step is the page itself.
        if path:
            item["item"] = f"{base}{path}"
        items.append(item)
    return {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items}


def show_decimal(amount_minor: int, currency: str) -> str:
    """An amount with a point and all its digits, as machines read it: ``3.49``."""
    digits = minor_digits(currency)
    whole, part = divmod(amount_minor, 10**digits)
    return f"{whole}.{part:0{digits}}" if digits else str(whole)
