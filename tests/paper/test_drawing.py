"""Papers as PDF: what can be read out of them again, over pages, in three languages, with whatever people call things."""

import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from facturx import get_xml_from_pdf
from lxml import etree
from pypdf import PdfReader
from tests.paper.official import Official
from tests.paper.test_e_invoice import AT, BUYER, CASES, make_content

from serai.commerce.paper import choose_fonts
from serai.commerce.paper.draw_paper import draw_paper
from serai.commerce.paper.logic import clean
from serai.commerce.paper.types import Content, LineSaving, PaperCharge
from serai.commerce.paper.write_cii import write_cii
from serai.foundation.errors import Outside


def read(content: Content) -> tuple[PdfReader, str]:
    """A paper, drawn and read again: (the file, the text of all pages)."""
    reader = PdfReader(io.BytesIO(draw_paper(content)))
    return reader, "\n".join(page.extract_text() for page in reader.pages)


def with_titles(*titles: str, **more: Any) -> Content:
    """A paper with these goods."""
    content = make_content(*((1190, 1, 0, 190_000) for _ in titles), **more)
    lines = zip(content.lines, titles, strict=True)
    return msgspec.structs.replace(
        content, lines=tuple(msgspec.structs.replace(line, title=clean(title, 240)) for line, title in lines)
    )


@pytest.mark.parametrize(
    ("locale", "title", "words"),
    [
        ("en", "Sourdough rye bread", ["Invoice", "INV-2026-000001", "Total", "€11.90", "VAT 19 %"]),
        ("zh_Hans", "高山云雾绿茶 礼盒装", ["商业发票", "合计", "€11.90"]),
        ("zh_Hant", "純淨水礦泉 臺灣高山茶", ["商業發票", "合計", "€11.90"]),
    ],
)
def test_what_is_written_can_be_read_out_again(locale: str, title: str, words: list[str]) -> None:
    _reader, text = read(with_titles(title, locale=locale))
    for word in (title, *words):
        assert word.replace(" ", "") in text.replace(" ", "").replace("\xa0", "")


def test_only_the_letters_that_are_used_are_in_the_file() -> None:
    file = draw_paper(with_titles("高山云雾绿茶", locale="zh_Hans"))
    assert len(file) < 120_000
    fonts = [
        font for page in PdfReader(io.BytesIO(file)).pages for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    for font in fonts:
        (descendant,) = font.get_object()["/DescendantFonts"]
        described = descendant.get_object()["/FontDescriptor"].get_object()
        assert "/FontFile2" in described
        assert "/ToUnicode" in font.get_object()


def test_the_same_paper_is_the_same_bytes() -> None:
    content = CASES["discounts of lines"]
    assert draw_paper(content) == draw_paper(content)
    assert draw_paper(content) != draw_paper(msgspec.structs.replace(content, number="INV-2026-000002"))


@pytest.mark.parametrize("name", ["discounts of lines", "credit note, whole", "reverse charge"])
def test_the_e_invoice_is_in_the_file_as_the_standard_wants_it(name: str, official: Official) -> None:
    content = CASES[name]
    file = draw_paper(content)
    file_name, xml = get_xml_from_pdf(io.BytesIO(file), check_xsd=True, check_schematron=False)
    assert (file_name, xml) == ("factur-x.xml", write_cii(content))
    assert official.list_all(xml) == []
    root = PdfReader(io.BytesIO(file)).trailer["/Root"]
    (associated,) = root["/AF"]
    assert associated.get_object()["/AFRelationship"] == "/Alternative"
    assert [intent.get_object()["/S"] for intent in root["/OutputIntents"]] == ["/GTS_PDFA1"]
    described = etree.fromstring(
        root["/Metadata"].get_object().get_data().split(b"?>", 1)[1].rsplit(b"<?", 1)[0]
    )
    values = {
        etree.QName(each).localname: each.text for each in described.iter() if isinstance(each.tag, str)
    }
    assert (values["part"], values["conformance"]) == ("3", "B")
    assert (values["DocumentFileName"], values["ConformanceLevel"]) == ("factur-x.xml", "EN 16931")


def test_a_paper_without_an_e_invoice_carries_none() -> None:
    for content in (
        make_content((1190, 1, 0, 190_000), kind="receipt"),
        make_content((1190, 1, 0, 190_000), currency="KWD"),
    ):
        root = read(content)[0].trailer["/Root"]
        assert "/AF" not in root


def test_five_hundred_lines_have_their_head_on_every_page() -> None:
    content = with_titles(*(f"Article number {n} of the catalogue" for n in range(500)))
    reader, text = read(content)
    pages = [page.extract_text() for page in reader.pages]
    assert 10 < len(pages) < 30
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
    for page in pages[:-1]:
        assert "Article" in page
        assert "Amount (EUR)" in page
    # No line is lost at a turn of the page, and none stands twice.
    for n in range(500):
        assert text.count(f"Article number {n} of the catalogue") == 1


HOSTILE = [
    "<script>alert(1)</script> & <b>bold</b> {{ 7*7 }} %(name)s %s",
    "\u202egnp.exe\u202c right to left override",
    "שלום עולם – זה מוצר",
    "مرحبا بالعالم منتج ممتاز",
    "Bread 🍞🥖 with 👩‍👩‍👧‍👦 and 👍🏽",
    "한국어 라면 ภาษาไทย ಕನ್ನಡ",
    "NUL\x00 bell\x07 escape\x1b[31m tab\t line\nbreak",
    "\ud800 lone surrogate",
    "W" * 10_000,
    "一" * 10_000,
    "combining " + "e" + "\u0301" * 200,
    "\ufeff\u200b\u2060",
    "a" * 70 + "​" + "b" * 300,
    "() \\ ) Tj ET Q (PDF) endobj",
    "",
]


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", ["invoice", "delivery_note"])
def test_whatever_people_call_things_gives_a_paper(title: str, kind: str, official: Official) -> None:
    name = clean(title) or "–"
    content = with_titles(
        title or "–",
        "Plain bread",
        kind=kind,
        buyer=msgspec.structs.replace(BUYER, name=name, line1=name, city=name),
        foot=name,
        shop_name=name,
    )
    reader, text = read(content)
    assert len(reader.pages) < 4
    assert "Plain bread" in text
    if kind == "invoice":
        xml = write_cii(content)
        etree.fromstring(xml)
        assert official.list_schema_errors(xml) == []


def test_an_overriding_character_does_not_turn_the_line_around() -> None:
    assert clean("invoice\u202egnp.exe\u202c  now\x00\r\n!") == "invoicegnp.exe now !"
    assert clean("x" * 500, 100) == "x" * 99 + "…"


def test_html_is_only_text() -> None:
    _reader, text = read(with_titles("<b>5 < 6 & 7</b>"))
    assert "<b>5 < 6 & 7</b>" in text


@pytest.mark.parametrize(
    ("currency", "shown"), [("JPY", "¥1,190"), ("KWD", "KWD1.190"), ("CNY", "CN¥11.90"), ("USD", "$11.90")]
)
def test_currencies_have_their_own_digits(currency: str, shown: str) -> None:
    _reader, text = read(make_content((1190, 1, 0, 190_000), currency=currency))
    assert shown in text.replace("\xa0", "").replace(" ", "")


def test_amounts_of_any_size_stay_inside_their_columns() -> None:
    content = make_content((10**14 + 1, 99, 0, 190_000), paid=None)
    _reader, text = read(content)
    assert "€99,000,000,000,000.99" in text


def test_nothing_to_pay_is_said() -> None:
    _reader, text = read(CASES["everything free"])
    assert "Paid in full" in text
    assert "€0.00" in text


def test_a_delivery_note_and_a_gift_receipt_name_no_price() -> None:
    for kind in ("delivery_note", "gift_receipt"):
        content = with_titles(
            "Green tea", kind=kind, gift_message="Happy birthday!", tracking="SF1234567890123",
            savings=(LineSaving("Autumn offer", 100),), order_url="https://shop.example.com/orders/1?key=secret",
        )  # fmt: skip
        reader, text = read(content)
        assert "Green tea" in text
        for secret in ("11.90", "10.00", "Autumn", "VAT", "IBAN"):
            assert secret not in text
        assert ("Happy birthday!" in text) == (kind == "gift_receipt")
        # The link that opens the order is not for whoever gets the parcel.
        assert all("/Annots" not in page for page in reader.pages)


def test_the_delivery_and_its_discount_are_both_shown() -> None:
    content = CASES["delivery made free by a promotion"]
    assert content.charge == PaperCharge(0, 599, "S", 190_000, "VAT", 0, 0)
    _reader, text = read(content)
    assert "5.99" in text
    assert "−5.99" in text


def test_days_are_counted_where_the_merchant_is() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    _reader, text = read(make_content((1190, 1, 0, 190_000), issued_at=late, zone="Asia/Shanghai"))
    assert "January 1, 2027" in text
    _reader, text = read(make_content((1190, 1, 0, 190_000), issued_at=AT, zone="America/New_York"))
    assert "November 24, 2026" in text


def test_without_fonts_the_house_says_which_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(choose_fonts, "FOLDER", tmp_path)
    choose_fonts.list_letters.cache_clear()
    with pytest.raises(Outside, match="Inter_400Regular"):
        draw_paper(CASES["paid"])
    choose_fonts.list_letters.cache_clear()


def test_a_rare_character_is_drawn_from_the_whole_font() -> None:
    everyday, rare = with_titles("常用字", locale="zh_Hans"), with_titles("龘龖 常用字", locale="zh_Hans")
    for content in (everyday, rare):
        for line in content.lines:
            assert line.title.replace(" ", "") in read(content)[1].replace(" ", "")
    chosen = choose_fonts.choose_fonts(["龘"], "zh_Hans")
    assert [face.regular for face in chosen.faces] == ["Inter_400Regular", "NotoSansSC_400Regular"]


def test_what_the_house_says_is_in_the_fonts_that_are_chosen() -> None:
    for locale in ("zh_Hans", "zh_Hant"):
        chosen = choose_fonts.choose_fonts(["中"], locale)
        letters = frozenset().union(*(choose_fonts.list_letters(face.regular) for face in chosen.faces))
        whole = choose_fonts.HANS if locale == "zh_Hans" else choose_fonts.HANT
        drawable = choose_fonts.list_letters(whole.regular) | choose_fonts.list_letters("Inter_400Regular")
        assert choose_fonts.list_house_letters(locale) & drawable <= letters
