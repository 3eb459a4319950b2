"""Alipay's gateway as far as a shop needs it: cashier pages, query, close, refund. RSA2 is checked and given on everything."""

import base64
import datetime as dt
import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from litestar import Response, route
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from serai_sandbox.alipay.bill import Bills
from serai_sandbox.counter.answer import AnyRequest, AnyResponse, answer, read_body
from serai_sandbox.counter.books import Books, Refund, Trade, make_token
from serai_sandbox.counter.postman import Letter, Postman

NAME = "alipay"
BEIJING = dt.timezone(dt.timedelta(hours=8))
AGE_S = 900
PRODUCTS = {"alipay.trade.page.pay": "FAST_INSTANT_TRADE_PAY", "alipay.trade.wap.pay": "QUICK_WAP_WAY"}


class Account(Struct, frozen=True):
    """An application at the simulated Alipay; ``alipay_private_key`` is ours."""

    app_id: str
    merchant_public_key: str
    alipay_private_key: str


class Fail(Exception):
    """A business failure, as code 40004 with a sub code."""

    def __init__(self, sub_code: str, code: str = "40004") -> None:
        super().__init__(sub_code)
        self.sub_code, self.code = sub_code, code


def write_yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def read_yuan(text: str) -> int:
    whole, _, rest = text.partition(".")
    if not whole.isdecimal() or len(rest) > 2 or (rest and not rest.isdecimal()):
        raise Fail("ACQ.INVALID_PARAMETER")
    return int(whole) * 100 + int((rest or "0").ljust(2, "0"))


def now_text(age_s: float = 0) -> str:
    return dt.datetime.fromtimestamp(time.time() - age_s, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


class Alipay:
    """The provider: its applications, books and notifications."""

    def __init__(self, books: Books, postman: Postman, url: str, accounts: list[Account]) -> None:
        self.books = books
        self.postman = postman
        self.url = url
        self.accounts = {account.app_id: account for account in accounts}
        self._keys: dict[str, tuple[RSAPublicKey, RSAPrivateKey]] = {}
        self.bills = Bills(books, url)

    def _keys_of(self, account: Account) -> tuple[RSAPublicKey, RSAPrivateKey]:
        if account.app_id not in self._keys:
            theirs = load_pem_public_key(account.merchant_public_key.encode())
            ours = load_pem_private_key(account.alipay_private_key.encode(), password=None)
            assert isinstance(theirs, RSAPublicKey)
            assert isinstance(ours, RSAPrivateKey)
            self._keys[account.app_id] = (theirs, ours)
        return self._keys[account.app_id]

    def authenticate(self, params: dict[str, str]) -> Account:
        """Whose request this is: application, scheme, Beijing's time and signature all have to be right."""
        account = self.accounts.get(params.get("app_id", ""))
        if account is None:
            raise Fail("isv.invalid-app-id", "40002")
        if params.get("sign_type") != "RSA2" or params.get("charset", "").lower() != "utf-8":
            raise Fail("isv.invalid-signature-type", "40002")
        try:
            at = dt.datetime.strptime(params.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(
                tzinfo=BEIJING
            )
        except ValueError as error:
            raise Fail("isv.invalid-timestamp", "40002") from error
        is_page = params.get("method") in PRODUCTS
        if abs(time.time() - at.timestamp()) > (AGE_S * 8 if is_page else AGE_S):
            raise Fail("isv.invalid-timestamp", "40002")
        text = "&".join(f"{k}={v}" for k, v in sorted(params.items()) if k != "sign" and v)
        try:
            signature = base64.b64decode(params.get("sign", ""), validate=True)
            self._keys_of(account)[0].verify(signature, text.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError) as error:
            raise Fail("isv.invalid-signature", "40002") from error
        return account

    def sign(self, account: Account, text: str, *, is_forged: bool = False) -> str:
        content = (text[::-1] if is_forged else text).encode()
        return base64.b64encode(self._keys_of(account)[1].sign(content, PKCS1v15(), SHA256())).decode()

    def open_cashier(self, account: Account, params: dict[str, str]) -> Trade:
        """A shopper arrives with a signed address: the trade comes into being now."""
        content = json.loads(params["biz_content"])
        amount = read_yuan(content["total_amount"])
        if (
            amount < 1
            or content.get("product_code") != PRODUCTS[params["method"]]
            or not content.get("subject")
        ):
            raise Fail("ACQ.INVALID_PARAMETER")
        trade = self.books.find(NAME, account.app_id, content["out_trade_no"])
        if trade is not None:
            if trade.amount != amount:
                raise Fail("ACQ.CONTEXT_INCONSISTENT")
            return trade
        now = time.time()
        return self.books.keep(
            Trade(
                make_token(size=14),
                NAME,
                account.app_id,
                content["out_trade_no"],
                amount,
                "CNY",
                content["subject"],
                params.get("return_url", ""),
                params.get("notify_url", ""),
                now,
                now + 7200,
            )
        )

    def settle(self, trade: Trade, outcome: str) -> None:
        """The shopper has decided at the cashier."""
        self.books.close_old(trade)
        if trade.status != "open" or outcome == "cancelled":
            return
        if outcome == "declined":
            return
        fault = self.books.take(NAME, trade.reference, "pay", "wrong_amount")
        trade.status, trade.paid_s = "paid", time.time()
        trade.paid_amount = trade.amount + (fault.delta if fault else 0)
        self.books.keep(trade)
        self._tell(trade, "TRADE_SUCCESS", {"gmt_payment": now_text()})

    def _tell(self, trade: Trade, kind: str, more: dict[str, str]) -> None:
        account, notify_id = self.accounts[trade.account], make_token(size=17)

        def write(letter: Letter) -> tuple[dict[str, str], bytes]:
            params = {
                "app_id": account.app_id,
                "charset": "utf-8",
                "version": "1.0",
                "notify_type": "trade_status_sync",
                "notify_id": make_token(size=17) if letter.is_forged else notify_id,
                "notify_time": now_text(letter.age_s),
                "out_trade_no": trade.reference,
                "trade_no": trade.trade_id,
                "trade_status": "TRADE_SUCCESS" if kind.startswith("REFUND") else kind,
                "subject": trade.description,
                "total_amount": write_yuan(trade.paid_amount + letter.delta),
                **more,
            }
            text = "&".join(f"{k}={v}" for k, v in sorted(params.items()))
            sign = self.sign(account, text, is_forged=letter.is_forged)
            body = urlencode({**params, "sign_type": "RSA2", "sign": sign}).encode()
            return {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, body

        # Only the literal word counts, whatever the status.
        self.postman.send(trade, kind, write, lambda _status, body: body.strip() == b"success")

    def run(self, account: Account, method: str, content: dict[str, Any]) -> dict[str, Any]:
        """One call of the API; Fail for a refusal."""
        if method == "alipay.data.dataservice.bill.downloadurl.query":
            if content["bill_type"] != "trade":
                raise Fail("isv.invalid-parameter")
            address = self.bills.ask(account.app_id, content["bill_date"])
            if address is None:
                raise Fail("isp.bill_not_exist")
            return {"bill_download_url": address}
        trade = self.books.find(NAME, account.app_id, content["out_trade_no"])
        if trade is None:
            raise Fail("ACQ.TRADE_NOT_EXIST")
        self.books.close_old(trade)
        named = {"out_trade_no": trade.reference, "trade_no": trade.trade_id}
        match method:
            case "alipay.trade.query":
                states = {"open": "WAIT_BUYER_PAY", "paid": "TRADE_SUCCESS", "closed": "TRADE_CLOSED"}
                is_returned = trade.status == "paid" and 0 < trade.paid_amount <= trade.refunded
                shown = {
                    "trade_status": "TRADE_CLOSED" if is_returned else states[trade.status],
                    "total_amount": write_yuan(trade.paid_amount or trade.amount),
                }
                if trade.status == "paid":
                    shown["send_pay_date"] = now_text(time.time() - trade.paid_s)
                return named | shown
            case "alipay.trade.close":
                if trade.status == "paid":
                    raise Fail("ACQ.TRADE_STATUS_ERROR")
                trade.status = "closed"
                self.books.keep(trade)
                return named
            case "alipay.trade.refund":
                return named | self._refund(trade, content)
            case "alipay.trade.fastpay.refund.query":
                refund = trade.find_refund(content["out_request_no"])
                if refund is None or refund.status != "succeeded":
                    return named
                return named | {"refund_status": "REFUND_SUCCESS", "refund_amount": write_yuan(refund.amount)}
        raise Fail("isv.invalid-method", "40002")

    def _refund(self, trade: Trade, content: dict[str, Any]) -> dict[str, Any]:
        reference, amount = content["out_request_no"], read_yuan(content["refund_amount"])
        refund = trade.find_refund(reference)
        changed = "N"
        if refund is None:
            if trade.status != "paid":
                raise Fail("ACQ.TRADE_STATUS_ERROR")
            if amount < 1 or trade.refunded + amount > trade.paid_amount:
                raise Fail("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
            refund = Refund(make_token(size=10), reference, amount, "succeeded", at_s=time.time())
            if fault := self.books.take(NAME, trade.reference, "refund", "fails", "late"):
                if fault.name == "fails" and fault.how != "later":
                    raise Fail("ACQ.SELLER_BALANCE_NOT_ENOUGH")
                refund.status = "pending"
            trade.refunds.append(refund)
            self.books.keep(trade)
            if refund.status == "succeeded":
                changed = "Y"
                self._tell_refund(trade, refund)
        elif refund.amount != amount:
            raise Fail("ACQ.INVALID_PARAMETER")
        done = sum(each.amount for each in trade.refunds if each.status == "succeeded")
        return {"fund_change": changed, "refund_fee": write_yuan(done)}

    def _tell_refund(self, trade: Trade, refund: Refund) -> None:
        done = sum(each.amount for each in trade.refunds if each.status == "succeeded")
        more = {"gmt_refund": now_text(), "out_biz_no": refund.reference, "refund_fee": write_yuan(done)}
        self._tell(trade, "REFUND", {"gmt_payment": now_text(), **more})

    def finish_refund(self, trade: Trade, refund: Refund) -> None:
        """A pending refund succeeds; Alipay has no other end for one that it accepted."""
        refund.status = "succeeded"
        self.books.keep(trade)
        self._tell_refund(trade, refund)


@route("/gateway.do", http_method=["GET", "POST"])
async def call(request: AnyRequest) -> AnyResponse:
    """The one address of the API: pages for browsers, calls for servers."""
    provider: Alipay = request.app.state.alipay
    text = request.url.query + "&" + (await read_body(request)).decode(errors="replace")
    params = dict(parse_qsl(text, keep_blank_values=True))
    method = params.get("method", "")
    name = method.replace(".", "_") + "_response"
    try:
        account = provider.authenticate(params)
        content = json.loads(params.get("biz_content", ""))
        if method in PRODUCTS:
            trade = provider.open_cashier(account, params)
            return Redirect(f"{provider.url}/alipay/pay/{trade.trade_id}", status_code=303)
    except Fail as fail:
        return Response(
            {name: {"code": fail.code, "msg": "refused", "sub_code": fail.sub_code}, "sign": ""},
            status_code=200,
        )
    except (KeyError, TypeError, ValueError):
        return Response(
            {name: {"code": "40002", "sub_code": "isv.invalid-parameter"}, "sign": ""}, status_code=200
        )
    reference = str(content.get("out_trade_no", ""))
    operations = {
        "alipay.trade.close": "close",
        "alipay.trade.refund": "refund",
        "alipay.data.dataservice.bill.downloadurl.query": "statement",
    }
    on = operations.get(method, "query")

    def done() -> AnyResponse:
        try:
            found = {"code": "10000", "msg": "Success", **provider.run(account, method, content)}
        except Fail as fail:
            found = {"code": fail.code, "msg": "Business Failed", "sub_code": fail.sub_code}
        inner = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        is_forged = provider.books.take(NAME, reference, on, "forged_answer") is not None
        sign = provider.sign(account, inner, is_forged=is_forged)
        reply = f'{{"{name}":{inner},"sign":"{sign}"}}'
        return Response(reply.encode(), status_code=200, media_type="application/json")

    return await answer(provider.books, NAME, reference, on, done)


@route("/alipay-bill/{token:str}", http_method=["GET"])
async def fetch_bill(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    """A bill by the address that was told for it; whoever knows it may have it."""
    provider: Alipay = request.app.state.alipay
    found = provider.bills.fetch(token)
    file = Response(found or b"", status_code=200 if found else 404, media_type="application/zip")
    return await answer(provider.books, NAME, "", "download", lambda: file)
