"""Words of a merchant's own that mean the same: who types one finds what carries the others too."""

from collections.abc import Sequence

import msgspec

from serai.commerce.search import store, word_store
from serai.commerce.search.compile_query import read_terms
from serai.commerce.search.edit_pins import edited_meanwhile
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Limited, _
from serai.foundation.ids import derive_id
from serai.identity.audit import api as audit

SYNONYMS_LIMIT = 2_000
MEANINGS_LIMIT = 10
TEXT_LIMIT = 60


class Synonym(msgspec.Struct, frozen=True):
    """A word as it is folded and as it was typed, and what it also finds; ``both_ways``: those find it and each other."""

    term: str
    typed: str
    also_means: tuple[str, ...]
    both_ways: bool


async def list_synonyms(tx: Transaction) -> list[Synonym]:
    """All words of the merchant's own, by word."""
    return [
        Synonym(row["term"], row["typed"] or row["term"], tuple(row["also_means"]), row["both_ways"])
        for row in await word_store.list_synonyms(tx, SYNONYMS_LIMIT)
    ]


async def load_meanings(tx: Transaction, *, terms: Sequence[str]) -> dict[str, list[str]]:
    """What some folded terms also find: their own synonyms, and those that name them and hold both ways."""
    meanings: dict[str, list[str]] = {}
    for row in await word_store.list_meanings(tx, terms):
        for term in terms:
            if term == row["term"]:
                meanings.setdefault(term, []).extend(row["also_means"])
            elif row["both_ways"] and term in row["also_folded"]:
                others = [text for text in row["also_means"] if fold_word(text) != term]
                meanings.setdefault(term, []).extend([row["typed"] or row["term"], *others])
    return meanings


def fold_word(text: str) -> str | None:
    """A text of a single word (or run of Chinese) as queries have it, None for a longer one."""
    words = read_terms(f"{text[:TEXT_LIMIT]} ")
    return words[0].text if len(words) == 1 else None


async def set_synonyms(
    tx: Transaction,
    *,
    term: str,
    also_means: Sequence[str],
    by: str,
    both_ways: bool = False,
    seen: Sequence[str] | None = None,
) -> None:
    """From now on ``term`` (one word, or one run of Chinese) also finds each of these texts; an empty list forgets it.

    ``both_ways``: each of them that is one word finds the term and the others too. Synonyms do not work through each
    other, so they cannot go in circles. ``seen`` is what the term also meant when somebody looked.

    Raises:
        Invalid: ``search.synonym_invalid``; more than one word, nothing to find, or too long.
        Limited: ``search.synonyms_full``. Conflict: ``search.edited_meanwhile``.
    """
    words = read_terms(f"{term[:TEXT_LIMIT]} ")
    meanings = list(dict.fromkeys(" ".join(text.split()) for text in also_means if text.strip()))
    if (
        len(words) != 1
        or len(meanings) > MEANINGS_LIMIT
        or any(len(text) > TEXT_LIMIT or not read_terms(text) for text in meanings)
    ):
        raise Invalid(
            "search.synonym_invalid",
            _(
                "A synonym is one word, and it stands for at most %(limit)s others of at most %(length)s characters."
            ),
            limit=MEANINGS_LIMIT,
            length=TEXT_LIMIT,
        )
    folded = words[0].text
    row = await word_store.lock_synonym(tx, folded)
    before = list(row["also_means"]) if row else []
    if seen is not None and list(seen) != before:
        raise edited_meanwhile()
    if meanings:
        if row is None and await store.count_synonyms(tx) >= SYNONYMS_LIMIT:
            raise Limited(
                "search.synonyms_full", _("There are as many synonyms as there may be. Remove some first.")
            )
        one_word = [word for text in meanings if (word := fold_word(text)) is not None]
        typed = " ".join(term.split())[:TEXT_LIMIT]
        await word_store.upsert_synonym(tx, (folded, typed, meanings, both_ways, one_word))
    else:
        await store.delete_synonym(tx, folded)
    await audit.record(
        tx,
        actor=by,
        action="synonym.set",
        subject_kind="synonym",
        subject_id=derive_id("synonym", tx.merchant_id, folded),
        before={"term": folded, "also_means": before},
        after={"term": folded, "also_means": meanings, "both_ways": both_ways},
    )
