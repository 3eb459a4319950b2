"""Languages: gettext catalogues of all surfaces merged per locale, names that merchants translate, a visitor's language.

The catalogues are the ``.po`` files themselves, compiled in memory at start, so that no stale binary can be served.
"""

import io
from collections.abc import Mapping
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from opencc import OpenCC

LOCALES = ("en", "zh_Hans", "zh_Hant")
DEFAULT_LOCALE = "en"
LANGUAGE_TAGS = {"en": "en", "zh_Hans": "zh-Hans", "zh_Hant": "zh-Hant"}
# How each language is called by those who read it.
LANGUAGE_NAMES = {"en": "English", "zh_Hans": "简体中文", "zh_Hant": "繁體中文"}
LOCALE_COOKIE = "locale"
# What browsers send, and which catalogue serves it.
ALIASES = {
    "en": "en",
    "zh": "zh_Hans",
    **dict.fromkeys(("zh_CN", "zh_SG", "zh_MY", "zh_Hans_CN", "zh_Hans_SG", "zh_Hans_HK"), "zh_Hans"),
    **dict.fromkeys(("zh_TW", "zh_HK", "zh_MO", "zh_Hant_TW", "zh_Hant_HK", "zh_Hant_MO"), "zh_Hant"),
}
# The other script of a language, and OpenCC's way there (with the words of Taiwan, not only the characters).
OTHER_SCRIPT = {"zh_Hant": ("zh_Hans", "s2twp"), "zh_Hans": ("zh_Hant", "tw2sp")}


@cache
def translations(locale: str) -> NullTranslations:
    """The merged catalogues of a locale; English needs none, its texts are the message ids."""
    folder = files("serai") / "locale" / locale / "LC_MESSAGES"
    if not folder.is_dir():
        return NullTranslations()
    merged: GNUTranslations | None = None
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".po"):
            continue
        binary = io.BytesIO()
        with entry.open("rb") as source:
            write_mo(binary, read_po(source, locale=locale))
        binary.seek(0)
        catalogue = GNUTranslations(binary)
        if merged is None:
            merged = catalogue
        else:
            merged._catalog.update(catalogue._catalog)  # type: ignore[attr-defined]  # gettext cannot merge
    return merged or NullTranslations()


def translate(message: str, locale: str, data: Mapping[str, object] | None = None) -> str:
    """A message id in the reader's language, its ``%(name)s`` places filled from ``data``."""
    text = translations(locale).gettext(message) if message else ""
    if data and "%(" in text:
        try:
            return text % data
        except (KeyError, TypeError, ValueError):
            return text
    return text


def pick_translation(texts: Mapping[str, str], locale: str, default: str) -> str:
    """What a merchant wrote in the reader's language, else in its other script (converted), else ``default``."""
    own = texts.get(locale)
    if own:
        return own
    source, conversion = OTHER_SCRIPT.get(locale, ("", ""))
    other = texts.get(source)
    return convert_script(other, conversion) if other else default


@lru_cache(maxsize=65_536)
def convert_script(text: str, conversion: str) -> str:
    """A Chinese text in the other script; ``conversion`` is one of OpenCC's, such as ``s2twp``."""
    return _converter(conversion).convert(text)


@cache
def _converter(conversion: str) -> OpenCC:
    return OpenCC(conversion)


def choose_locale(cookie: str | None, accept_language: str | None) -> str:
    """The locale of a visitor: what was chosen before, else the best match with the browser's wishes."""
    if cookie in LOCALES:
        return str(cookie)
    wishes = []
    for part in (accept_language or "")[:400].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            wishes.append((-float(quality or 1), tag.replace("-", "_")))
        except ValueError:
            continue
    preferred = [tag for _, tag in sorted(wishes, key=lambda wish: wish[0])]
    match = negotiate_locale(preferred, list(LOCALES) + list(ALIASES), sep="_", aliases=ALIASES)
    return ALIASES.get(match or "", match or DEFAULT_LOCALE)
