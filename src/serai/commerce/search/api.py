"""Search as other modules use it: index entries for what they write, ids for what is looked for."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serai.commerce.search import store
from serai.commerce.search.compile_query import (
    Query,
    Term,
    compile_query,
    list_typo_words,
    read_terms,
    split_words,
)
from serai.commerce.search.count_facets import count_facets
from serai.commerce.search.edit_pins import Pin, find_pin, fold_pin, list_pins, set_pins
from serai.commerce.search.edit_synonyms import (
    Synonym,
    fold_word,
    list_synonyms,
    load_meanings,
    set_synonyms,
)
from serai.commerce.search.fold import fold_text
from serai.commerce.search.make_document import Document, make_document, phrase_of
from serai.commerce.search.narrow_query import narrow
from serai.commerce.search.rebuild_index import MAKE, rebuild_index
from serai.commerce.search.refresh_words import note_entries
from serai.commerce.search.remake_entries import load_category_names, remake_entries
from serai.commerce.search.types import Facets, Hit, Hits, Phrase, PriceBand, Wanted
from serai.commerce.search.typo import choose_word, list_deletions
from serai.foundation.database import Transaction
from serai.foundation.ids import new_id

__all__ = [
    "MAKE",
    "Document",
    "Facets",
    "Hit",
    "Hits",
    "Phrase",
    "Pin",
    "PriceBand",
    "Query",
    "Synonym",
    "Wanted",
    "compile_query",
    "count_facets",
    "count_found",
    "find_correction",
    "find_pin",
    "find_products",
    "fold_pin",
    "fold_word",
    "list_phrases",
    "list_pins",
    "list_sorted",
    "list_synonyms",
    "load_meanings",
    "load_category_names",
    "make_document",
    "narrow",
    "note_entries",
    "note_stale",
    "note_use",
    "prepare_query",
    "rebuild_index",
    "remake_entries",
    "set_pins",
    "set_synonyms",
    "split_words",
    "write_entries",
]

# So many matches among the best sellers of a level are enough to rank them alone.
BROAD_FROM = 240
# Sort keys of the levels lie so far apart, ranked ones below zero and the rest that follows them above.
LEVEL_KEY = 2**60
MOST_LEVELS = 4
# Below this are the keys of what is called exactly as was asked.
EXACT_KEY = -6 * LEVEL_KEY + LEVEL_KEY // 2
# A name that more products have is no name but a word.
EXACT_LIMIT = 24
# Of more matches than this a list sorted by price or age has only best sellers.
SORT_LIMIT = 10_000
NEAR_WORDS = 64
USE_LIMIT = 60


async def prepare_query(tx: Transaction, text: str) -> Query | None:
    """A text as a query, with the merchant's synonyms; None when there is no word in it."""
    terms = read_terms(text)
    if not terms:
        return None
    return compile_query(text, await load_meanings(tx, terms=[term.text for term in terms]))


async def find_products(
    tx: Transaction, *, query: Query, wanted: Wanted, after: tuple[int, UUID] | None = None, limit: int = 24
) -> Hits:
    """Products by relevance after a sort key and id.

    First what is called exactly so or has that code, be it sold out or not. Then title beginnings, phrases in titles,
    titles with all words, the rest; within each by how often and where the words stand times (1 + ln(1 + popularity)).
    What is sold out comes last (in lists of published products).

    To rank is to look at every match, so a broad query is not ranked whole: in a large catalogue the best sellers are kept
    apart in levels, and the first level in which at least ``BROAD_FROM`` products match is ranked alone. All other
    matches follow it by how well they sell.
    """
    match = narrow(tx.merchant_id, query.match, wanted)
    exact = await store.find_exact(tx, narrow(tx.merchant_id, query.exact, wanted), wanted, EXACT_LIMIT)
    skipped = [row["product_id"] for row in exact]
    rows = []
    if after is None or after[0] < EXACT_KEY:
        rows = [row for row in exact if after is None or (row["sort_key"], row["product_id"]) > after]
        after = None
    levels = _levels_of(after[0]) if after else None
    if len(rows) <= limit:
        rest = limit + 1 - len(rows)
        more = await store.find_products(
            tx, levels, query, match, wanted, skipped, after, rest, broad=BROAD_FROM
        )
        if more and levels is None:
            levels = _levels_of(more[0]["sort_key"])
        if levels is not None and levels > 0 and len(more) < rest:
            left = rest - len(more)
            more += await store.find_products(tx, -levels, query, match, wanted, skipped, None, left)
        rows += more
    return _hits(rows, limit)


def _hits(rows: Sequence[Any], limit: int) -> Hits:
    return Hits(tuple(Hit(row["product_id"], row["sort_key"]) for row in rows[:limit]), len(rows) > limit)


def _levels_of(sort_key: int) -> int:
    """From which levels a sort key comes, as ``commerce.find_products`` counts them."""
    if sort_key > LEVEL_KEY // 2:
        return -min(MOST_LEVELS, (sort_key + LEVEL_KEY // 2) // LEVEL_KEY)
    return max(0, min(MOST_LEVELS, -sort_key // LEVEL_KEY))


async def list_sorted(
    tx: Transaction,
    *,
    query: Query | None,
    wanted: Wanted,
    sort: str,
    after: tuple[int, UUID] | None = None,
    limit: int = 24,
) -> Hits:
    """Products in an order of ``SORTS``, what is sold out last; with a query only those that match.

    Of more than ``SORT_LIMIT`` matches in a large catalogue only best sellers are listed.
    """
    match = _match_of(tx, query, wanted)
    return _hits(await store.list_entries(tx, match, wanted, sort, SORT_LIMIT, after, limit + 1), limit)


async def count_found(tx: Transaction, *, query: Query | None, wanted: Wanted, limit: int = 10_000) -> int:
    """How many products a list has, counted up to ``limit``."""
    return await store.count_entries(tx, _match_of(tx, query, wanted), wanted, limit)


def _match_of(tx: Transaction, query: Query | None, wanted: Wanted) -> str | None:
    """What to look up; None where categories alone narrow, which the table's own order serves best."""
    if query is None and not wanted.brands and not any(values for _code, values in wanted.attributes):
        return None
    return narrow(tx.merchant_id, query.match if query else None, wanted)


async def find_correction(tx: Transaction, *, text: str) -> str | None:
    """The query with a slip of the finger mended, None when every word is known or nothing near is.

    Only words of four Latin letters or more (English or pinyin) are looked at.
    """
    terms = read_terms(text)
    doubtful = list_typo_words(terms)
    if not doubtful:
        return None
    known = {row["word"] for row in await store.list_known_words(tx, [term.text for term in doubtful])}
    mended: dict[str, str] = {}
    for term in doubtful:
        if term.text not in known and (word := await _mend(tx, term)) is not None:
            mended[term.text] = word
    if not mended:
        return None
    words = [mended.get(term.text, term.text) for term in terms]
    return " ".join(words)


async def _mend(tx: Transaction, term: Term) -> str | None:
    if term.is_open and await store.has_beginning(tx, term.text):
        return None
    near = await store.list_near_words(tx, list_deletions(term.text), NEAR_WORDS)
    return choose_word(term.text, [(row["word"], row["products"]) for row in near])


async def list_phrases(tx: Transaction, *, beginning: str, limit: int = 3) -> list[Phrase]:
    """Brands, categories and frequent searches that begin so (in pinyin too), at most ``limit`` of each."""
    key = phrase_of(fold_text(beginning[:USE_LIMIT]))
    if not key:
        return []
    return [Phrase(*row.values()) for row in await store.list_phrases(tx, key, limit)]


async def write_entries(
    tx: Transaction, *, product_ids: Sequence[UUID], documents: Sequence[Document], brands: Sequence[str]
) -> None:
    """Write the index entries of products whose rows (and variants) stand already, in the same transaction.

    What they bring to the vocabulary is only noted; the worker counts it in a little later. It also looks at what is
    beside the words: price, stock, attributes.
    """
    if not product_ids:
        return
    await store.write_entries(
        tx, product_ids, [each.vector for each in documents], [each.title_key for each in documents]
    )
    await store.insert_stale(tx, new_id(), product_ids, False)
    await note_entries(tx, zip(documents, brands, strict=True))


async def note_stale(tx: Transaction, *, product_ids: Sequence[UUID], is_reworded: bool = False) -> None:
    """Let the worker look again at what is beside the words of these products' entries, or (``is_reworded``) at all."""
    if product_ids:
        await store.insert_stale(tx, new_id(), product_ids, is_reworded)


async def note_use(tx: Transaction, *, text: str, products: int) -> None:
    """Remember that somebody searched for this and how much was found."""
    query = " ".join(text.split())
    if 0 < len(query) <= USE_LIMIT and products > 0 and "\0" not in query:
        await store.insert_use(tx, new_id(), query, products)
