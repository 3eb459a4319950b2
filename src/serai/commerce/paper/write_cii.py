"""The EN 16931 form of an invoice or credit note: UN/CEFACT Cross Industry Invoice, as Factur-X and ZUGFeRD embed it.

Where amounts go is written down in docs/decisions/0032. All of them are integers of the minor unit until they are
written, so the sums of the standard hold to the last digit.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from serai.commerce.paper.logic import list_gaps
from serai.commerce.paper.types import Content, PaperCharge, PaperLine, PaperTax, Party, VatCategory
from serai.commerce.tax.types import PPM, show_percent
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.money import minor_digits, share_out

GUIDELINE = "urn:cen.eu:en16931:2017"
RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
NAMES = {"rsm": RSM, "ram": RAM, "udt": UDT, "qdt": QDT}
TYPE_CODES = {"invoice": "380", "credit_note": "381"}
# UN/ECE recommendation 20; what is counted in something else counts as pieces.
UNITS = {
    "kg": "KGM",
    "g": "GRM",
    "l": "LTR",
    "ml": "MLT",
    "m": "MTR",
    "cm": "CMT",
    "m2": "MTK",
    "lb": "LBR",
    "oz": "ONZ",
}
PIECE = "C62"
REASON_CODES: dict[VatCategory, str] = {
    "AE": "VATEX-EU-AE",
    "K": "VATEX-EU-IC",
    "G": "VATEX-EU-G",
    "O": "VATEX-EU-O",
}
# UNTDID 5189 and 7161: a discount, and freight.
DISCOUNT, FREIGHT = "95", "FC"
# UNTDID 4461: an online payment service, a SEPA transfer, another transfer.
ONLINE, SEPA, TRANSFER = "68", "58", "30"
# An item's price takes as many decimals as it needs to give the line's sum back, up to these.
PRICE_DIGITS = 10

DELIVERY = _("Delivery")
SAVING_ON_DELIVERY = _("Discount on the delivery")
AT_ONCE = _("Payable at once.")
REFUNDED = _("Has been or is being paid back the way it was paid.")


class Node:
    """A thin hand for elements in the order that the schema wants; empty texts are left out."""

    def __init__(self, element: Any) -> None:
        self.element = element

    def add(self, name: str, text: str | None = None, **attributes: str) -> "Node":
        """A child; ``name`` has its prefix only where it is not of ``ram``."""
        prefix, _colon, local = name.rpartition(":")
        child = etree.SubElement(self.element, f"{{{NAMES[prefix or 'ram']}}}{local}", attributes)
        if text is not None:
            child.text = text
        return Node(child)

    def maybe(self, name: str, text: str, **attributes: str) -> None:
        """A child, unless there is nothing to say."""
        if text:
            self.add(name, text, **attributes)


def write_cii(content: Content) -> bytes:
    """The XML of an issued paper. ValueError when something is missing for it, see ``logic.list_gaps``."""
    gaps = list_gaps(content)
    if gaps:
        raise ValueError(f"no e-invoice without {', '.join(gaps)}")
    root = etree.Element(f"{{{RSM}}}CrossIndustryInvoice", nsmap=NAMES)
    top = Node(root)
    context = top.add("rsm:ExchangedDocumentContext")
    context.add("GuidelineSpecifiedDocumentContextParameter").add("ID", GUIDELINE)
    document = top.add("rsm:ExchangedDocument")
    document.add("ID", content.number)
    document.add("TypeCode", TYPE_CODES[content.kind])
    _date(document.add("IssueDateTime"), content.issued_at, content)
    for note in (content.reason, content.foot):
        if note:
            document.add("IncludedNote").add("Content", note)
    deal = top.add("rsm:SupplyChainTradeTransaction")
    for line in content.lines:
        _line(deal.add("IncludedSupplyChainTradeLineItem"), line, content)
    _agreement(deal.add("ApplicableHeaderTradeAgreement"), content)
    _delivery(deal.add("ApplicableHeaderTradeDelivery"), content)
    _settlement(deal.add("ApplicableHeaderTradeSettlement"), content)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _amount(minor: int, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def _date(node: Node, at: datetime, content: Content, prefix: str = "udt") -> None:
    day = at.astimezone(ZoneInfo(content.zone)).strftime("%Y%m%d")
    node.add(f"{prefix}:DateTimeString", day, format="102")


def net_of_total(line: PaperLine, content: Content) -> int:
    """A line before its savings, without tax; after them it is exactly its base."""
    if not line.saved_minor:
        return line.base_minor
    net = line.total_minor
    if content.prices_include_tax and line.rate_ppm:
        parts = PPM + line.rate_ppm
        net -= (2 * line.total_minor * line.rate_ppm + parts) // (2 * parts)
    return max(net, line.base_minor)


def item_price(net_minor: int, line: PaperLine, currency: str) -> str:
    """The price of one unit without tax, with the fewest decimals whose product with the quantity gives the sum."""
    quantity = Decimal(line.quantity).scaleb(-line.scale)
    if not quantity:
        return _amount(net_minor, currency)
    digits = minor_digits(currency)
    net = Decimal(net_minor).scaleb(-digits)
    smallest = Decimal(1).scaleb(-digits)
    for places in range(digits, PRICE_DIGITS + 1):
        price = (net / quantity).quantize(Decimal(1).scaleb(-places))
        if (price * quantity).quantize(smallest) == net:
            break
    return f"{price:f}"


def _line(node: Node, line: PaperLine, content: Content) -> None:
    currency = content.currency
    unit = UNITS.get(line.unit.lower(), PIECE) if line.scale else PIECE
    node.add("AssociatedDocumentLineDocument").add("LineID", str(line.line_no))
    product = node.add("SpecifiedTradeProduct")
    product.maybe("SellerAssignedID", line.code)
    product.add("Name", line.title)
    net = net_of_total(line, content)
    price = node.add("SpecifiedLineTradeAgreement").add("NetPriceProductTradePrice")
    price.add("ChargeAmount", item_price(net, line, currency))
    quantity = f"{Decimal(line.quantity).scaleb(-line.scale):f}"
    node.add("SpecifiedLineTradeDelivery").add("BilledQuantity", quantity, unitCode=unit)
    settlement = node.add("SpecifiedLineTradeSettlement")
    _vat(settlement.add("ApplicableTradeTax"), line.category, line.rate_ppm)
    if net > line.base_minor:
        shares = share_out(net - line.base_minor, [saving.amount_minor for saving in line.savings])
        for saving, share in zip(line.savings, shares, strict=True):
            if share:
                _allowance(
                    settlement, charge=False, minor=share, code=DISCOUNT, reason=saving.label, content=content
                )
    summation = settlement.add("SpecifiedTradeSettlementLineMonetarySummation")
    summation.add("LineTotalAmount", _amount(line.base_minor, currency))


def _vat(node: Node, category: VatCategory, rate_ppm: int) -> None:
    node.add("TypeCode", "VAT")
    node.add("CategoryCode", category)
    # What is outside of VAT has no rate, not even 0.
    if category != "O":
        node.add("RateApplicablePercent", show_percent(rate_ppm))


def _allowance(
    node: Node,
    *,
    charge: bool,
    minor: int,
    code: str,
    reason: str,
    content: Content,
    of: PaperCharge | None = None,
) -> None:
    found = node.add("SpecifiedTradeAllowanceCharge")
    found.add("ChargeIndicator").add("udt:Indicator", "true" if charge else "false")
    found.add("ActualAmount", _amount(minor, content.currency))
    found.add("ReasonCode", code)
    found.add("Reason", reason)
    if of is not None:
        _vat(found.add("CategoryTradeTax"), of.category, of.rate_ppm)


def _agreement(node: Node, content: Content) -> None:
    node.maybe("BuyerReference", content.buyer_reference)
    _party(node.add("SellerTradeParty"), content.seller, is_seller=True)
    _party(node.add("BuyerTradeParty"), content.buyer)
    node.add("SellerOrderReferencedDocument").add("IssuerAssignedID", content.order_number)


def _party(node: Node, party: Party, *, is_seller: bool = False, bare: bool = False) -> None:
    if is_seller and not party.vat_id and not party.register_no:
        node.maybe("ID", party.tax_number)
    node.add("Name", party.name)
    if party.register_no:
        node.add("SpecifiedLegalOrganization").add("ID", party.register_no)
    if is_seller and (party.phone or party.email):
        contact = node.add("DefinedTradeContact")
        contact.add("PersonName", party.name)
        if party.phone:
            contact.add("TelephoneUniversalCommunication").add("CompleteNumber", party.phone)
        if party.email:
            contact.add("EmailURIUniversalCommunication").add("URIID", party.email)
    address = node.add("PostalTradeAddress")
    address.maybe("PostcodeCode", party.postcode)
    address.maybe("LineOne", party.line1)
    address.maybe("LineTwo", party.line2)
    address.maybe("LineThree", party.district)
    address.maybe("CityName", party.city)
    address.add("CountryID", party.country)
    address.maybe("CountrySubDivisionName", party.region)
    if bare:
        return
    if party.email:
        node.add("URIUniversalCommunication").add("URIID", party.email, schemeID="EM")
    for number, scheme in ((party.vat_id, "VA"), (party.tax_number if is_seller else "", "FC")):
        if number:
            node.add("SpecifiedTaxRegistration").add("ID", number, schemeID=scheme)


def _delivery(node: Node, content: Content) -> None:
    if content.ship_to is not None and content.ship_to.country:
        _party(node.add("ShipToTradeParty"), content.ship_to, bare=True)
    if content.delivered_at is not None:
        event = node.add("ActualDeliverySupplyChainEvent")
        _date(event.add("OccurrenceDateTime"), content.delivered_at, content)
    if not len(node.element):
        # The schema wants the element, the rules forbid an empty one: goods are handed over where they are collected.
        node.add("ShipToTradeParty").add("Name", content.place_name or content.buyer.name)


def _settlement(node: Node, content: Content) -> None:
    currency = content.currency
    node.add("PaymentReference", content.number)
    node.add("InvoiceCurrencyCode", currency)
    _means(node, content)
    for tax in content.taxes:
        _breakdown(node.add("ApplicableTradeTax"), tax, currency)
    charged, allowed = _charges(node, content)
    _terms(node, content)
    sums = node.add("SpecifiedTradeSettlementHeaderMonetarySummation")
    sums.add("LineTotalAmount", _amount(sum(line.base_minor for line in content.lines), currency))
    sums.add("ChargeTotalAmount", _amount(charged, currency))
    sums.add("AllowanceTotalAmount", _amount(allowed, currency))
    sums.add("TaxBasisTotalAmount", _amount(content.base_minor, currency))
    sums.add("TaxTotalAmount", _amount(content.tax_minor, currency), currencyID=currency)
    sums.add("GrandTotalAmount", _amount(content.total_minor, currency))
    sums.add("TotalPrepaidAmount", _amount(content.paid_minor, currency))
    sums.add("DuePayableAmount", _amount(content.due_minor, currency))
    if content.corrects_number and content.corrects_at is not None:
        corrected = node.add("InvoiceReferencedDocument")
        corrected.add("IssuerAssignedID", content.corrects_number)
        _date(corrected.add("FormattedIssueDateTime"), content.corrects_at, content, "qdt")


def _means(node: Node, content: Content) -> None:
    """How it was or is to be paid; a transfer needs an account to go to."""
    means = node.add("SpecifiedTradeSettlementPaymentMeans")
    if not (content.due_minor and content.iban):
        means.add("TypeCode", ONLINE)
        return
    means.add("TypeCode", SEPA if content.currency == "EUR" else TRANSFER)
    account = means.add("PayeePartyCreditorFinancialAccount")
    account.add("IBANID", content.iban)
    account.maybe("AccountName", content.seller.name)
    if content.bic:
        means.add("PayeeSpecifiedCreditorFinancialInstitution").add("BICID", content.bic)


def _breakdown(node: Node, tax: PaperTax, currency: str) -> None:
    node.add("CalculatedAmount", _amount(tax.tax_minor, currency))
    node.add("TypeCode", "VAT")
    node.maybe("ExemptionReason", tax.reason)
    node.add("BasisAmount", _amount(tax.base_minor, currency))
    node.add("CategoryCode", tax.category)
    node.maybe("ExemptionReasonCode", REASON_CODES.get(tax.category, ""))
    if tax.category != "O":
        node.add("RateApplicablePercent", show_percent(tax.rate_ppm))


def _charges(node: Node, content: Content) -> tuple[int, int]:
    """The delivery as a charge on the document, and what was taken off it as an allowance: (charged, allowed)."""
    charge = content.charge
    if charge is None:
        return 0, 0
    whole = charge.base_minor + charge.saved_minor
    if charge.saved_minor and content.prices_include_tax and charge.rate_ppm:
        shown, parts = charge.amount_minor + charge.saved_minor, PPM + charge.rate_ppm
        whole = max(charge.base_minor, shown - (2 * shown * charge.rate_ppm + parts) // (2 * parts))
    allowed = whole - charge.base_minor
    if allowed:
        reason = translate(SAVING_ON_DELIVERY, content.locale)
        _allowance(
            node, charge=False, minor=allowed, code=DISCOUNT, reason=reason, content=content, of=charge
        )
    if whole:
        reason = translate(DELIVERY, content.locale)
        _allowance(node, charge=True, minor=whole, code=FREIGHT, reason=reason, content=content, of=charge)
    return whole, allowed


def _terms(node: Node, content: Content) -> None:
    """By when to pay. A credit note is paid back, and an invoice that is paid needs no terms."""
    words = content.payment_terms
    if content.kind == "credit_note":
        words = translate(REFUNDED, content.locale)
    elif content.due_minor and not words and content.due_at is None:
        words = translate(AT_ONCE, content.locale)
    if not words and content.due_at is None:
        return
    terms = node.add("SpecifiedTradePaymentTerms")
    terms.maybe("Description", words)
    if content.due_at is not None:
        _date(terms.add("DueDateDateTime"), content.due_at, content)
