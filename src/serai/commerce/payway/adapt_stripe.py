"""Stripe: hosted Checkout Sessions through its own library; webhooks by HMAC; refunds known by their metadata.

A session is one line over the whole amount: rows that take something off, and quantities that do not divide, have no
place among Stripe's lines. Its idempotency keys live for a day, so a refund is looked for before it is made.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
import stripe

from serai.commerce.payway.adapter import RefundAnswer, find_uuid, forged, malformed, tell
from serai.commerce.payway.logic import from_stripe, to_stripe
from serai.commerce.payway.types import StripeAccount
from serai.commerce.types import EventKind, PaymentRequest, ProviderEvent, ProviderPayment
from serai.foundation.errors import Outside

NAME = "stripe"
SIGNATURE_AGE_S = 300
LOCALES = {"zh_Hans": "zh", "zh_Hant": "zh-TW"}
SESSION_PREFIX = "cs_"
REFUND_ANSWERS: dict[str, RefundAnswer] = {"succeeded": "done", "failed": "failed", "canceled": "failed"}
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
        try:
            amount = to_stripe(request.amount_minor, request.currency)
        except ValueError as error:
            raise Outside(NAME, str(error), retryable=False) from error
        with _speaking():
            session = await self._client.checkout.sessions.create_async(
                {
                    "mode": "payment",
                    "client_reference_id": reference,
                    "metadata": named,
                    "payment_intent_data": {"metadata": named, "description": request.description[:500]},
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
                },
                {"idempotency_key": reference},
            )
            headers = getattr(session.last_response, "headers", {})
            if "true" in (headers.get("Idempotent-Replayed"), headers.get("idempotent-replayed")):
                # A replayed answer tells how the session stood when it was made.
                session = await self._client.checkout.sessions.retrieve_async(session.id)
            return _read_session(_content(session))

    async def load(self, intent_id: UUID, provider_payment_id: str | None) -> ProviderPayment | None:
        # Without a session's id its answer was lost, and with it the only address where somebody could pay.
        if provider_payment_id is None:
            return None
        with _speaking():
            try:
                if provider_payment_id.startswith(SESSION_PREFIX):
                    session = await self._client.checkout.sessions.retrieve_async(provider_payment_id)
                    return _read_session(_content(session))
                intent = await self._client.payment_intents.retrieve_async(provider_payment_id)
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise
            event = _read_intent(_content(intent), "")
            return ProviderPayment(provider_payment_id, None, (event,) if event else ())

    async def void(self, provider_payment_id: str) -> None:
        with _speaking():
            if provider_payment_id.startswith(SESSION_PREFIX):
                await self._client.checkout.sessions.expire_async(provider_payment_id)
            else:
                await self._client.payment_intents.cancel_async(provider_payment_id)

    async def refund(self, provider_payment_id: str, refund_id: UUID, amount_minor: int) -> RefundAnswer:
        with _speaking():
            payment = provider_payment_id
            if payment.startswith(SESSION_PREFIX):
                session = _content(await self._client.checkout.sessions.retrieve_async(payment))
                payment = session["payment_intent"]
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
            return _read_event(content["id"], content["type"], content["data"]["object"])
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise malformed() from error


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


def _read_session(session: dict[str, Any]) -> ProviderPayment:
    """A session as a payment: open with its address, or with what it came to."""
    event = _read_paid_session(session, "")
    pay_url = session.get("url") if session.get("status") == "open" else None
    return ProviderPayment(session["id"], pay_url, (event,) if event else ())


def _read_paid_session(session: dict[str, Any], event_id: str) -> ProviderEvent | None:
    reference = find_uuid(session.get("client_reference_id"))
    if reference is None:
        return None
    kind: EventKind | None = None
    if session["payment_status"] == "paid":
        kind = "captured"
    elif session["status"] == "expired":
        kind = "expired"
    if kind is None:
        return None
    currency = session["currency"].upper()
    amount = from_stripe(session["amount_total"], currency)
    return tell(NAME, kind, reference, session["id"], amount, currency, event_id=event_id)


def _read_intent(intent: dict[str, Any], event_id: str) -> ProviderEvent | None:
    """A payment intent's end. A decline is none: on Stripe's page the shopper goes on with another card."""
    reference = find_uuid((intent.get("metadata") or {}).get("intent_id"))
    kinds: dict[str, EventKind] = {
        "succeeded": "captured",
        "canceled": "voided",
        "requires_capture": "authorised",
    }
    kind = kinds.get(intent["status"])
    if reference is None or kind is None:
        return None
    currency = intent["currency"].upper()
    whole = from_stripe(intent["amount"], currency)
    amount = (
        from_stripe(intent.get("amount_received", intent["amount"]), currency)
        if kind == "captured"
        else whole
    )
    return tell(NAME, kind, reference, intent["id"], amount, currency, event_id=event_id, payment_minor=whole)


def _read_event(event_id: str, what: str, content: dict[str, Any]) -> ProviderEvent | None:
    match what:
        case (
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.expired"
        ):
            return _read_paid_session(content, event_id)
        case (
            "payment_intent.succeeded"
            | "payment_intent.canceled"
            | "payment_intent.amount_capturable_updated"
        ):
            return _read_intent(content, event_id)
        case "checkout.session.async_payment_failed":
            reference = find_uuid(content.get("client_reference_id"))
            return (
                tell(NAME, "failed", reference, content["id"], 0, "", event_id=event_id)
                if reference
                else None
            )
        case "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated":
            return _read_refund(content)
    return None


def _read_refund(refund: dict[str, Any]) -> ProviderEvent | None:
    named = refund.get("metadata") or {}
    reference, refund_id = find_uuid(named.get("intent_id")), find_uuid(named.get("refund_id"))
    answer = REFUND_ANSWERS.get(refund["status"])
    if reference is None or refund_id is None or answer is None:
        return None
    currency = refund["currency"].upper()
    return tell(
        NAME,
        "part_refunded" if answer == "done" else "refund_failed",
        reference,
        str(refund.get("payment_intent") or ""),
        from_stripe(refund["amount"], currency),
        currency,
        event_id=f"{refund['id']}:{answer}",
        refund_reference=refund_id,
    )
