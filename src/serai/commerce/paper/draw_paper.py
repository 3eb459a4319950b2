"""Draw a paper as a PDF/A-3: head, parties, lines over as many pages as they need, sums, how it was paid, and the codes.

The e-invoice is in the file of every invoice and credit note for which one can be made.
"""

from collections.abc import Iterator

from serai.commerce.paper.choose_fonts import choose_fonts
from serai.commerce.paper.draw_foot import draw_feet
from serai.commerce.paper.draw_head import draw_head
from serai.commerce.paper.draw_lines import draw_goods, draw_lines
from serai.commerce.paper.draw_sums import draw_sums
from serai.commerce.paper.logic import list_gaps
from serai.commerce.paper.name_words import TITLES, Words
from serai.commerce.paper.open_sheet import BOTTOM, INK, INNER, LEFT, POINT_MM, QUIET, SOFT, Sheet
from serai.commerce.paper.types import Content
from serai.commerce.paper.write_cii import write_cii
from serai.foundation.errors import _
from serai.foundation.i18n import LANGUAGE_TAGS

# The letters of amounts, days and all that is not in the content itself.
ALWAYS = "0123456789.,%×−–…·/:()+# ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz□"
BARCODE_LETTERS = frozenset(map(chr, range(32, 127)))


def draw_paper(content: Content) -> bytes:
    """The file of a paper. The same content gives the same bytes. Outside ``fonts`` when the fonts were not brought."""
    words = Words(content)
    title = f"{words.say(TITLES[content.kind])} {content.number or content.order_number}"
    has_xml = content.kind in ("invoice", "credit_note") and not list_gaps(content)
    sheet = Sheet(
        choose_fonts((ALWAYS, *_list_texts(content, words)), content.locale),
        title=title,
        author=content.seller.name,
        language=LANGUAGE_TAGS[content.locale],
        at=content.issued_at,
        is_invoice=has_xml,
    )
    sheet.page()
    draw_head(sheet, content, words)
    if content.kind in ("invoice", "credit_note", "receipt"):
        draw_lines(sheet, content, words)
        draw_sums(sheet, content, words)
    else:
        _draw_message(sheet, content)
        draw_goods(sheet, content, words)
        _draw_codes(sheet, content, words)
    draw_feet(sheet, content, words)
    if has_xml:
        sheet.attach(write_cii(content), content.issued_at)
    return sheet.finish()


def _list_texts(content: Content, words: Words) -> Iterator[str]:
    """Letters that will be drawn. The house's own Chinese words are written with what the one font of the script has."""
    if content.locale != "en":
        yield "中"
    for party in (content.seller, content.buyer, content.ship_to):
        if party is not None:
            yield from (str(getattr(party, name)) for name in party.__struct_fields__)
    for line in content.lines:
        yield from (
            line.title,
            line.unit,
            line.code,
            line.tax_name,
            *(saving.label for saving in line.savings),
        )
    for tax in content.taxes:
        yield from (tax.name, tax.reason)
    yield from (saving.label for saving in content.savings)
    yield from (payment.kind + payment.label for payment in content.payments)
    yield from (
        content.number, content.order_number, content.buyer_reference, content.corrects_number, content.reason,
        content.bank_name, content.payment_terms, content.foot, content.tracking, content.place_name,
        content.gift_message, content.shop_name,
    )  # fmt: skip
    for at in (
        content.issued_at,
        content.placed_at,
        content.delivered_at,
        content.due_at,
        content.corrects_at,
    ):
        if at is not None:
            yield words.day(at)
    yield words.money(0)


def _draw_message(sheet: Sheet, content: Content) -> None:
    """The words on the card of a present, large."""
    if content.kind != "gift_receipt" or not content.gift_message:
        return
    lines = sheet.wrap(content.gift_message, INNER - 20, 13)[:12]
    height = len(lines) * 13 * POINT_MM * 1.42 + 14
    sheet.fill(LEFT, sheet.y, INNER, height, SOFT, 2)
    sheet.block(LEFT, sheet.y + 7, lines, 13, align="C", width=INNER, colour=INK)
    sheet.y += height + 8


def _draw_codes(sheet: Sheet, content: Content, words: Words) -> None:
    """The order's number, and the carrier's, to be read by a scanner."""
    codes = [(words.say(_("Order")), content.order_number)]
    if content.tracking and content.kind == "delivery_note":
        codes.append((words.say(_("Tracking number")), content.tracking))
    codes = [
        (label, code) for label, code in codes if code and set(code) <= BARCODE_LETTERS and len(code) <= 40
    ]
    if sheet.y + 34 > BOTTOM:
        sheet.page()
    sheet.y += 8
    x = LEFT
    for label, code in codes:
        width = min(80.0, 12 + 3.6 * len(code))
        sheet.text(x, sheet.y, label, 7.5, colour=QUIET)
        sheet.barcode(x, sheet.y + 5, width, 13, code)
        sheet.text(x, sheet.y + 18.6, code, 8, align="C", width=width)
        x += width + 10
    sheet.y += 26
    if content.kind == "gift_receipt":
        note = words.say(
            _(
                "Something does not fit? Bring this with you: it can be exchanged without the price being named."
            )
        )
        sheet.y = sheet.block(LEFT, sheet.y + 2, sheet.wrap(note, 120, 8.5), 8.5, colour=QUIET)
        return
    if sheet.y + 22 > BOTTOM:
        sheet.page()
    for x, label in ((LEFT, _("Received on")), (LEFT + 60, _("Signature"))):
        sheet.rule(sheet.y + 14, x=x, to=x + (50 if x == LEFT else 110))
        sheet.text(x, sheet.y + 15, words.say(label), 7.5, colour=QUIET)
    sheet.y += 22
