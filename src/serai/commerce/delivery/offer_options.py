"""What is offered for goods and an address: every option that goes there and carries them, with price and promise."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from serai.commerce.catalogue.api import list_category_chains
from serai.commerce.delivery import store
from serai.commerce.delivery.load_book import Book, BookOption
from serai.commerce.delivery.logic import fits, price_delivery, weigh
from serai.commerce.delivery.types import Destination, Goods, Offered, Option, OptionTerms, Problem
from serai.foundation import clock
from serai.foundation.database import Transaction

# What a unit of goods sold by measure weighs; a litre counts as a kilogram, a metre as nothing.
UNIT_GRAMS = {"kg": 1000, "l": 1000}


async def offer_options(
    tx: Transaction, book: Book, *, destination: Destination, goods: Sequence[Goods]
) -> Offered:
    """The options for these goods, in the merchant's order. Weights and categories are asked for only by rules that need
    them, one query each."""
    grams = await weigh_goods(tx, goods) if book.needs_weights else 0
    chains = (
        await list_category_chains(tx, sku_ids=[each.sku_id for each in goods])
        if book.needs_categories
        else {}
    )
    return choose_offered(book, destination, goods, grams=grams, chains=chains)


def choose_offered(
    book: Book,
    to: Destination,
    goods: Sequence[Goods],
    *,
    grams: int,
    chains: Mapping[UUID, Sequence[UUID]],
) -> Offered:
    """The options that take these goods to a place, or why none does."""
    problem: Problem = "place"
    worth, now = sum(each.total_minor for each in goods), clock.now()
    options = []
    for each in book.options:
        terms = each.terms
        if not fits(terms.zone, to):
            continue
        if not _carries(terms, goods, chains):
            problem = "goods" if problem == "place" else problem
        elif terms.most_grams is not None and grams > terms.most_grams:
            problem = "weight"
        else:
            options.append(
                _describe(
                    book, each, to, price_delivery(terms.price, to, goods_minor=worth, grams=grams), now
                )
            )
    return Offered(tuple(options), "" if options else problem)


def _describe(book: Book, each: BookOption, to: Destination, price_minor: int, now: datetime) -> Option:
    terms = each.terms
    return Option(
        each.code,
        terms.title,
        dict(terms.translations),
        terms.carrier,
        price_minor,
        book.promise(each, to, now),
        terms.price.free_from_minor,
    )


def _carries(terms: OptionTerms, goods: Sequence[Goods], chains: Mapping[UUID, Sequence[UUID]]) -> bool:
    if not terms.excluded_sku_ids and not terms.excluded_category_ids:
        return True
    skus, categories = set(terms.excluded_sku_ids), set(terms.excluded_category_ids)
    wanted = [sku_id for each in goods for sku_id in (each.sku_id, *(part[0] for part in each.parts))]
    return not any(sku_id in skus or not categories.isdisjoint(chains.get(sku_id, ())) for sku_id in wanted)


def choose_option(options: Sequence[Option], code: str | None) -> Option | None:
    """The option of that code, else the cheapest: of equal ones the one that arrives first, then the merchant's first."""
    chosen = next((each for each in options if each.code == code), None) if code else None
    if chosen is not None or not options:
        return chosen
    return min(
        options,
        key=lambda each: (
            each.price_minor,
            each.promise.until_day.toordinal() if each.promise else 0,
        ),
    )


async def weigh_goods(tx: Transaction, goods: Sequence[Goods]) -> int:
    """What goods weigh together, in grams. A bundle without a weight of its own weighs what its parts do; what nothing is
    known of weighs nothing."""
    sku_ids = {sku_id for each in goods for sku_id in (each.sku_id, *(part[0] for part in each.parts))}

    async def load(missing: list[UUID]) -> dict[UUID, tuple[tuple[int | None, int | None], tuple[UUID]]]:
        return {row[0]: ((row[1], row[2]), (row[0],)) for row in await store.list_weights(tx, missing)}

    weights = await tx.keep("weight", list(sku_ids), load) if sku_ids else {}
    own = {sku_id: grams for sku_id, (grams, _content) in weights.items() if grams is not None}
    units = {sku_id: content for sku_id, (_, content) in weights.items() if content is not None} | own
    total = 0
    for each in goods:
        if each.sku_id not in own and each.parts:
            total += sum(
                weigh(each.quantity * steps, scale, units.get(sku_id, 1000 if scale else 0))
                for sku_id, steps, scale in each.parts
            )
        elif each.scale:
            total += weigh(each.quantity, each.scale, own.get(each.sku_id, UNIT_GRAMS.get(each.unit, 0)))
        else:
            total += each.quantity * units.get(each.sku_id, 0)
    return total
