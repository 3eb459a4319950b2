"""The lines of a paper as a table that repeats its head on every page: with prices and tax, or goods alone."""

from collections.abc import Callable

from serai.commerce.paper.name_words import Words
from serai.commerce.paper.open_sheet import (
    ACCENT,
    BOTTOM,
    HAIR,
    LEFT,
    LINE,
    POINT_MM,
    QUIET,
    RIGHT,
    SAVING,
    TOP,
    Align,
    Sheet,
)
from serai.commerce.paper.types import Content, PaperLine
from serai.foundation.errors import _

SIZE = 9.0
STEP = SIZE * POINT_MM * 1.42
PAD = 2.0
# Of one line at most so much is printed; its whole text is in the order.
TITLE_LINES = 6

Column = tuple[str, float, float, Align]


def _draw_columns(sheet: Sheet, columns: list[Column]) -> None:
    for label, x, width, align in columns:
        sheet.text(x, sheet.y, label, 7.5, colour=QUIET, align=align, width=width)
    sheet.y += 5.2
    sheet.rule(sheet.y, colour=ACCENT, thick=0.35)
    sheet.y += PAD


def _continue(sheet: Sheet, content: Content, columns: list[Column]) -> None:
    sheet.page()
    sheet.text(
        LEFT,
        TOP - 6,
        content.number or content.order_number,
        7.5,
        colour=QUIET,
        align="R",
        width=RIGHT - LEFT,
    )
    _draw_columns(sheet, columns)


def _draw_rows(
    sheet: Sheet,
    content: Content,
    columns: list[Column],
    draw: Callable[[PaperLine, list[str]], None],
    title_width: float,
    *,
    with_savings: bool,
) -> None:
    _draw_columns(sheet, columns)
    for line in content.lines:
        title = sheet.wrap(line.title, title_width, SIZE)
        if len(title) > TITLE_LINES:
            title = [*title[: TITLE_LINES - 1], title[TITLE_LINES - 1].rstrip() + "…"]
        below = (1 if line.code else 0) + (len(line.savings) if with_savings else 0)
        height = (len(title) + below) * STEP + 2 * PAD
        if sheet.y + height > BOTTOM:
            _continue(sheet, content, columns)
        top = sheet.y
        draw(line, title)
        sheet.y = top + height
        sheet.rule(sheet.y - PAD, colour=HAIR)
    sheet.y += 1


def draw_lines(sheet: Sheet, content: Content, words: Words) -> None:
    """Quantity, price, rate and amount; under a line what promotions took off it."""
    currency = content.currency
    amount = words.say(_("Amount (%(currency)s)"), currency=currency)
    columns: list[Column] = [
        ("#", LEFT, 8, "L"),
        (words.say(_("Article")), LEFT + 9, 76, "L"),
        (words.say(_("Quantity")), LEFT + 86, 18, "R"),
        (words.say(_("Unit price")), LEFT + 105, 24, "R"),
        (words.say(_("Rate")), LEFT + 130, 14, "R"),
        (amount, LEFT + 144, 26, "R"),
    ]

    def draw(line: PaperLine, title: list[str]) -> None:
        y = sheet.y
        sheet.text(LEFT, y, str(line.line_no), SIZE, colour=QUIET)
        _cell(sheet, columns[2], y, words.quantity(line))
        price = words.amount(line.price_minor) + (f" / {line.unit}" if line.scale else "")
        _cell(sheet, columns[3], y, price)
        _cell(sheet, columns[4], y, words.percent(line))
        _cell(sheet, columns[5], y, words.amount(line.total_minor))
        y = sheet.block(columns[1][1], y, title, SIZE)
        if line.code:
            sheet.text(columns[1][1], y, line.code, 7.5, colour=QUIET)
            y += STEP
        for saving in line.savings:
            label = sheet.wrap(saving.label, columns[1][2] + 40, 8)[0]
            sheet.text(columns[1][1], y, label, 8, colour=SAVING)
            text = words.amount(-saving.amount_minor)
            sheet.text(columns[5][1], y, text, 8, colour=SAVING, align="R", width=columns[5][2])
            y += STEP

    _draw_rows(sheet, content, columns, draw, columns[1][2], with_savings=True)


def draw_goods(sheet: Sheet, content: Content, words: Words) -> None:
    """What is in the parcel, with a box to tick, without any price."""
    columns: list[Column] = [
        ("#", LEFT, 8, "L"),
        (words.say(_("Article")), LEFT + 9, 118, "L"),
        (words.say(_("Quantity")), LEFT + 128, 28, "R"),
        ("", LEFT + 160, 10, "R"),
    ]

    def draw(line: PaperLine, title: list[str]) -> None:
        sheet.text(LEFT, sheet.y, str(line.line_no), SIZE, colour=QUIET)
        text = words.quantity(line)
        sheet.text(columns[2][1], sheet.y, text, SIZE, bold=True, align="R", width=columns[2][2])
        if content.kind == "delivery_note":
            sheet.pdf.set_draw_color(*LINE)
            sheet.pdf.set_line_width(0.25)
            sheet.pdf.rect(RIGHT - 4.2, sheet.y + 0.3, 4, 4)
        y = sheet.block(columns[1][1], sheet.y, title, SIZE)
        if line.code:
            sheet.text(columns[1][1], y, line.code, 7.5, colour=QUIET)

    _draw_rows(sheet, content, columns, draw, columns[1][2], with_savings=False)
    pieces = sum(1 if line.scale else line.quantity for line in content.lines)
    total = words.say(_("%(count)s pieces in all"), count=pieces)
    sheet.text(LEFT + 9, sheet.y + 1, total, 8.5, colour=QUIET, align="R", width=147)
    sheet.y += 8


def _cell(sheet: Sheet, column: Column, y: float, text: str) -> None:
    """A figure in its column; one that is too wide is set smaller."""
    size = SIZE
    while sheet.measure(text, size) > column[2] and size > 5:
        size -= 0.5
    sheet.text(column[1], y + (SIZE - size) * POINT_MM * 0.7, text, size, align=column[3], width=column[2])
