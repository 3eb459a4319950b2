"""Barcodes as tills and phones read them: GTINs with their check digit, GS1 element strings, GS1 digital links."""

import re
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import biip
import msgspec
from biip.gtin import Gtin

from serai.foundation.errors import Invalid, _

MAX_SCAN = 300
# Brackets are for people; a scanner sends the FNC1 character (or nothing) between element strings.
BRACKETED = re.compile(r"\((\d{2,4})\)([^()]*)")
SEPARATOR = "\x1d"
# Net weight in kilograms with n decimals, price in the local currency with n decimals (GS1 General Specifications 3.6).
WEIGHT, AMOUNTS = "310", ("392", "390")
# EAN-13 from 20 to 29 is every shop's own: scales print an article of five digits and what was weighed or what it costs.
# What the five digits of the value mean is agreed per shop; here the first prefixes tell a price, the others a weight.
PRICE_PREFIXES = ("20", "21", "22", "23", "24")
WEIGHT_PREFIXES = ("25", "26", "27", "28", "29")


class Scan(msgspec.Struct, frozen=True):
    """What a scanned code says. ``gtin`` is a GTIN-14; weight in kg and amount as decimal texts, as printed."""

    gtin: str
    lot: str | None = None
    serial: str | None = None
    best_before: date | None = None
    expires_on: date | None = None
    weight_kg: str | None = None
    amount: str | None = None


class HouseCode(msgspec.Struct, frozen=True):
    """A code that a shop's scales print: the article's own code with an empty value, and the value of this label.

    ``kind`` says whether ``value`` is a price in minor units or a weight in grams.
    """

    gtin: str
    kind: Literal["price", "weight"]
    value: int


def read_house_code(gtin: str) -> HouseCode | None:
    """What a GTIN-14 of a shop's own range says; None for every other one."""
    prefix = gtin[1:3]
    if gtin[0] != "0" or prefix not in PRICE_PREFIXES + WEIGHT_PREFIXES:
        return None
    base = gtin[:8] + "00000"
    kind: Literal["price", "weight"] = "price" if prefix in PRICE_PREFIXES else "weight"
    return HouseCode(base + make_check_digit(base), kind, int(gtin[8:13]))


def make_check_digit(digits: str) -> str:
    """The check digit of a GTIN without its last digit: weights 3 and 1 from the right, up to the next ten."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def name_code(gtin: str) -> tuple[str, str]:
    """A GTIN-14 as it stands on the goods, and of which kind it is: ``GTIN-8``, ``-12``, ``-13``, ``-14`` or a house's
    own ``price`` or ``weight`` code."""
    house = read_house_code(gtin)
    if house is not None:
        return gtin[1:], house.kind
    for zeros, length in ((6, 8), (2, 12), (1, 13)):
        if gtin.startswith("0" * zeros):
            return gtin[zeros:], f"GTIN-{length}"
    return gtin, "GTIN-14"


def parse_gtin(text: str) -> str:
    """A GTIN-8, -12, -13 or -14 as GTIN-14. Invalid ``product.gtin_invalid`` for a wrong length or check digit."""
    digits = re.sub(r"[\s-]", "", text)
    if not digits.isascii() or not digits.isdigit() or not int(digits):
        raise _wrong_gtin(text)
    try:
        return Gtin.parse(digits).as_gtin_14()
    except biip.ParseError as error:
        raise _wrong_gtin(text) from error


def _wrong_gtin(text: str) -> Invalid:
    return Invalid(
        "product.gtin_invalid",
        _("“%(gtin)s” is no GTIN: it has 8, 12, 13 or 14 digits, and the last one is a check digit."),
        field="gtin",
        gtin=text[:40],
    )


def parse_scan(text: str) -> Scan:
    """What a scanned code says: a plain GTIN, GS1 element strings (also in brackets) or a GS1 digital link.

    Raises:
        Invalid: ``product.gtin_invalid`` when no GTIN can be read from it.
    """
    code = text.strip()
    # biip takes digits of any script for digits.
    if not code or len(code) > MAX_SCAN or not code.isascii() or "\0" in code:
        raise _wrong_gtin(text)
    if BRACKETED.match(code):
        code = SEPARATOR.join(ai + value.strip() for ai, value in BRACKETED.findall(code))
    try:
        result = biip.parse(code)
    except biip.ParseError as error:
        raise _wrong_gtin(text) from error
    if result.gtin is None or not int(result.gtin.value):
        raise _wrong_gtin(text)
    parts: list[Any] = []
    for message in (result.gs1_message, result.gs1_digital_link_uri):
        if message is not None:
            parts = list(message.element_strings)
            break
    told = {part.ai.ai: part for part in parts}
    return Scan(
        result.gtin.as_gtin_14(),
        lot=_value(told, "10"),
        serial=_value(told, "21"),
        best_before=_date(told, "15"),
        expires_on=_date(told, "17"),
        weight_kg=_decimal(told, WEIGHT),
        amount=next((found for ai in AMOUNTS if (found := _decimal(told, ai))), None),
    )


def _value(told: dict[str, Any], ai: str) -> str | None:
    return str(told[ai].value) if ai in told else None


def _date(told: dict[str, Any], ai: str) -> date | None:
    found: date | None = told[ai].date if ai in told else None
    return found


def _decimal(told: dict[str, Any], family: str) -> str | None:
    """The number of an element string whose fourth digit says where the point stands."""
    for ai, part in told.items():
        if ai.startswith(family) and len(ai) == 4:
            value: Decimal = (
                part.decimal if part.decimal is not None else Decimal(part.value).scaleb(-int(ai[3]))
            )
            return str(value)
    return None
