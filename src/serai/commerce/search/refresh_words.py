"""Count in what changes of products and shoppers' searches left behind: vocabulary, brands, frequent searches.

Those who sell only add rows (``search_fresh``, ``search_use``); this flow alone changes the counts, one run at a time per
merchant, so nobody waits for a word that somebody else is adding. Between two runs a new product is found exactly but not
yet by a typo.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from serai.commerce.search import refresh_store as store
from serai.commerce.search.fold import RUN, fold_text
from serai.commerce.search.han import spell_run
from serai.commerce.search.make_document import Document, phrase_of
from serai.commerce.search.store import insert_fresh
from serai.commerce.search.typo import list_deletions
from serai.foundation.database import Transaction
from serai.foundation.ids import new_id

BATCH = 500
WORDS_AT_ONCE = 5_000
KEY_LIMIT = 60


async def refresh_words(tx: Transaction) -> int:
    """Count in up to a batch of what is waiting. Returns how many rows were taken."""
    if not await store.lock_refresh(tx):
        return 0
    fresh = await store.take_fresh(tx, BATCH)
    uses = await store.take_uses(tx, BATCH)
    words: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    for row in fresh:
        words.update(row["words"])
        brands.update(row["brands"])
    await add_words(tx, words)
    await add_phrases(tx, "brand", brands)
    await add_phrases(tx, "query", Counter(" ".join(row["query"].split()).lower() for row in uses))
    return len(fresh) + len(uses)


async def add_words(tx: Transaction, words: Mapping[str, int]) -> None:
    """Add words with their numbers of products, and the forms under which a typo finds them."""
    left = iter(sorted(words.items()))
    while batch := list(islice(left, WORDS_AT_ONCE)):
        new = await store.upsert_words(tx, [word for word, _n in batch], [n for _w, n in batch])
        slips = [(form, word) for word in new for form in list_deletions(word)]
        await store.insert_slips(tx, [form for form, _w in slips], [word for _f, word in slips])


async def add_phrases(tx: Transaction, kind: str, phrases: Mapping[str, int]) -> None:
    """Add phrases to suggest, under each of their keys."""
    rows = [
        (phrase, key, weight)
        for phrase, weight in sorted(phrases.items())
        if phrase
        for key in list_keys(phrase)
    ]
    await store.upsert_phrases(tx, kind, rows)


def list_keys(*texts: str) -> list[str]:
    """The beginnings by which a phrase is found: itself, from each of its words on, and its pinyin whole and in initials."""
    keys: list[str] = []
    for text in texts:
        key = phrase_of(fold_text(text))
        words = key.split()
        keys += [" ".join(words[i:]) for i in range(min(len(words), 4))]
        for run in RUN.findall(key):
            keys.append(run)
            syllables = spell_run(run)
            if all(syllables) and len(syllables) > 1:
                keys += ["".join(syllables), "".join(s[0] for s in syllables)]
    return list(dict.fromkeys(key[:KEY_LIMIT] for key in keys if key))


async def note_entries(tx: Transaction, entries: Iterable[tuple[Document, str]]) -> None:
    """Let the words and brands of entries that were made afresh wait to be counted in."""
    words: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    for document, brand in entries:
        words.update(document.learnt)
        if brand:
            brands[brand] += 1
    if words or brands:
        await insert_fresh(tx, new_id(), dict(words), dict(brands))
