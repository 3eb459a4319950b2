"""Files of providers as they write them, and files that somebody else wrote."""

from datetime import UTC, datetime

import pytest
from tests.reconciliation.conftest import HEAD, row, write

from serai.commerce.reconciliation.read_statement import EXAMPLE, read_statement
from serai.foundation.errors import Invalid

STRIPE = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id\n"
    "txn_1,2026-01-31 09:30:00,usd,100.00,3.20,96.80,charge,ch_1,pi_1\n"
    "txn_2,2026-01-31 10:00:00,usd,-25.00,0.00,-25.00,refund,re_1,pi_1\n"
    "txn_3,2026-02-01 00:00:00,usd,-71.80,0.00,-71.80,payout,po_1,\n"
    "txn_4,2026-02-01 00:00:00,jpy,500,0,500,charge,ch_2,pi_2\n"
)
WECHAT = (
    "交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易状态,货币种类,应结订单金额,微信退款单号,商户退款单号,退款金额,手续费\n"
    "`2026-01-31 09:30:00,`wx1,`1900,`4200001,`0f0e0d0c0b0a49088706050403020100,`SUCCESS,`CNY,`12.30,`,`,`0.00,`0.07\n"
    "`2026-01-31 11:00:00,`wx1,`1900,`4200001,`0f0e0d0c0b0a49088706050403020100,`REFUND,`CNY,`0.00,`503001,`R1,`2.00,`-0.01\n"
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额\n"
    "`2,`12.30,`2.00,`0.00,`0.06\n"
)
ALIPAY = (
    "#支付宝业务明细查询\n#账号：[2088]\n#-----业务明细列表----\n"
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,订单金额（元）,商家实收（元）,退款批次号/请求号,服务费（元）,备注\n"
    "2026013122\t,0f0e0d0c0b0a49088706050403020100\t,交易,苹果,2026-01-31 09:30:00,2026-01-31 09:30:09,88.00,88.00,,-0.53,\n"
    "2026013122\t,0f0e0d0c0b0a49088706050403020100\t,退款,苹果,2026-01-31 10:30:00,2026-01-31 10:30:09,-8.00,-8.00,RQ1,0.05,\n"
    "#-----业务明细列表结束----\n#交易合计：1笔\n#退款合计：1笔\n"
)


def test_a_balance_report_of_stripe_is_read():
    form, lines = read_statement(STRIPE.encode())
    assert form == "stripe"
    assert [(line.kind, line.amount_minor, line.fee_minor, line.currency) for line in lines] == [
        ("capture", 10000, 320, "USD"),
        ("refund", 2500, 0, "USD"),
        ("payout", 7180, 0, "USD"),
        ("capture", 500, 0, "JPY"),
    ]
    assert lines[0].payment_ref == "pi_1"
    assert lines[0].happened_at == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_trade_bill_of_wechat_is_read(encoding):
    form, lines = read_statement(WECHAT.encode(encoding))
    assert form == "wechat"
    assert [(line.kind, line.amount_minor, line.fee_minor) for line in lines] == [
        ("capture", 1230, 7),
        ("refund", 200, -1),
    ]
    assert lines[1].refund_ref == "R1"
    # China's time is eight hours ahead.
    assert lines[0].happened_at == datetime(2026, 1, 31, 1, 30, tzinfo=UTC)


def test_a_business_bill_of_alipay_is_read():
    form, lines = read_statement(ALIPAY.encode("gb18030"))
    assert form == "alipay"
    assert [(line.kind, line.amount_minor, line.fee_minor, line.refund_ref) for line in lines] == [
        ("capture", 8800, 53, ""),
        ("refund", 800, -5, "RQ1"),
    ]
    assert lines[0].reference == "0f0e0d0c0b0a49088706050403020100"


def test_the_example_is_read():
    form, lines = read_statement(EXAMPLE.encode())
    assert (form, len(lines)) == ("serai", 1)


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "statement.unknown_format", None),
        (b"name,age\r\nann,3\r\n", "statement.unknown_format", None),
        (b"PK\x03\x04\x00\x00", "statement.unreadable", 0),
        (b"\xff\xfe\x00r\x00o", "statement.unreadable", 0),
        (HEAD.encode() + b"\r\n\x81", "statement.unreadable", 0),
        (write(row("a", "capture", "=1+1")), "statement.unreadable", 2),
        (write(row("a", "capture", "=cmd|' /C calc'!A0")), "statement.unreadable", 2),
        (write(row("a", "capture", "1e9")), "statement.unreadable", 2),
        (write(row("a", "capture", "NaN")), "statement.unreadable", 2),
        (write(row("a", "capture", "1.005")), "statement.unreadable", 2),
        (write(row("a", "capture", "１２")), "statement.unreadable", 2),
        (write(row("a", "capture", "99999999999999.00")), "statement.unreadable", 2),
        (write(row("a", "capture", "1.5", currency="JPY")), "statement.unreadable", 2),
        (write(row("a", "capture", "1.00", currency="DOLLARS")), "statement.unreadable", 2),
        (write(row("a", "capture", "1.00", at="yesterday")), "statement.unreadable", 2),
        (write(row("a", "capture", "1.00", at="0001-01-01T00:00:00+23:00")), "statement.unreadable", 2),
        (write(row("a", "steal", "1.00")), "statement.unreadable", 2),
        (write(row("", "capture", "1.00")), "statement.unreadable", 2),
        (write(row("a", "capture", "1.00"), row("a", "refund", "1.00")), "statement.unreadable", 2),
        (write(row("a", "capture", "1.00"), "b,capture,ref"), "statement.unreadable", 3),
        (write(row("a", "capture", "1.00", reference='"open')), "statement.unreadable", 2),
        (write(row("a", "capture", "1.00", reference="x" * 1001)), "statement.unreadable", 2),
        (STRIPE.replace("96.80", "97.80"), "statement.unreadable", 2),
        ("\n".join(WECHAT.split("\n")[:3]) + "\n", "statement.unreadable", 3),
        ("\n".join(WECHAT.split("\n")[:2] + WECHAT.split("\n")[3:]), "statement.unreadable", 4),
        (ALIPAY[: ALIPAY.index("#-----业务明细列表结束")], "statement.unreadable", 0),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_line(content, code, line):
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(Invalid) as refusal:
        read_statement(raw)
    assert refusal.value.code == code
    assert refusal.value.data.get("line") == line


def test_a_file_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(Invalid) as refusal:
        read_statement(b"a" * 20_000_001)
    assert refusal.value.code == "statement.too_large"


async def test_a_file_that_is_refused_leaves_nothing(books, assert_clean):
    with pytest.raises(Invalid):
        await books.take(write(row("a", "payout", "1.00"), "b,capture"))
    assert await books.lines() == []
    await assert_clean()
