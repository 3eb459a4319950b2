"""Pure rules of checkout: what makes a contact and an address usable, and the digest of a quote."""

import hashlib
import re
from collections.abc import Sequence
from uuid import UUID

from babel import Locale

from serai.commerce.cart.types import CartLine
from serai.commerce.order.types import Address, Contact
from serai.commerce.promotion.types import Result
from serai.commerce.tax.types import OrderTax
from serai.commerce.tender.types import OrderTender
from serai.foundation.errors import Invalid, _

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
PHONE = re.compile(r"[+]?[0-9][0-9 ()./-]{4,28}")
POSTCODES = {"US": re.compile(r"\d{5}(-\d{4})?"), "CN": re.compile(r"\d{6}"), "DE": re.compile(r"\d{5}")}
LIMIT = 120
COUNTRIES = frozenset(str(c) for c in Locale("en").territories if len(str(c)) == 2 and str(c).isalpha())


def _invalid(field: str, message: str, reason: str) -> Invalid:
    return Invalid("checkout.field_invalid", message, field=field, reason=reason)


def check_contact(contact: Contact) -> Contact:
    """The contact, tidied. Invalid ``checkout.field_invalid`` with ``field``."""
    email, name = contact.email.strip().lower(), " ".join(contact.name.split())
    phone = contact.phone.strip()
    if len(email) > 200 or not EMAIL.fullmatch(email):
        raise _invalid("email", _("Please give an e-mail address, such as name@example.com."), "format")
    if not name or len(name) > LIMIT:
        raise _invalid("name", _("Please give a name."), "missing")
    if phone and not PHONE.fullmatch(phone):
        raise _invalid("phone", _("Please give a telephone number of digits."), "format")
    return Contact(email, name, phone)


def check_address(address: Address | None) -> Address:
    """The address, tidied. Invalid ``checkout.field_invalid`` with ``field``."""
    if address is None:
        raise _invalid("line1", _("Please give the address to deliver to."), "missing")
    tidy = Address(**{name: " ".join(getattr(address, name).split()) for name in address.__struct_fields__})
    for name in tidy.__struct_fields__:
        if len(getattr(tidy, name)) > LIMIT:
            raise _invalid(name, _("That is too long."), "long")
    country = tidy.country.upper()
    if country not in COUNTRIES:
        raise _invalid("country", _("Please choose a country."), "unknown")
    if not tidy.line1:
        raise _invalid("line1", _("Please give street and house number."), "missing")
    if not tidy.city:
        raise _invalid("city", _("Please give the town."), "missing")
    if country in ("CN", "US") and not tidy.region:
        raise _invalid("region", _("Please give the state or province."), "missing")
    postcode = POSTCODES.get(country)
    if postcode and not postcode.fullmatch(tidy.postcode) and (tidy.postcode or country != "CN"):
        raise _invalid("postcode", _("That is not a postcode of this country."), "format")
    return Address(country, tidy.region, tidy.city, tidy.district, tidy.line1, tidy.line2, tidy.postcode)


def digest_quote(
    cart_id: UUID,
    lines: Sequence[CartLine],
    delivery: str,
    place_id: UUID,
    shipping_minor: int,
    total_minor: int,
    pricing: Result | None = None,
    taxes: Sequence[OrderTax] = (),
    way: Sequence[object] = (),
) -> str:
    """A short text that changes with any price, quantity, line, place, promotion, share, tax or total of the quote, and
    with the way that was chosen and the days it promises."""
    content: list[object] = [cart_id, delivery, place_id, shipping_minor, total_minor]
    content += [(line.sku_id, line.quantity, line.price_minor, line.total_minor) for line in lines]
    if pricing is not None:
        content += [
            (a.promotion_id, a.version, a.source_id, a.coupon_id, a.amount_minor, a.shares, a.claims)
            for a in pricing.adjustments
        ]
    content += way
    # Also taxes inside the prices: papers name them.
    content += [(tax.line_no, tax.rate_id, tax.tax_minor) for tax in taxes]
    return hashlib.blake2b(repr(content).encode(), digest_size=15).hexdigest()


def digest_tenders(digest: str, tenders: Sequence[OrderTender]) -> str:
    """A quote's digest with what tenders pay of it; the same where none pays."""
    if not tenders:
        return digest
    content = (digest, [(each.kind, each.subject_id, each.units, each.amount_minor) for each in tenders])
    return hashlib.blake2b(repr(content).encode(), digest_size=15).hexdigest()
