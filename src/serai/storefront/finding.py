"""What a search page shows beside its products: categories, brands and price bands with their numbers, as addresses."""

from collections.abc import Iterable

import msgspec

from serai.commerce.catalogue.types import Category
from serai.commerce.search.types import Facets, Phrase, PriceBand
from serai.foundation.money import minor_digits
from serai.storefront.filter import Choice, Filter, label_range
from serai.storefront.shelf import Shelves

CATEGORIES = 10
BRANDS = 30


class Suggested(msgspec.Struct, frozen=True):
    """A suggestion that is no product: where it leads and what it says."""

    kind: str
    label: str
    url: str


def add_choices(found: Filter, facets: Facets, shelves: Shelves, *, currency: str, locale: str) -> Filter:
    """The filter with what can be chosen next. A chosen category or band leads back to the list without it."""
    counts = dict(facets.brands[:BRANDS])
    brands = list(counts)
    if found.brand and found.brand not in counts:
        brands.insert(0, found.brand)
    return msgspec.structs.replace(
        found,
        brands=tuple(sorted(brands, key=str.casefold)),
        brand_counts=counts,
        is_sorted_partly=facets.is_estimated and found.sort != "relevance",
        category_choices=tuple(_choose_categories(found, facets, shelves, locale)),
        band_choices=tuple(_choose_band(found, band, currency, locale) for band in facets.bands),
    )


def _choose_categories(found: Filter, facets: Facets, shelves: Shelves, locale: str) -> Iterable[Choice]:
    counted: list[tuple[Category, int]] = []
    for category_id, products in facets.categories:
        category = shelves.find(category_id=category_id)
        if category is not None:
            counted.append((category, products))
    chosen = shelves.find(slug=found.category) if found.category else None
    if chosen is not None and chosen not in [category for category, _n in counted]:
        counted.insert(0, (chosen, sum(n for c, n in counted if c.parent_id == chosen.category_id)))
    if len(counted) < 2 and chosen is None:
        return
    for category, products in counted[:CATEGORIES]:
        is_chosen = category is chosen
        yield Choice(
            category.label(locale),
            found.change(**{"in": "" if is_chosen else category.slug}),
            products,
            is_chosen,
        )


def _choose_band(found: Filter, band: PriceBand, currency: str, locale: str) -> Choice:
    is_chosen = (found.min_minor, found.max_minor) == (band.min_minor, band.max_minor)
    return Choice(
        label_range(band.min_minor, band.max_minor, currency=currency, locale=locale),
        found.change(min="", max="")
        if is_chosen
        else found.change(min=_plain(band.min_minor, currency), max=_plain(band.max_minor, currency)),
        band.products,
        is_chosen,
    )


def _plain(amount_minor: int | None, currency: str) -> str:
    """An amount as a shopper would type it."""
    if amount_minor is None:
        return ""
    digits = minor_digits(currency)
    whole, part = divmod(amount_minor, 10**digits)
    return f"{whole}.{part:0{digits}}" if part else str(whole)


def lead_phrases(
    phrases: Iterable[Phrase], shelves: Shelves, locale: str, address: Filter
) -> list[Suggested]:
    """Phrases as suggestions: searches first, then categories, then brands."""
    led = []
    order = {"query": 0, "category": 1, "brand": 2}
    for phrase in sorted(phrases, key=lambda p: order[p.kind]):
        if phrase.kind == "category":
            category = shelves.find(category_id=phrase.target) if phrase.target else None
            if category is not None:
                led.append(Suggested("category", category.label(locale), f"/c/{category.slug}"))
        elif phrase.kind == "brand":
            led.append(
                Suggested("brand", phrase.phrase, address.change(q=phrase.phrase, brand=phrase.phrase))
            )
        else:
            led.append(Suggested("query", phrase.phrase, address.change(q=phrase.phrase)))
    return led
