"""Which fonts a paper needs: Inter, and of the others only those whose letters it uses. Files come with ``make assets``."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec
from fontTools.ttLib import TTFont

from serai.foundation.errors import Outside
from serai.foundation.i18n import translations
from serai.foundation.pages import STATIC

FOLDER = STATIC / "vendor" / "paper"
# Drawn for a letter that no font has.
UNKNOWN = "□"
# They join or vary the sign before them; alone they have nothing to show.
JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
RTL = tuple(map(range, (0x590, 0x700, 0xFB1D, 0xFE70), (0x700, 0x900, 0xFE00, 0xFF00)))


class Face(msgspec.Struct, frozen=True):
    """A font with its files; one without a bold file is the same in bold."""

    name: str
    regular: str
    bold: str


INTER = Face("inter", "Inter_400Regular", "Inter_600SemiBold")
HANS = Face("hans", "NotoSansSC_400Regular", "NotoSansSC_600SemiBold")
HANT = Face("hant", "NotoSansTC_400Regular", "NotoSansTC_600SemiBold")
ARABIC = Face("arabic", "NotoSansArabic_400Regular", "NotoSansArabic_400Regular")
HEBREW = Face("hebrew", "NotoSansHebrew_400Regular", "NotoSansHebrew_400Regular")
EMOJI = Face("emoji", "NotoEmoji_400Regular", "NotoEmoji_400Regular")


def find_file(name: str) -> Path:
    """A font's file. Outside ``fonts`` when it was not brought."""
    path = FOLDER / f"{name}.ttf"
    if not path.is_file():
        raise Outside("fonts", f"{path.name} is missing; `make assets` brings it", retryable=False)
    return path


@cache
def list_letters(name: str) -> frozenset[str]:
    """The letters that a font has."""
    with TTFont(find_file(name), lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


@cache
def list_house_letters(locale: str) -> frozenset[str]:
    """Letters of all that the house says in a language: a paper may have any of them beside its content."""
    catalogue = getattr(translations(locale), "_catalog", {})
    return frozenset("".join(text for text in catalogue.values() if isinstance(text, str)))


def use_everyday(face: Face, letters: frozenset[str]) -> Face:
    """The same face cut down to everyday characters, which opens faster, where that was made and is enough."""
    name = f"{face.regular}.everyday"
    if not (FOLDER / f"{name}.ttf").is_file() or not letters <= list_letters(name):
        return face
    return Face(face.name, name, f"{face.bold}.everyday")


class Choice(msgspec.Struct, frozen=True):
    """Fonts for some texts, the first one first; ``unknown`` are letters that none of them has."""

    faces: tuple[Face, ...]
    unknown: frozenset[str]
    has_rtl: bool

    def show(self, text: str) -> str:
        """A text of which every letter can be drawn."""
        if not self.unknown:
            return text
        return "".join("" if char in JOINERS else UNKNOWN if char in self.unknown else char for char in text)


def choose_fonts(texts: Iterable[str], locale: str) -> Choice:
    """The fonts for some texts. Characters that several Chinese fonts have are drawn as the reader's script has them."""
    left = set("".join(texts))
    has_rtl = any(ord(char) in each for char in left for each in RTL)
    faces = [INTER]
    left -= list_letters(INTER.regular)
    chinese = (HANT, HANS) if locale == "zh_Hant" else (HANS, HANT)
    for face in (HEBREW, ARABIC, EMOJI, *chinese):
        if left - JOINERS and left & list_letters(face.regular):
            drawn = left & list_letters(face.regular)
            left -= drawn
            if face in chinese:
                words = (
                    list_house_letters(locale) & list_letters(face.regular)
                    if face is chinese[0]
                    else frozenset()
                )
                face = use_everyday(face, frozenset(drawn | words) - list_letters(INTER.regular))
            faces.append(face)
    return Choice(tuple(faces), frozenset(left), has_rtl)
