"""A shopper's words as PostgreSQL's tsquery: every word must match, the last one as a beginning.

Nothing of the text reaches the tsquery but letters, digits and Chinese: operators, quotes and controls are gone with the
cut into words, so no query can be a syntax error or mean more than words.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from serai.commerce.search.fold import (
    FLUID,
    MEASURE,
    NUMBER,
    RUN,
    UNITS,
    WORD,
    WORD_LIMIT,
    fold_text,
    is_stop_word,
    join_measure,
    stem_word,
)
from serai.commerce.search.han import cut_run, list_pairs, looks_like_initials, parse_pinyin
from serai.commerce.search.make_document import fold_code, name_token, phrase_of

QUERY_LIMIT = 200
TERMS_LIMIT = 12
RUN_LIMIT = 24
CODE_FROM = 3
TYPO_FROM = 4

PIECE = re.compile(rf"(?P<run>{RUN.pattern})|(?P<word>{WORD.pattern})")
WHOLE_MEASURE = re.compile(rf"{NUMBER}({'|'.join(UNITS)})")
CODE = re.compile(r"[a-z0-9][a-z0-9._/-]*")


class Term(msgspec.Struct, frozen=True):
    """One word of a query. ``is_open``: the last one, which may be unfinished. ``chunk`` is set on the first word of
    what stands between spaces and may be a code."""

    text: str
    kind: str
    is_open: bool = False


class Query(msgspec.Struct, frozen=True):
    """A query ready to run.

    ``match`` finds; ``exact`` finds what is called exactly so or has that code; ``title_exact`` and ``title_open`` (whole
    words, the last one as a beginning) tell matches in a title apart. ``starts`` and ``phrase`` are looked for in title
    keys. ``terms`` are for the correction of typos.
    """

    text: str
    match: str
    exact: str
    title_exact: str
    title_open: str
    starts: str
    phrase: str
    terms: tuple[Term, ...]


def fold_query(text: str) -> str:
    """What was typed, cut to the limit and folded; a space at the end stays, for it ends the last word."""
    folded = " ".join(fold_text(text[:QUERY_LIMIT]).split())
    return f"{folded} " if folded and text[:QUERY_LIMIT][-1:].isspace() else folded


def read_terms(text: str) -> tuple[Term, ...]:
    """The words of a query in order, without stop words where others remain."""
    folded = fold_query(text)
    is_open = not folded.endswith(" ")
    plain = MEASURE.sub(lambda m: f" {join_measure(m[1], m[2])} ", FLUID.sub("", folded))
    terms = []
    for piece in PIECE.finditer(plain):
        if piece["run"]:
            terms.append(Term(piece["run"][:RUN_LIMIT], "run"))
        else:
            terms.append(Term(piece["word"][:WORD_LIMIT], "word"))
    telling = [term for term in terms if not is_stop_word(term.text)] or terms
    telling = list(dict.fromkeys(telling))[:TERMS_LIMIT]
    # A measure is whole: to look for longer ones that begin like a common one (1kg) costs most of a search.
    if telling and is_open and telling[-1] == terms[-1] and not WHOLE_MEASURE.fullmatch(telling[-1].text):
        telling[-1] = msgspec.structs.replace(telling[-1], is_open=True)
    return tuple(telling)


def split_words(text: str) -> list[str]:
    """The words of a query one by one, Chinese cut by the dictionary; characters and letters alone say too little."""
    words = []
    for term in read_terms(text):
        words += cut_run(term.text) if term.kind == "run" else [term.text]
    return [word for word in dict.fromkeys(words) if len(word) > 1]


def compile_query(text: str, synonyms: Mapping[str, Sequence[str]] | None = None) -> Query | None:
    """The query for a text, None when it has no word. ``synonyms``: folded term to the texts that do as well."""
    terms = read_terms(text)
    if not terms:
        return None
    others = synonyms or {}
    match = " & ".join(_widen(_any_of(_read(term)), others.get(term.text, ())) for term in terms)
    code = _code_of(text)
    if code:
        match = f"({match}) | '={code}':*"
    key = phrase_of(fold_query(text))
    is_latin = key[:1].isascii()
    names = [f"'{name_token(key)}'", *([f"'={code}'"] if code else [])]
    return Query(
        text=text,
        match=match,
        exact=" | ".join(names),
        title_exact=" & ".join(_in_title(term, is_open=False) for term in terms),
        title_open=" & ".join(_in_title(term, is_open=term.is_open) for term in terms),
        starts=f"\n{key}",
        phrase=f" {key}" if is_latin else key,
        terms=terms,
    )


def _any_of(expressions: Sequence[str]) -> str:
    return f"({' | '.join(dict.fromkeys(expressions))})" if len(expressions) > 1 else expressions[0]


def _all_of(tokens: Sequence[str]) -> str:
    expressions = [f"'{token}'" for token in dict.fromkeys(tokens)]
    return f"({' & '.join(expressions)})" if len(expressions) > 1 else expressions[0]


def _widen(expression: str, texts: Sequence[str]) -> str:
    """The term, or all words of one of its synonyms."""
    meanings = []
    for text in texts:
        words = [_any_of(_read(msgspec.structs.replace(term, is_open=False))) for term in read_terms(text)]
        if words:
            meanings.append(f"({' & '.join(words)})")
    return f"({' | '.join([expression, *meanings])})" if meanings else expression


def _read(term: Term) -> list[str]:
    """All expressions that a term may stand for."""
    return _read_run(term.text) if term.kind == "run" else _read_word(term)


def _read_run(run: str) -> list[str]:
    """Chinese: all pairs of neighbours, or the dictionary's words each for itself, in whatever order they stand."""
    if len(run) == 1:
        return [f"'{run}'"]
    readings = [_all_of(list_pairs(run))]
    words = [word for word in cut_run(run) if not is_stop_word(word)]
    if len(words) > 1 or "".join(words) != run:
        tokens = [token for word in words for token in (list_pairs(word) if len(word) > 1 else [word])]
        if tokens:
            readings.append(_all_of(tokens))
    return readings


def _read_word(term: Term) -> list[str]:
    word = term.text
    readings = [f"'{word}':*"] if term.is_open and len(word) > 1 else [f"'{word}'"]
    stem = stem_word(word)
    if stem != word:
        readings.append(f"'{stem}'")
    readings += [_spoken(parse, is_open=term.is_open) for parse in parse_pinyin(word, is_open=term.is_open)]
    if looks_like_initials(word):
        readings.append(f"'^{word}':*")
    return readings


def _spoken(parse: tuple[str, ...], *, is_open: bool) -> str:
    """Syllables as the tokens of neighbours; an open last one may go on."""
    if len(parse) == 1:
        # One letter would be every character that begins so.
        return f"'~{parse[0]}':*" if is_open and len(parse[0]) > 2 else f"'~{parse[0]}'"
    pairs = [f"'~{a}-{b}'" for a, b in pairwise(parse)]
    if is_open:
        pairs[-1] += ":*"
    return f"({' & '.join(dict.fromkeys(pairs))})" if len(pairs) > 1 else pairs[0]


def _in_title(term: Term, *, is_open: bool) -> str:
    if term.kind == "run":
        if len(term.text) == 1:
            return f"'{term.text}':A"
        return "(" + " & ".join(f"'{pair}':A" for pair in dict.fromkeys(list_pairs(term.text))) + ")"
    if is_open and len(term.text) > 1:
        return f"('{term.text}':*A | '{stem_word(term.text)}':A)"
    return f"'{stem_word(term.text)}':A"


def _code_of(text: str) -> str:
    """The whole query as the beginning of a SKU or GTIN, '' when it cannot be one. Digits may come in groups."""
    folded = fold_query(text).strip()
    compact = folded.replace(" ", "")
    if not CODE.fullmatch(compact) or not any(c.isdigit() for c in compact):
        return ""
    if " " in folded and not compact.isdigit():
        return ""
    code = fold_code(compact)
    if code.isdigit():
        code = code.lstrip("0")
    return code if len(code) >= CODE_FROM else ""


def list_typo_words(terms: Sequence[Term]) -> list[Term]:
    """The words of a query in which a typo can be looked for: four Latin letters or more."""
    return [
        term for term in terms if term.kind == "word" and len(term.text) >= TYPO_FROM and term.text.isalpha()
    ]
