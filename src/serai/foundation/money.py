"""Money as integer minor units of an ISO 4217 currency; shown by Babel, never held in a float."""

import copy
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import msgspec
from babel import Locale
from babel.numbers import NumberPattern, list_currencies

# Minor units of ISO 4217 (list one) that are not two. CLDR's own digits follow what people use in cash and leave out
# minor units that prices, banks and payment providers count in (AFN, IQD, LAK ...), so they are not asked.
OTHER_DIGITS = {
    **dict.fromkeys(
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
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


LETTER_BEFORE_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount in minor units (cents, fen) of one currency."""

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.minor * times, self.currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} with {other.currency}")


@cache
def minor_digits(currency: str) -> int:
    """How many decimal digits the currency's minor unit has (2 for CNY, 0 for JPY, 3 for KWD). ValueError if unknown."""
    if currency not in list_currencies():
        raise ValueError(f"unknown currency {currency!r}")
    return OTHER_DIGITS.get(currency, 2)


def parse_minor(text: str, currency: str) -> int:
    """A decimal text such as ``12.50`` as minor units. ValueError when it has more digits than the currency."""
    try:
        amount = Decimal(text.strip())
    except ArithmeticError as error:
        raise ValueError(f"not an amount: {text!r}") from error
    if not amount.is_finite():
        raise ValueError(f"not an amount: {text!r}")
    minor = amount.scaleb(minor_digits(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{text!r} has more digits than {currency} allows")
    return int(minor)


def format_money(minor: int, currency: str, locale: str = "en") -> str:
    """The amount as people of the locale write it, e.g. ``¥12.50``, with all digits of the minor unit."""
    digits = minor_digits(currency)
    pattern = _currency_pattern(locale, digits)
    text: str = pattern.apply(
        Decimal(minor).scaleb(-digits), locale, currency=currency, currency_digits=False
    )
    # CLDR puts a space between a currency of letters and the digits; Babel does not.
    return LETTER_BEFORE_DIGIT.sub("\N{NO-BREAK SPACE}", text, count=1)


@cache
def _currency_pattern(locale: str, digits: int) -> NumberPattern:
    pattern = copy.copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return pattern


def share_out(minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights so that the shares sum to it exactly: largest remainder, ties to the earlier line.

    A single zero-weight list shares evenly. ValueError for negative weights or none at all.
    """
    if not weights or min(weights) < 0:
        raise ValueError("weights must be given and not negative")
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    sign = -1 if minor < 0 else 1
    amount = abs(minor)
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[: amount - sum(shares)]:
        shares[i] += 1
    return [sign * share for share in shares]
