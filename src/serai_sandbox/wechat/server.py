"""WeChat Pay, API v3, as far as a shop needs it. Requests are checked by the merchant's key, answers signed with ours."""

import base64
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from litestar import Response, route
from msgspec import Struct

from serai_sandbox.counter.answer import AnyRequest, AnyResponse, answer, read_body
from serai_sandbox.counter.books import Books, Refund, Trade, make_token
from serai_sandbox.counter.postman import Letter, Postman, unix
from serai_sandbox.wechat.bill import Bills, Refusal

NAME = "wechat"
AGE_S = 300
AUTHORIZATION = re.compile(
    r'WECHATPAY2-SHA256-RSA2048 mchid="([^"]*)",nonce_str="([^"]*)",signature="([^"]*)",timestamp="(\d+)",serial_no="([^"]*)"'
)
NUMBER = re.compile(r"[0-9a-zA-Z_\-|*]{6,32}")


class Account(Struct, frozen=True):
    """A merchant at the simulated WeChat Pay; ``platform_private_key`` is ours."""

    mchid: str
    appid: str
    serial_no: str
    merchant_public_key: str
    apiv3_key: str
    platform_key_id: str
    platform_private_key: str


class Fail(Exception):
    """An error in WeChat's form."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Wechat:
    """The provider: its accounts, books and notifications."""

    def __init__(self, books: Books, postman: Postman, url: str, accounts: list[Account]) -> None:
        self.books = books
        self.postman = postman
        self.url = url
        self.accounts = {account.mchid: account for account in accounts}
        self._keys: dict[str, tuple[RSAPublicKey, RSAPrivateKey]] = {}
        self._nonces: dict[str, float] = {}
        self.bills = Bills(books, url)

    def _keys_of(self, account: Account) -> tuple[RSAPublicKey, RSAPrivateKey]:
        if account.mchid not in self._keys:
            theirs = load_pem_public_key(account.merchant_public_key.encode())
            ours = load_pem_private_key(account.platform_private_key.encode(), password=None)
            assert isinstance(theirs, RSAPublicKey)
            assert isinstance(ours, RSAPrivateKey)
            self._keys[account.mchid] = (theirs, ours)
        return self._keys[account.mchid]

    def authenticate(self, header: str, method: str, target: str, body: bytes) -> Account:
        """Whose request this is. Strict: the scheme, the serial, the time, a fresh nonce, and the signature."""
        found = AUTHORIZATION.fullmatch(header)
        if found is None:
            raise Fail(401, "SIGN_ERROR", "Authorization is not in form")
        mchid, nonce, signature, at, serial = found.groups()
        account = self.accounts.get(mchid)
        if account is None or account.serial_no != serial:
            raise Fail(401, "SIGN_ERROR", "unknown mchid or serial_no")
        if abs(time.time() - int(at)) > AGE_S or nonce in self._nonces:
            raise Fail(401, "SIGN_ERROR", "the request is old or repeated")
        text = b"\n".join([method.encode(), target.encode(), at.encode(), nonce.encode(), body, b""])
        try:
            self._keys_of(account)[0].verify(base64.b64decode(signature), text, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError) as error:
            raise Fail(401, "SIGN_ERROR", "the signature is wrong") from error
        self._nonces[nonce] = time.time()
        return account

    def sign(self, account: Account, body: bytes, at: int, *, is_forged: bool = False) -> dict[str, str]:
        """The headers that make an answer or a notification ours."""
        nonce = secrets.token_hex(16)
        text = f"{at}\n{nonce}\n".encode() + body + b"\n"
        signature = self._keys_of(account)[1].sign(
            text if not is_forged else text[::-1], PKCS1v15(), SHA256()
        )
        return {
            "wechatpay-timestamp": str(at),
            "wechatpay-nonce": nonce,
            "wechatpay-signature": base64.b64encode(signature).decode(),
            "wechatpay-serial": account.platform_key_id,
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
        }

    def open_trade(self, account: Account, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        number, amount = content["out_trade_no"], content["amount"]
        if (
            not NUMBER.fullmatch(number)
            or content["appid"] != account.appid
            or content["mchid"] != account.mchid
        ):
            raise Fail(400, "PARAM_ERROR", "out_trade_no, appid or mchid is wrong")
        if amount.get("currency", "CNY") != "CNY" or type(amount["total"]) is not int or amount["total"] < 1:
            raise Fail(400, "PARAM_ERROR", "amount is wrong")
        if not str(content["notify_url"]).startswith(("http://", "https://")) or "?" in content["notify_url"]:
            raise Fail(400, "PARAM_ERROR", "notify_url is wrong")
        if not 1 <= len(content["description"]) <= 127:
            raise Fail(400, "PARAM_ERROR", "description is wrong")
        if kind == "h5" and not content["scene_info"]["payer_client_ip"]:
            raise Fail(400, "PARAM_ERROR", "scene_info is wrong")
        trade = self.books.find(NAME, account.mchid, number)
        if trade is not None:
            self.books.close_old(trade)
            if trade.status != "open":
                raise Fail(
                    400, "ORDERPAID" if trade.status == "paid" else "ORDER_CLOSED", "the order has ended"
                )
            if (trade.amount, trade.extra["kind"]) != (amount["total"], kind):
                raise Fail(400, "INVALID_REQUEST", "the number was used with other parameters")
        else:
            now = time.time()
            trade = self.books.keep(
                Trade(
                    make_token(size=14),
                    NAME,
                    account.mchid,
                    number,
                    amount["total"],
                    "CNY",
                    content["description"],
                    "",
                    content["notify_url"],
                    now,
                    now + 7200,
                    extra={"kind": kind, "transaction": "42000" + make_token(size=11)},
                )
            )
        if kind == "native":
            return {"code_url": f"weixin://wxpay/bizpayurl?pr={trade.trade_id}"}
        return {"h5_url": f"{self.url}/wechat/pay/{trade.trade_id}?from=h5"}

    def show(self, trade: Trade) -> dict[str, Any]:
        self.books.close_old(trade)
        account = self.accounts[trade.account]
        states = {"open": "NOTPAY", "paid": "SUCCESS", "closed": "CLOSED", "failed": "PAYERROR"}
        state = "REFUND" if trade.refunds and trade.status == "paid" else states[trade.status]
        shown: dict[str, Any] = {
            "appid": account.appid,
            "mchid": account.mchid,
            "out_trade_no": trade.reference,
            "trade_state": state,
            "trade_state_desc": state.lower(),
            "amount": {"total": trade.paid_amount or trade.amount, "currency": "CNY"},
        }
        if trade.status == "paid":
            shown |= {"transaction_id": trade.extra["transaction"], "trade_type": trade.extra["kind"].upper()}
            shown["amount"]["payer_total"] = trade.paid_amount
        return shown

    def settle(self, trade: Trade, outcome: str) -> None:
        """The shopper has decided on the phone."""
        self.books.close_old(trade)
        if trade.status != "open" or outcome == "cancelled":
            return
        if outcome == "declined":
            trade.status = "failed"
            self.books.keep(trade)
            return
        fault = self.books.take(NAME, trade.reference, "pay", "wrong_amount")
        trade.status, trade.paid_s = "paid", time.time()
        trade.paid_amount = trade.amount + (fault.delta if fault else 0)
        self.books.keep(trade)
        self._tell(trade, "TRANSACTION.SUCCESS", self.show(trade))

    def _tell(self, trade: Trade, kind: str, content: dict[str, Any]) -> None:
        account, event_id = self.accounts[trade.account], make_token(size=16)

        def write(letter: Letter) -> tuple[dict[str, str], bytes]:
            told = json.loads(json.dumps(content))
            told["amount"]["total"] += letter.delta
            nonce, what = secrets.token_hex(6), "transaction" if kind.startswith("TRANS") else "refund"
            sealed = AESGCM(account.apiv3_key.encode()).encrypt(
                nonce.encode(), json.dumps(told).encode(), what.encode()
            )
            body = json.dumps(
                {
                    "id": make_token(size=16) if letter.is_forged else event_id,
                    "event_type": kind,
                    "resource_type": "encrypt-resource",
                    "resource": {
                        "algorithm": "AEAD_AES_256_GCM",
                        "ciphertext": base64.b64encode(sealed).decode(),
                        "nonce": nonce,
                        "associated_data": what,
                        "original_type": what,
                    },
                }
            ).encode()
            signed = self.sign(account, body, unix(letter), is_forged=letter.is_forged)
            return {"content-type": "application/json", **signed}, body

        self.postman.send(trade, kind, write, lambda status, _body: 200 <= status < 300)

    def close(self, trade: Trade) -> None:
        if trade.status == "paid":
            raise Fail(400, "ORDERPAID", "the order is paid")
        trade.status = "closed"
        self.books.keep(trade)

    def refund(self, account: Account, content: dict[str, Any]) -> dict[str, Any]:
        trade = self.find(account, content["out_trade_no"])
        amount, reference = content["amount"], content["out_refund_no"]
        refund = trade.find_refund(reference)
        if refund is None:
            if (
                trade.status != "paid"
                or amount["total"] != trade.paid_amount
                or type(amount["refund"]) is not int
            ):
                raise Fail(400, "PARAM_ERROR", "amount is wrong")
            if amount["refund"] < 1 or trade.refunded + amount["refund"] > trade.paid_amount:
                raise Fail(403, "NOT_ENOUGH", "more than is left")
            refund = Refund(
                "5030" + make_token(size=10), reference, amount["refund"], "succeeded", at_s=time.time()
            )
            if fault := self.books.take(NAME, trade.reference, "refund", "fails", "late"):
                if fault.name == "fails" and fault.how != "later":
                    raise Fail(403, "NOT_ENOUGH", "the account has too little")
                refund.status = "pending"
                refund.will_end = "failed" if fault.name == "fails" else "succeeded"
            trade.refunds.append(refund)
            self.books.keep(trade)
        elif refund.amount != amount["refund"]:
            raise Fail(400, "PARAM_ERROR", "the number was used with another amount")
        states = {"succeeded": "SUCCESS", "pending": "PROCESSING", "failed": "ABNORMAL"}
        return {
            "refund_id": refund.refund_id,
            "out_refund_no": reference,
            "out_trade_no": trade.reference,
            "status": states[refund.status],
            "amount": {"total": trade.paid_amount, "refund": refund.amount, "currency": "CNY"},
        }

    def finish_refund(self, trade: Trade, refund: Refund) -> None:
        """A pending refund ends as it was ordered, and a notification says so."""
        refund.status = refund.will_end
        self.books.keep(trade)
        state = "SUCCESS" if refund.status == "succeeded" else "ABNORMAL"
        content = {
            "mchid": trade.account,
            "out_trade_no": trade.reference,
            "out_refund_no": refund.reference,
            "refund_status": state,
            "amount": {"total": trade.paid_amount, "refund": refund.amount},
        }
        self._tell(trade, f"REFUND.{state}", content)

    def find(self, account: Account, number: str) -> Trade:
        trade = self.books.find(NAME, account.mchid, number)
        if trade is None:
            raise Fail(404, "ORDER_NOT_EXIST", "no such order")
        return trade

    def handle(
        self, account: Account, method: str, path: str, content: dict[str, Any]
    ) -> tuple[str, str, Any]:
        """(operation, reference, work) of a call."""
        match method, path.strip("/").split("/"):
            case "POST", ["v3", "pay", "transactions", ("native" | "h5") as kind]:
                return "create", content["out_trade_no"], lambda: self.open_trade(account, kind, content)
            case "GET", ["v3", "pay", "transactions", "out-trade-no", number]:
                return "query", number, lambda: self.show(self.find(account, number))
            case "POST", ["v3", "pay", "transactions", "out-trade-no", number, "close"]:
                return "close", number, lambda: self.close(self.find(account, number))
            case "POST", ["v3", "refund", "domestic", "refunds"]:
                return "refund", content["out_trade_no"], lambda: self.refund(account, content)
            case "GET", ["v3", "bill", "tradebill"]:
                return "statement", "", lambda: self._ask_bill(account, content)
        raise Fail(404, "NOT_FOUND", "no such address")

    def _ask_bill(self, account: Account, query: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.bills.ask(account.mchid, account.appid, query)
        except Refusal as refusal:
            raise Fail(400, refusal.code, "no bill") from refusal


@route("/v3/{path:path}", http_method=["GET", "POST"])
async def call(request: AnyRequest) -> AnyResponse:
    """Any call of the API."""
    provider: Wechat = request.app.state.wechat
    body = await read_body(request)
    parts = urlsplit(str(request.url))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        account = provider.authenticate(
            request.headers.get("authorization", ""), request.method, target, body
        )
    except Fail as fail:
        return Response({"code": fail.code, "message": fail.message}, status_code=fail.status)
    on = reference = ""
    if parts.path == "/v3/billdownload/file":
        # A file is not signed: its digest was told in an answer that is.
        found = provider.bills.fetch(dict(parse_qsl(parts.query)).get("token", ""))
        file = Response(
            found or b"", status_code=200 if found else 404, media_type="application/octet-stream"
        )
        return await answer(provider.books, NAME, "", "download", lambda: file)

    def done() -> AnyResponse:
        try:
            found = work()
            status, reply = (
                (204, b"") if found is None else (200, json.dumps(found, ensure_ascii=False).encode())
            )
        except Fail as fail:
            status, reply = fail.status, json.dumps({"code": fail.code, "message": fail.message}).encode()
        except (KeyError, TypeError, ValueError):
            status, reply = 400, b'{"code":"PARAM_ERROR","message":"not in form"}'
        is_forged = provider.books.take(NAME, reference, on, "forged_answer") is not None
        headers = provider.sign(account, reply, int(time.time()), is_forged=is_forged)
        return Response(reply, status_code=status, media_type="application/json", headers=headers)

    try:
        content = json.loads(body) if body else dict(parse_qsl(parts.query))
        on, reference, work = provider.handle(account, request.method, parts.path, content)
    except Fail as fail:
        failed = fail

        def work() -> Any:
            raise failed

    except (KeyError, TypeError, ValueError):

        def work() -> Any:
            raise Fail(400, "PARAM_ERROR", "not in form")

    return await answer(provider.books, NAME, reference, on, done)
