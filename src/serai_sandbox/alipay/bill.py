"""The business bill of the simulated Alipay: a packed folder of two tables in GB 18030, fetched from an address of its own."""

import datetime as dt
import io
import time
import zipfile

from serai_sandbox.counter.books import Books, make_token
from serai_sandbox.counter.statement import Movement, list_movements, spoil

NAME = "alipay"
CHINA = dt.timezone(dt.timedelta(hours=8))
HEADING = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
    "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


class Bills:
    """Bills that were asked for, by their token."""

    def __init__(self, books: Books, url: str) -> None:
        self._books = books
        self._url = url
        self._files: dict[str, bytes] = {}

    def ask(self, account: str, day: str) -> str | None:
        """The address of a day's bill; None when there is none (yet). ValueError for what is no day."""
        start = dt.datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=CHINA).timestamp()
        rows = list_movements(self._books, NAME, account, start, start + 86_400)
        if not rows or self._books.take(NAME, "", "statement", "not_ready"):
            return None
        token = make_token(size=16)
        self._files[token] = spoil(self._books, NAME, _pack(account, day, rows, self._is_cut()))
        return f"{self._url}/alipay-bill/{token}"

    def _is_cut(self) -> bool:
        """Whether the table inside the folder ends too early."""
        return self._books.take(NAME, "", "statement", "cut_inside") is not None

    def fetch(self, token: str) -> bytes | None:
        return self._files.get(token)


def _pack(account: str, day: str, rows: list[Movement], is_cut: bool) -> bytes:
    folder = io.BytesIO()
    name = f"{account}_{day.replace('-', '')}_业务明细"
    table = _write(rows).encode("gb18030")
    with zipfile.ZipFile(folder, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr(
            f"{name}(汇总).csv", "#支付宝业务汇总查询\r\n门店编号,交易订单总笔数\r\n".encode("gb18030")
        )
        pack.writestr(f"{name}.csv", table[: len(table) * 2 // 3] if is_cut else table)
    return folder.getvalue()


def _yuan(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def _write(rows: list[Movement]) -> str:
    lines = [
        "#支付宝业务明细查询",
        "#账号：[20880000000000000156]",
        "#-----------业务明细列表-----------",
        HEADING,
    ]
    for row in rows:
        trade, refund = row.trade, row.refund
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(row.at_s + 8 * 3600))
        amount = _yuan(-row.amount if refund else row.amount)
        cells = [trade.trade_id, trade.reference, "退款" if refund else "交易", trade.description, at, at]
        cells += ["", "", "", "", "buyer***@example.com", amount, amount, *["0.00"] * 5, "", "0.00", "0.00"]
        cells += [refund.reference if refund else "", _yuan(-row.fee), "0.00", "a sale"]
        lines.append(",".join(f"{cell}\t" for cell in cells))
    lines += ["#-----------业务明细列表结束-----------", f"#交易合计：{len(rows)}笔"]
    return "\r\n".join(lines) + "\r\n"
