"""Bring text to the one form that index and queries share: width, case, accents, simplified Chinese, units of measure."""

import re
import unicodedata
from functools import lru_cache

import opencc
import snowballstemmer

# Ideographs, kana and hangul: scripts written without spaces, or with endings glued on.
RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]+")
HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
# A word is letters and digits of other scripts; a number keeps its point (1.5) and its stroke (1/2).
WORD = re.compile(r"\d+(?:[./]\d+)+|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]+")
WORD_LIMIT = 40

UNITS = {
    "lb": "lb lbs pound pounds 磅",
    "oz": "oz ounce ounces 盎司",
    "kg": "kg kgs kilogram kilograms kilo kilos 千克 公斤",
    "g": "g gr gram grams 克",
    "mg": "mg milligram milligrams 毫克",
    "l": "l ltr liter liters litre litres 升",
    "ml": "ml milliliter milliliters millilitre millilitres 毫升",
    "gal": "gal gallon gallons 加仑",
    "qt": "qt quart quarts",
    "pt": "pt pint pints",
    "ct": "ct count",
    "pk": "pk pack packs",
    "cm": "cm 厘米",
    "mm": "mm 毫米",
    "inch": "inch inches 英寸",
}
UNIT_OF = {spelling: unit for unit, spellings in UNITS.items() for spelling in spellings.split()}
NUMBER = r"\d+(?:[./]\d+)*"
MEASURE = re.compile(
    rf"({NUMBER})\s*-?\s*({'|'.join(sorted(UNIT_OF, key=len, reverse=True))})(?![a-z])", re.IGNORECASE
)
FLUID = re.compile(r"\bfl\.?\s*(?=oz\b|ounces?\b)")
APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")

# fmt: off
STOP_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "the", "to", "with",
    "的", "了", "和", "与", "及", "或", "在", "是",
))
# fmt: on

_SIMPLIFIED = opencc.OpenCC("t2s")
_STEMMER = snowballstemmer.stemmer("english")


def fold_text(text: str) -> str:
    """Text in the form that is compared: NFKC, lower case, Latin without accents, Chinese simplified, no apostrophes."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        if HAN.search(text):
            text = _SIMPLIFIED.convert(text)
        text = "".join(map(_drop_accents, text))
    return THOUSANDS.sub("", APOSTROPHE.sub("", text.lower()))


@lru_cache(maxsize=4096)
def _drop_accents(character: str) -> str:
    """The character without its accents where it is of an alphabet; kana and hangul would fall apart."""
    if character.isascii() or not (ord(character) < 0x590 or 0x1E00 <= ord(character) < 0x2000):
        return character
    parts = unicodedata.normalize("NFKD", character)
    return "".join(part for part in parts if not unicodedata.combining(part))


def list_measures(folded: str) -> list[str]:
    """Numbers joined with their units in one spelling: ``22 pounds`` and ``22 lb`` are ``22lb``."""
    plain = FLUID.sub("", folded)
    return [join_measure(number, unit) for number, unit in MEASURE.findall(plain)]


def join_measure(number: str, unit: str) -> str:
    """One spelling of a measure; ``22.0`` counts as ``22``."""
    if "." in number and "/" not in number and number.count(".") == 1:
        number = number.rstrip("0").rstrip(".")
    return f"{number}{UNIT_OF[unit.lower()]}"


def list_words(folded: str) -> list[str]:
    """Words and numbers in order, Chinese left out, over-long ones cut."""
    return [word[:WORD_LIMIT] for word in WORD.findall(folded)]


@lru_cache(maxsize=65_536)
def stem_word(word: str) -> str:
    """The English stem of a folded word; what is no English word comes back much as it was."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    stem: str = _STEMMER.stemWord(word)
    return stem


def is_stop_word(word: str) -> bool:
    """Whether a word says nothing about goods."""
    return word in STOP_WORDS
