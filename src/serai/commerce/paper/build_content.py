"""What a paper says: an order, its merchant and its buyer put together, before anything is numbered or drawn."""

from datetime import datetime

import msgspec

from serai.commerce.order.types import Address, Order, OrderLine
from serai.commerce.paper.list_delivered import list_delivered
from serai.commerce.paper.logic import (
    REASONS,
    choose_category,
    clean,
    split_credit,
    sum_taxes,
    untaxed_category,
)
from serai.commerce.paper.types import (
    BuyerDetails,
    Content,
    LineSaving,
    PaperCharge,
    PaperKind,
    PaperLine,
    PaperPayment,
    PaperTax,
    Party,
    SellerTerms,
    VatCategory,
)
from serai.commerce.tax.types import OrderTax, show_percent
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.identity.merchant.types import Merchant

# Lines of words under a title that a shop writes at length end here.
TITLE_LIMIT = 240
NAME_LIMIT = 120
YOUR_PRICE = _("Your price")


class Vat(msgspec.Struct, frozen=True):
    """What a line bears."""

    category: VatCategory
    rate_ppm: int
    name: str
    base_minor: int
    tax_minor: int


def build_content(
    order: Order,
    *,
    kind: PaperKind,
    merchant: Merchant,
    terms: SellerTerms,
    details: BuyerDetails | None,
    locale: str,
    at: datetime,
    number: str = "",
    order_url: str = "",
    gift_message: str = "",
    codes: dict[object, str] | None = None,
) -> Content:
    """A paper about a whole order as it is. Credit notes come from :func:`build_credit`."""
    vats = _list_vats(order, terms)
    lines = tuple(_line(line, order, vats[line.line_no], locale, codes or {}) for line in order.lines)
    charge = _charge(order, vats[0])
    taxes = _list_taxes(lines, charge, terms, locale)
    base, tax_minor = (sum(tax.base_minor for tax in taxes), sum(tax.tax_minor for tax in taxes))
    payments = _list_payments(order)
    return Content(
        kind=kind,
        number=number,
        issued_at=at,
        locale=locale,
        zone=merchant.time_zone,
        currency=order.currency,
        seller=seller_party(terms, merchant),
        buyer=_buyer(order, details, terms),
        ship_to=_ship_to(order),
        order_number=order.number,
        order_url=order_url,
        placed_at=order.placed_at,
        delivery=order.delivery,
        lines=list_delivered(lines, order) if kind == "delivery_note" else lines,
        charge=charge,
        taxes=taxes,
        prices_include_tax=any(tax.included for tax in order.taxes),
        base_minor=base,
        tax_minor=tax_minor,
        total_minor=base + tax_minor,
        paid_minor=min(order.total_minor, sum(payment.amount_minor for payment in payments)),
        payments=payments,
        savings=_list_savings(order, locale),
        delivered_at=order.fulfilled_at,
        due_at=next((p.pledge.due_at for p in order.payments if p.pledge and p.pledge.due_at), None),
        buyer_reference=clean(details.reference, NAME_LIMIT) if details else "",
        bank_name=clean(terms.bank_name),
        iban=terms.iban,
        bic=terms.bic,
        payment_terms=clean(terms.payment_terms),
        foot=clean(terms.foot, 600),
        tracking=clean(order.tracking),
        place_name=clean(order.place_name),
        gift_message=clean(gift_message),
        shop_name=clean(merchant.name, NAME_LIMIT),
    )


def build_credit(
    invoice: Content,
    *,
    amount_minor: int,
    earlier: tuple[Content, ...],
    at: datetime,
    number: str,
    reason: str,
) -> Content:
    """A credit note over an amount of an invoice. The whole of it at once repeats its lines; a part has one line per rate."""
    fields = {
        "kind": "credit_note",
        "number": number,
        "issued_at": at,
        "corrects_number": invoice.number,
        "corrects_at": invoice.issued_at,
        "reason": clean(reason),
        "paid_minor": amount_minor,
        "payments": (),
        "due_at": None,
    }
    if amount_minor == invoice.total_minor and not earlier:
        return msgspec.structs.replace(invoice, **fields)
    parts = split_credit(amount_minor, invoice.taxes, [each.taxes for each in earlier])
    lines = []
    for line_no, part in enumerate(parts, 1):
        shown = part.base_minor + (part.tax_minor if invoice.prices_include_tax else 0)
        rate = f"{part.name} {show_percent(part.rate_ppm)} %" if part.rate_ppm else part.reason or part.name
        title = translate(
            _("Refund of invoice %(number)s, %(rate)s"),
            invoice.locale,
            {"number": invoice.number, "rate": rate},
        )
        lines.append(
            PaperLine(
                line_no, clean(title), 1, 0, "pc", shown, shown, (), part.category, part.rate_ppm, part.name,
                part.base_minor, part.tax_minor,
            )
        )  # fmt: skip
    taxes = tuple(
        PaperTax(p.category, p.rate_ppm, p.name, p.base_minor, p.tax_minor, p.reason) for p in parts
    )
    base = sum(part.base_minor for part in parts)
    return msgspec.structs.replace(
        invoice,
        **fields,
        lines=tuple(lines),
        charge=None,
        savings=(),
        taxes=taxes,
        base_minor=base,
        tax_minor=amount_minor - base,
        total_minor=amount_minor,
    )


def seller_party(terms: SellerTerms, merchant: Merchant) -> Party:
    """Who sells; a merchant who has said nothing yet stands there with the shop's name."""
    return Party(
        name=clean(terms.legal_name or merchant.name, NAME_LIMIT),
        line1=clean(terms.line1),
        line2=clean(terms.line2),
        city=clean(terms.city),
        region=clean(terms.region),
        postcode=clean(terms.postcode),
        country=terms.country,
        vat_id=terms.vat_id,
        tax_number=clean(terms.tax_number),
        register_no=clean(terms.register_no),
        email=clean(terms.email or merchant.support_email),
        phone=clean(terms.phone),
    )


def _buyer(order: Order, details: BuyerDetails | None, terms: SellerTerms) -> Party:
    """Who buys: the company that was asked for, else who ordered; without any address the seller's country."""
    address = order.address or Address(country=terms.country)
    found = Party(
        name=clean(order.name, NAME_LIMIT) or clean(order.email, NAME_LIMIT) or "–",
        **_place(address),
        email=clean(order.email, NAME_LIMIT),
    )
    if details is None:
        return found
    own = details.line1 or details.city
    return msgspec.structs.replace(
        found,
        name=clean(details.company, NAME_LIMIT) or found.name,
        vat_id=details.vat_id,
        **(_place(Address(details.country or found.country, details.region, details.city, "", details.line1,
           details.line2, details.postcode)) if own else {}),
    )  # fmt: skip


def _list_taxes(
    lines: tuple[PaperLine, ...], charge: PaperCharge | None, terms: SellerTerms, locale: str
) -> tuple[PaperTax, ...]:
    return tuple(
        msgspec.structs.replace(tax, reason=_reason(tax.category, terms, locale))
        for tax in sum_taxes(lines, charge)
    )


def _list_savings(order: Order, locale: str) -> tuple[LineSaving, ...]:
    return tuple(
        LineSaving(clean(each.label(locale), NAME_LIMIT) or translate(YOUR_PRICE, locale), each.amount_minor)
        for each in order.adjustments
        if each.amount_minor
    )


def _ship_to(order: Order) -> Party | None:
    if order.delivery != "ship" or order.address is None:
        return None
    return Party(name=clean(order.name, NAME_LIMIT), **_place(order.address), phone=clean(order.phone))


def _place(address: Address) -> dict[str, str]:
    return {name: clean(str(value)) for name, value in msgspec.to_builtins(address).items()}


def _list_vats(order: Order, terms: SellerTerms) -> dict[int, Vat]:
    """What every line bears, line 0 the delivery. What costs nothing bears none, and goes with the first rate there is."""
    borne: dict[int, OrderTax] = {tax.line_no: tax for tax in order.taxes}
    first = order.taxes[0] if order.taxes else None
    country = order.address.country if order.address else terms.country
    amounts = {0: order.shipping_minor} | {line.line_no: line.net_minor for line in order.lines}
    found = {}
    for line_no, amount in amounts.items():
        tax = borne.get(line_no)
        if tax is not None:
            category = choose_category(tax.rate_ppm, tax.tax_class)
            found[line_no] = Vat(category, tax.rate_ppm, clean(tax.name), tax.base_minor, tax.tax_minor)
        elif amount == 0 and first is not None:
            category = choose_category(first.rate_ppm, first.tax_class)
            found[line_no] = Vat(category, first.rate_ppm, clean(first.name), 0, 0)
        else:
            found[line_no] = Vat(untaxed_category(terms, country), 0, "", amount, 0)
    return found


def _line(line: OrderLine, order: Order, vat: Vat, locale: str, codes: dict[object, str]) -> PaperLine:
    savings = tuple(
        LineSaving(clean(each.label(locale), NAME_LIMIT) or translate(YOUR_PRICE, locale), minor)
        for each in order.adjustments
        for line_no, minor in each.shares
        if line_no == line.line_no and minor
    )
    told = sum(saving.amount_minor for saving in savings)
    if told != line.discount_minor:
        # What no promotion names, such as the tiers of a presale, is still taken off.
        label = translate(YOUR_PRICE, locale)
        savings = (LineSaving(label, line.discount_minor),) if line.discount_minor else ()
    return PaperLine(
        line.line_no,
        clean(line.title, TITLE_LIMIT) or "–",
        line.quantity,
        line.scale,
        clean(line.unit, 12) or "pc",
        line.price_minor,
        line.total_minor,
        savings,
        vat.category,
        vat.rate_ppm,
        vat.name,
        vat.base_minor,
        vat.tax_minor,
        clean(codes.get(line.sku_id, ""), 60),
    )


def _charge(order: Order, vat: Vat) -> PaperCharge | None:
    saved = sum(minor for each in order.adjustments for line_no, minor in each.shares if line_no == 0)
    if order.shipping_minor == 0 and saved == 0:
        return None
    return PaperCharge(
        order.shipping_minor, saved, vat.category, vat.rate_ppm, vat.name, vat.base_minor, vat.tax_minor
    )


def _list_payments(order: Order) -> tuple[PaperPayment, ...]:
    found = []
    for payment in order.payments:
        if payment.captured_minor:
            at = next((e.received_at for e in payment.events if e.kind == "captured"), payment.created_at)
            found.append(PaperPayment(payment.provider, payment.purpose, payment.captured_minor, at))
        if payment.pledge is not None and payment.pledge.kind == "authorised" and payment.open_minor:
            # It is held and will be taken when goods leave: the buyer has nothing more to do.
            found.append(PaperPayment(payment.provider, "held", payment.open_minor, payment.pledge.made_at))
    if order.tender_paid_minor:
        found += [PaperPayment(t.kind, clean(t.label), t.amount_minor, order.paid_at) for t in order.tenders]
    return tuple(found)


def _reason(category: VatCategory, terms: SellerTerms, locale: str) -> str:
    if category not in REASONS:
        return ""
    own = clean(terms.exempt_reason) if category == "E" else ""
    return own or translate(REASONS[category], locale)
