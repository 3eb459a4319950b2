"""Chinese without spaces: characters, pairs of neighbours, a dictionary's words, and how all that is spoken.

A dictionary alone misses parts of longer words (it cuts 带根毛芹 as 带|根毛|芹, so 毛芹 would not be found); pairs of
neighbours do not. So both are indexed.
"""

from collections.abc import Iterator
from functools import lru_cache

import rjieba
from pypinyin import lazy_pinyin
from pypinyin.constants import PHRASES_DICT

from serai.commerce.search.fold import HAN

RUN_LIMIT = 64
INITIALS_LIMIT = 8
SYLLABLE_LIMIT = 6
PARSES_LIMIT = 4
PARSED_LETTERS = 40

# Syllables of Mandarin by their initial; ü is written u, as most people type it.
FINALS = {
    "zh": "a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo",
    "ch": "a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo",
    "sh": "a ai an ang ao e en eng i ou u ua uai uan uang ui un uo",
    "b": "a ai an ang ao ei en eng i ian iao ie in ing o u",
    "p": "a ai an ang ao ei en eng i ian iao ie in ing o ou u",
    "m": "a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u",
    "f": "a an ang ei en eng iao o ou u",
    "d": "a ai an ang ao e en eng i ian iao ie ing iu ong ou u uan ui un uo",
    "t": "a ai an ang ao e eng i ian iao ie ing ong ou u uan ui un uo",
    "n": "a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan ue un uo",
    "l": "a ai an ang ao e ei eng i ia ian iang iao ie in ing iu o ong ou u uan ue un uo",
    "g": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "k": "a ai an ang ao e en eng ong ou u ua uai uan uang ui un uo",
    "h": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "j": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "q": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "x": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "r": "an ang ao e en eng i ong ou u ua uan ui un uo",
    "z": "a ai an ang ao e ei en eng i ong ou u uan ui un uo",
    "c": "a ai an ang ao e en eng i ong ou u uan ui un uo",
    "s": "a ai an ang ao e en eng i ong ou u uan ui un uo",
    "y": "a an ang ao e i in ing o ong ou u uan ue un",
    "w": "a ai an ang ei en eng o u",
    "": "a ai an ang ao e ei en eng er o ou",
}
SYLLABLES = frozenset(initial + final for initial, finals in FINALS.items() for final in finals.split())
BEGINNINGS = frozenset(syllable[:length] for syllable in SYLLABLES for length in range(1, len(syllable) + 1))
# Characters of goods' names that sound different from word to word. Where no dictionary knows the word, any may be meant.
POLYPHONES = {
    "长": "chang zhang", "参": "shen can", "重": "zhong chong", "行": "xing hang", "乐": "le yue", "调": "tiao diao",
    "薄": "bo bao", "藏": "cang zang", "便": "bian pian", "角": "jiao jue", "血": "xue xie", "剥": "bao bo",
    "率": "lu shuai", "降": "jiang xiang", "弹": "dan tan", "和": "he huo", "还": "hai huan", "会": "hui kuai",
    "校": "xiao jiao", "朝": "chao zhao", "传": "chuan zhuan", "单": "dan shan", "都": "dou du", "脉": "mai mo",
    "扒": "ba pa", "色": "se shai", "宿": "su xiu", "提": "ti di", "尾": "wei yi", "咽": "yan ye",
    "折": "zhe she", "粘": "nian zhan", "着": "zhe zhuo", "车": "che ju", "茄": "qie jia", "蔓": "man wan",
    "系": "xi ji", "差": "cha chai", "露": "lu lou", "熟": "shu shou",
    "壳": "ke qiao", "大": "da dai", "解": "jie xie", "盛": "sheng cheng", "仔": "zi zai",
}  # fmt: skip
INITIALS = frozenset(initial[0] for initial in FINALS if initial) | frozenset("aeo")


def cut_run(run: str) -> list[str]:
    """A run of Chinese as the dictionary's words."""
    return list(_cut(run))


@lru_cache(maxsize=65_536)
def _cut(run: str) -> tuple[str, ...]:
    return tuple(rjieba.cut(run))


def list_pairs(run: str) -> list[str]:
    """Every pair of neighbours."""
    return [run[i : i + 2] for i in range(len(run) - 1)]


def spell_run(run: str) -> list[str]:
    """The syllable of each character as it is read inside its word; characters without one keep their place as ''."""
    return [syllable for word in _cut(run) for syllable in _spell_word(word)]


def list_other_sounds(run: str) -> list[tuple[int, str]]:
    """(place, syllable) of how characters may sound besides :func:`spell_run`, where the word decides nothing."""
    found = []
    at = 0
    for word in _cut(run):
        if len(word) == 1 or word not in PHRASES_DICT:
            for offset, (character, said) in enumerate(zip(word, _spell_word(word), strict=True)):
                sounds = POLYPHONES.get(character, "").split()
                found += [(at + offset, sound) for sound in sounds if sound != said]
        at += len(word)
    return found


@lru_cache(maxsize=65_536)
def _spell_word(word: str) -> tuple[str, ...]:
    if len(word) == 1 or not HAN.search(word):
        return tuple(_spell_character(character) for character in word)
    syllables = lazy_pinyin(word)
    if len(syllables) != len(word):
        # Something in it has no sound of its own and came back as it was.
        return tuple(_spell_character(character) for character in word)
    return tuple(_plain(syllable) for syllable in syllables)


@lru_cache(maxsize=32_768)
def _spell_character(character: str) -> str:
    return _plain(lazy_pinyin(character, errors="ignore")[0]) if HAN.match(character) else ""


def _plain(syllable: str) -> str:
    return syllable.replace("v", "u").replace("ü", "u")


def parse_pinyin(word: str, *, is_open: bool = False) -> list[tuple[str, ...]]:
    """Ways to read Latin letters as syllables (``xian``: xian, xi-an), the one with the fewest syllables first.

    With ``is_open`` the last syllable may be unfinished (``huazhuangb``). Empty when it is no pinyin.
    """
    letters = word.replace("v", "u")
    if not (1 <= len(letters) <= PARSED_LETTERS and letters.isascii() and letters.isalpha()):
        return []
    found: list[tuple[str, ...]] = []
    for parse in _read_on(letters, is_open):
        found.append(parse)
        if len(found) >= PARSES_LIMIT:
            break
    return sorted(found, key=len)


def _read_on(letters: str, is_open: bool) -> Iterator[tuple[str, ...]]:
    """Longest syllables first. Which rests can be read is known beforehand, so no wrong turn is walked twice."""
    size = len(letters)
    readable = [False] * size + [True]
    for start in range(size - 1, -1, -1):
        readable[start] = any(
            letters[start:end] in SYLLABLES and readable[end]
            for end in range(start + 1, min(size, start + SYLLABLE_LIMIT) + 1)
        ) or (is_open and letters[start:] in BEGINNINGS)

    def read(start: int) -> Iterator[tuple[str, ...]]:
        if start == size:
            yield ()
            return
        for end in range(min(size, start + SYLLABLE_LIMIT), start, -1):
            piece = letters[start:end]
            known = piece in SYLLABLES or (is_open and end == size and piece in BEGINNINGS)
            if known and readable[end]:
                yield from ((piece, *rest) for rest in read(end))

    yield from read(0)


def looks_like_initials(word: str) -> bool:
    """Whether letters may be first letters of syllables, as in ``hzb`` for 化妆包."""
    return 2 <= len(word) <= INITIALS_LIMIT and all(letter in INITIALS for letter in word)
