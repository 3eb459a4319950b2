"""A search as the JSON API answers it: products, how they divide, and the typo that was mended."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from serai.commerce.catalogue.edit_attributes import list_attributes
from serai.commerce.catalogue.search_products import search_products
from serai.commerce.catalogue.types import Attribute, AttributeKind, ProductCard
from serai.commerce.search.types import Facets, PriceBand
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, _

VALUES_LIMIT = 20


class CategoryCount(msgspec.Struct, frozen=True):
    """A category and how many products were found in it."""

    category_id: UUID
    products: int


class BrandCount(msgspec.Struct, frozen=True):
    """A brand and how many products of it were found."""

    brand: str
    products: int


class ValueCount(msgspec.Struct, frozen=True):
    """A value as it is sent to narrow by it, and how many products have it."""

    value: str
    products: int


class AttributeCount(msgspec.Struct, frozen=True):
    """An attribute that shoppers filter by, with the values that were found."""

    code: str
    name: str
    translations: dict[str, str]
    kind: AttributeKind
    unit: str
    values: list[ValueCount]


class SearchAnswer(msgspec.Struct, frozen=True):
    """What a search came to. ``query`` was searched in the end; ``instead_of`` is what was sent, where a typo was mended
    because nothing was found for it; ``meant`` is another query that is near, where little was found.

    ``total``: how many products; where ``is_estimated`` all numbers are of a sample, in two significant digits. Each kind
    counts as if nothing of its own kind were chosen.
    """

    items: list[ProductCard]
    next_cursor: str | None
    query: str
    instead_of: str | None
    meant: str | None
    total: int
    is_estimated: bool
    categories: list[CategoryCount]
    brands: list[BrandCount]
    prices: list[PriceBand]
    attributes: list[AttributeCount]


async def answer_search(
    tx: Transaction,
    *,
    query: str,
    category_id: UUID | None,
    brands: Sequence[str],
    choices: Sequence[str],
    min_minor: int | None,
    max_minor: int | None,
    sort: str,
    cursor: str | None,
    limit: int,
) -> SearchAnswer:
    """Search as the shop does. ``choices``: ``code:value`` each; of one attribute any value will do.

    Raises:
        Invalid: ``list.choice_invalid``, ``list.cursor_invalid``.
    """
    known = {each.code: each for each in await list_attributes(tx, category_id=None) if each.filterable}
    found = await search_products(
        tx,
        query=query,
        category_id=category_id,
        brands=brands,
        attributes=_read_choices(choices, known),
        min_minor=min_minor,
        max_minor=max_minor,
        sort=sort,
        cursor=cursor,
        limit=limit,
    )
    facets = found.facets
    return SearchAnswer(
        items=list(found.page.items),
        next_cursor=found.page.next_cursor,
        query=found.query,
        instead_of=found.instead_of,
        meant=found.meant,
        total=facets.total,
        is_estimated=facets.is_estimated,
        categories=[CategoryCount(*pair) for pair in facets.categories],
        brands=[BrandCount(*pair) for pair in facets.brands],
        prices=list(facets.bands),
        attributes=list(_count_values(facets, known.values())),
    )


def _read_choices(choices: Sequence[str], known: Mapping[str, Attribute]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for choice in choices:
        code, _colon, value = choice.partition(":")
        if code not in known or not value:
            raise Invalid(
                "list.choice_invalid",
                _("This list cannot be narrowed by that."),
                field="attribute",
                attribute=code[:40],
            )
        found.setdefault(code, []).append(value)
    return found


def _count_values(facets: Facets, attributes: Iterable[Attribute]) -> Iterable[AttributeCount]:
    for each in attributes:
        counted = facets.facts.get(each.code, ())
        if counted:
            values = [ValueCount(*pair) for pair in counted[:VALUES_LIMIT]]
            yield AttributeCount(each.code, each.name, each.translations, each.kind, each.unit, values)
