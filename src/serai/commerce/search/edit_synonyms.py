"""Words of a merchant's own that mean the same: who types one finds what carries the others too."""

from collections.abc import Sequence

from serai.commerce.search import store
from serai.commerce.search.compile_query import read_terms
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Limited, _
from serai.foundation.ids import derive_id
from serai.identity.audit import api as audit

SYNONYMS_LIMIT = 2_000
MEANINGS_LIMIT = 10
TEXT_LIMIT = 60


async def set_synonyms(tx: Transaction, *, term: str, also_means: Sequence[str], by: str) -> None:
    """From now on ``term`` (one word, or one run of Chinese) also finds each of these texts; an empty list forgets it.

    Synonyms work one way and not through each other, so they cannot go in circles.

    Raises:
        Invalid: ``search.synonym_invalid``; more than one word, nothing to find, or too long.
        Limited: ``search.synonyms_full``.
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
    if meanings:
        if await store.count_synonyms(tx) >= SYNONYMS_LIMIT:
            raise Limited(
                "search.synonyms_full", _("There are as many synonyms as there may be. Remove some first.")
            )
        await store.upsert_synonym(tx, folded, meanings)
    else:
        await store.delete_synonym(tx, folded)
    await audit.record(
        tx,
        actor=by,
        action="synonym.set",
        subject_kind="synonym",
        subject_id=derive_id("synonym", tx.merchant_id, folded),
        after={"term": folded, "also_means": meanings},
    )
