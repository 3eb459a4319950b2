"""What people see: the pay page of each provider, and a list of open payments that stands for the shopper's phone."""

import time
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from serai_sandbox.counter.answer import AnyRequest, AnyResponse, read_body
from serai_sandbox.counter.books import Fault, Trade

LOOKS = {
    "stripe": ("Stripe", "#635bff", "Card payment", "Pay"),
    "wechat": ("微信支付 WeChat Pay", "#07c160", "Payment in the app", "立即支付 Pay now"),
    "alipay": ("支付宝 Alipay", "#1677ff", "Cashier", "确认付款 Pay now"),
}
FAULTS = {
    "": "Everything works",
    "never": "The shop is never told",
    "late": "The shop is told 20 seconds late",
    "duplicate": "The shop is told five times at once",
    "forged": "A forged message instead of the true one",
    "wrong_amount": "The message tells another amount",
    "stale": "A message with a signature of days ago",
}
STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}body{margin:0;background:#f4f5f7;color:#1c1e21;
font:16px/1.5 Inter,system-ui,"PingFang SC","Noto Sans SC",sans-serif}
header{background:var(--brand);color:#fff;padding:18px 24px;font-weight:650;letter-spacing:.01em}
header{display:flex;flex-wrap:wrap;gap:2px 16px;justify-content:space-between;align-items:baseline}
header small{font-weight:450;opacity:.9}
main{max-width:460px;margin:28px auto;padding:0 16px}
.slip{background:#fff;border-radius:14px;box-shadow:0 1px 2px #0002,0 12px 32px #0001;padding:26px 24px}
h1{font-size:16px;font-weight:500;margin:0;color:#5a6068}.sum{font-size:42px;font-weight:680;margin:4px 0 18px;
font-variant-numeric:tabular-nums}dl{margin:0 0 20px;font-size:14px}dl div{display:flex;gap:12px;padding:8px 0;
border-top:1px solid #e8eaed}dt{color:#5a6068;flex:0 0 96px}dd{margin:0;overflow-wrap:anywhere}
button{font:inherit;border:0;border-radius:10px;padding:13px 18px;width:100%;cursor:pointer;margin-top:10px}
.go{background:var(--brand);color:#fff;font-weight:620}.no{background:#eceef1;color:#1c1e21}
button:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
details{margin-top:18px;font-size:14px}summary{cursor:pointer;color:#5a6068}label{display:block;padding:5px 0}
a.row{display:flex;justify-content:space-between;gap:12px;padding:14px 0;border-top:1px solid #e8eaed;color:inherit;
text-decoration:none}p{color:#5a6068;margin:0 0 12px}
"""


def show_amount(trade: Trade) -> str:
    """The amount as people read it; the simulator knows two kinds of currencies."""
    if trade.currency.upper() in ("JPY", "KRW", "VND"):
        return f"{trade.currency.upper()} {trade.amount}"
    sign = {"CNY": "¥", "USD": "$", "EUR": "€"}.get(trade.currency.upper(), trade.currency.upper() + " ")
    return f"{sign}{trade.amount // 100}.{trade.amount % 100:02d}"


def render(title: str, colour: str, main: str, status: int = 200) -> AnyResponse:
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>:root{{--brand:{colour}}}{STYLE}</style>"
        f"<header>{title}<small>Simulator · no money moves</small></header><main>{main}</main>"
    )
    return Response(page, media_type="text/html", status_code=status)


@get("/")
async def show_phone(request: AnyRequest) -> AnyResponse:
    """The shopper's phone: every open payment, as if its code had been scanned."""
    books = request.app.state.books
    rows = "".join(
        f'<a class="row" href="/{trade.provider}/pay/{trade.trade_id}"><span>{LOOKS[trade.provider][0]}<br>'
        f"<small>{escape(trade.description)}</small></span><b>{show_amount(trade)}</b></a>"
        for trade in reversed(list(books.trades.values())[-40:])
        if trade.status == "open"
    )
    text = "<h1>Open payments</h1><p>This page stands for the shopper's phone: choose one instead of scanning its code.</p>"
    return render(
        "Payments", "#30343b", f'<div class="slip">{text}{rows or "<p>None at the moment.</p>"}</div>'
    )


@get("/{provider:str}/pay/{trade_id:str}")
async def show_pay(request: AnyRequest, provider: FromPath[str], trade_id: FromPath[str]) -> AnyResponse:
    """The pay page."""
    trade = request.app.state.books.trades.get(trade_id)
    if trade is None or trade.provider != provider:
        return render("Payments", "#30343b", '<div class="slip"><p>There is no such payment.</p></div>', 404)
    name, colour, about, go = LOOKS[provider]
    request.app.state.books.close_old(trade)
    if trade.status != "open":
        words = {
            "paid": "已支付 · Paid",
            "held": "已冻结 · Held",
            "closed": "已关闭 · Closed",
            "failed": "支付失败 · Failed",
        }
        body = f'<div class="slip"><h1>{words[trade.status]}</h1><div class="sum">{show_amount(trade)}</div></div>'
        return render(name, colour, body)
    back = request.query_params.get("redirect_url", "")
    faults = "".join(
        f'<label><input type="radio" name="fault" value="{value}"{"" if value else " checked"}> {text}</label>'
        for value, text in FAULTS.items()
    )
    minutes = max(0, int(trade.expires_s - time.time())) // 60
    body = (
        f'<form class="slip" method="post"><h1>{about}</h1><div class="sum">{show_amount(trade)}</div><dl>'
        f"<div><dt>For</dt><dd>{escape(trade.description)}</dd></div>"
        f"<div><dt>Number</dt><dd>{escape(trade.reference)}</dd></div>"
        f"<div><dt>Open for</dt><dd>{minutes} min</dd></div></dl>"
        f'<input type="hidden" name="back" value="{escape(back, quote=True)}">'
        f'<button class="go" name="outcome" value="paid">{go}</button>'
        f'<button class="no" name="outcome" value="declined">拒绝 Decline</button>'
        f'<button class="no" name="outcome" value="cancelled">返回 Go back</button>'
        f"<details><summary>Misbehave</summary>{faults}</details></form>"
    )
    return render(name, colour, body)


def settle(state: Any, trade: Trade, outcome: str) -> None:
    """Let the shopper's decision take effect at the trade's provider."""
    {"stripe": state.stripe, "wechat": state.wechat, "alipay": state.alipay}[trade.provider].settle(
        trade, outcome
    )


@post("/{provider:str}/pay/{trade_id:str}")
async def send_pay(request: AnyRequest, provider: FromPath[str], trade_id: FromPath[str]) -> AnyResponse:
    """The shopper has decided."""
    state = request.app.state
    trade = state.books.trades.get(trade_id)
    form = _read_form(await read_body(request))
    if trade is None or trade.provider != provider:
        return render("Payments", "#30343b", '<div class="slip"><p>There is no such payment.</p></div>', 404)
    if form.get("fault") in FAULTS and form.get("fault"):
        state.books.faults.append(
            Fault(
                provider,
                form["fault"],
                "notify",
                None if form["fault"] in ("never", "forged", "stale", "wrong_amount") else 1,
                trade.reference,
                20_000 if form["fault"] == "late" else 0,
                -1,
                5,
            )
        )
    settle(state, trade, form.get("outcome", ""))
    back = form.get("back") or trade.return_url
    if back.startswith(("http://", "https://")):
        return Redirect(back, status_code=303)
    return Redirect(f"/{provider}/pay/{trade_id}", status_code=303)


def _read_form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


HANDLERS = [show_phone, show_pay, send_pay]
