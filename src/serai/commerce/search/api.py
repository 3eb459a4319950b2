"""Search as other modules use it: index entries for what they write, ids for what is looked for."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from serai.commerce.search import store
from serai.commerce.search.compile_query import Query, Term, compile_query, list_typo_words, read_terms
from serai.commerce.search.count_facets import count_facets
from serai.commerce.search.edit_synonyms import set_synonyms
from serai.commerce.search.fold import fold_text
from serai.commerce.search.make_document import Document, make_document, phrase_of
from serai.commerce.search.rebuild_index import rebuild_index
from serai.commerce.search.types import Facets, Hit, Hits, Phrase, PriceBand, Wanted
from serai.commerce.search.typo import choose_word, list_deletions
from serai.foundation.database import Transaction
from serai.foundation.ids import new_id

__all__ = [
    "Document",
    "Facets",
    "Hit",
    "Hits",
    "Phrase",
    "PriceBand",
    "Query",
    "Wanted",
    "compile_query",
    "count_facets",
    "find_correction",
    "find_products",
    "list_phrases",
    "make_document",
    "note_documents",
    "note_use",
    "prepare_query",
    "rebuild_index",
    "set_synonyms",
]

# So many matches among the best sellers of a level are enough to rank them alone.
BROAD_FROM = 240
# Sort keys of the levels lie so far apart, ranked ones below zero and the rest that follows them above.
LEVEL_KEY = 2**60
NEAR_WORDS = 64
USE_LIMIT = 60


async def prepare_query(tx: Transaction, text: str) -> Query | None:
    """A text as a query, with the merchant's synonyms; None when there is no word in it."""
    terms = read_terms(text)
    if not terms:
        return None
    rows = await store.list_synonyms(tx, [term.text for term in terms])
    return compile_query(text, {row["term"]: row["also_means"] for row in rows})


async def find_products(
    tx: Transaction, *, query: Query, wanted: Wanted, after: tuple[int, UUID] | None = None, limit: int = 24
) -> Hits:
    """Products by relevance after a sort key and id.

    Title beginnings come first, then phrases in titles, titles with all words, the rest; within each by how often and
    where the words stand times how well the product sells.

    To rank is to look at every match, so a broad query is not ranked whole: in a large catalogue the best sellers are kept
    apart in levels (``search_head``), and the first level in which at least ``BROAD_FROM`` products match is ranked alone.
    All other matches follow it by how well they sell.
    """
    levels = _levels_of(after[0]) if after else None
    rows = await store.find_products(tx, levels, query, wanted, after, limit + 1, broad=BROAD_FROM)
    if rows and levels is None:
        levels = _levels_of(rows[0]["sort_key"])
    if levels is not None and levels > 0 and len(rows) <= limit:
        rows += await store.find_products(tx, -levels, query, wanted, None, limit + 1 - len(rows))
    hits = tuple(Hit(row["product_id"], row["sort_key"]) for row in rows[:limit])
    return Hits(hits, len(rows) > limit)


def _levels_of(sort_key: int) -> int:
    """From which levels a sort key comes, as ``commerce.find_products`` counts them."""
    if sort_key > LEVEL_KEY // 2:
        return -min(2, (sort_key + LEVEL_KEY // 2) // LEVEL_KEY)
    return max(0, min(2, -sort_key // LEVEL_KEY))


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


async def note_documents(
    tx: Transaction, *, documents: Sequence[Document], brands: Sequence[str], edited: Sequence[UUID] = ()
) -> None:
    """Remember what written index entries bring to the vocabulary; the worker counts it in a little later.

    ``edited`` are the ids of products that existed, in the order of ``documents``.
    """
    if edited:
        await store.update_head(tx, edited, [document.vector for document in documents])
    words = Counter(word for document in documents for word in document.learnt)
    named = Counter(brand for brand in brands if brand)
    if words or named:
        await store.insert_fresh(tx, new_id(), dict(words), dict(named))


async def note_use(tx: Transaction, *, text: str, products: int) -> None:
    """Remember that somebody searched for this and how much was found."""
    query = " ".join(text.split())
    if 0 < len(query) <= USE_LIMIT and products > 0 and "\0" not in query:
        await store.insert_use(tx, new_id(), query, products)
