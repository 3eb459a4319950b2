"""Pure rules of importing: which column is which, what each cell must hold, and what differs from what is there."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from functools import cache
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from babel.numbers import get_currency_symbol

from serai.commerce.catalogue.api import MAX_PRICE_MINOR, parse_content
from serai.commerce.catalogue.types import Content, FlatProduct
from serai.commerce.importing.types import Columns, ProductRow, RawRow, Reason, Value
from serai.commerce.stock.api import MAX_QUANTITY
from serai.foundation.errors import Invalid, _
from serai.foundation.i18n import LOCALES
from serai.foundation.money import minor_digits

REQUIRED = ("sku", "title")
# Headers as merchants write them, folded by ``fold_header``.
SYNONYMS = {
    "sku": "sku skucode itemcode itemno itemnumber productcode articleno articlenumber 货号 商品货号 商品编码 商品编号"
    " 商家编码 编码 款号",
    "title": "title name productname producttitle itemname 品名 标题 名称 商品名称 商品名 商品标题",
    "price": "price unitprice saleprice sellingprice retailprice 价格 单价 售价 零售价 销售价",
    "category": "category categories department categorypath 分类 类目 类别 商品分类 商品类目 品类",
    "brand": "brand brandname 品牌 商品品牌",
    "gtin": "gtin gtin8 gtin12 gtin13 gtin14 barcode ean ean8 ean13 upc 条码 条形码 商品条码 国际条码",
    "content": "content contents size packsize netcontent netcontents 规格 净含量 包装规格",
    "description": "description details productdescription 描述 商品描述 详情 说明",
    "published": "published visible active onsale 上架 是否上架 发布",
    "stock": "stock openingstock onhand quantity qty inventory 库存 期初库存 库存数量 数量",
}
FIELDS = {name: field for field, names in SYNONYMS.items() for name in names.split()}
# Columns of our own file of rejected rows, which comes back once it is mended.
OWN_COLUMNS = {"reason", "line"}
YES = {"yes", "y", "true", "t", "1", "是", "上架", "已上架", "on", "published"}
NO = {"no", "n", "false", "f", "0", "否", "下架", "未上架", "off", "unpublished", "draft"}
LIMITS = {"sku": 60, "title": 200, "brand": 100, "category": 200, "content": 100}
LIMITS |= {"gtin": 40, "price": 40, "stock": 40, "published": 40}
MAX_DEPTH = 2
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Excel keeps 15 digits of a number; whatever was beyond is gone.
EXACT_DIGITS = 15
AMOUNT = re.compile(r"(-?)((?:\d{1,3}(?:,\d{3})+(?=\.)|\d*))(?:\.(\d*))?")
COMMA_AMOUNT = re.compile(r"\d[\d.,]*,\d+")
SCIENTIFIC = re.compile(r"\d\.?\d*[eE]\+\d+")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
PATH_MARK = re.compile(r"[>＞›»]")
TEXT_FORMULA = re.compile(r'="([^"]*)"')
SIGNS = {"CNY": ("¥", "￥", "元", "RMB", "人民币"), "JPY": ("¥", "￥", "円", "日元")}
OTHER_SIGN = re.compile(
    r"(?:[A-Za-z]{0,3}[^\w\s.,+-]|[A-Za-z]{3})?\s*[\d.,]+\s*(?:[^\w\s.,+-]|[A-Za-z]{3}|元|円)?"
)
# Full-width letters, digits and marks, as Chinese input methods write them. Not NFKC, which makes 52 of a 5².
NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {ord("￥"): "¥"}
INVISIBLE = str.maketrans(
    {"\u00a0": " ", "\u3000": " ", "\u200b": None, "\ufeff": None, "\u200e": None, "\u200f": None}
)


def fold_header(text: str) -> str:
    """A header without case, width, blanks, marks and what stands in brackets: ``Price (USD) *`` is ``price``."""
    folded = unicodedata.normalize("NFKC", text).lower()
    folded = re.sub(r"[(\[【].*?[)\]】]", "", folded)
    return "".join(c for c in folded if c.isalnum())


def narrow(text: str) -> str:
    """The text with ordinary characters for full-width ones."""
    return text.translate(NARROW)


def match_columns(header: Sequence[str]) -> Columns:
    """Find each field's column by its header.

    Raises:
        Invalid: ``import.column_missing`` or ``import.column_twice``, with the headers that were found.
    """
    places: dict[str, int] = {}
    headers: dict[str, str] = {}
    unknown = []
    for place, text in enumerate(header):
        folded = fold_header(text)
        field = FIELDS.get(folded)
        if field is None:
            if text.strip() and folded not in OWN_COLUMNS:
                unknown.append(text.strip())
        elif field in places:
            raise Invalid(
                "import.column_twice",
                _("Two columns say the same: %(first)s and %(second)s. Please remove one of them."),
                first=headers[field],
                second=text.strip(),
            )
        else:
            places[field], headers[field] = place, text.strip()
    missing = [field for field in REQUIRED if field not in places]
    if missing:
        raise Invalid(
            "import.column_missing",
            _("The file has no column for: %(missing)s. Its first row holds: %(found)s."),
            missing=", ".join(f"{field} ({SYNONYMS[field].split()[-1]})" for field in missing),
            found=", ".join(text.strip() for text in header if text.strip())[:500] or "-",
        )
    return Columns(places, headers, tuple(unknown), len(header))


def show_value(value: Value) -> str:
    """A cell as text, as a person would type it: numbers without exponent, dates as ISO."""
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return _show_float(value)
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _show_float(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    text = format(value, f".{EXACT_DIGITS}g")
    return format(value, ".0f") if "e" in text and value == int(value) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would compute this text rather than show it."""
    return text.startswith(FORMULA_STARTS)


def disarm_formula(text: str) -> str:
    """The text so that a spreadsheet shows it: an apostrophe before what could be a formula. ``arm_formula`` undoes it."""
    return f"'{text}" if is_formula(text) else text


def arm_formula(text: str) -> str:
    """A text as it was before ``disarm_formula``."""
    return text[1:] if text.startswith("'") and is_formula(text[1:]) else text


class _Refusal(Exception):
    """A cell that cannot be used."""


def _refuse(message: str, **data: object) -> NoReturn:
    raise _Refusal(Reason(message, data))


def check_row(
    row: RawRow, columns: Columns, *, currency: str, cell_characters: int
) -> tuple[ProductRow | None, list[Reason]]:
    """Check every cell of a row. Returns the row, or None with all its reasons."""
    if row.broken:
        return None, [row.broken]
    reasons: list[Reason] = []
    fields: dict[str, Any] = {}
    if any(cell != "" for cell in row.cells[columns.width :]):
        reasons.append(Reason(_("The row has more cells than the header.")))
    for field, place in columns.places.items():
        cell = row.cells[place] if place < len(row.cells) else ""
        try:
            text = _read_text(cell, LIMITS.get(field, cell_characters))
            if text:
                fields[field] = READERS[field](cell, text, currency)
            elif field in REQUIRED:
                _refuse(_("%(column)s is empty."))
        except _Refusal as refusal:
            reasons.append(_name_column(refusal.args[0], columns.headers[field], cell))
    if reasons:
        return None, reasons
    return ProductRow(line=row.line, price_minor=fields.pop("price", None), **fields), []


def _name_column(reason: Reason, header: str, cell: Value) -> Reason:
    shown = " ".join(show_value(cell).split())
    value = shown if len(shown) <= 40 else f"{shown[:40]}…"
    return Reason(reason.message, {"column": header, "value": value, **reason.data})


def _read_text(cell: Value, limit: int) -> str:
    """A cell's text, without what is invisible at its ends. A formula is refused: its text is not its value."""
    if isinstance(cell, date | time | timedelta):
        _refuse(
            _(
                "%(column)s: the spreadsheet has turned this into a date or time, %(value)s. Please format the column"
                " as text and type it again."
            )
        )
    shown = show_value(cell).translate(INVISIBLE).strip()
    text = arm_formula(shown)
    if match := TEXT_FORMULA.fullmatch(text):
        text = match[1].strip()
    # Behind an apostrophe it is a text that only looks like one, as our own export writes it.
    if text.startswith("=") and text == shown:
        _refuse(_("%(column)s: %(value)s is a formula. Please put its value there."))
    if len(text) > limit:
        _refuse(_("%(column)s has more than %(limit)s characters."), limit=limit)
    if CONTROL.search(text):
        _refuse(_("%(column)s holds characters that cannot be shown."))
    return text


def _read_line(_cell: Value, text: str, _currency: str) -> str:
    return " ".join(text.split())


def _read_paragraphs(_cell: Value, text: str, _currency: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_sku(cell: Value, text: str, _currency: str) -> str:
    too_long = isinstance(cell, int | float) and len(text.lstrip("-").split(".")[0]) > EXACT_DIGITS
    if too_long or (isinstance(cell, str) and "." in text and SCIENTIFIC.fullmatch(text)):
        _refuse(
            _(
                "%(column)s: the spreadsheet has kept %(value)s as a number and lost digits of it. Please format the"
                " column as text and type it again."
            )
        )
    return " ".join(text.split())


def _read_gtin(cell: Value, text: str, _currency: str) -> str:
    digits = narrow(text).replace(" ", "")
    if isinstance(cell, str):
        digits = digits.replace("-", "")
    elif digits.isdigit():
        # A number cannot keep its leading zeros; they do not change the check digit.
        digits = digits.zfill(8 if len(digits) <= 8 else 12)
    if SCIENTIFIC.fullmatch(digits):
        _refuse(
            _(
                "%(column)s: the spreadsheet has kept %(value)s as a number and lost digits of it. Please format the"
                " column as text and type it again."
            )
        )
    if not re.fullmatch(r"[0-9]{8}|[0-9]{12,14}", digits) or not int(digits):
        _refuse(_("%(column)s: %(value)s is no GTIN, which has 8, 12, 13 or 14 digits."))
    if compute_check_digit(digits[:-1]) != int(digits[-1]):
        _refuse(
            _("%(column)s: the last digit of %(value)s should be %(right)s. Is another one mistyped?"),
            right=compute_check_digit(digits[:-1]),
        )
    return digits


def compute_check_digit(digits: str) -> int:
    """The last digit of a GTIN whose other digits are given: weights 3, 1, 3 ... from the right, modulo 10.

    GS1 General Specifications, section 7.9, "Check digit calculations".
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return -total % 10


@cache
def list_signs(currency: str) -> tuple[str, ...]:
    """How people mark amounts of a currency, the longest first: its code and its signs."""
    signs = {currency, *SIGNS.get(currency, ())}
    signs |= {str(get_currency_symbol(currency, locale)) for locale in LOCALES}
    return tuple(sorted((sign.upper() for sign in signs), key=len, reverse=True))


def _read_price(cell: Value, text: str, currency: str) -> int:
    if isinstance(cell, bool):
        _refuse(
            _("%(column)s: %(value)s is not a price such as %(example)s."), example=show_example(currency)
        )
    amount = _drop_sign(narrow(text).upper(), currency)
    match = AMOUNT.fullmatch(amount)
    if match is None or not (match[2] or match[3]):
        _explain_price(amount, currency)
    minus, whole, decimals = match[1], match[2].replace(",", "") or "0", (match[3] or "").rstrip("0")
    digits = minor_digits(currency)
    if len(decimals) > digits:
        _refuse(
            _("%(column)s: %(value)s has more decimals than %(currency)s has (%(digits)s)."),
            currency=currency,
            digits=digits,
        )
    amount_minor = int(whole + decimals.ljust(digits, "0"))
    if minus and amount_minor:
        _refuse(_("%(column)s: a price cannot be negative."))
    if amount_minor > MAX_PRICE_MINOR:
        _refuse(_("%(column)s: %(value)s is more than a price may be."))
    return amount_minor


def _drop_sign(amount: str, currency: str) -> str:
    for sign in list_signs(currency):
        if amount.startswith(sign):
            return amount.removeprefix(sign).strip()
        if amount.startswith(f"-{sign}"):
            return f"-{amount.removeprefix(f'-{sign}').strip()}"
        if amount.endswith(sign):
            return amount.removesuffix(sign).strip()
    return amount


def _explain_price(amount: str, currency: str) -> NoReturn:
    if COMMA_AMOUNT.fullmatch(amount):
        whole, _comma, decimals = amount.rpartition(",")
        whole = whole.replace(".", "").replace(",", "")
        example = whole + decimals if len(decimals) == 3 else f"{whole}.{decimals}"
        _refuse(
            _("%(column)s: %(value)s could be read in two ways. Please write it with a point: %(example)s."),
            example=example,
        )
    if any(c.isdigit() for c in amount) and OTHER_SIGN.fullmatch(amount):
        _refuse(
            _("%(column)s: %(value)s is not in %(currency)s, the currency of this shop."), currency=currency
        )
    _refuse(_("%(column)s: %(value)s is not a price such as %(example)s."), example=show_example(currency))


def show_example(currency: str) -> str:
    """What a price looks like in a file: ``12.50``, or ``12`` where the currency has no decimals."""
    digits = minor_digits(currency)
    return f"12.{'5'.ljust(digits, '0')}" if digits else "12"


def _read_stock(cell: Value, text: str, _currency: str) -> int:
    match = re.fullmatch(r"(\d{1,12})(?:\.0*)?", narrow(text))
    if isinstance(cell, bool) or match is None or int(match[1]) > MAX_QUANTITY:
        _refuse(
            _("%(column)s: %(value)s is not a whole number from 0 to %(most)s."),
            most=MAX_QUANTITY,
        )
    return int(match[1])


def _read_published(_cell: Value, text: str, _currency: str) -> bool:
    folded = narrow(text).casefold()
    if folded not in YES | NO:
        _refuse(_("%(column)s: %(value)s is neither yes nor no."))
    return folded in YES


def _read_category(_cell: Value, text: str, _currency: str) -> tuple[str, ...]:
    names = tuple(" ".join(name.split()) for name in PATH_MARK.split(text))
    if not all(names):
        _refuse(_("%(column)s: a name is missing in %(value)s."))
    if len(names) > MAX_DEPTH:
        _refuse(_("%(column)s: %(value)s has more than %(most)s levels."), most=MAX_DEPTH)
    return names


def _read_content(_cell: Value, text: str, _currency: str) -> Content | None:
    return parse_content(text)


READERS: Mapping[str, Callable[[Value, str, str], Any]] = {
    "sku": _read_sku,
    "title": _read_line,
    "price": _read_price,
    "category": _read_category,
    "brand": _read_line,
    "gtin": _read_gtin,
    "content": _read_content,
    "description": _read_paragraphs,
    "published": _read_published,
    "stock": _read_stock,
}


def merge_product(product: FlatProduct, row: ProductRow, category_id: UUID | None) -> FlatProduct:
    """The product as the row wants it. What the row does not say stays; an equal result means nothing is to do."""
    changes: dict[str, Any] = {
        name: value
        for name in ("title", "brand", "description", "gtin", "published", "price_minor")
        if (value := getattr(row, name)) is not None
    }
    if category_id is not None:
        changes["category_id"] = category_id
    if row.content is not None:
        changes |= {
            "content_text": row.content.text,
            "content_amount": row.content.amount,
            "content_unit": row.content.unit,
        }
    return msgspec.structs.replace(product, **changes)
