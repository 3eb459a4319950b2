"""WeChat Pay, API v3: a code to scan on a desk (Native), a link on a phone (H5), queries, refunds and notifications.

The kept library signs, verifies and decrypts; the calls themselves are ours, over one pooled connection with a limit of
time. The library's own calls block a thread each, go to a fixed address, and fetch certificates amid a notification.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec
from wechatpayv3.utils import (  # type: ignore[import-untyped]  # the library has no types
    aes_decrypt,
    build_authorization,
    load_private_key,
    load_public_key,
    rsa_verify,
)

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
from serai.commerce.payway.types import WechatAccount
from serai.commerce.payway.unpack_bill import unpack_gzip
from serai.commerce.types import EventKind, PaymentRequest, ProviderEvent, ProviderPayment, StatementRow
from serai.foundation.errors import Outside

NAME = "wechat"
SIGNATURE_AGE_S = 300
DESCRIPTION_LIMIT = 120
SCHEME = "WECHATPAY2-SHA256-RSA2048"
STATES: dict[str, EventKind] = {
    "SUCCESS": "captured",
    "REFUND": "captured",
    "CLOSED": "voided",
    "REVOKED": "voided",
    "PAYERROR": "failed",
}
REFUND_ANSWERS: dict[str, RefundAnswer] = {"SUCCESS": "done", "CLOSED": "failed", "ABNORMAL": "failed"}
ENDED = ("ORDERPAID", "ORDER_PAID", "ORDER_CLOSED", "ORDERCLOSED", "OUT_TRADE_NO_USED")
NO_BILL = ("NO_STATEMENT_EXIST", "STATEMENT_CREATING")
REFUND_LATER = ("SYSTEM_ERROR", "FREQUENCY_LIMITED", "BIZERR_NEED_RETRY", "SIGN_ERROR")


class WechatAdapter:
    """See :class:`~serai.commerce.payway.adapter.Adapter`. A payment's id at WeChat is our own number of it."""

    def __init__(self, account: WechatAccount, base_url: str, timeout_s: float) -> None:
        self._account = account
        self._private_key = load_private_key(account.private_key)
        self._platform_key = load_public_key(account.platform_key)
        self._client = httpx.AsyncClient(base_url=base_url.rstrip("/"), timeout=timeout_s, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One signed call; the answer's signature is checked before anything in it counts."""
        text = json.dumps(body, ensure_ascii=False) if body is not None else ""
        account = self._account
        headers = {
            "authorization": build_authorization(
                path, method, account.mchid, account.serial_no, self._private_key, data=text
            ),
            "accept": "application/json",
            "content-type": "application/json",
            "wechatpay-serial": account.platform_key_id,
        }
        try:
            answer = await self._client.request(method, path, content=text.encode(), headers=headers)
        except httpx.HTTPError as error:
            raise Outside(NAME, type(error).__name__) from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Outside(NAME, f"answered {answer.status_code}")
        if not self._is_genuine(answer.headers, answer.content):
            raise Outside(NAME, f"answered {answer.status_code} without a right signature", retryable=False)
        if not answer.content:
            return answer.status_code, {}
        try:
            content = msgspec.json.decode(answer.content, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Outside(NAME, "answered something that is no object") from error
        if answer.status_code == 401 or content.get("code") == "NO_AUTH":
            raise Outside(NAME, f"does not let us: {content.get('code', '')}", retryable=False)
        return answer.status_code, content

    def _is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether WeChat signed these bytes, with the key that we know, in the last minutes."""
        at = headers.get("wechatpay-timestamp", "")
        if (
            headers.get("wechatpay-serial", "") != self._account.platform_key_id
            or headers.get("wechatpay-signature-type", SCHEME) != SCHEME
            or not at.isascii()
            or not at.isdecimal()
            or abs(time.time() - int(at[:12])) > SIGNATURE_AGE_S
        ):
            return False
        nonce, signature = headers.get("wechatpay-nonce", ""), headers.get("wechatpay-signature", "")
        try:
            return bool(rsa_verify(at, nonce, body.decode(), signature, self._platform_key))
        except UnicodeDecodeError:
            return False

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        if request.capture == "manual":
            raise refuse_hold(NAME)
        number = request.intent_id.hex
        is_phone = request.device == "phone"
        body: dict[str, Any] = {
            "appid": self._account.appid,
            "mchid": self._account.mchid,
            "description": request.description[:DESCRIPTION_LIMIT] or number,
            "out_trade_no": number,
            "notify_url": request.webhook_url,
            "amount": {"total": request.amount_minor, "currency": request.currency},
        }
        if request.expires_at is not None:
            body["time_expire"] = _write_time(request.expires_at)
        if is_phone:
            body["scene_info"] = {
                "payer_client_ip": request.client_ip or "127.0.0.1",
                "h5_info": {"type": "Wap"},
            }
        status, content = await self._call(
            "POST", f"/v3/pay/transactions/{'h5' if is_phone else 'native'}", body
        )
        if status == 200:
            url = content.get("h5_url" if is_phone else "code_url")
            if not isinstance(url, str) or not url.startswith(("https://", "http://", "weixin://")):
                raise Outside(NAME, "answered no address to pay at")
            if is_phone:
                url += f"&redirect_url={quote(request.return_url, safe='')}"
            return ProviderPayment(number, url)
        if content.get("code") in ENDED:
            found = await self.load(request.intent_id, number)
            if found is not None:
                return found
        raise Outside(NAME, f"refused the payment: {content.get('code', status)}", retryable=False)

    async def load(self, intent_id: UUID, provider_payment_id: str | None) -> ProviderPayment | None:
        content = await self._query(intent_id.hex)
        if content is None:
            return None
        event = self._read_transaction(content, "")
        return ProviderPayment(intent_id.hex, None, (event,) if event else ())

    async def _query(self, number: str) -> dict[str, Any] | None:
        path = f"/v3/pay/transactions/out-trade-no/{quote(number, safe='')}?mchid={self._account.mchid}"
        status, content = await self._call("GET", path)
        if status == 200:
            return content
        if status == 404:
            return None
        raise Outside(NAME, f"answered {status}: {content.get('code', '')}", retryable=False)

    def _read_transaction(self, content: dict[str, Any], event_id: str) -> ProviderEvent | None:
        """What a transaction's state tells. Outside when it is another merchant's."""
        try:
            reference = find_uuid(content["out_trade_no"])
            kind = STATES.get(content["trade_state"])
            if reference is None or kind is None:
                return None
            if content["mchid"] != self._account.mchid or content["appid"] != self._account.appid:
                raise Outside(NAME, "told of another merchant's payment", retryable=False)
            amount = content.get("amount") or {}
            total, currency = int(amount.get("total", 0)), str(amount.get("currency", "CNY"))
            return tell(
                NAME,
                kind,
                reference,
                reference.hex,
                total if kind == "captured" else 0,
                currency,
                event_id=event_id,
                payment_minor=total,
                state=content["trade_state"],
                transaction_id=content.get("transaction_id", ""),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Outside(NAME, "told of a payment in words we do not know", retryable=False) from error

    async def void(self, provider_payment_id: str) -> None:
        path = f"/v3/pay/transactions/out-trade-no/{quote(provider_payment_id, safe='')}/close"
        status, content = await self._call("POST", path, {"mchid": self._account.mchid})
        if status not in (200, 204):
            raise Outside(NAME, f"did not stop the payment: {content.get('code', status)}", retryable=False)

    async def capture(self, provider_payment_id: str, capture_id: UUID, amount_minor: int) -> RefundAnswer:
        raise refuse_hold(NAME)

    async def refund(self, provider_payment_id: str, refund_id: UUID, amount_minor: int) -> RefundAnswer:
        paid = await self._query(provider_payment_id)
        if paid is None:
            return "failed"
        try:
            total, currency = int(paid["amount"]["total"]), paid["amount"].get("currency", "CNY")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Outside(NAME, "told of a payment in words we do not know") from error
        status, content = await self._call(
            "POST",
            "/v3/refund/domestic/refunds",
            {
                "out_trade_no": provider_payment_id,
                "out_refund_no": refund_id.hex,
                "amount": {"refund": amount_minor, "total": total, "currency": currency},
            },
        )
        if status == 200:
            return REFUND_ANSWERS.get(str(content.get("status")), "pending")
        if content.get("code") in REFUND_LATER:
            raise Outside(NAME, f"did not refund yet: {content['code']}")
        return "failed"

    async def statement(self, day: date) -> tuple[StatementRow, ...] | bytes:
        """A day's trade bill (China's day). Its digest stands in a signed answer, so the file counts when it fits."""
        path = f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP"
        status, content = await self._call("GET", path)
        code = content.get("code", "")
        if status != 200 and code in NO_BILL:
            if code == "NO_STATEMENT_EXIST" and is_over(day):
                return ()
            raise Outside(NAME, f"has no bill of that day yet: {code}")
        if status != 200:
            raise Outside(NAME, f"gave no bill: {code or status}", retryable=False)
        address, digest = str(content.get("download_url", "")), str(content.get("hash_value", ""))
        if content.get("hash_type") != "SHA1" or not digest:
            raise Outside(NAME, "told of a bill in words we do not know", retryable=False)
        try:
            file = unpack_gzip(await self._download(address))
        except ValueError as error:
            raise Outside(NAME, f"gave a bill that {error}") from error
        # Not a signature: the digest that WeChat has signed tells whether the file came whole.
        if hashlib.sha1(file, usedforsecurity=False).hexdigest() != digest.lower():
            raise Outside(NAME, "gave a bill that is not the one it told of")
        return file

    async def _download(self, address: str) -> bytes:
        """A file from the address that WeChat has told, which has to be WeChat's own: our signature goes there."""
        url = httpx.URL(address)
        if (url.scheme, url.host, url.port) != (
            self._client.base_url.scheme,
            self._client.base_url.host,
            self._client.base_url.port,
        ):
            raise Outside(NAME, "told an address that is not its own", retryable=False)
        path = url.raw_path.decode()
        account = self._account
        signed = build_authorization(path, "GET", account.mchid, account.serial_no, self._private_key)
        return await download(NAME, self._client, path, {"authorization": signed})

    async def read(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent | None:
        if not self._is_genuine(headers, body):
            raise forged()
        try:
            message = msgspec.json.decode(body, type=dict[str, Any])
            resource = message["resource"]
            if resource["algorithm"] != "AEAD_AES_256_GCM":
                raise malformed()
            opened = aes_decrypt(
                resource["nonce"],
                resource["ciphertext"],
                resource.get("associated_data") or "",
                self._account.apiv3_key,
            )
            if opened is None:
                raise forged()
            content = msgspec.json.decode(opened, type=dict[str, Any])
            if content["mchid"] != self._account.mchid:
                raise forged()
            if str(message["event_type"]).startswith("REFUND."):
                return _read_refund(content)
            return self._read_transaction(content, str(message["id"]))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, Outside) as error:
            raise malformed() from error


def _read_refund(content: dict[str, Any]) -> ProviderEvent | None:
    reference, refund_id = find_uuid(content["out_trade_no"]), find_uuid(content["out_refund_no"])
    answer = REFUND_ANSWERS.get(content["refund_status"])
    if reference is None or refund_id is None or answer is None:
        return None
    return tell(
        NAME,
        "part_refunded" if answer == "done" else "refund_failed",
        reference,
        reference.hex,
        int(content["amount"]["refund"]),
        "CNY",
        event_id=f"refund:{refund_id.hex}:{answer}",
        payment_minor=int(content["amount"]["total"]),
        refund_reference=refund_id,
    )


def _write_time(at: datetime) -> str:
    """RFC 3339 to the second, as WeChat wants it."""
    return at.replace(microsecond=0).isoformat()
