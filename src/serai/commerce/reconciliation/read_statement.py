"""A provider's statement as lines, however hostile the file is. Pure.

Everything is read before anything is believed: a file that is cut off, in another encoding or for another currency than it
says is refused whole, with the line and what is wrong with it. Cells are texts: no formula is ever computed.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone

from serai.commerce.reconciliation.types import Kind, Line
from serai.foundation.errors import Invalid, _
from serai.foundation.money import minor_digits

MAX_BYTES = 20_000_000
MAX_LINES = 200_000
MAX_CELL = 1_000
CHINA = timezone(timedelta(hours=8))
AMOUNT = re.compile(r"^[+-]?[0-9]{1,13}(\.[0-9]{1,8})?$")

Row = Mapping[str, str]
Reader = Callable[[str], list[Line]]


def refuse(line_no: int, message: str, **data: object) -> Invalid:
    """A file that cannot be read, with the line that tells so."""
    return Invalid("statement.unreadable", message, line=line_no, **data)


def decode_statement(content: bytes) -> str:
    """The file's text. UTF-8 and what Chinese providers write (GB 18030) are read.

    Raises:
        Invalid: ``statement.unreadable``; ``statement.too_large``.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(
            "statement.too_large",
            _("A statement may have %(limit)s MB. Please split it."),
            limit=MAX_BYTES // 1_000_000,
        )
    if b"\x00" in content:
        raise refuse(0, _("This file is not a text. Please upload the CSV file of your provider."))
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise refuse(0, _("The text of this file cannot be read. Please save it as UTF-8."))


def read_statement(content: bytes) -> tuple[str, list[Line]]:
    """(format, lines) of a file: ``stripe``, ``wechat``, ``alipay`` or ``serai``, told by its heading.

    Raises:
        Invalid: ``statement.unreadable`` with ``line``; ``statement.too_large``; ``statement.unknown_format``.
    """
    text = decode_statement(content)
    for name, (marks, read) in FORMATS.items():
        head = text[:20_000]
        if all(mark in head for mark in marks):
            lines = read(text)
            _check_keys(lines)
            return name, lines
    raise Invalid(
        "statement.unknown_format",
        _(
            "This is no statement that can be read: a balance report of Stripe, a trade bill of WeChat Pay or Alipay, or a"
            " file with the columns of the example."
        ),
    )


def _check_keys(lines: list[Line]) -> None:
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if line.row_key in seen:
            raise refuse(
                number, _("The same movement stands twice in this file: %(key)s"), key=line.row_key[:60]
            )
        seen.add(line.row_key)


def _read_rows(text: str, first: str, *, stop: str = "") -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, cells by heading) from the line on that begins with a heading, up to one that begins with ``stop``."""
    rows = csv.reader(io.StringIO(text), strict=True)
    heading: list[str] | None = None
    try:
        for row in rows:
            cells = [cell.strip().strip("`").strip() for cell in row]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if heading is None:
                if cells[0] == first:
                    heading = cells
                continue
            if stop and cells[0] == stop:
                return
            if len(cells) < len(heading):
                raise refuse(
                    rows.line_num, _("Line %(line)s ends too early: the file was cut off."), cells=len(cells)
                )
            if any(len(cell) > MAX_CELL for cell in cells):
                raise refuse(rows.line_num, _("Line %(line)s has a text that is too long."))
            if rows.line_num > MAX_LINES:
                raise Invalid(
                    "statement.too_large", _("A statement may have %(limit)s lines."), limit=MAX_LINES
                )
            yield rows.line_num, dict(zip(heading, cells, strict=False))
    except csv.Error as error:
        raise refuse(rows.line_num, _("Line %(line)s cannot be read: the file was cut off.")) from error
    if stop:
        raise refuse(rows.line_num, _("The sums at the end are missing: the file was cut off."))


def read_minor(text: str, currency: str, line_no: int) -> int:
    """An amount as the file writes it (``12.30``), in minor units. Formulas, words and too many decimals are refused."""
    plain = text.replace(",", "").strip()
    if not AMOUNT.match(plain):
        raise refuse(line_no, _("Line %(line)s: “%(text)s” is no amount."), text=text[:40])
    digits = minor_digits(currency)
    sign, number = (-1, plain[1:]) if plain.startswith("-") else (1, plain.lstrip("+"))
    whole, _dot, part = number.partition(".")
    if part[digits:].strip("0"):
        raise refuse(line_no, _("Line %(line)s: “%(text)s” has too many decimals."), text=text[:40])
    return sign * int(whole + part[:digits].ljust(digits, "0"))


def read_currency(text: str, line_no: int) -> str:
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise refuse(line_no, _("Line %(line)s: “%(text)s” is no currency."), text=text[:40])
    return code


def read_time(text: str, line_no: int, zone: timezone = UTC) -> datetime:
    """A moment; one without an offset is of ``zone``."""
    try:
        at = datetime.fromisoformat(text.strip().replace("/", "-"))
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise refuse(line_no, _("Line %(line)s: “%(text)s” is no time."), text=text[:40]) from error


STRIPE_KINDS: dict[str, Kind] = {
    "charge": "capture",
    "refund": "refund",
    "fee": "fee",
    "payout": "payout",
}


def _read_stripe(text: str) -> list[Line]:
    """Stripe's itemised balance report: signed gross, fee as a positive number, amounts in units with decimals."""
    lines = []
    for number, row in _read_rows(text, "balance_transaction_id"):
        currency = read_currency(row.get("currency", ""), number)
        gross = read_minor(row.get("gross", ""), currency, number)
        fee = read_minor(row.get("fee") or "0", currency, number)
        if row.get("net") and read_minor(row["net"], currency, number) != gross - fee:
            raise refuse(number, _("Line %(line)s: gross less fee is not net."))
        kind = STRIPE_KINDS.get(row.get("reporting_category", ""), "other")
        at = row.get("created_utc") or row.get("created") or ""
        lines.append(
            Line(
                row["balance_transaction_id"],
                kind,
                row.get("payment_metadata[intent_id]", ""),
                row.get("payment_intent_id") or row.get("charge_id", ""),
                row.get("refund_metadata[refund_id]") or row.get("source_id", ""),
                abs(gross),
                fee,
                currency,
                read_time(at, number),
            )
        )
    return lines


def _read_wechat(text: str) -> list[Line]:
    """WeChat Pay's trade bill: amounts in yuan, a mark before each cell, sums in the last two lines."""
    lines: list[Line] = []
    for number, row in _read_rows(text, "交易时间", stop="总交易单数"):
        is_refund = row.get("交易状态") in ("REFUND", "REVOKED")
        currency = read_currency(row.get("货币种类") or "CNY", number)
        amount = row.get("退款金额" if is_refund else "应结订单金额", "")
        refund_no = row.get("商户退款单号", "") if is_refund else ""
        payment_no = row.get("微信订单号", "")
        lines.append(
            Line(
                f"refund:{row.get('微信退款单号', '')}" if is_refund else f"pay:{payment_no}",
                "refund" if is_refund else "capture",
                row.get("商户订单号", ""),
                payment_no,
                refund_no,
                abs(read_minor(amount, currency, number)),
                read_minor(row.get("手续费") or "0", currency, number),
                currency,
                read_time(row.get("交易时间", ""), number, CHINA),
            )
        )
    _check_sums(text, lines)
    return lines


def _check_sums(text: str, lines: list[Line]) -> None:
    """The bill's own count must be that of its lines, else some were cut out."""
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    at = next((n for n, row in enumerate(rows) if row[0].strip().strip("`") == "总交易单数"), None)
    values = rows[at + 1] if at is not None and at + 1 < len(rows) else []
    told = values[0].strip().strip("`") if values else ""
    if told != str(len(lines)):
        raise refuse(
            len(rows),
            _("The statement counts %(told)s movements, but has %(found)s: the file was cut off."),
            told=told[:20],
            found=len(lines),
        )


def _read_alipay(text: str) -> list[Line]:
    """Alipay's business bill: amounts in yuan, refunds below zero, comments around."""
    if not re.search(r"^#.*列表结束", text, re.MULTILINE):
        raise refuse(0, _("The sums at the end are missing: the file was cut off."))
    lines = []
    for number, row in _read_rows(text, "支付宝交易号"):
        is_refund = "退款" in row.get("业务类型", "")
        request_no = row.get("退款批次号/请求号", "")
        trade_no = row["支付宝交易号"]
        amount = row.get("订单金额（元）") or row.get("订单金额(元)", "")
        fee = row.get("服务费（元）") or row.get("服务费(元)") or "0"
        lines.append(
            Line(
                f"refund:{trade_no}:{request_no}" if is_refund else f"pay:{trade_no}",
                "refund" if is_refund else "capture",
                row.get("商户订单号", ""),
                trade_no,
                request_no if is_refund else "",
                abs(read_minor(amount, "CNY", number)),
                # What Alipay keeps is written below zero.
                -read_minor(fee, "CNY", number),
                "CNY",
                read_time(row.get("完成时间") or row.get("创建时间", ""), number, CHINA),
            )
        )
    return lines


PLAIN = "row_key"
PLAIN_KINDS: tuple[Kind, ...] = ("capture", "refund", "fee", "payout", "other")


def _read_plain(text: str) -> list[Line]:
    """Our own columns, for every provider that has none of the formats above."""
    lines = []
    for number, row in _read_rows(text, PLAIN):
        kind = next((known for known in PLAIN_KINDS if known == row.get("kind")), None)
        if kind is None or not row[PLAIN]:
            raise refuse(
                number, _("Line %(line)s needs a key and a kind: capture, refund, fee, payout or other.")
            )
        currency = read_currency(row.get("currency", ""), number)
        lines.append(
            Line(
                row[PLAIN],
                kind,
                row.get("reference", ""),
                row.get("payment", ""),
                row.get("refund", ""),
                abs(read_minor(row.get("amount", ""), currency, number)),
                read_minor(row.get("fee") or "0", currency, number),
                currency,
                read_time(row.get("at", ""), number),
            )
        )
    return lines


# By which words of its heading a format is known.
FORMATS: dict[str, tuple[tuple[str, ...], Reader]] = {
    "stripe": (("balance_transaction_id", "gross", "reporting_category"), _read_stripe),
    "wechat": (("交易时间", "微信订单号", "交易状态"), _read_wechat),
    "alipay": (("支付宝交易号", "商户订单号", "业务类型"), _read_alipay),
    "serai": (("row_key", "kind", "amount", "currency"), _read_plain),
}
EXAMPLE = (
    "row_key,kind,reference,payment,refund,amount,fee,currency,at\r\n"
    "1001,capture,,pay_8f2c,,49.90,1.20,EUR,2026-01-31T09:30:00Z\r\n"
)
