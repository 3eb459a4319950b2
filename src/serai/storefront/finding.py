"""What a search page shows beside its products: categories, brands and price bands with their numbers, as addresses."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.catalogue.api import search_products, show_value
from serai.commerce.catalogue.types import Attribute, Category
from serai.commerce.search import api as search
from serai.commerce.search.types import Facets, Phrase, PriceBand
from serai.foundation.database import Transaction
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.money import minor_digits
from serai.storefront.filter import FACT, Choice, Filter, Group, Value, label_range
from serai.storefront.shelf import Shelves

CATEGORIES = 10
BRANDS = 40
BRANDS_SHOWN = 8
GROUPS = 8
SEARCH = "/search"
WORDS_TRIED = 4
NEAR = 6
# Up to so many products every one is sorted.
SORTED_WHOLE = 10_000


class Suggested(msgspec.Struct, frozen=True):
    """A suggestion that is no product: where it leads and what it says."""

    kind: str
    label: str
    url: str


class Ways(msgspec.Struct, frozen=True):
    """Where to go from a search in vain: single words of it that find something, and categories that are near."""

    words: tuple[str, ...]
    categories: tuple[Category, ...]


async def find_ways(tx: Transaction, query: str, shelves: Shelves) -> Ways:
    """Categories are near when their names begin with one of the words, or when what a word finds lies in them."""
    words: list[str] = []
    near: dict[UUID, None] = {}
    for word in search.split_words(query)[:WORDS_TRIED]:
        phrases = await search.list_phrases(tx, beginning=word, limit=2)
        near.update((phrase.target, None) for phrase in phrases if phrase.target)
        found = await search_products(tx, query=word, limit=1)
        if found.page.items and found.instead_of is None:
            near.update((category_id, None) for category_id, _n in found.facets.categories[:2])
            if word != query.strip():
                words.append(word)
    categories = [shelves.find(category_id=category_id) for category_id in near]
    return Ways(tuple(words), tuple(each for each in categories if each is not None)[:NEAR])


def add_choices(
    found: Filter,
    facets: Facets,
    shelves: Shelves,
    attributes: Sequence[Attribute],
    *,
    currency: str,
    locale: str,
) -> Filter:
    """The filter with what can be chosen next, and the way back from each choice. ``attributes`` are those that shoppers
    filter by, in the order in which they are wanted; chosen ones that are none of them are dropped before."""
    groups = tuple(_list_groups(found, facets, attributes, locale))
    return msgspec.structs.replace(
        found,
        groups=groups,
        chips=tuple(_list_chips(found, groups)),
        is_estimated=facets.is_estimated,
        is_sorted_partly=facets.is_estimated and facets.total > SORTED_WHOLE and found.sort != "relevance",
        category_choices=tuple(_choose_categories(found, facets, shelves, locale))
        if found.action == SEARCH
        else (),
        band_choices=tuple(_choose_band(found, band, currency, locale) for band in facets.bands),
    )


def _list_groups(
    found: Filter, facets: Facets, attributes: Sequence[Attribute], locale: str
) -> Iterable[Group]:
    """Brands, then attributes that divide what was found; at most ``GROUPS`` of these."""
    counts = dict(facets.brands[:BRANDS])
    brands = sorted({*counts, *found.brands}, key=str.casefold)
    if len(brands) > 1 or found.brands:
        values = tuple(Value(brand, brand, counts.get(brand), brand in found.brands) for brand in brands)
        yield Group("brand", translate(_("Brand"), locale), _lead_chosen(values, BRANDS_SHOWN))
    shown = 0
    for attribute in attributes:
        counted = dict(facets.facts.get(attribute.code, ()))
        chosen = found.facts.get(attribute.code, ())
        if shown >= GROUPS or not (chosen or len(counted) > 1 or (counted and attribute.kind == "boolean")):
            continue
        shown += 1
        values = tuple(
            Value(text, _label_value(attribute, text, locale), counted.get(text), text in chosen)
            for text in sorted({*counted, *chosen}, key=lambda text: _place_value(attribute, text, counted))
        )
        yield Group(f"{FACT}{attribute.code}", attribute.label(locale), values)


def _lead_chosen(values: tuple[Value, ...], shown: int) -> tuple[Value, ...]:
    """Of many values the chosen and the most frequent first, each part in the given order: the others are folded away."""
    if len(values) <= shown:
        return values
    order = sorted(values, key=lambda value: (not value.is_chosen, -(value.products or 0)))
    leading = {each.value for each in order[:shown]}
    return (
        *(value for value in values if value.value in leading),
        *(value for value in values if value.value not in leading),
    )


def _label_value(attribute: Attribute, text: str, locale: str) -> str:
    if attribute.kind == "boolean":
        return translate(_("Yes") if text == "true" else _("No"), locale)
    return show_value(attribute, text, locale)


def _place_value(attribute: Attribute, text: str, counted: Mapping[str, int]) -> tuple[float, float, str]:
    """Numbers by size, choices in their own order, yes before no, texts by how many products have them."""
    match attribute.kind:
        case "number":
            try:
                return (float(text), 0, text)
            except ValueError:
                return (0, 0, text)
        case "choice":
            known = list(attribute.choices)
            return (known.index(text) if text in known else len(known), 0, text)
        case "boolean":
            return (text != "true", 0, text)
    return (0, -counted.get(text, 0), text)


def _list_chips(found: Filter, groups: Iterable[Group]) -> Iterable[Choice]:
    """Every choice with the address of the list without it."""
    if found.has_price:
        yield Choice(found.price_label, found.change(min="", max=""))
    for group in groups:
        for value in group.values:
            if value.is_chosen:
                named = value.label if group.name == "brand" else f"{group.label}: {value.label}"
                yield Choice(named, found.without(group.name, value.value))


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
            found.change({"in": "" if is_chosen else category.slug}),
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
