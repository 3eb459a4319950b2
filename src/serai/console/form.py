"""What a form held and what was wrong with it, so that a refused form comes back as it was typed."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from serai.foundation.errors import Refused
from serai.foundation.ids import new_id
from serai.foundation.money import parse_minor

MAX_FIELD_CHARACTERS = 20_000
MAX_QUANTITY = 10_000_000
MAX_AMOUNT_MINOR = 10**12
DECIMAL_COMMA = re.compile(r"\d*,(\d{1,2}|\d{4,})")
# Space at the ends of a password belongs to it.
PASSWORDS = frozenset({"password", "current", "new", "again"})


class Form(msgspec.Struct):
    """Values as typed and messages by field name; the name ``""`` stands for the form as a whole.

    ``key`` is new with every form that is shown and comes back with it: a form sent twice is done once.
    ``prefix`` keeps element ids apart where a page has several forms.
    """

    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    key: str = msgspec.field(default_factory=lambda: str(new_id()))
    prefix: str = "f-"


def fill_form(prefix: str, **values: object) -> Form:
    """A form to be shown for the first time; None becomes an empty field."""
    return Form(
        {name: "" if value is None else str(value) for name, value in values.items()}, prefix=f"{prefix}-"
    )


def read_form(prefix: str, sent: Mapping[str, Any]) -> Form:
    """The form that came back: texts trimmed (passwords are not), anything that is no text ignored."""
    values = {}
    for name, value in sent.items():
        if isinstance(value, str):
            text = clean_text(value[:MAX_FIELD_CHARACTERS])
            values[name] = text if name in PASSWORDS else text.strip()
    values.pop("_csrf_token", None)
    key = values.pop("key", "")
    form = Form(values, prefix=f"{prefix}-")
    if parse_uuid(key) is not None:
        form.key = key
    return form


def clean_text(text: str) -> str:
    """The text without NUL, the one character that PostgreSQL cannot store."""
    return text.replace("\0", "")


def parse_uuid(text: str) -> UUID | None:
    """The id in a text, None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def take_text(form: Form, name: str, *, limit: int, missing: str = "", too_long: str) -> str:
    """A text field; ``missing`` is the message when it must not be empty, both messages are translated already."""
    text = form.values.get(name, "")
    if missing and not text:
        form.errors[name] = missing
    elif len(text) > limit:
        form.errors[name] = too_long
    return text


def take_quantity(form: Form, name: str, *, wrong: str, negative: bool = False) -> int:
    """A whole number of pieces from 1 (or, with ``negative``, anything but 0) up to ten million."""
    text = form.values.get(name, "").replace("\N{MINUS SIGN}", "-").replace("\N{FULLWIDTH HYPHEN-MINUS}", "-")
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number == 0 or abs(number) > MAX_QUANTITY or (number < 0 and not negative):
        form.errors[name] = wrong
        return 0
    return number


def take_amount(form: Form, name: str, currency: str, *, wrong: str, positive: bool = True) -> int:
    """An amount of money in minor units, at most as many digits as the currency has."""
    text = form.values.get(name, "")
    # A decimal comma is what half of Europe types; before three digits it may be a thousands' mark, so it is asked about.
    if DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        minor = parse_minor(text, currency)
    except ValueError:
        minor = -1
    if not (0 if not positive else 1) <= minor <= MAX_AMOUNT_MINOR:
        form.errors[name] = wrong
        return 0
    return minor


def note_refusal(form: Form, error: Refused, text: str) -> None:
    """Put a refusal where it belongs: at the field that it names, else above the form."""
    field = error.data.get("field")
    form.errors[field if isinstance(field, str) and field in form.values else ""] = text
