"""The adapter to the sandbox payment provider, over its public HTTP protocol."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import httpx
import msgspec

from serai.commerce.types import EventKind, PaymentRequest, ProviderEvent, ProviderPayment, StatementRow
from serai.foundation.errors import Invalid, Outside, Unauthorised, _

NAME = "sandbox"
SIGNATURE_AGE_S = 600
STATEMENT_ROWS = 200_000
KINDS: dict[str, EventKind] = {
    "payment.authorised": "authorised",
    "payment.captured": "captured",
    "payment.failed": "failed",
    "payment.voided": "voided",
    "payment.expired": "expired",
    "refund.succeeded": "refunded",
    "refund.failed": "refund_failed",
}
STATUSES: dict[str, EventKind] = {
    "authorised": "authorised",
    "captured": "captured",
    "partly_captured": "captured",
    "partly_refunded": "captured",
    "refunded": "captured",
    "failed": "failed",
    "voided": "voided",
    "expired": "expired",
}


class SandboxAccount(msgspec.Struct, frozen=True):
    """A merchant's account at the sandbox."""

    slug: str
    secret: str
    webhook_secret: str
    name: str = ""


def _read_row(line: dict[str, Any]) -> StatementRow:
    return StatementRow(
        str(line["position"]),
        "refund" if line["kind"] == "refund" else "capture",
        line["reference"],
        line["payment_id"],
        line["refund_reference"] or "",
        line["amount_minor"],
        0,
        line["currency"],
        datetime.fromisoformat(line["at"]),
    )


def _read_moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class SandboxProvider:
    """A :class:`~serai.commerce.types.PaymentProvider`.

    Args:
        base_url: where the sandbox answers.
        accounts: each merchant's account.
        timeout_s: how long it may take to answer.
    """

    name = NAME
    can_hold = True
    day_offset_h = 0

    def __init__(self, base_url: str, accounts: Mapping[UUID, SandboxAccount], timeout_s: float) -> None:
        self._accounts = accounts
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout_s, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(
        self,
        merchant_id: UUID,
        method: str,
        path: str,
        *,
        body: Any = None,
        key: str | None = None,
        **more: Any,
    ) -> tuple[int, dict[str, Any]]:
        account = self._account(merchant_id)
        headers = {"authorization": f"Bearer {account.secret}"}
        if key:
            headers["idempotency-key"] = key
        try:
            answer = await self._client.request(method, path, json=body, headers=headers, **more)
        except httpx.HTTPError as error:
            raise Outside(NAME, f"{type(error).__name__}: {error}") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Outside(NAME, f"answered {answer.status_code}")
        try:
            content = answer.json()
        except ValueError as error:
            raise Outside(NAME, "answered something that is not JSON") from error
        if not isinstance(content, dict):
            raise Outside(NAME, "answered something that is no object")
        return answer.status_code, content

    def _account(self, merchant_id: UUID) -> SandboxAccount:
        account = self._accounts.get(merchant_id)
        if account is None:
            raise Outside(NAME, "this merchant has no account there", retryable=False)
        return account

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        body = {
            "reference": str(request.intent_id),
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "return_url": request.return_url,
            "webhook_url": request.webhook_url,
            "description": request.description,
            "locale": request.locale,
            "capture": request.capture,
            "lines": [
                {"title": title[:300], "amount_minor": amount, "quantity": quantity}
                for title, amount, quantity in request.lines
            ],
        }
        status, content = await self._call(
            merchant_id, "POST", "/v1/payments", body=body, key=str(request.intent_id)
        )
        if status not in (200, 201):
            raise Outside(NAME, f"refused the payment: {content}", retryable=False)
        return self._payment(content)

    def _payment(self, content: dict[str, Any]) -> ProviderPayment:
        event = self._snapshot_event(content)
        payable = content["status"] in ("created", "requires_action")
        return ProviderPayment(
            content["payment_id"], content["pay_url"] if payable else None, (event,) if event else ()
        )

    def _snapshot_event(self, content: dict[str, Any]) -> ProviderEvent | None:
        """What a payment's present state tells, as an event whose id is the same for the same state."""
        kind = STATUSES.get(content["status"])
        if kind is None:
            return None
        amount = content["captured_minor"] if kind == "captured" else content["authorised_minor"]
        event_id = f"state:{content['payment_id']}:{kind}:{amount}"
        return ProviderEvent(
            NAME,
            event_id,
            kind,
            UUID(content["reference"]),
            content["payment_id"],
            amount,
            content["amount_minor"],
            content["currency"],
            {"status": content["status"]},
            expires_at=_read_moment(content.get("authorised_until")),
        )

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        status, content = await self._call(
            merchant_id, "GET", "/v1/payments", params={"reference": str(intent_id)}
        )
        if status != 200:
            raise Outside(NAME, f"answered {status}")
        payments = content["payments"]
        return self._payment(payments[0]) if payments else None

    async def charge_token(
        self, merchant_id: UUID, provider_payment_id: str, *, kind: str, token: str
    ) -> ProviderPayment:
        body = {"card_number" if kind == "card" else "token": token}
        path = f"/v1/payments/{provider_payment_id}/confirm"
        status, content = await self._call(merchant_id, "POST", path, body=body)
        if status == 422:
            raise Invalid("payment.token_refused", _("This means of payment is not accepted."), field="token")
        if status != 200:
            raise Outside(NAME, f"did not take the token: {status}", retryable=False)
        return self._payment(content)

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        status, content = await self._call(merchant_id, "POST", f"/v1/payments/{provider_payment_id}/void")
        if status != 200:
            raise Outside(NAME, f"did not stop the payment: {content}", retryable=False)

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        status, _content = await self._call(
            merchant_id,
            "POST",
            f"/v1/payments/{provider_payment_id}/capture",
            body={"amount_minor": amount_minor},
            key=str(capture_id),
        )
        return "done" if status == 200 else "failed"

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        status, content = await self._call(
            merchant_id,
            "POST",
            f"/v1/payments/{provider_payment_id}/refunds",
            body={"amount_minor": amount_minor, "reference": str(refund_id)},
            key=str(refund_id),
        )
        if status not in (200, 201):
            return "failed"
        answers: dict[str, Literal["done", "pending", "failed"]] = {"succeeded": "done", "failed": "failed"}
        return answers.get(content["status"], "pending")

    async def load_statement(self, merchant_id: UUID, day: date) -> tuple[StatementRow, ...]:
        rows: list[StatementRow] = []
        after, has_more = 0, True
        while has_more and len(rows) < STATEMENT_ROWS:
            query = {"date": day.isoformat(), "after": str(after)}
            status, content = await self._call(merchant_id, "GET", "/v1/statement", params=query)
            if status != 200:
                raise Outside(NAME, f"answered {status}")
            rows += [_read_row(line) for line in content["lines"]]
            after, has_more = content["next_after"], content["has_more"]
        return tuple(rows)

    async def read_webhook(self, merchant_id: UUID, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        self._check_signature(self._account(merchant_id), headers.get("sandbox-signature", ""), body)
        try:
            content = msgspec.json.decode(body, type=dict[str, Any])
            payment, refund = content["payment"], content.get("refund")
            kind = KINDS.get(content["type"], "other")
            amounts = {
                "captured": payment["captured_minor"],
                "refunded": payment["refunded_minor"],
                "refund_failed": refund["amount_minor"] if refund else 0,
            }
            return ProviderEvent(
                NAME,
                content["event_id"],
                kind,
                UUID(payment["reference"]),
                payment["payment_id"],
                amounts.get(kind, payment["authorised_minor"]),
                payment["amount_minor"],
                payment["currency"],
                {"type": content["type"], "sequence": content["sequence"], "status": payment["status"]},
                UUID(refund["reference"]) if refund else None,
                _read_moment(payment.get("authorised_until")),
            )
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise Invalid("webhook.malformed", _("This message cannot be read.")) from error

    def _check_signature(self, account: SandboxAccount, signature: str, body: bytes) -> None:
        """HMAC-SHA256 of ``<unix seconds>.<body>`` with the account's webhook secret, not older than ten minutes."""
        parts = dict(part.partition("=")[::2] for part in signature.split(","))
        at, given = parts.get("t", ""), parts.get("v1", "")
        content = at.encode() + b"." + body
        expected = hmac.new(account.webhook_secret.encode(), content, hashlib.sha256).hexdigest()
        genuine = hmac.compare_digest(expected.encode(), given.encode())
        if (
            not genuine
            or not at.isascii()
            or not at.isdecimal()
            or abs(time.time() - int(at)) > SIGNATURE_AGE_S
        ):
            raise Unauthorised("webhook.forged", _("The signature of this message is not right."))
