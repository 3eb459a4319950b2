"""Pure rules of the catalogue: slugs, search words, contents of a pack, cursors."""

import base64
import hashlib
import re
import unicodedata
from uuid import UUID

import msgspec

from serai.commerce.catalogue.types import Content
from serai.foundation.errors import Invalid, _

MAX_CONTENT = 1_000_000_000  # grams, millilitres or pieces; more than that is no pack
MAX_KEY = 2**63 - 1

GRAMS = {"g": 1, "kg": 1000, "oz": 28.349523125, "lb": 453.59237}
MILLILITRES = {
    "ml": 1,
    "l": 1000,
    "fl oz": 29.5735295625,
    "pt": 473.176473,
    "qt": 946.352946,
    "gal": 3785.411784,
}
PIECES = {"ct": 1, "pc": 1, "pk": 1, "sheets": 1}
CONTENT = re.compile(
    r"(?:(?P<packs>\d{1,3})\s*(?:pk|ct|pc)?\s*[×x]\s*)?(?P<amount>\d{1,5}(?:\.\d{1,3})?|\d{1,2}/\d{1,2})\s*"
    r"(?P<unit>fl oz|oz|lb|kg|g|ml|l|pt|qt|gal|ct|pc|pk)\b",
    re.IGNORECASE,
)


def make_slug(title: str, unique: str) -> str:
    """A readable address from a title; ``unique`` keeps equal titles apart."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall(r"[a-z0-9]+", plain))[:60].strip("-")
    end = "-".join(re.findall(r"[a-z0-9]+", unique))
    if end != unique:
        # A SKU may hold characters that an address may not; its digest still keeps two of them apart.
        end = f"{end}-{hashlib.blake2b(unique.encode(), digest_size=4).hexdigest()}".strip("-")
    return f"{words}-{end}" if words else end


def parse_content(text: str) -> Content | None:
    """What a pack holds, from texts such as ``22 lb``, ``12 × 12 oz`` or ``1/2 gal``; None when it says nothing."""
    text = " ".join(text.split())
    if not text:
        return None
    match = CONTENT.search(text)
    if not match:
        return Content(text)
    number = match["amount"]
    if "/" in number:
        above, below = map(int, number.split("/"))
        amount = above / below if below else 0.0
    else:
        amount = float(number)
    amount *= int(match["packs"] or 1)
    unit = match["unit"].lower()
    for base, factors in (("g", GRAMS), ("ml", MILLILITRES), ("pc", PIECES)):
        if unit in factors:
            total = round(amount * factors[unit])
            return Content(text, total, base) if 0 < total <= MAX_CONTENT else Content(text)
    return Content(text)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a list goes on: the sort key and id of the last item seen."""

    key: int | str
    item_id: UUID


def encode_cursor(key: int | str, item_id: UUID) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(Cursor(key, item_id))).decode().rstrip("=")


def decode_cursor(cursor: str | None, kind: type) -> Cursor | None:
    """The cursor's content. Invalid ``list.cursor_invalid`` when it is not one of ours."""
    if not cursor:
        return None
    try:
        decoded = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Cursor
        )
    except (ValueError, msgspec.DecodeError) as error:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there.")) from error
    usable = "\0" not in decoded.key if isinstance(decoded.key, str) else abs(decoded.key) <= MAX_KEY
    if not isinstance(decoded.key, kind) or not usable:
        raise Invalid("list.cursor_invalid", _("This list cannot be continued from there."))
    return decoded
