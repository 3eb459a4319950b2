"""What a paper comes to: goods, delivery, taxes, total, how it was paid, and where to pay what is left."""

from serai.commerce.paper.name_words import Words
from serai.commerce.paper.open_sheet import (
    ACCENT,
    BOTTOM,
    HAIR,
    INK,
    LEFT,
    POINT_MM,
    QUIET,
    RIGHT,
    SAVING,
    SOFT,
    Colour,
    Sheet,
)
from serai.commerce.paper.types import Content
from serai.foundation.errors import _

Row = tuple[str, str, Colour]
SUMS_LEFT = 112.0
SUMS_WIDTH = RIGHT - SUMS_LEFT
SIZE = 9.0
ROW = 5.4
TAX_WIDTH = 84.0
QR_SIDE = 22.0


def list_sums(content: Content, words: Words) -> list[Row]:
    """The rows above the total."""
    goods = sum(line.net_minor for line in content.lines)
    rows: list[Row] = [(words.say(_("Goods")), words.amount(goods), INK)]
    charge = content.charge
    if charge is not None:
        rows.append((words.say(_("Delivery")), words.amount(charge.amount_minor + charge.saved_minor), INK))
        if charge.saved_minor:
            label = words.say(_("Discount on the delivery"))
            rows.append((label, words.amount(-charge.saved_minor), SAVING))
    if not content.prices_include_tax:
        if content.tax_minor:
            rows.append((words.say(_("Sum without tax")), words.amount(content.base_minor), QUIET))
        rows += [(words.rate(tax), words.amount(tax.tax_minor), INK) for tax in content.taxes if tax.rate_ppm]
    return rows


def list_paid(content: Content, words: Words) -> list[Row]:
    """The rows below the total: every payment, and what is left of an invoice."""
    if content.kind == "credit_note":
        return [(words.say(_("Goes back the way it was paid")), words.amount(content.paid_minor), INK)]
    rows: list[Row] = [
        (words.payment(payment), words.amount(-payment.amount_minor), INK) for payment in content.payments
    ]
    overpaid = sum(payment.amount_minor for payment in content.payments) - content.paid_minor
    if overpaid > 0:
        rows.append((words.say(_("Paid too much")), words.amount(overpaid), QUIET))
    return rows


def draw_sums(sheet: Sheet, content: Content, words: Words) -> None:
    """Taxes on the left, sums on the right, then how to pay; all of it stays together on a page."""
    above, below = list_sums(content, words), list_paid(content, words)
    right = (len(above) + len(below)) * ROW + 28
    left = (len(content.taxes) + 2) * ROW + QR_SIDE + 16
    if sheet.y + max(right, left) > BOTTOM:
        sheet.page()
    top = sheet.y + 3
    y = _draw_rows(sheet, above, top)
    y = _draw_total(sheet, content, words, y + 1.5)
    y = _draw_rows(sheet, below, y + 2)
    if content.kind == "invoice":
        y = _draw_due(sheet, content, words, y)
    left_end = _draw_taxes(sheet, content, words, top)
    sheet.y = max(_draw_link(sheet, content, words, left_end + 7), y) + 5
    _draw_terms(sheet, content, words)


def _draw_rows(sheet: Sheet, rows: list[Row], y: float) -> float:
    for label, value, colour in rows:
        lines = sheet.wrap(label, SUMS_WIDTH - 30, SIZE)[:2]
        sheet.text(SUMS_LEFT + 3, y, value, SIZE, colour=colour, align="R", width=SUMS_WIDTH - 3)
        y = sheet.block(SUMS_LEFT + 3, y, lines, SIZE, colour=colour) + ROW - SIZE * POINT_MM * 1.42
    return y


def _draw_total(sheet: Sheet, content: Content, words: Words, y: float) -> float:
    sheet.fill(SUMS_LEFT, y, SUMS_WIDTH, 10, SOFT, 1.2)
    label = words.say(_("Credited")) if content.kind == "credit_note" else words.say(_("Total"))
    size = 12.5
    text = words.money(content.total_minor)
    room = SUMS_WIDTH - 9 - sheet.measure(label, 10.5, bold=True)
    while sheet.measure(text, size, bold=True) > room and size > 7:
        size -= 0.5
    sheet.text(SUMS_LEFT + 3, y + 2.4, label, 10.5, bold=True, colour=ACCENT)
    sheet.text(
        SUMS_LEFT,
        y + 5 - size * POINT_MM * 0.71,
        text,
        size,
        bold=True,
        colour=ACCENT,
        align="R",
        width=SUMS_WIDTH - 3,
    )
    return y + 10


def _draw_due(sheet: Sheet, content: Content, words: Words, y: float) -> float:
    sheet.rule(y + 0.6, x=SUMS_LEFT + 3, colour=HAIR)
    label = words.say(_("To be paid")) if content.due_minor else words.say(_("Paid in full"))
    sheet.text(SUMS_LEFT + 3, y + 1.8, label, SIZE, bold=True)
    text = words.money(content.due_minor) if content.due_minor else words.amount(0)
    sheet.text(SUMS_LEFT, y + 1.8, text, SIZE, bold=True, align="R", width=SUMS_WIDTH)
    return y + 8


def _draw_taxes(sheet: Sheet, content: Content, words: Words, y: float) -> float:
    """One row per rate: what was taxed, the tax, and both."""
    ends = (LEFT + 48.0, LEFT + 66.0, LEFT + TAX_WIDTH)
    labels = (_("Without tax"), _("Tax"), _("With tax"))
    sheet.text(LEFT, y, words.say(_("Taxes")), 7.5, colour=QUIET)
    for end, label in zip(ends, labels, strict=True):
        sheet.text(end - 24, y, words.say(label), 7.5, colour=QUIET, align="R", width=24)
    y += 5
    sheet.rule(y, to=LEFT + TAX_WIDTH, colour=HAIR)
    y += 1.2
    for tax in content.taxes:
        figures = (tax.base_minor, tax.tax_minor, tax.base_minor + tax.tax_minor)
        is_free = not tax.tax_minor and bool(tax.reason)
        lines = sheet.wrap(words.rate(tax), TAX_WIDTH if is_free else 27, 8.5)[:3]
        after = sheet.block(LEFT, y, lines, 8.5)
        row = after if is_free else y
        for end, minor in zip(ends, figures, strict=True):
            sheet.text(end - 24, row, words.amount(minor), 8.5, align="R", width=24)
        y = max(after, row + 8.5 * POINT_MM * 1.42) + 0.8
    return y


def _draw_link(sheet: Sheet, content: Content, words: Words, y: float) -> float:
    if not content.order_url or len(content.order_url) > 600:
        return y
    sheet.qr(LEFT, y, QR_SIDE, content.order_url)
    words_left = LEFT + QR_SIDE + 5
    text = words.say(_("Your order online: where it is, returns, and this paper again."))
    sheet.block(words_left, y + 4, sheet.wrap(text, 50, 8.5), 8.5, colour=QUIET)
    sheet.pdf.link(LEFT, y, QR_SIDE, QR_SIDE, content.order_url, alt_text=text)
    return y + QR_SIDE


def _draw_terms(sheet: Sheet, content: Content, words: Words) -> None:
    """Where to pay what is left, and the shop's own words."""
    rows: list[str] = []
    if content.kind == "invoice" and content.due_minor:
        if content.payment_terms:
            rows.append(content.payment_terms)
        if content.iban:
            account = " · ".join(
                part for part in (content.bank_name, f"IBAN {content.iban}", content.bic) if part
            )
            rows.append(
                words.say(
                    _("Please transfer to %(account)s, naming %(number)s."),
                    account=account,
                    number=content.number,
                )
            )
    if content.foot:
        rows.append(content.foot)
    for row in rows:
        lines = sheet.wrap(row, RIGHT - LEFT, 8.5)
        if sheet.y + len(lines) * 4.3 > BOTTOM:
            sheet.page()
        sheet.y = sheet.block(LEFT, sheet.y, lines, 8.5, colour=QUIET) + 2
