"""Papers as other modules see them: who sells, who buys, and the content of which every paper is drawn.

Amounts are in minor units of the paper's currency, rates in parts per million, quantities in steps (see ``scale``).
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

# The first two are numbered and kept for good; the others are drawn from the order as it is.
IssuedKind = Literal["invoice", "credit_note"]
PaperKind = Literal["invoice", "credit_note", "receipt", "delivery_note", "gift_receipt"]
DRAWN: tuple[PaperKind, ...] = ("receipt", "delivery_note", "gift_receipt")
# Categories of VAT by EN 16931: standard, zero rate, exempt, reverse charge, within the EU, export, outside of VAT.
VatCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]


class SellerTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a merchant says of itself on papers. ``invoice_series`` and ``credit_series`` begin the numbers; ``{year}`` in
    them becomes the year of issue, each of which then counts from one. ``foot`` closes every paper, ``exempt_reason`` says
    why nothing is taxed, where nothing is."""

    legal_name: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    vat_id: str = ""
    tax_number: str = ""
    register_no: str = ""
    email: str = ""
    phone: str = ""
    bank_name: str = ""
    iban: str = ""
    bic: str = ""
    invoice_series: str = "INV-{year}-"
    credit_series: str = "CN-{year}-"
    payment_terms: str = ""
    exempt_reason: str = ""
    foot: str = ""


class Seller(msgspec.Struct, frozen=True):
    """A merchant's terms for papers, and how often they were changed (0: never written)."""

    version: int
    terms: SellerTerms


class BuyerDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a buyer wants on the invoice. ``reference`` is the buyer's own, such as the number of a purchase order."""

    company: str = ""
    vat_id: str = ""
    reference: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


class Party(msgspec.Struct, frozen=True):
    """Somebody on a paper. ``country`` is ISO 3166 alpha-2."""

    name: str
    line1: str = ""
    line2: str = ""
    district: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    vat_id: str = ""
    tax_number: str = ""
    register_no: str = ""
    email: str = ""
    phone: str = ""


class LineSaving(msgspec.Struct, frozen=True):
    """What a promotion took off a line."""

    label: str
    amount_minor: int


class PaperLine(msgspec.Struct, frozen=True):
    """A line of goods, or what a credit note takes back of one rate.

    ``price_minor``, ``total_minor`` and ``savings`` are as the order shows them, with the tax where prices include it;
    ``base_minor`` is the line without tax after all savings, ``tax_minor`` its share of the tax.
    """

    line_no: int
    title: str
    quantity: int
    scale: int
    unit: str
    price_minor: int
    total_minor: int
    savings: tuple[LineSaving, ...]
    category: VatCategory
    rate_ppm: int
    tax_name: str
    base_minor: int
    tax_minor: int
    code: str = ""

    @property
    def saved_minor(self) -> int:
        """All that was taken off the line."""
        return sum(saving.amount_minor for saving in self.savings)

    @property
    def net_minor(self) -> int:
        """What the line costs, as the order shows it."""
        return self.total_minor - self.saved_minor


class PaperCharge(msgspec.Struct, frozen=True):
    """The delivery: ``amount_minor`` as the order shows it after ``saved_minor`` was taken off, and without tax."""

    amount_minor: int
    saved_minor: int
    category: VatCategory
    rate_ppm: int
    tax_name: str
    base_minor: int
    tax_minor: int


class PaperTax(msgspec.Struct, frozen=True):
    """All of one category and rate. ``reason`` says why nothing is taxed."""

    category: VatCategory
    rate_ppm: int
    name: str
    base_minor: int
    tax_minor: int
    reason: str = ""


class PaperPayment(msgspec.Struct, frozen=True):
    """Money or a tender that paid, or what went back. ``kind`` is a provider's name or a tender's kind."""

    kind: str
    label: str
    amount_minor: int
    at: datetime | None = None


class Content(msgspec.Struct, frozen=True):
    """Everything that a paper says, as it was at its moment. Of an issued paper it is kept, and nothing is looked up again.

    lines + charge = ``base_minor``, base + ``tax_minor`` = ``total_minor``, total - ``paid_minor`` = due.
    ``prices_include_tax``: lines are shown with their tax. ``zone`` is the time zone in which days are counted.
    """

    kind: PaperKind
    number: str
    issued_at: datetime
    locale: str
    zone: str
    currency: str
    seller: Party
    buyer: Party
    ship_to: Party | None
    order_number: str
    order_url: str
    placed_at: datetime
    delivery: str
    lines: tuple[PaperLine, ...]
    charge: PaperCharge | None
    taxes: tuple[PaperTax, ...]
    prices_include_tax: bool
    base_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    payments: tuple[PaperPayment, ...] = ()
    savings: tuple[LineSaving, ...] = ()
    delivered_at: datetime | None = None
    due_at: datetime | None = None
    buyer_reference: str = ""
    corrects_number: str = ""
    corrects_at: datetime | None = None
    reason: str = ""
    bank_name: str = ""
    iban: str = ""
    bic: str = ""
    payment_terms: str = ""
    foot: str = ""
    tracking: str = ""
    place_name: str = ""
    gift_message: str = ""
    shop_name: str = ""

    @property
    def due_minor(self) -> int:
        """What is still to be paid."""
        return max(0, self.total_minor - self.paid_minor)


class Paper(msgspec.Struct, frozen=True):
    """An invoice or credit note as it was issued, without its content. ``corrects_id`` is the invoice of a credit note."""

    paper_id: UUID
    order_id: UUID
    kind: IssuedKind
    series: str
    serial: int
    number: str
    issued_at: datetime
    issued_by: str
    locale: str
    currency: str
    total_minor: int
    tax_minor: int
    corrects_id: UUID | None
    source_id: UUID


class OrderPapers(msgspec.Struct, frozen=True):
    """What an order has in papers: issued ones, kinds that may be drawn now, and whether an invoice may be asked for.

    ``why_not`` is the code of the reason where it may not.
    """

    order_id: UUID
    issued: tuple[Paper, ...]
    drawn: tuple[PaperKind, ...]
    may_invoice: bool
    why_not: str = ""


class Export(msgspec.Struct, frozen=True):
    """All papers of a month as one file: ``done`` of ``papers`` are in it; ``digest`` names the file when it is whole."""

    export_id: UUID
    month: datetime
    papers: int
    done: int
    digest: str | None
    bytes: int | None
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
