"""Quantities as programs send them and as people type them: always whole steps in the end."""

import re
from decimal import Decimal
from typing import Any

from serai.commerce.settings import CommerceSettings
from serai.foundation.errors import Invalid, _

LIMITS = CommerceSettings()


def parse_quantity(value: Any, *, scale: int = 0) -> int:
    """Steps out of a body: a whole number from 1 to the limit of units. Invalid ``cart.quantity_invalid``."""
    try:
        quantity = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    except ValueError:
        quantity = None
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        raise _wrong_quantity(scale)
    if not 1 <= quantity <= LIMITS.line_quantity * 10**scale:
        raise _wrong_quantity(scale)
    return quantity


def _wrong_quantity(scale: int) -> Invalid:
    most = LIMITS.line_quantity
    message = (
        _("Please choose a whole number from 1 to %(most)s.")
        if scale == 0
        else _("Please give an amount such as 0.25, up to %(most)s.")
    )
    return Invalid("cart.quantity_invalid", message, field="quantity", most=most)


AMOUNT = re.compile(
    r"([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*(kg|g|l|ml|m|cm|公斤|千克|克|斤|升|毫升|米)?", re.IGNORECASE
)
# What people type, as units of the variant's own kind; 斤 is half a kilogram.
TYPED = {
    "kg": {"": "1", "kg": "1", "公斤": "1", "千克": "1", "g": "0.001", "克": "0.001", "斤": "0.5"},
    "l": {"": "1", "l": "1", "升": "1", "ml": "0.001", "毫升": "0.001"},
    "m": {"": "1", "m": "1", "米": "1", "cm": "0.01"},
}


def parse_amount(text: str, *, scale: int, unit: str) -> int:
    """Steps out of what somebody typed: ``0.25``, ``0,25 kg`` and ``250 g`` are 250 steps of a gram; pieces are whole.

    An amount between two steps is refused, never rounded: nobody gets another weight than he typed.

    Raises:
        Invalid: ``cart.quantity_invalid``.
    """
    if scale == 0:
        return parse_quantity(text)
    match = AMOUNT.fullmatch(text.strip())
    factor = TYPED[unit].get((match[2] or "").lower()) if match else None
    if match is None or factor is None:
        raise _wrong_quantity(scale)
    steps = (Decimal(match[1].replace(",", ".")) * Decimal(factor)).scaleb(scale)
    if steps != steps.to_integral_value():
        raise _wrong_quantity(scale)
    return parse_quantity(int(steps), scale=scale)
