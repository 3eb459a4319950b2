"""Stripe: hosted Checkout Sessions through its own library; webhooks by HMAC; refunds and parts of held money
known by their metadata.

A session is one line over the whole amount: rows that take something off, and quantities that do not divide, have no
place among Stripe's lines. Its idempotency keys live for a day, so a refund is looked for before it is made.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import stripe
from stripe.params import PaymentIntentCaptureParams

from serai.commerce.payway.adapter import RefundAnswer, forged, malformed
from serai.commerce.payway.logic import to_stripe
from serai.commerce.payway.read_stripe import (
    NAME,
    REFUND_ANSWERS,
    count_taken,
    is_held,
    read_event,
    read_intent,
    read_payment,
    read_transaction,
    takes_parts,
)
from serai.commerce.payway.types import StripeAccount
from serai.commerce.types import PaymentRequest, ProviderEvent, ProviderPayment, StatementRow
from serai.foundation.errors import Outside

SIGNATURE_AGE_S = 300
DAY_S = 86_400
STATEMENT_ROWS = 200_000
LOCALES = {"zh_Hans": "zh", "zh_Hant": "zh-TW"}
SESSION_PREFIX = "cs_"
# Asked for with every hold; whether it is given is told by the charge.
PARTS: Any = {"payment_method_options": {"card": {"request_multicapture": "if_available"}}}
# Nothing about our host or timing is sent along.
stripe.enable_telemetry = False


class StripeAdapter:
    """See :class:`~serai.commerce.payway.adapter.Adapter`. ``provider_payment_id`` is a session's id, or an intent's."""

    def __init__(self, account: StripeAccount, base_url: str, timeout_s: float) -> None:
        self._account = account
        self._http = stripe.HTTPXClient(timeout=timeout_s)
        self._client = stripe.StripeClient(
            account.secret_key,
            base_addresses={"api": base_url.rstrip("/")},
            http_client=self._http,
            max_network_retries=0,
        ).v1

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the library has no types here

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        reference = str(request.intent_id)
        named = {"intent_id": reference}
        holds = request.capture == "manual"
        try:
            amount = to_stripe(request.amount_minor, request.currency)
        except ValueError as error:
            raise Outside(NAME, str(error), retryable=False) from error
        with _speaking():
            session = await self._client.checkout.sessions.create_async(
                {
                    "mode": "payment",
                    "client_reference_id": reference,
                    "metadata": {**named, "capture": "manual"} if holds else named,
                    "payment_intent_data": {
                        "metadata": named,
                        "description": request.description[:500],
                        "capture_method": "manual" if holds else "automatic",
                    },
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": request.currency.lower(),
                                "unit_amount": amount,
                                "product_data": {"name": request.description[:250] or reference},
                            },
                        }
                    ],
                    "success_url": request.return_url,
                    "cancel_url": request.return_url,
                    "locale": LOCALES.get(request.locale, "en"),
                    **(PARTS if holds else {}),
                },
                {"idempotency_key": reference},
            )
            headers = getattr(session.last_response, "headers", {})
            if "true" in (headers.get("Idempotent-Replayed"), headers.get("idempotent-replayed")):
                # A replayed answer tells how the session stood when it was made.
                session = await self._client.checkout.sessions.retrieve_async(session.id)
            return read_payment(_content(session))

    async def load(self, intent_id: UUID, provider_payment_id: str | None) -> ProviderPayment | None:
        # Without a session's id its answer was lost, and with it the only address where somebody could pay.
        if provider_payment_id is None:
            return None
        with _speaking():
            try:
                if provider_payment_id.startswith(SESSION_PREFIX):
                    session = _content(
                        await self._client.checkout.sessions.retrieve_async(provider_payment_id)
                    )
                    named = session.get("payment_intent")
                    held = await self._load_intent(named) if named and is_held(session) else None
                    return read_payment(session, held)
                intent = await self._load_intent(provider_payment_id)
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise
            event = read_intent(intent, "")
            return ProviderPayment(provider_payment_id, None, (event,) if event else ())

    async def _load_intent(self, intent_id: str) -> dict[str, Any]:
        """An intent with its charge, which knows how long money is held and whether it is taken in parts."""
        found = await self._client.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
        return _content(found)

    async def _find_intent(self, provider_payment_id: str) -> str:
        """The intent of a payment. KeyError and TypeError when it has none (yet)."""
        if not provider_payment_id.startswith(SESSION_PREFIX):
            return provider_payment_id
        session = _content(await self._client.checkout.sessions.retrieve_async(provider_payment_id))
        intent_id = session["payment_intent"]
        if not isinstance(intent_id, str):
            raise TypeError(provider_payment_id)
        return intent_id

    async def void(self, provider_payment_id: str) -> None:
        with _speaking():
            if provider_payment_id.startswith(SESSION_PREFIX):
                try:
                    await self._client.checkout.sessions.expire_async(provider_payment_id)
                    return
                except stripe.InvalidRequestError as error:
                    # Nobody pays any more on a page that is over; what it holds is let go.
                    if error.http_status != 400:
                        raise
            intent_id = await self._find_intent(provider_payment_id)
            try:
                await self._client.payment_intents.cancel_async(intent_id)
            except stripe.InvalidRequestError:
                intent = await self._load_intent(intent_id)
                is_over = intent["status"] == "succeeded" and intent.get("capture_method") == "manual"
                if not is_over and intent["status"] != "canceled":
                    raise

    async def capture(self, provider_payment_id: str, capture_id: UUID, amount_minor: int) -> RefundAnswer:
        """Take part of what is held. Money that is taken in parts remembers its last one, since keys are forgotten."""
        with _speaking():
            intent = await self._load_intent(await self._find_intent(provider_payment_id))
            amount = to_stripe(amount_minor, intent["currency"].upper())
            before, named = count_taken(intent), intent.get("metadata") or {}
            if named.get("capture_id") == str(capture_id):
                return "done" if before - int(named["captured_before"]) == amount else "failed"
            if intent["status"] != "requires_capture":
                return "done" if intent["status"] == "succeeded" and before == amount else "failed"
            asked: PaymentIntentCaptureParams = {"amount_to_capture": amount}
            if takes_parts(intent):
                asked["final_capture"] = amount >= intent["amount_capturable"]
                asked["metadata"] = {"capture_id": str(capture_id), "captured_before": str(before)}
            try:
                taken = _content(
                    await self._client.payment_intents.capture_async(
                        intent["id"], asked, {"idempotency_key": str(capture_id)}
                    )
                )
            except (stripe.InvalidRequestError, stripe.CardError) as error:
                if error.http_status in (400, 402):
                    return "failed"
                raise
            return "done" if taken.get("amount_received", before + amount) == before + amount else "failed"

    async def refund(self, provider_payment_id: str, refund_id: UUID, amount_minor: int) -> RefundAnswer:
        with _speaking():
            payment = await self._find_intent(provider_payment_id)
            intent = _content(await self._client.payment_intents.retrieve_async(payment))
            refund = await self._find_refund(payment, refund_id)
            if refund is None:
                refund = await self._make_refund(intent, refund_id, amount_minor)
            if refund is not None and refund["status"] not in REFUND_ANSWERS:
                refund = _content(await self._client.refunds.retrieve_async(refund["id"]))
            return "failed" if refund is None else REFUND_ANSWERS.get(refund["status"], "pending")

    async def _make_refund(
        self, intent: dict[str, Any], refund_id: UUID, amount_minor: int
    ) -> dict[str, Any] | None:
        """A new refund; None when Stripe refuses it for good."""
        named = {
            "refund_id": str(refund_id),
            "intent_id": (intent.get("metadata") or {}).get("intent_id", ""),
        }
        try:
            made = await self._client.refunds.create_async(
                {
                    "payment_intent": intent["id"],
                    "amount": to_stripe(amount_minor, intent["currency"].upper()),
                    "metadata": named,
                },
                {"idempotency_key": str(refund_id)},
            )
        except (stripe.InvalidRequestError, stripe.CardError) as error:
            if error.http_status in (400, 402):
                return None
            raise
        return _content(made)

    async def _find_refund(self, payment: str, refund_id: UUID) -> dict[str, Any] | None:
        """A refund that was made already: a key that the provider has forgotten must not make it twice."""
        page = await self._client.refunds.list_async({"payment_intent": payment, "limit": 100})
        async for each in page.auto_paging_iter():
            found = _content(each)
            if (found.get("metadata") or {}).get("refund_id") == str(refund_id):
                return found
        return None

    async def statement(self, day: date) -> tuple[StatementRow, ...]:
        """A day's balance transactions (UTC), page by page, oldest first."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        rows: list[StatementRow] = []
        with _speaking():
            page = await self._client.balance_transactions.list_async(
                {
                    "created": {"gte": start, "lt": start + DAY_S},
                    "limit": 100,
                    "expand": ["data.source"],
                }
            )
            async for each in page.auto_paging_iter():
                rows.append(read_transaction(_content(each)))
                if len(rows) > STATEMENT_ROWS:
                    raise Outside(NAME, "told more movements than can be kept", retryable=False)
        return tuple(reversed(rows))

    async def read(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent | None:
        header = headers.get("stripe-signature", "")
        try:
            stripe.WebhookSignature.verify_header(
                body.decode(), header, self._account.webhook_secret, SIGNATURE_AGE_S
            )
            at = next(int(part[2:]) for part in header.split(",") if part.startswith("t="))
        except (stripe.SignatureVerificationError, ValueError, TypeError, StopIteration) as error:
            raise forged() from error
        if at > time.time() + SIGNATURE_AGE_S:
            raise forged()
        try:
            content = msgspec.json.decode(body, type=dict[str, Any])
            told = read_event(content["id"], content["type"], content["data"]["object"])
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise malformed() from error
        if told is None or told.expires_at is None:
            return told
        # A message does not tell how long money is held and whether it may be taken in parts.
        with _speaking():
            return read_intent(await self._load_intent(told.provider_payment_id), told.event_id)


@contextmanager
def _speaking() -> Iterator[None]:
    """Turns what a call can end in into ``Outside``. The library itself stumbles over answers that are not in form."""
    try:
        yield
    except stripe.StripeError as error:
        raise _outside(error) from error
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise Outside(NAME, f"answered something unreadable: {type(error).__name__}") from error


def _content(found: stripe.StripeObject) -> dict[str, Any]:
    content: dict[str, Any] = found.to_dict()
    return content


def _outside(error: stripe.StripeError) -> Outside:
    status = error.http_status or 0
    # The library's own words may quote what was sent; the class and Stripe's code say enough.
    retryable = isinstance(error, (stripe.APIConnectionError, stripe.RateLimitError)) or status >= 500
    return Outside(
        NAME, f"{type(error).__name__} {status or ''} {error.code or ''}".strip(), retryable=retryable
    )
