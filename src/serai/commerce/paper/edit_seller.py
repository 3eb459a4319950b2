"""What a merchant says of itself on papers, and what a buyer wants on the invoice: read, checked, kept."""

import re
from uuid import UUID

import msgspec

from serai.commerce.paper import store
from serai.commerce.paper.logic import clean, fits_series
from serai.commerce.paper.types import BuyerDetails, Seller, SellerTerms
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, _
from serai.identity.audit import api as audit

COUNTRY = re.compile(r"[A-Z]{2}")
# The beginning is the country's (EL for Greece); the rest as the member states write it, without spaces.
VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,13}")
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
LIMITS = {"foot": 600, "payment_terms": 200, "exempt_reason": 200}
LIMIT = 120


def fits_vat_id(text: str) -> bool:
    """Whether a VAT identification number could be one."""
    return VAT_ID.fullmatch(text) is not None


def fits_iban(text: str) -> bool:
    """Whether an IBAN is well formed and its check digits are right (ISO 13616)."""
    if not IBAN.fullmatch(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


async def load_seller(tx: Transaction) -> Seller:
    """What stands on the merchant's papers; version 0 before anybody has said it."""
    row = await store.find_seller(tx)
    return (
        Seller(row["version"], msgspec.convert(row["terms"], SellerTerms))
        if row
        else Seller(0, SellerTerms())
    )


async def save_seller(tx: Transaction, *, terms: SellerTerms, version: int, by: str) -> Seller:
    """Keep what stands on papers from now on; papers that were issued stay as they are.

    Raises:
        Invalid: ``paper.missing`` (name, street, town or country), ``paper.too_long``, ``paper.country_invalid``,
            ``paper.vat_id_invalid``, ``paper.iban_invalid``, ``paper.bic_invalid``, ``paper.email_invalid``,
            ``paper.series_invalid``.
        Conflict: ``paper.version_conflict``, somebody else has changed it meanwhile.
    """
    before = await load_seller(tx)
    after = _check_seller(terms)
    if before.version != version:
        raise _changed()
    if after == before.terms and before.version:
        return before
    kept = await store.save_seller(tx, version, msgspec.to_builtins(after), by, clock.now())
    if kept is None:
        raise _changed()
    await audit.record(
        tx,
        actor=by,
        action="paper.seller_saved",
        subject_kind="paper_seller",
        subject_id="seller",
        before=msgspec.to_builtins(before.terms) if before.version else None,
        after=msgspec.to_builtins(after),
    )
    return Seller(kept, after)


def _changed() -> Conflict:
    return Conflict(
        "paper.version_conflict",
        _("Somebody else has changed this meanwhile. Please look at it again."),
        field="version",
    )


def _check_seller(terms: SellerTerms) -> SellerTerms:
    values = _tidy(terms)
    for name in ("legal_name", "line1", "city", "country"):
        if not values[name]:
            raise Invalid("paper.missing", _("An invoice is not valid without this."), field=name)
    _check_country(values)
    if values["vat_id"] and not fits_vat_id(values["vat_id"]):
        raise _vat_id_invalid()
    if values["iban"] and not fits_iban(values["iban"]):
        raise Invalid(
            "paper.iban_invalid", _("This IBAN is not right: its check digits differ."), field="iban"
        )
    if values["bic"] and not BIC.fullmatch(values["bic"]):
        raise Invalid("paper.bic_invalid", _("A BIC has 8 or 11 letters and digits."), field="bic")
    if values["email"] and not EMAIL.fullmatch(values["email"]):
        raise Invalid("paper.email_invalid", _("That does not look like an e-mail address."), field="email")
    for name in ("invoice_series", "credit_series"):
        if not fits_series(values[name]):
            raise Invalid(
                "paper.series_invalid",
                _("A series has letters, digits and the signs / . _ - only, at most 24 of them."),
                field=name,
            )
    return SellerTerms(**values)


def _vat_id_invalid() -> Invalid:
    return Invalid(
        "paper.vat_id_invalid",
        _("A VAT number begins with its country, such as DE123456789."),
        field="vat_id",
    )


def _check_country(values: dict[str, str]) -> None:
    if values["country"] and not COUNTRY.fullmatch(values["country"]):
        raise Invalid("paper.country_invalid", _("A country has two letters, such as DE."), field="country")


def _tidy(details: SellerTerms | BuyerDetails) -> dict[str, str]:
    """Texts as papers print them; numbers that people write in groups without their spaces."""
    values = {}
    for name, text in msgspec.to_builtins(details).items():
        limit = LIMITS.get(name, LIMIT)
        if len(text) > limit:
            raise Invalid("paper.too_long", _("That is too long."), field=name)
        value = clean(text, limit)
        if name in ("vat_id", "iban", "bic", "country"):
            value = value.replace(" ", "").upper()
        values[name] = value.replace(".", "").replace("-", "") if name == "vat_id" else value
    return values


async def find_buyer(tx: Transaction, *, order_id: UUID) -> BuyerDetails | None:
    """What a buyer wants on the invoice of an order, None where nothing was said."""
    found = await store.find_buyer(tx, order_id)
    return msgspec.convert(found, BuyerDetails) if found is not None else None


async def save_buyer(tx: Transaction, *, order_id: UUID, details: BuyerDetails, by: str) -> BuyerDetails:
    """Keep what a buyer wants on the invoice, until it is issued.

    Raises:
        Invalid: ``paper.too_long``, ``paper.country_invalid``, ``paper.vat_id_invalid``.
        Conflict: ``paper.issued_already``, an invoice is not changed any more.
    """
    values = _tidy(details)
    _check_country(values)
    if values["vat_id"] and not fits_vat_id(values["vat_id"]):
        raise _vat_id_invalid()
    await store.lock_order(tx, order_id)
    if any(row["kind"] == "invoice" for row in await store.list_of_order(tx, order_id)):
        raise Conflict(
            "paper.issued_already",
            _("The invoice of this order has been issued and cannot be changed any more."),
        )
    kept = BuyerDetails(**values)
    await store.save_buyer(tx, order_id, msgspec.to_builtins(kept), by, clock.now())
    return kept
