"""E-invoices against the official schema and business rules of EN 16931: what we write passes, what is broken fails."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.paper.conftest import BAKERY, Bureau, Taxes
from tests.paper.official import Official, load_official
from tests.paper.test_issue import credit, refund

from serai.commerce.aftersale.api import cancel_order
from serai.commerce.order.api import fulfil_order
from serai.commerce.paper.api import BuyerDetails, load_file, save_buyer
from serai.commerce.paper.build_content import build_credit
from serai.commerce.paper.logic import check_sums, list_gaps, sum_taxes
from serai.commerce.paper.types import (
    Content,
    LineSaving,
    PaperCharge,
    PaperLine,
    PaperPayment,
    PaperTax,
    Party,
    VatCategory,
)
from serai.commerce.paper.write_cii import write_cii
from serai.commerce.tax.api import set_category_class
from serai.commerce.tax.types import PPM
from serai.foundation.errors import Conflict
from serai.foundation.money import share_out

AT = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
SELLER = Party(
    "Bäckerei Müller GmbH", "Hauptstraße 12", "", "", "Berlin", "", "10115", "DE", "DE123456789", "29/123/45678",
    "HRB 98765 B", "rechnung@example.com", "+49 30 1234567",
)  # fmt: skip
BUYER = Party(
    "Kunde & Söhne <AG>", "Weg 2", city="Lyon", postcode="69001", country="FR", vat_id="FR40303265045"
)
REASON = "Exempt for the sake of this test"
Goods = tuple[int, int, int, int]
"""Price, quantity, discount, rate in parts per million."""


def make_content(
    *goods: Goods,
    included: bool = True,
    shipping: tuple[int, int, int] = (0, 0, 0),
    category: VatCategory | None = None,
    paid: int | None = 0,
    **more: Any,
) -> Content:
    """A paper over goods, taxed as the house does it: all of one rate together, shares by the largest remainder.

    ``shipping`` is (minor after its discount, discount, rate).
    """
    amounts = [(price * quantity - discount, rate) for price, quantity, discount, rate in goods]
    amounts.append((shipping[0], shipping[2]))
    taxes = [0] * len(amounts)
    for rate in {rate for _amount, rate in amounts}:
        at = [n for n, (_amount, its) in enumerate(amounts) if its == rate]
        whole, parts = sum(amounts[n][0] for n in at), PPM + rate if included else PPM
        if whole:
            shares = share_out((2 * whole * rate + parts) // (2 * parts), [amounts[n][0] for n in at])
            for n, share in zip(at, shares, strict=True):
                taxes[n] = share
    lines = tuple(
        PaperLine(
            n + 1, f"Goods {n + 1}", quantity, 0, "pc", price, price * quantity,
            (LineSaving("Autumn offer", discount),) if discount else (),
            category or ("S" if rate else "Z"), rate, "VAT", amounts[n][0] - (taxes[n] if included else 0), taxes[n],
        )
        for n, (price, quantity, discount, rate) in enumerate(goods)
    )  # fmt: skip
    charge = None
    if shipping[0] or shipping[1]:
        base = shipping[0] - (taxes[-1] if included else 0)
        charge = PaperCharge(
            shipping[0], shipping[1], category or ("S" if shipping[2] else "Z"), shipping[2], "VAT", base, taxes[-1]
        )  # fmt: skip
    summed = tuple(
        msgspec.structs.replace(tax, reason="" if tax.category in "SZ" else REASON)
        for tax in sum_taxes(lines, charge)
    )
    base = sum(tax.base_minor for tax in summed)
    tax = sum(tax.tax_minor for tax in summed)
    values: dict[str, Any] = {
        "kind": "invoice", "number": "INV-2026-000001", "issued_at": AT, "locale": "en", "zone": "Europe/Berlin",
        "currency": "EUR", "seller": SELLER, "buyer": BUYER, "ship_to": BUYER, "order_number": "A7K2-93QF",
        "order_url": "", "placed_at": AT, "delivery": "ship", "lines": lines, "charge": charge, "taxes": summed,
        "prices_include_tax": included, "base_minor": base, "tax_minor": tax, "total_minor": base + tax,
        "paid_minor": base + tax if paid is None else paid, "delivered_at": AT,
    }  # fmt: skip
    return Content(**(values | more))


def wordless(category: VatCategory, **more: Any) -> Content:
    """Goods of a category in which nothing is charged."""
    return make_content((1000, 2, 0, 0), category=category, shipping=(500, 0, 0), **more)


NO_VAT = msgspec.structs.replace(SELLER, vat_id="")
CASES: dict[str, Content] = {
    "one rate on top": make_content((1000, 3, 0, 190_000), included=False),
    "one rate in the prices": make_content((1190, 3, 0, 190_000)),
    "three rates in the prices, delivery too": make_content(
        (333, 3, 0, 190_000), (199, 7, 0, 70_000), (999, 1, 0, 0), shipping=(499, 0, 190_000)
    ),
    "a rate with decimals": make_content((1999, 3, 0, 72_500), included=False),
    "discounts of lines": make_content((1190, 3, 100, 190_000), (107, 11, 77, 70_000)),
    "discounts of lines, tax on top": make_content(
        (1190, 3, 100, 190_000), (107, 11, 77, 70_000), included=False
    ),
    "a line that costs nothing": make_content((1190, 1, 0, 190_000), (500, 1, 500, 190_000)),
    "delivery made free by a promotion": make_content(
        (1190, 3, 0, 190_000), shipping=(0, 599, 190_000)
    ),
    "delivery made cheaper": make_content((1190, 3, 0, 190_000), shipping=(300, 299, 190_000), included=False),
    "everything free": make_content((500, 1, 500, 190_000)),
    "paid": make_content((1190, 3, 0, 190_000), paid=None),
    "half paid, a transfer for the rest": make_content(
        (1190, 3, 0, 190_000), paid=1000, iban="DE89370400440532013000", bic="COBADEFFXXX", payment_terms="14 days"
    ),
    "due on a day": make_content((1190, 3, 0, 190_000), due_at=AT),
    "paid with a gift card": make_content(
        (1190, 3, 0, 190_000), paid=None, payments=(PaperPayment("gift_card", "7QX2", 3570, AT),)
    ),
    "zero rated": make_content((1000, 2, 0, 0)),
    "exempt": wordless("E"),
    "reverse charge": wordless("AE"),
    "within the EU": wordless("K"),
    "an export": wordless("G", buyer=msgspec.structs.replace(BUYER, vat_id="", country="US")),
    "outside of VAT": wordless("O", seller=NO_VAT, buyer=msgspec.structs.replace(BUYER, vat_id="")),
    "exempt and taxed": make_content((1190, 1, 0, 190_000)),
    "yen": make_content((1190, 3, 5, 100_000), currency="JPY"),
    "a seller with a tax number only": make_content((1190, 1, 0, 190_000), seller=NO_VAT),
    "a buyer's reference and a foot": make_content(
        (1190, 1, 0, 190_000), buyer_reference="PO-17", foot="Thank <you> & come again", reason="x"
    ),
    "huge": make_content((10**12 - 1, 99, 1, 190_000)),
    "weighed": make_content((1190, 3, 0, 190_000)),
}  # fmt: skip
CASES["weighed"] = msgspec.structs.replace(
    CASES["weighed"], lines=(msgspec.structs.replace(CASES["weighed"].lines[0], scale=3, unit="kg"),)
)
CASES["credit note, whole"] = build_credit(
    CASES["three rates in the prices, delivery too"],
    amount_minor=CASES["three rates in the prices, delivery too"].total_minor,
    earlier=(),
    at=AT,
    number="CN-1",
    reason="dented",
)
CASES["credit note, in part"] = build_credit(
    CASES["three rates in the prices, delivery too"],
    amount_minor=777, earlier=(), at=AT, number="CN-1", reason="",
)  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_we_write_passes_the_official_rules(name: str, official: Official) -> None:
    content = CASES[name]
    assert check_sums(content) == []
    assert official.list_all(write_cii(content)) == []


def replace(xml: bytes, path: str, text: str | None, which: int = 0) -> bytes:
    """The XML with another text in an element, or (None) without it."""
    root = etree.fromstring(xml)
    spaces = {p: u for p, u in root.nsmap.items() if p}
    element = root.xpath(path, namespaces=spaces)[which]
    if text is None:
        element.getparent().remove(element)
    else:
        element.text = text
    return etree.tostring(root)


SUMS = "//ram:SpecifiedTradeSettlementHeaderMonetarySummation/ram:"
HEAD_TAX = "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:"
# Each rule of the standard that we keep, and the breach that shows that it is really looked at.
BREACHES = [
    ("BR-01", "three rates in the prices, delivery too", "//ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", None),
    ("BR-02", "paid", "//rsm:ExchangedDocument/ram:ID", ""),
    ("BR-04", "paid", "//rsm:ExchangedDocument/ram:TypeCode", None),
    ("BR-06", "paid", "//ram:SellerTradeParty/ram:Name", ""),
    ("BR-07", "paid", "//ram:BuyerTradeParty/ram:Name", ""),
    ("BR-09", "paid", "//ram:SellerTradeParty/ram:PostalTradeAddress/ram:CountryID", None),
    ("BR-11", "paid", "//ram:BuyerTradeParty/ram:PostalTradeAddress/ram:CountryID", None),
    ("BR-16", "paid", "//ram:IncludedSupplyChainTradeLineItem", None),
    ("BR-22", "paid", "//ram:BilledQuantity", None),
    ("BR-24", "paid", "//ram:LineTotalAmount", None),
    ("BR-25", "paid", "//ram:SpecifiedTradeProduct/ram:Name", ""),
    ("BR-27", "paid", "//ram:NetPriceProductTradePrice/ram:ChargeAmount", "-1.00"),
    ("CII-SR-470", "half paid, a transfer for the rest", "//ram:PayeePartyCreditorFinancialAccount", None),
    ("BR-CO-04", "paid", "//ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax/ram:CategoryCode", None),
    ("BR-CO-09", "paid", "//ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID", "123456789"),
    ("BR-CO-10", "paid", f"{SUMS}LineTotalAmount", "30.01"),
    ("BR-CO-11", "delivery made cheaper", f"{SUMS}AllowanceTotalAmount", "2.98"),
    ("BR-CO-12", "delivery made cheaper", f"{SUMS}ChargeTotalAmount", "5.98"),
    ("BR-CO-13", "paid", f"{SUMS}TaxBasisTotalAmount", "30.01"),
    ("BR-CO-14", "paid", f"{SUMS}TaxTotalAmount", "5.71"),
    ("BR-CO-15", "paid", f"{SUMS}GrandTotalAmount", "35.71"),
    ("BR-CO-16", "paid", f"{SUMS}DuePayableAmount", "0.01"),
    ("BR-CO-17", "paid", f"{HEAD_TAX}CalculatedAmount", "7.71"),
    ("BR-CO-18", "paid", "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax", None),
    ("BR-S-08", "three rates in the prices, delivery too", f"{HEAD_TAX}BasisAmount", "3.00"),
    ("BR-AE-10", "reverse charge", f"{HEAD_TAX}ExemptionReason", None),
    ("BR-E-10", "exempt", f"{HEAD_TAX}ExemptionReason", None),
    ("BR-O-10", "outside of VAT", f"{HEAD_TAX}ExemptionReason", None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "name", "path", "text"), BREACHES, ids=[each[0] for each in BREACHES])
def test_a_broken_rule_is_found(
    rule: str, name: str, path: str, text: str | None, official: Official
) -> None:
    xml = write_cii(CASES[name])
    broken = replace(xml, path, text)
    if rule in ("BR-AE-10", "BR-O-10"):
        # A code is as good as words: both have to go.
        broken = replace(broken, f"{HEAD_TAX}ExemptionReasonCode", None)
    found = official.list_all(broken)
    assert found
    named = {match for each in found for match in re.findall(r"(?:BR|CII)-[A-Z]*-?\d+", each)}
    # What the schema forbids already, Factur-X's rules name by numbers of their own.
    assert rule in named or any("Missing child" in each or "FX-SCH" in each for each in found), found


def test_the_rules_of_categories_hold_with_each_others_data(official: Official) -> None:
    """Reverse charge without the buyer's number, and outside of VAT beside a seller's, are refused by both."""
    for category, change in (
        ("AE", {"buyer": msgspec.structs.replace(BUYER, vat_id="")}),
        ("K", {"buyer": msgspec.structs.replace(BUYER, vat_id="")}),
        ("K", {"delivered_at": None}),
        ("G", {"seller": NO_VAT}),
        ("E", {"seller": msgspec.structs.replace(NO_VAT, tax_number="")}),
        ("O", {}),
    ):
        content = wordless(category, **change)  # type: ignore[arg-type]  # a literal of the list above
        assert list_gaps(content)
        with pytest.raises(ValueError, match="no e-invoice without"):
            write_cii(content)


def test_dinars_of_three_decimals_have_no_e_invoice() -> None:
    assert list_gaps(make_content((1190, 1, 0, 190_000), currency="KWD")) == ["currency"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 100_000), st.integers(1, 999), st.integers(0, 100), st.sampled_from([0, 55_000, 70_000, 190_000])
        ),
        min_size=1, max_size=8,
    ),
    st.booleans(),
    st.tuples(st.integers(0, 5_000), st.integers(0, 1_000), st.sampled_from([0, 190_000])),
)  # fmt: skip
@example([(0, 1, 0, 55_000)], False, (1, 0, 0))
@example([(0, 1, 0, 55_000)], False, (2, 0, 0))
def test_any_goods_and_any_series_of_refunds_pass(
    goods: list[Goods], included: bool, shipping: tuple[int, int, int]
) -> None:
    goods = [(price, quantity, min(price * quantity, off), rate) for price, quantity, off, rate in goods]
    content = make_content(*goods, included=included, shipping=shipping)
    assert check_sums(content) == []
    assert load_official().list_all(write_cii(content)) == []
    earlier: list[Content] = []
    left = content.total_minor
    while left:
        amount = left if len(earlier) == 2 else max(1, left // 3)
        note = build_credit(
            content, amount_minor=amount, earlier=tuple(earlier), at=AT, number="CN-1", reason=""
        )
        assert check_sums(note) == []
        assert load_official().list_all(write_cii(note)) == []
        earlier.append(note)
        left -= amount
    taken: dict[tuple[str, int], int] = {}
    for tax in (tax for note in earlier for tax in note.taxes):
        taken[tax.category, tax.rate_ppm] = taken.get((tax.category, tax.rate_ppm), 0) + tax.tax_minor
    # One note over all of it repeats the invoice, with what was free; several have a line for each rate that has money left.
    is_whole = len(earlier) == 1
    if earlier:
        assert taken == {
            (tax.category, tax.rate_ppm): tax.tax_minor for tax in content.taxes if is_whole or _gross(tax)
        }


def _gross(tax: PaperTax) -> int:
    return tax.base_minor + tax.tax_minor


async def test_a_real_order_and_its_credit_notes_pass(bureau: Bureau, tax: Taxes, official: Official) -> None:
    await tax("US", 19, name="VAT", included=True)
    order = await bureau.paid(
        (await bureau.shop.add_product("Tea", price_minor=1333), 3),
        (await bureau.shop.add_product("Milk", price_minor=99), 7),
    )
    paper = await bureau.invoice(order)
    await fulfil_order(bureau.commerce, bureau.merchant_id, order_id=order.order_id, by="t")
    await refund(bureau, order.order_id, 505)
    (note,) = await credit(bureau, order.order_id)
    for each in (paper, note):
        file = await load_file(bureau.commerce, bureau.merchant_id, paper=each, form="xml")
        assert official.list_all(file.content) == []
        assert file.name == f"{each.number}.xml"


async def test_a_shop_that_is_not_registered_invoices_outside_of_vat(
    bureau: Bureau, official: Official
) -> None:
    await bureau.say(BAKERY, vat_id="", tax_number="")
    order = await bureau.paid()
    file = await load_file(bureau.commerce, bureau.merchant_id, paper=await bureau.invoice(order), form="xml")
    assert official.list_all(file.content) == []
    assert b"<ram:CategoryCode>O</ram:CategoryCode>" in file.content


async def test_reverse_charge_follows_the_tax_class(bureau: Bureau, tax: Taxes, official: Official) -> None:
    await tax("US", 0, name="VAT", tax_class="reverse-charge")
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        await set_category_class(
            tx, category_id=bureau.shop.category.category_id, tax_class="reverse-charge", by="t"
        )
    sku_id = await bureau.shop.add_product(store_stock=5)
    order = await bureau.paid((sku_id, 2), delivery="pickup", place_id=bureau.shop.store.place_id)
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        details = BuyerDetails(company="X SA", vat_id="FR40303265045", city="Lyon", country="FR")
        await save_buyer(tx, order_id=order.order_id, details=details, by="t")
    paper = await bureau.invoice(order)
    file = await load_file(bureau.commerce, bureau.merchant_id, paper=paper, form="xml")
    assert official.list_all(file.content) == []
    assert b"VATEX-EU-AE" in file.content


async def test_an_e_invoice_that_cannot_be_made_says_what_is_missing(bureau: Bureau) -> None:
    await bureau.say(BAKERY, vat_id="", tax_number="", register_no="")
    order = await bureau.paid()
    async with bureau.commerce.db.transaction(bureau.merchant_id) as tx:
        await save_buyer(
            tx, order_id=order.order_id, details=BuyerDetails(company="X", vat_id="DE123456789"), by="t"
        )
    paper = await bureau.invoice(order)
    with pytest.raises(Conflict) as refused:
        await load_file(bureau.commerce, bureau.merchant_id, paper=paper, form="xml")
    assert refused.value.code == "paper.no_e_invoice"
    assert "outside_mixed" in refused.value.data["missing"]
    # The paper itself is there all the same.
    assert (await load_file(bureau.commerce, bureau.merchant_id, paper=paper)).content[:4] == b"%PDF"
    await cancel_order(bureau.commerce, bureau.merchant_id, order_id=order.order_id, by="t")
