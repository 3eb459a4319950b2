"""The foot of every page: who the seller is in the eyes of the law, and which page of how many this is."""

from serai.commerce.paper.draw_head import write_party
from serai.commerce.paper.name_words import Words
from serai.commerce.paper.open_sheet import HAIR, INNER, LEFT, QUIET, RIGHT, Sheet
from serai.commerce.paper.types import Content
from serai.foundation.errors import _

FOOT_TOP = 277.0


def write_seller(content: Content, words: Words) -> str:
    """The seller in one line, with the numbers that have to be named."""
    seller = content.seller
    parts = [", ".join(write_party(seller, content.locale))]
    if content.kind in ("invoice", "credit_note", "receipt"):
        numbers = (
            (_("VAT number %(number)s"), seller.vat_id),
            (_("Tax number %(number)s"), seller.tax_number),
        )
        parts += [words.say(label, number=number) for label, number in numbers if number]
        parts.append(seller.register_no)
    parts += [seller.phone, seller.email]
    return " · ".join(part for part in parts if part)


def draw_feet(sheet: Sheet, content: Content, words: Words) -> None:
    """On all pages, after the last one is known."""
    pdf = sheet.pdf
    count = pdf.pages_count
    found = sheet.wrap(write_seller(content, words), INNER - 30, 7)[:3]
    lines = [line.strip(" ·") for line in found]
    for number in range(1, count + 1):
        pdf.page = number
        sheet.rule(FOOT_TOP, colour=HAIR)
        sheet.block(LEFT, FOOT_TOP + 1.6, lines, 7, colour=QUIET)
        page = words.say(_("Page %(number)s of %(count)s"), number=number, count=count)
        sheet.text(RIGHT - 30, FOOT_TOP + 1.6, page, 7, colour=QUIET, align="R", width=30)
