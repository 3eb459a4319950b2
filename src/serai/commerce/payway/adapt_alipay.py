"""Alipay: a signed address that opens its cashier (page on a desk, wap on a phone), queries, refunds and notifications.

The kept library signs and verifies (RSA2); the calls themselves are ours. The library's own calls block a thread each, stamp
the machine's local time where Alipay wants Beijing's, and cannot reach an address with a port.
"""

import asyncio
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import httpx
import msgspec
from alipay.aop.api.util.SignatureUtils import (  # type: ignore[import-untyped]  # the library has no types
    get_sign_content,
    sign_with_rsa2,
    verify_with_rsa,
)
from rsa.pkcs1 import VerificationError

from serai.commerce.payway.adapter import (
    RefundAnswer,
    download,
    find_uuid,
    forged,
    is_over,
    malformed,
    refuse_hold,
    tell,
)
from serai.commerce.payway.logic import from_yuan, to_yuan
from serai.commerce.payway.types import AlipayAccount
from serai.commerce.payway.unpack_bill import unpack_zip
from serai.commerce.types import EventKind, PaymentRequest, ProviderEvent, ProviderPayment, StatementRow
from serai.foundation import clock
from serai.foundation.errors import Outside

NAME = "alipay"
CHARSET = "utf-8"
BEIJING = timezone(timedelta(hours=8))
NOTIFICATION_AGE = timedelta(hours=48)
DONE, UNKNOWN = "10000", "20000"
NO_TRADE = "ACQ.TRADE_NOT_EXIST"
REFUND_LATER = ("ACQ.SYSTEM_ERROR", "ACQ.TRADE_NOT_ALLOW_REFUND_RETRY", "aop.ACQ.SYSTEM_ERROR")
BILL = "alipay.data.dataservice.bill.downloadurl.query"
# A heading of the table of movements, which the table of sums beside it has not.
BILL_MARK = "支付宝交易号".encode("gb18030")
PAGES = {
    "desktop": ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
    "phone": ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
}


class AlipayAdapter:
    """See :class:`~serai.commerce.payway.adapter.Adapter`. A payment's id at Alipay is our own number of it."""

    def __init__(self, account: AlipayAccount, base_url: str, timeout_s: float) -> None:
        self._account = account
        self._gateway = base_url
        self._client = httpx.AsyncClient(timeout=timeout_s, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def _sign(self, method: str, content: dict[str, Any], **more: str) -> dict[str, str]:
        """The parameters of a call with their signature, which takes some milliseconds of pure Python: in a thread."""
        params = {
            "app_id": self._account.app_id,
            "method": method,
            "format": "JSON",
            "charset": CHARSET,
            "sign_type": "RSA2",
            "timestamp": datetime.now(UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            **{name: value for name, value in more.items() if value},
        }
        text = get_sign_content(params)
        sign = await asyncio.to_thread(sign_with_rsa2, self._account.private_key, text, CHARSET)
        return {**params, "sign": sign}

    def _is_signed(self, content: bytes, sign: str) -> bool:
        try:
            return bool(verify_with_rsa(self._account.alipay_key, content, sign))
        except (VerificationError, binascii.Error, ValueError, OverflowError):
            return False

    async def _call(self, method: str, content: dict[str, Any]) -> dict[str, Any]:
        """One signed call. The signature is over the very bytes of the inner object, so they are cut out as they came."""
        try:
            answer = await self._client.post(
                self._gateway,
                content=urlencode(await self._sign(method, content)),
                headers={"content-type": f"application/x-www-form-urlencoded;charset={CHARSET}"},
            )
        except httpx.HTTPError as error:
            raise Outside(NAME, type(error).__name__) from error
        if answer.status_code != 200:
            raise Outside(NAME, f"answered {answer.status_code}")
        inner, sign = _cut(answer.content, method.replace(".", "_") + "_response")
        if inner is None or not self._is_signed(inner, sign):
            raise Outside(NAME, "answered without a right signature", retryable=False)
        found = msgspec.json.decode(inner, type=dict[str, Any])
        if found.get("code") == UNKNOWN:
            raise Outside(NAME, f"does not know at the moment: {found.get('sub_code', '')}")
        return found

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        if request.capture == "manual":
            raise refuse_hold(NAME)
        method, product = PAGES["phone" if request.device == "phone" else "desktop"]
        content = {
            "out_trade_no": request.intent_id.hex,
            "product_code": product,
            "total_amount": to_yuan(request.amount_minor),
            "subject": request.description[:120] or request.intent_id.hex,
        }
        if request.expires_at is not None:
            content["time_expire"] = request.expires_at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
        params = await self._sign(
            method, content, notify_url=request.webhook_url, return_url=request.return_url
        )
        return ProviderPayment(request.intent_id.hex, f"{self._gateway}?{urlencode(params)}")

    async def _query(self, number: str) -> dict[str, Any] | None:
        found = await self._call("alipay.trade.query", {"out_trade_no": number})
        if found.get("code") == DONE:
            return found
        if found.get("sub_code") == NO_TRADE:
            return None
        raise Outside(NAME, f"did not tell: {found.get('sub_code', '')}", retryable=False)

    async def load(self, intent_id: UUID, provider_payment_id: str | None) -> ProviderPayment | None:
        # A trade comes into being when its cashier is opened: before that Alipay has never heard of it.
        found = await self._query(intent_id.hex)
        if found is None:
            return None
        try:
            event = _read_trade(found, intent_id, "", is_paid=bool(found.get("send_pay_date")))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Outside(NAME, "told of a trade in words we do not know", retryable=False) from error
        return ProviderPayment(intent_id.hex, None, (event,) if event else ())

    async def void(self, provider_payment_id: str) -> None:
        found = await self._call("alipay.trade.close", {"out_trade_no": provider_payment_id})
        if found.get("code") != DONE and found.get("sub_code") != NO_TRADE:
            raise Outside(NAME, f"did not stop the payment: {found.get('sub_code', '')}", retryable=False)

    async def capture(self, provider_payment_id: str, capture_id: UUID, amount_minor: int) -> RefundAnswer:
        raise refuse_hold(NAME)

    async def refund(self, provider_payment_id: str, refund_id: UUID, amount_minor: int) -> RefundAnswer:
        found = await self._call(
            "alipay.trade.refund",
            {
                "out_trade_no": provider_payment_id,
                "out_request_no": refund_id.hex,
                "refund_amount": to_yuan(amount_minor),
            },
        )
        if found.get("code") != DONE:
            if found.get("sub_code") in REFUND_LATER:
                raise Outside(NAME, f"did not refund yet: {found['sub_code']}")
            return "failed"
        if found.get("fund_change") == "Y":
            return "done"
        # Accepted without money moving: it was done before, or is not done yet. The query knows.
        told = await self._call(
            "alipay.trade.fastpay.refund.query",
            {"out_trade_no": provider_payment_id, "out_request_no": refund_id.hex},
        )
        return "done" if told.get("refund_status") == "REFUND_SUCCESS" else "pending"

    async def statement(self, day: date) -> tuple[StatementRow, ...] | bytes:
        """A day's business bill (China's day). The signed answer tells an address that is good for half a minute."""
        found = await self._call(BILL, {"bill_type": "trade", "bill_date": day.isoformat()})
        if found.get("code") != DONE:
            code = str(found.get("sub_code", ""))
            if not code.lower().endswith("bill_not_exist"):
                raise Outside(NAME, f"gave no bill: {code}", retryable=False)
            if is_over(day):
                return ()
            raise Outside(NAME, "has no bill of that day yet")
        address, own = httpx.URL(str(found.get("bill_download_url", ""))), httpx.URL(self._gateway)
        if address.scheme != "https" and (address.host, address.port) != (own.host, own.port):
            raise Outside(NAME, "told an address that is not safe", retryable=False)
        try:
            return unpack_zip(await download(NAME, self._client, str(address)), BILL_MARK)
        except ValueError as error:
            raise Outside(NAME, f"gave a bill that {error}") from error

    async def read(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent | None:
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100)
        except ValueError as error:
            raise malformed() from error
        params = dict(pairs)
        sign, kind = params.pop("sign", ""), params.pop("sign_type", "")
        if len(params) + 2 != len(pairs) or kind != "RSA2":
            raise forged()
        if not self._is_signed(get_sign_content(params).encode(), sign):
            raise forged()
        try:
            if params["app_id"] != self._account.app_id or _is_old(params["notify_time"]):
                raise forged()
            reference = find_uuid(params["out_trade_no"])
            if reference is None:
                return None
            if params.get("gmt_refund"):
                return _read_refund(params, reference)
            return _read_trade(
                params, reference, params["notify_id"], is_paid=bool(params.get("gmt_payment"))
            )
        except (KeyError, ValueError) as error:
            raise malformed() from error


def _is_old(text: str) -> bool:
    told = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    return abs(clock.now() - told) > NOTIFICATION_AGE


def _cut(body: bytes, name: str) -> tuple[bytes | None, str]:
    """The bytes of the answer's inner object, and the signature beside it."""
    try:
        text = body.decode()
        outer = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        inner, sign = bytes(outer[name]), msgspec.json.decode(outer["sign"], type=str)
    except (UnicodeDecodeError, msgspec.DecodeError, KeyError):
        return None, ""
    # A duplicate of the name would make the bytes that count others than those that were signed.
    return (inner, sign) if text.count(f'"{name}"') == 1 else (None, "")


def _read_trade(
    trade: Mapping[str, Any], reference: UUID, event_id: str, *, is_paid: bool
) -> ProviderEvent | None:
    """What a trade's state tells. Closed means ended without payment, or paid and given back in full."""
    total = from_yuan(trade["total_amount"])
    kind: EventKind
    match trade["trade_status"]:
        case "TRADE_SUCCESS" | "TRADE_FINISHED":
            kind = "captured"
        case "TRADE_CLOSED":
            kind = "captured" if is_paid else "voided"
        case _:
            return None
    return tell(
        NAME,
        kind,
        reference,
        reference.hex,
        total if kind == "captured" else 0,
        "CNY",
        event_id=event_id,
        payment_minor=total,
        state=trade["trade_status"],
        trade_no=trade.get("trade_no", ""),
    )


def _read_refund(params: Mapping[str, str], reference: UUID) -> ProviderEvent | None:
    """A notification about a refund: ``refund_fee`` is all that has been given back of the trade so far."""
    refund_id = find_uuid(params.get("out_biz_no"))
    if refund_id is None:
        return None
    total = from_yuan(params["refund_fee"])
    return tell(
        NAME,
        "refunded",
        reference,
        reference.hex,
        total,
        "CNY",
        event_id=f"refund:{refund_id.hex}",
        payment_minor=from_yuan(params["total_amount"]),
        refund_reference=refund_id,
    )
