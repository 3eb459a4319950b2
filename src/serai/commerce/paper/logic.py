"""Pure rules of papers: numbers, categories of VAT, what a credit note takes back, and the equations that every paper keeps."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from serai.commerce.paper.types import (
    Content,
    PaperCharge,
    PaperLine,
    PaperTax,
    SellerTerms,
    VatCategory,
)
from serai.foundation.errors import _
from serai.foundation.money import minor_digits, share_out

SERIES = re.compile(r"[A-Za-z0-9/._-]{1,24}")
SERIAL_DIGITS = 6
EU = frozenset(
    "AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split(" ")  # noqa: SIM905
)
# A tax class of rate 0 whose name says what kind of nothing is charged.
CLASS_CATEGORIES: dict[str, VatCategory] = {
    "exempt": "E",
    "reverse-charge": "AE",
    "intra-community": "K",
    "export": "G",
    "outside": "O",
}
REASONS: dict[VatCategory, str] = {
    "E": _("Exempt from VAT"),
    "AE": _("Reverse charge: the buyer accounts for the VAT"),
    "K": _("Supply to another country of the EU, exempt from VAT"),
    "G": _("Export outside the EU, exempt from VAT"),
    "O": _("Not subject to VAT"),
}
# What cannot stand in XML or would turn the writing of others around.
UNPRINTABLE = frozenset(
    "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff"
)  # fmt: skip


def clean(text: str, limit: int = 300) -> str:
    """A text as it may stand on paper: no control characters, single spaces, cut with an ellipsis."""
    kept = "".join(
        " " if char in "\t\n\r\x0b\x0c\x85\u2028\u2029" else char
        for char in unicodedata.normalize("NFC", text[: limit * 8])
        if char in "\t\n\r\x0b\x0c\x85\u2028\u2029"
        or (unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn") and char not in UNPRINTABLE)
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= limit else kept[: limit - 1].rstrip() + "…"


def name_series(template: str, at: datetime, zone: str) -> str:
    """The series that a moment falls into: ``{year}`` becomes the year where the merchant is."""
    return template.replace("{year}", str(at.astimezone(ZoneInfo(zone)).year))


def make_number(series: str, serial: int) -> str:
    """A paper's number: its series, then the serial with six digits or more."""
    return f"{series}{serial:0{SERIAL_DIGITS}}"


def fits_series(template: str) -> bool:
    """Whether a series may be called so: letters, digits and ``/._-``, at most 24 with the year."""
    return SERIES.fullmatch(template.replace("{year}", "2000")) is not None


def choose_category(rate_ppm: int, tax_class: str) -> VatCategory:
    """The category of something that has a rate, which may be 0."""
    return "S" if rate_ppm else CLASS_CATEGORIES.get(tax_class, "Z")


def untaxed_category(terms: SellerTerms, country: str) -> VatCategory:
    """The category where no tax was charged: who is registered exports or is exempt, who is not is outside of VAT."""
    if not terms.vat_id:
        return "E" if terms.tax_number else "O"
    exports = terms.country in EU and bool(country) and country not in EU
    return "G" if exports else "E"


def sum_taxes(lines: Sequence[PaperLine], charge: PaperCharge | None) -> tuple[PaperTax, ...]:
    """The taxes of lines and delivery, one row per category and rate, in the order in which they first appear."""
    borne: list[PaperLine | PaperCharge] = [*lines, *([charge] if charge else [])]
    sums: dict[tuple[VatCategory, int], PaperTax] = {}
    for each in borne:
        key = (each.category, each.rate_ppm)
        held = sums.get(key, PaperTax(*key, each.tax_name, 0, 0))
        sums[key] = PaperTax(
            *key,
            held.name or each.tax_name,
            held.base_minor + each.base_minor,
            held.tax_minor + each.tax_minor,
        )
    return tuple(sums.values())


class Part(msgspec.Struct, frozen=True):
    """What a credit note takes back of one category and rate."""

    category: VatCategory
    rate_ppm: int
    name: str
    base_minor: int
    tax_minor: int
    reason: str


def split_credit(
    amount_minor: int, invoiced: Sequence[PaperTax], credited: Sequence[Sequence[PaperTax]]
) -> tuple[Part, ...]:
    """An amount split over what is left of an invoice's categories and rates.

    Shares go by what is left of each with its tax. Taxes are taken back cumulatively, so that a series of refunds of the
    whole takes back exactly the invoice's tax of every rate. ValueError when more is to be credited than is left.
    """
    taken: dict[tuple[VatCategory, int], tuple[int, int]] = {}
    for taxes in credited:
        for tax in taxes:
            base, amount = taken.get((tax.category, tax.rate_ppm), (0, 0))
            taken[tax.category, tax.rate_ppm] = (base + tax.base_minor, amount + tax.tax_minor)
    left = [
        tax.base_minor + tax.tax_minor - sum(taken.get((tax.category, tax.rate_ppm), (0, 0)))
        for tax in invoiced
    ]
    if amount_minor > sum(left) or amount_minor <= 0:
        raise ValueError(f"{amount_minor} of {sum(left)} cannot be credited")
    parts = []
    for tax, share in zip(invoiced, share_out(amount_minor, left), strict=True):
        if share == 0:
            continue
        old_base, old_tax = taken.get((tax.category, tax.rate_ppm), (0, 0))
        whole = tax.base_minor + tax.tax_minor
        tax_by_now = (2 * tax.tax_minor * (old_base + old_tax + share) + whole) // (2 * whole)
        now = min(share, max(0, tax_by_now - old_tax))
        parts.append(Part(tax.category, tax.rate_ppm, tax.name, share - now, now, tax.reason))
    return tuple(parts)


def check_sums(content: Content) -> list[str]:
    """Which equations a paper breaks; a paper that breaks one is never issued."""
    wrong = []
    charge = content.charge
    base = sum(line.base_minor for line in content.lines) + (charge.base_minor if charge else 0)
    if base != content.base_minor:
        wrong.append("lines and delivery are not the sum without tax")
    if sum(tax.base_minor for tax in content.taxes) != content.base_minor:
        wrong.append("the rates' bases are not the sum without tax")
    if sum(tax.tax_minor for tax in content.taxes) != content.tax_minor:
        wrong.append("the rates' taxes are not the tax")
    if content.base_minor + content.tax_minor != content.total_minor:
        wrong.append("sum and tax are not the total")
    if content.total_minor < 0 or content.paid_minor > content.total_minor:
        wrong.append("more was paid than the total")
    if len({(tax.category, tax.rate_ppm) for tax in content.taxes}) != len(content.taxes):
        wrong.append("a rate stands twice in the summary")
    return wrong


def list_gaps(content: Content) -> list[str]:
    """What is missing for an EN 16931 e-invoice, as codes; none when one can be made.

    ``currency``: amounts have at most two decimals there. ``seller_tax``: whoever charges or exempts VAT names a VAT or
    tax number. ``buyer_vat``: reverse charge and supplies within the EU need the buyer's. ``delivered``: those also need
    the day of delivery. ``outside_mixed``: what is outside of VAT stands alone. ``seller``: name, town, country.
    """
    seller, buyer = content.seller, content.buyer
    kinds = {tax.category for tax in content.taxes}
    gaps = []
    if minor_digits(content.currency) > 2:
        gaps.append("currency")
    if not (seller.name and seller.country):
        gaps.append("seller")
    if not buyer.country:
        gaps.append("buyer")
    if kinds & {"S", "Z", "E"} and not (seller.vat_id or seller.tax_number):
        gaps.append("seller_tax")
    if kinds & {"AE", "K", "G"} and not seller.vat_id:
        gaps.append("seller_tax")
    if kinds & {"AE", "K"} and not buyer.vat_id:
        gaps.append("buyer_vat")
    if "K" in kinds and (content.delivered_at is None or content.ship_to is None):
        gaps.append("delivered")
    if "O" in kinds and (len(kinds) > 1 or seller.vat_id or buyer.vat_id):
        gaps.append("outside_mixed")
    return gaps
