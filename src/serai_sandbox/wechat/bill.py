"""The trade bill of the simulated WeChat Pay: asked for by day, fetched from an address that is good for minutes."""

import datetime as dt
import gzip
import hashlib
import re
import time
from typing import Any

from serai_sandbox.counter.books import Books, make_token
from serai_sandbox.counter.statement import Movement, list_movements, spoil

NAME = "wechat"
CHINA = dt.timezone(dt.timedelta(hours=8))
HEADING = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Refusal(Exception):
    """Why there is no bill, in WeChat's words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Bills:
    """Bills that were asked for, by their token."""

    def __init__(self, books: Books, url: str) -> None:
        self._books = books
        self._url = url
        self._files: dict[str, bytes] = {}

    def ask(self, account: str, appid: str, query: dict[str, str]) -> dict[str, Any]:
        """Where a day's bill can be fetched, and its digest before it was packed."""
        day = query.get("bill_date", "")
        if not DAY.fullmatch(day) or query.get("bill_type", "ALL") != "ALL":
            raise Refusal("PARAM_ERROR")
        if query.get("tar_type", "GZIP") != "GZIP":
            raise Refusal("PARAM_ERROR")
        if self._books.take(NAME, "", "statement", "not_ready"):
            raise Refusal("STATEMENT_CREATING")
        start = dt.datetime.fromisoformat(day).replace(tzinfo=CHINA).timestamp()
        rows = list_movements(self._books, NAME, account, start, start + 86_400)
        if not rows:
            raise Refusal("NO_STATEMENT_EXIST")
        content = _write(rows, appid)
        digest = hashlib.sha1(content).hexdigest()
        if self._books.take(NAME, "", "statement", "wrong_hash"):
            digest = digest[::-1]
        content = spoil(self._books, NAME, content)
        token = make_token(size=16)
        self._files[token] = gzip.compress(content) if "tar_type" in query else content
        return {
            "hash_type": "SHA1",
            "hash_value": digest,
            "download_url": f"{self._url}/v3/billdownload/file?token={token}",
        }

    def fetch(self, token: str) -> bytes | None:
        return self._files.get(token)


def _yuan(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def _write(rows: list[Movement], appid: str) -> bytes:
    lines = [HEADING]
    for row in rows:
        trade, refund = row.trade, row.refund
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(row.at_s + 8 * 3600))
        paid = _yuan(row.amount) if refund is None else "0.00"
        cells = [at, appid, trade.account, "0", "", trade.extra["transaction"], trade.reference, "openid"]
        cells += ["NATIVE", "REFUND" if refund else "SUCCESS", "OTHERS", "CNY", paid, "0.00"]
        if refund is None:
            cells += ["0", "0", "0.00", "0.00", "", ""]
        else:
            cells += [refund.refund_id, refund.reference, _yuan(row.amount), "0.00", "ORIGINAL", "SUCCESS"]
        cells += [trade.description, "", f"{row.fee / 100:.5f}", "0.60%", paid]
        cells += [_yuan(row.amount) if refund else "0.00", ""]
        lines.append(",".join(f"`{cell}" for cell in cells))
    paid_sum = _yuan(sum(row.amount for row in rows if row.refund is None))
    back_sum = _yuan(sum(row.amount for row in rows if row.refund is not None))
    fee_sum = f"{sum(row.fee for row in rows) / 100:.5f}"
    sums = [str(len(rows)), paid_sum, back_sum, "0.00", fee_sum, paid_sum, back_sum]
    lines += [SUMS, ",".join(f"`{cell}" for cell in sums)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()
