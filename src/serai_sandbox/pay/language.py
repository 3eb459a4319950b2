"""The pay page's words in English and Chinese, and amounts as each language writes them."""

import re
from collections.abc import Callable
from decimal import Decimal
from importlib import resources
from typing import Any, Literal

from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_precision
from jinja2 import Environment, PackageLoader, StrictUndefined

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
# Minor units of ISO 4217 that are not two digits.
ISO_DIGITS = {
    0: frozenset(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ]
    ),
    3: frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    4: frozenset(["CLF", "UYW"]),
}
LOCALES: dict[Language, str] = {"en": "en", "zh": "zh_Hans_CN"}


def choose_language(wanted: str, payment_locale: str, accept_language: str) -> Language:
    """Return the first of: what the shopper picked, the payment's locale, the browser's preference, English."""
    for text in (wanted, payment_locale):
        for language in LANGUAGES:
            if re.split(r"[-_]", text.lower())[0] == language:
                return language
    ranked: list[tuple[float, int, Language]] = []
    for index, part in enumerate(accept_language.split(",")[:20]):
        tag, _, quality = part.strip().partition(";q=")
        for language in LANGUAGES:
            if tag.lower().split("-")[0] == language and re.fullmatch(
                r"(0(\.\d{1,3})?|1(\.0{1,3})?)?", quality.strip()
            ):
                ranked.append((-float(quality or 1), index, language))
    ranked.sort()
    return next((language for rank, _, language in ranked if rank < 0), "en")


def format_amount(amount_minor: int, currency: str, language: Language) -> str:
    """Return the amount with its currency, as ¥12.30; unknown currencies are taken to have two decimals."""
    digits = count_digits(currency)
    amount = Decimal(amount_minor).scaleb(-digits)
    if digits == get_currency_precision(currency):
        return format_currency(amount, currency, locale=LOCALES[language])
    pattern = "#,##0." + "0" * digits
    return f"{currency}\N{NO-BREAK SPACE}{format_decimal(amount, pattern, LOCALES[language])}"


def count_digits(currency: str) -> int:
    """Return the decimal digits of a currency's minor unit by ISO 4217; CLDR's own leave out minor units without coins."""
    return next((digits for digits, codes in ISO_DIGITS.items() if currency in codes), 2)


def load_messages(language: Language) -> dict[str, str]:
    """Return the catalogue of a language; English is the language of the sources and has none."""
    if language == "en":
        return {}
    path = resources.files("serai_sandbox.pay").joinpath("locale", "zh_Hans", "LC_MESSAGES", "pay.po")
    with path.open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    words: dict[str, str] = {}
    for message in catalogue:
        if not message.id or not message.string:
            continue
        # A plural's id is (one, many). Chinese has one form for both: it is found under the second.
        name = message.id if isinstance(message.id, str) else message.id[-1]
        words[name] = message.string if isinstance(message.string, str) else message.string[0]
    return words


def make_environment(language: Language) -> Environment:
    """Return a Jinja environment whose `_()` speaks the language."""
    messages = load_messages(language)

    def translate(text: str) -> str:
        return messages.get(text, text)

    def translate_plural(one: str, many: str, count: int) -> str:
        return messages.get(many, one if count == 1 else many)

    environment = Environment(
        loader=PackageLoader("serai_sandbox.pay", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    install: Callable[..., None] = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(translate, translate_plural, newstyle=True)
    environment.filters["amount"] = lambda minor, currency: format_amount(minor, currency, language)
    environment.globals["language"] = language
    return environment


class Pages:
    """Renders the templates in the asked-for language."""

    def __init__(self) -> None:
        self._environments = {language: make_environment(language) for language in LANGUAGES}

    def render(self, template: str, language: Language, **values: Any) -> str:
        """Return the page as HTML; a value the template wants and does not get is an error."""
        return self._environments[language].get_template(template).render(**values)
