"""The words of papers in the reader's language, and how amounts, days and quantities are written on them."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from serai.commerce.catalogue.types import show_amount
from serai.commerce.paper.types import Content, PaperKind, PaperLine, PaperPayment, PaperTax
from serai.commerce.tax.types import show_percent
from serai.foundation.errors import _
from serai.foundation.i18n import translate
from serai.foundation.money import format_money, minor_digits

TITLES: dict[PaperKind, str] = {
    "invoice": _("Invoice"),
    "credit_note": _("Credit note"),
    "receipt": _("Receipt"),
    "delivery_note": _("Delivery note"),
    "gift_receipt": _("Gift receipt"),
}
# How it was paid, by provider or kind of tender. Any other provider is called by its own name.
PAYMENTS = {
    "sandbox": _("Online payment"),
    "stripe": _("Card"),
    "wechat": _("WeChat Pay"),
    "wechatpay": _("WeChat Pay"),
    "alipay": _("Alipay"),
    "cod": _("Cash on delivery"),
    "cash": _("Cash"),
    "invoice": _("Bank transfer"),
    "points": _("Points"),
    "gift_card": _("Gift card"),
    "wallet": _("Red packets"),
}


class Words:
    """Texts of one paper."""

    def __init__(self, content: Content) -> None:
        self.locale = content.locale
        self.currency = content.currency
        self._zone = ZoneInfo(content.zone)

    def say(self, message: str, **data: object) -> str:
        """A marked message in the paper's language."""
        return translate(message, self.locale, data)

    def money(self, minor: int) -> str:
        """An amount with its currency."""
        text = format_money(abs(minor), self.currency, self.locale)
        return f"\N{MINUS SIGN}{text}" if minor < 0 else text

    def amount(self, minor: int) -> str:
        """An amount without its currency, as tables have it."""
        digits = minor_digits(self.currency)
        pattern = "#,##0." + "0" * digits if digits else "#,##0"
        text: str = format_decimal(
            Decimal(abs(minor)).scaleb(-digits),
            format=pattern,
            locale=self.locale,
            decimal_quantization=False,
        )
        return f"\N{MINUS SIGN}{text}" if minor < 0 else text

    def day(self, at: datetime) -> str:
        """A day where the merchant is."""
        return format_date(at.astimezone(self._zone).date(), "long", locale=self.locale)

    def quantity(self, line: PaperLine) -> str:
        """How much of something."""
        return show_amount(line.quantity, line.scale, line.unit)

    def rate(self, tax: PaperTax) -> str:
        """A rate with its name, or the name of there being none."""
        if tax.rate_ppm or tax.category == "Z":
            return f"{tax.name} {show_percent(tax.rate_ppm)} %".strip()
        return tax.reason or tax.name or self.say(_("No tax"))

    def percent(self, line: PaperLine) -> str:
        """A line's rate, short."""
        return f"{show_percent(line.rate_ppm)} %" if line.rate_ppm or line.category == "Z" else "–"

    def payment(self, payment: PaperPayment) -> str:
        """How something was paid."""
        name = self.say(PAYMENTS[payment.kind]) if payment.kind in PAYMENTS else payment.kind
        if payment.kind == "gift_card" and payment.label:
            return f"{name} …{payment.label}"
        if payment.label == "held":
            return f"{name} · {self.say(_('held'))}"
        if payment.label == "deposit":
            return f"{name} · {self.say(_('Deposit'))}"
        return name
