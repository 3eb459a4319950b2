"""The head of a paper: whose it is, what it is, whom it is for, and its dates and numbers."""

from babel import Locale

from serai.commerce.paper.name_words import TITLES, Words
from serai.commerce.paper.open_sheet import (
    ACCENT,
    INK,
    LEFT,
    POINT_MM,
    QUIET,
    RIGHT,
    TOP,
    Sheet,
)
from serai.commerce.paper.types import Content, Party
from serai.foundation.errors import _

# Countries that write the largest part of an address first.
LARGEST_FIRST = frozenset({"CN", "TW", "HK", "MO", "JP", "KR"})
META_LEFT, META_VALUE = 118.0, 150.0
ADDRESS_TOP = 50.0
ADDRESS_WIDTH = 84.0


def write_party(party: Party, locale: str, *, home: str = "") -> list[str]:
    """Name and address in the lines of the country; the country itself only abroad."""
    street = [part for part in (party.line1, party.line2) if part]
    town = " ".join(part for part in (party.postcode, party.city) if part)
    if party.country == "US":
        town = ", ".join(
            part for part in (party.city, " ".join(p for p in (party.region, party.postcode) if p)) if part
        )
    elif party.country in LARGEST_FIRST:
        town = " ".join(p for p in dict.fromkeys((party.region, party.city, party.district)) if p)
    elif party.region and party.region != party.city:
        town = ", ".join(part for part in (town, party.region) if part)
    country = ""
    if party.country and party.country != home:
        country = str(Locale.parse(locale).territories.get(party.country, party.country))
    if party.country in LARGEST_FIRST:
        rows = [" ".join(p for p in (party.postcode, town) if p), " ".join(street), country]
    else:
        rows = [*street, *([party.district] if party.district else []), town, country]
    return [party.name, *(row for row in rows if row)]


def draw_head(sheet: Sheet, content: Content, words: Words) -> None:
    """Everything above the lines, on the first page."""
    sheet.fill(0, 0, 210, 3.2, ACCENT)
    name = sheet.wrap(content.shop_name or content.seller.name, 96, 15, bold=True)[:2]
    sheet.block(LEFT, TOP - 2, name, 15, bold=True, colour=INK)
    sheet.text(
        LEFT,
        TOP - 4,
        words.say(TITLES[content.kind]),
        24,
        bold=True,
        colour=ACCENT,
        align="R",
        width=RIGHT - LEFT,
    )

    seller = write_party(content.seller, content.locale, home=content.seller.country)
    sender = sheet.wrap(" · ".join(seller), ADDRESS_WIDTH + 10, 7)[:2]
    y = sheet.block(LEFT, ADDRESS_TOP - 7, sender, 7, colour=QUIET)
    bottom = max(
        _draw_address(sheet, content, words, max(y + 1.5, ADDRESS_TOP)), _draw_meta(sheet, content, words)
    )
    sheet.y = max(bottom + 9, 92.0)
    if content.kind == "credit_note" and content.reason:
        reason = words.say(_("Reason: %(reason)s"), reason=content.reason)
        sheet.y = sheet.block(LEFT, sheet.y - 2, sheet.wrap(reason, RIGHT - LEFT, 9)[:4], 9, colour=INK) + 4


def _draw_address(sheet: Sheet, content: Content, words: Words, y: float) -> float:
    is_sent = content.kind in ("delivery_note", "gift_receipt")
    party = content.ship_to or content.buyer if is_sent else content.buyer
    rows = write_party(party, content.locale, home=content.seller.country)
    for number, row in enumerate(rows):
        for line in sheet.wrap(row, ADDRESS_WIDTH, 10.5, bold=number == 0)[:3]:
            sheet.text(LEFT, y, line, 10.5, bold=number == 0)
            y += 10.5 * POINT_MM * 1.42
    extra = []
    if content.kind == "delivery_note" and party.phone:
        extra.append(party.phone)
    if party.vat_id and not is_sent:
        extra.append(words.say(_("VAT number %(number)s"), number=party.vat_id))
    y = sheet.block(LEFT, y + 0.8, extra, 8.5, colour=QUIET) if extra else y
    ship_to = content.ship_to
    if not is_sent and ship_to is not None and _place(ship_to) != _place(content.buyer):
        lines = write_party(ship_to, content.locale, home=content.seller.country)
        sheet.text(LEFT, y + 3, words.say(_("Delivered to")), 7.5, colour=QUIET)
        text = sheet.wrap(", ".join(lines), ADDRESS_WIDTH, 8.5)[:3]
        y = sheet.block(LEFT, y + 7, text, 8.5)
    return y


def _place(party: Party) -> tuple[str, ...]:
    return (party.name, party.line1, party.line2, party.city, party.postcode, party.country)


def list_meta(content: Content, words: Words) -> list[tuple[str, str]]:
    """(label, value) of a paper's numbers and days."""
    rows: list[tuple[str, str]] = []
    if content.kind == "invoice":
        rows.append((_("Invoice number"), content.number))
        rows.append((_("Invoice date"), words.day(content.issued_at)))
    elif content.kind == "credit_note":
        rows.append((_("Credit note number"), content.number))
        rows.append((_("Date"), words.day(content.issued_at)))
        rows.append((_("For invoice"), content.corrects_number))
        if content.corrects_at is not None:
            rows.append((_("Invoice date"), words.day(content.corrects_at)))
    rows.append((_("Order"), content.order_number))
    rows.append((_("Ordered on"), words.day(content.placed_at)))
    if content.kind == "receipt" and content.payments and content.payments[0].at is not None:
        rows.append((_("Paid on"), words.day(content.payments[0].at)))
    if content.delivered_at is not None and content.kind != "credit_note":
        rows.append((_("Delivered on"), words.day(content.delivered_at)))
    elif content.kind == "invoice":
        rows.append((_("Delivery date"), words.say(_("not delivered yet"))))
    if content.delivery == "pickup" and content.place_name:
        rows.append((_("Collected at"), content.place_name))
    elif content.kind == "delivery_note" and content.place_name:
        rows.append((_("Sent from"), content.place_name))
    if content.buyer_reference and content.kind in ("invoice", "credit_note"):
        rows.append((_("Your reference"), content.buyer_reference))
    if content.due_at is not None and content.due_minor:
        rows.append((_("Payable until"), words.day(content.due_at)))
    return [(words.say(label), value) for label, value in rows]


def _draw_meta(sheet: Sheet, content: Content, words: Words) -> float:
    y = ADDRESS_TOP - 7
    rows = list_meta(content, words)
    value_left = max(META_VALUE, META_LEFT + 4 + max(sheet.measure(label, 8.5) for label, _value in rows))
    for number, (label, value) in enumerate(rows):
        sheet.text(META_LEFT, y, label, 8.5, colour=QUIET)
        for line in sheet.wrap(value, RIGHT - value_left, 8.5, bold=number == 0)[:2]:
            sheet.text(value_left, y, line, 8.5, bold=number == 0)
            y += 4.9
    return y
