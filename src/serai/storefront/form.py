"""What a shopper typed, and what is wrong with it: read from a request, shown again at the fields."""

import re
from typing import Any

import msgspec
from litestar import Request

from serai.foundation.errors import Refused, _
from serai.foundation.i18n import translate

FIELD_LIMIT = 2000
EMAIL = re.compile(r"[^@\s\"'<>(),;:\\]+@[^@\s\"'<>(),;:\\]+\.[^@\s\"'<>(),;:\\.]{2,}")


class Form(msgspec.Struct):
    """Values by field as they were typed, and translated messages by field; ``general`` belongs to no field."""

    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    general: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.errors and not self.general

    def text(self, name: str) -> str:
        """A value without space around it, inner space single."""
        return " ".join(self.values.get(name, "").split())

    def require(self, name: str, words: str, *, locale: str, limit: int = 200) -> str:
        """A text that must not be empty. ``words`` is the message id that says what is missing."""
        value = self.text(name)
        if not value:
            self.errors[name] = translate(words, locale)
        else:
            self.limit(name, locale=locale, limit=limit)
        return value

    def limit(self, name: str, *, locale: str, limit: int) -> str:
        """A text that must not be too long."""
        value = self.text(name)
        if len(value) > limit:
            self.errors[name] = translate(
                _("That is too long: at most %(limit)s characters."), locale, {"limit": limit}
            )
        return value

    def require_email(self, name: str, *, locale: str) -> str:
        """A text that looks like an e-mail address."""
        value = self.require(name, _("Please write your e-mail address."), locale=locale, limit=254)
        if value and name not in self.errors and not EMAIL.fullmatch(value):
            self.errors[name] = translate(
                _("That is not an e-mail address. One looks like %(example)s."),
                locale,
                {"example": "ada@example.org"},
            )
        return value

    def take_refusal(self, refusal: Refused, *, locale: str) -> None:
        """Show a refusal at the field it names, else above the form."""
        text = translate(refusal.message, locale, refusal.data)
        field = refusal.data.get("field")
        if isinstance(field, str) and field:
            self.errors[field] = text
        else:
            self.general = text


async def read_values(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The text fields of a posted form. Of a repeated field the last counts; files and oversized texts are left out."""
    values: dict[str, str] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str) and len(value) <= FIELD_LIMIT and len(name) <= 60:
            values[name] = value.replace("\x00", "")
    return values
