"""Barcodes as tills and phones read them: GTINs with their check digit, GS1 element strings, GS1 digital links."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

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


class Scan(msgspec.Struct, frozen=True):
    """What a scanned code says. ``gtin`` is a GTIN-14; weight in kg and amount as decimal texts, as printed."""

    gtin: str
    lot: str | None = None
    serial: str | None = None
    best_before: date | None = None
    expires_on: date | None = None
    weight_kg: str | None = None
    amount: str | None = None


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
