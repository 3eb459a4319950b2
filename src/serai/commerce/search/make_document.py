"""What a product is found by: the tokens of its texts with weights and positions, as PostgreSQL's tsvector takes them.

Tokens of the vector (a mark in front keeps kinds apart that would else collide):

=========  ==========================================================================================
``ice``    a word as written, and its English stem; numbers; measures (``22lb``)
``毛芹``   of Chinese every character, every pair of neighbours, and the dictionary's longer words
``~mao-qin``  how a pair is spoken; ``~mao`` how a character is
``^hzb``   first letters of the syllables from here on
``=s01``   a code (SKU, GTIN) whole
``"…``     a title whole
``#…``     the merchant, so that one merchant's goods are found among those of thousands
=========  ==========================================================================================
"""

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from serai.commerce.search.fold import RUN, fold_text, is_stop_word, list_measures, list_words, stem_word
from serai.commerce.search.han import (
    INITIALS_LIMIT,
    RUN_LIMIT,
    cut_run,
    list_other_sounds,
    list_pairs,
    spell_run,
)

TEXT_LIMIT = 2_000
POSITION_LIMIT = 16_000
LEARNT_FROM = 4
LEARNT_LIMIT = 24
GAP = 4


class Document(msgspec.Struct, frozen=True):
    """A product's index entry. ``vector`` is a tsvector's text, ``title_key`` its titles as phrases are looked up in
    them, ``learnt`` the words that a typo in a query may have meant."""

    vector: str
    title_key: str
    learnt: frozenset[str]


class Writing:
    """Collects tokens with their places. Positions go on over all texts, so near words are near in one text only."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._names: list[str] = []
        self._at = 0
        self.learnt: set[str] = set()

    def _put(self, token: str, offset: int, weight: str) -> None:
        places = self._places.setdefault(token, [])
        if len(places) < 8:
            places.append(f"{min(self._at + offset, POSITION_LIMIT)}{weight}")

    def write(self, text: str, weight: str, *, is_spoken: bool) -> str:
        """Add a text. ``is_spoken``: also by its pinyin, and words to learn from. Returns it as a phrase."""
        folded = fold_text(text[:TEXT_LIMIT])
        offset = 0
        for word in list_words(folded):
            offset += 1
            if is_stop_word(word):
                continue
            self._put(word, offset, weight)
            stem = stem_word(word)
            if stem != word:
                self._put(stem, offset, weight)
            if is_spoken and LEARNT_FROM <= len(word) <= LEARNT_LIMIT and word.isalpha():
                self.learnt.add(word)
        for measure in list_measures(folded):
            self._put(measure, offset, weight)
        for run in RUN.findall(folded):
            offset = self._write_run(run, offset + 1, weight, is_spoken=is_spoken)
        self._at += offset + GAP
        return phrase_of(folded)

    def _write_run(self, run: str, offset: int, weight: str, *, is_spoken: bool) -> int:
        for i, character in enumerate(run):
            self._put(character, offset + i, weight)
        for i, pair in enumerate(list_pairs(run)):
            self._put(pair, offset + i, weight)
        at = 0
        for word in cut_run(run[:RUN_LIMIT]):
            if len(word) > 2:
                self._put(word, offset + at, weight)
            at += len(word)
        if is_spoken:
            self._speak(run[:RUN_LIMIT], offset)
        return offset + len(run)

    def _speak(self, run: str, offset: int) -> None:
        """The sounds of a run. They weigh least: a written match comes before one that only sounds alike."""
        syllables = spell_run(run)
        for i in range(len(syllables)):
            self._sound(syllables, i, offset)
        for at, sound in list_other_sounds(run):
            other = [*syllables[:at], sound, *syllables[at + 1 :]]
            for i in range(max(0, at - INITIALS_LIMIT + 1), at + 1):
                self._sound(other, i, offset, only_at=at)
        at = 0
        for word in cut_run(run):
            if len(word) > 2:
                self._learn("".join(syllables[at : at + len(word)]))
            at += len(word)

    def _sound(self, syllables: Sequence[str], i: int, offset: int, *, only_at: int | None = None) -> None:
        """The sounds that start at a syllable; ``only_at``: those alone that hold the syllable there."""
        if not syllables[i]:
            return
        if only_at in (None, i):
            self._put(f"~{syllables[i]}", offset + i, "D")
        if i + 1 == len(syllables) or not syllables[i + 1]:
            return
        if only_at in (None, i, i + 1):
            self._put(f"~{syllables[i]}-{syllables[i + 1]}", offset + i, "D")
            self._learn(syllables[i] + syllables[i + 1])
        initials = "".join(s[:1] for s in syllables[i : i + INITIALS_LIMIT])
        self._put(f"^{initials}", offset + i, "D")

    def _learn(self, word: str) -> None:
        if LEARNT_FROM <= len(word) <= LEARNT_LIMIT:
            self.learnt.add(word)

    def name(self, key: str) -> None:
        """Let a title be found whole, given as a phrase."""
        if key:
            self._names.append(name_token(key))

    def write_code(self, code: str) -> None:
        """Add a SKU or GTIN: whole, and its words."""
        folded = fold_text(code.strip())
        if not folded:
            return
        for token in {fold_code(folded), fold_code(folded.lstrip("0"))} - {""}:
            self._put(f"={token}", 1, "D")
        self.write(code, "D", is_spoken=False)

    def vector(self, merchant_id: UUID) -> str:
        """The text of a tsvector."""
        tokens = [f"'{token}':{','.join(places)}" for token, places in self._places.items()]
        names = [f"'{name}'" for name in dict.fromkeys(self._names)]
        return " ".join([f"'{merchant_token(merchant_id)}'", *names, *tokens])


def merchant_token(merchant_id: UUID) -> str:
    """The token that every product of a merchant carries. Two merchants may share one; rows are filtered all the same."""
    return f"#{merchant_id.hex[-8:]}"


def name_token(key: str) -> str:
    """The token of a whole title, given as a phrase."""
    return f'"{_digest(key)}'


def mark_of(choice: str) -> str:
    """The token of a choice that lists are narrowed by, as ``commerce.mark_of`` makes it."""
    return f"@{_digest(choice)}"


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:12]


def fold_code(folded: str) -> str:
    """A code without what scanners and people write differently: spaces, quotes and signs."""
    return "".join(c for c in folded if c.isalnum())[:60]


def phrase_of(folded: str) -> str:
    """A text as phrases are compared: its words, Chinese runs among them, with single spaces."""
    marked = RUN.sub(lambda run: f" {run.group()} ", folded)
    return " ".join("".join(c if c.isalnum() or c in "./" else " " for c in marked).split())


def make_document(
    merchant_id: UUID,
    *,
    titles: Sequence[str],
    groups: Iterable[str] = (),
    description: str = "",
    codes: Iterable[str] = (),
    content: str = "",
) -> Document:
    """The index entry of a product: titles in all its languages, brand and categories (``groups``), the rest.

    Weights: A titles and content of the pack, B groups, C description, D codes and sounds.
    """
    writing = Writing()
    keys = [writing.write(title, "A", is_spoken=True) for title in titles if title]
    for key in keys:
        writing.name(key)
    if content:
        writing.write(content, "A", is_spoken=False)
    for group in groups:
        if group:
            writing.write(group, "B", is_spoken=True)
    if description:
        writing.write(description, "C", is_spoken=False)
    for code in codes:
        if code:
            writing.write_code(code)
    title_key = "".join(f"\n{key}" for key in keys)[:1_000]
    return Document(writing.vector(merchant_id), title_key, frozenset(writing.learnt))
