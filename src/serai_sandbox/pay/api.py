"""The provider's JSON API under /v1: payments, refunds, events, the statement.
Errors are {"error": {"code", "message"}}."""

import datetime as dt
import hashlib
import re
from typing import Any, TypeVar

import msgspec
from litestar import Response, get, post

from serai_sandbox.pay.account import Account
from serai_sandbox.pay.answer import AnyRequest, AnyResponse, Sandbox, Subject, answer_command
from serai_sandbox.pay.payment import (
    capture_payment,
    create_payment,
    refund_payment,
    void_payment,
)
from serai_sandbox.pay.refusal import Refusal, refuse_unknown_payment
from serai_sandbox.pay.types import (
    CapturePayment,
    CreatePayment,
    Payment,
    RefundPayment,
    format_time,
    render_refund,
)

Body = TypeVar("Body", bound=msgspec.Struct)

# Room for 200 lines with long Chinese titles.
BODY_LIMIT_BYTES = 256 * 1024
DISCARD_LIMIT_BYTES = 1024 * 1024
PAGE_LIMIT = 500
REFERENCE_LIMIT = 100


def find_sandbox(request: AnyRequest) -> Sandbox:
    """Return what the application shares with its handlers."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


def authenticate(request: AnyRequest) -> Account:
    """Return the account whose secret the request carries; raises Refusal 401."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    account = None
    if scheme.lower() == "bearer" and secret.strip():
        account = find_sandbox(request).accounts.find_by_secret(secret.strip())
    if account is None:
        raise Refusal(401, "unauthorised", "Send Authorization: Bearer and the secret of an account.")
    return account


async def read_raw(request: AnyRequest) -> bytes:
    """Return the body; raises Refusal 413 past the limit.

    What is too large is read on and thrown away up to a second limit, since a client that is still sending when the
    answer comes may see a broken connection instead of it.
    """
    raw, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= BODY_LIMIT_BYTES:
            raw += chunk
        elif size > DISCARD_LIMIT_BYTES:
            break
    if size > BODY_LIMIT_BYTES:
        raise Refusal(
            413, "body_too_large", f"A body may have {BODY_LIMIT_BYTES} bytes.", limit_bytes=BODY_LIMIT_BYTES
        )
    return bytes(raw)


async def read_body(request: AnyRequest, kind: type[Body], *, may_be_empty: bool = False) -> Body:
    """Decode the JSON body; raises Refusal 400 for what is not JSON and 422 for what does not fit, naming the field."""
    raw = await read_raw(request)
    if may_be_empty and not raw.strip():
        raw = b"{}"
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        found = re.search(r" - at `\$\.?(.*)`$", str(error))
        message = str(error).partition(" - at ")[0]
        raise Refusal(422, "body_invalid", message + ".", field=found.group(1) if found else "") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, "body_malformed", f"The body is not JSON: {error}.") from error


def load_payment(sandbox: Sandbox, account: Account, payment_id: str) -> Payment:
    """Return the account's payment; raises Refusal 404."""
    payment = sandbox.books.store.find_payment(payment_id)
    if payment is None or payment.account != account.slug:
        raise refuse_unknown_payment()
    return payment


def respond(content: dict[str, Any], status: int = 200) -> AnyResponse:
    """Return a JSON response."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")


def fail(status: int, code: str, message: str) -> AnyResponse:
    """Return an error in the API's form."""
    return respond(Refusal(status, code, message).to_body(), status)


def read_key(request: AnyRequest) -> str:
    """Return the Idempotency-Key every command that moves money must carry; raises Refusal 400."""
    key = request.headers.get("idempotency-key", "")
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise Refusal(400, "idempotency_key", "Send an Idempotency-Key of 1 to 255 visible ASCII characters.")
    return key


def read_number(request: AnyRequest, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number of the query; raises Refusal 422 outside least..most."""
    text = request.query_params.get(name, str(default))
    if not re.fullmatch(r"\d{1,18}", text) or not least <= int(text) <= most:
        raise Refusal(422, "query_invalid", f"{name} is a whole number from {least} to {most}.", field=name)
    return int(text)


def find_replay(sandbox: Sandbox, account: Account, key: str, fingerprint: str) -> str | None:
    """Return the id of what this key has already made, or None; raises Refusal 422 if it was used for anything else."""
    known = sandbox.books.store.find_idempotency(account.slug, key)
    if known is None:
        return None
    if known[0] != fingerprint:
        raise Refusal(422, "idempotency_key_reused", "This Idempotency-Key was used for another request.")
    return known[1]


def fingerprint_request(path: str, body: msgspec.Struct) -> str:
    """Return a digest of what is asked for; the order of fields and spaces in the JSON make no difference."""
    return hashlib.sha256(path.encode() + b"\n" + msgspec.json.encode(body)).hexdigest()


@post("/v1/payments")
async def post_payment(request: AnyRequest) -> AnyResponse:
    """Create a payment, or return the one already made with this key."""
    sandbox, account = find_sandbox(request), authenticate(request)
    key = read_key(request)
    body = await read_body(request, CreatePayment)
    fingerprint = fingerprint_request("/v1/payments", body)
    store = sandbox.books.store

    def work(now_ms: int) -> AnyResponse:
        with store.transact():
            payment_id = find_replay(sandbox, account, key, fingerprint)
            if payment_id is not None:
                return respond(sandbox.books.render(load_payment(sandbox, account, payment_id)))
            payment = create_payment(sandbox.books, account.slug, body, now_ms)
            store.insert_idempotency(account.slug, key, fingerprint, payment.payment_id)
        return respond(sandbox.books.render(payment), 201)

    subject = Subject(account.slug, "create", reference=body.reference)
    return await answer_command(sandbox, subject, work, fail)


@get("/v1/payments")
async def list_payments(request: AnyRequest) -> AnyResponse:
    """List the payments of one merchant reference, newest first."""
    sandbox, account = find_sandbox(request), authenticate(request)
    reference = request.query_params.get("reference", "")
    if not reference:
        raise Refusal(422, "query_invalid", "Name the reference to look for.", field="reference")

    def work(now_ms: int) -> AnyResponse:
        found = sandbox.books.store.list_payments_of_reference(account.slug, reference, REFERENCE_LIMIT)
        return respond({"payments": [sandbox.books.render(payment) for payment in found]})

    return await answer_command(sandbox, Subject(account.slug, "read", reference=reference), work, fail)


@get("/v1/payments/{payment_id:str}")
async def get_payment(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Show one payment."""
    sandbox, account = find_sandbox(request), authenticate(request)
    payment = load_payment(sandbox, account, payment_id)

    def work(now_ms: int) -> AnyResponse:
        return respond(sandbox.books.render(load_payment(sandbox, account, payment_id)))

    return await answer_command(sandbox, _subject("read", payment), work, fail)


@post("/v1/payments/{payment_id:str}/capture", status_code=200)
async def post_capture(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Capture a part or all of what is held."""
    sandbox, account = find_sandbox(request), authenticate(request)
    payment, key = load_payment(sandbox, account, payment_id), read_key(request)
    body = await read_body(request, CapturePayment, may_be_empty=True)
    fingerprint = fingerprint_request(f"/v1/payments/{payment_id}/capture", body)

    def work(now_ms: int) -> AnyResponse:
        with sandbox.books.store.transact():
            payment = load_payment(sandbox, account, payment_id)
            if find_replay(sandbox, account, key, fingerprint) is None:
                payment = capture_payment(sandbox.books, payment, body, now_ms)
                sandbox.books.store.insert_idempotency(account.slug, key, fingerprint, payment_id)
        return respond(sandbox.books.render(payment))

    return await answer_command(sandbox, _subject("capture", payment), work, fail)


@post("/v1/payments/{payment_id:str}/void", status_code=200)
async def post_void(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Cancel an unpaid payment or release what is held. Repeatable, so no key is needed."""
    sandbox, account = find_sandbox(request), authenticate(request)
    payment = load_payment(sandbox, account, payment_id)

    def work(now_ms: int) -> AnyResponse:
        with sandbox.books.store.transact():
            payment = void_payment(sandbox.books, load_payment(sandbox, account, payment_id), now_ms)
        return respond(sandbox.books.render(payment))

    return await answer_command(sandbox, _subject("void", payment), work, fail)


@post("/v1/payments/{payment_id:str}/refunds")
async def post_refund(request: AnyRequest, payment_id: str) -> AnyResponse:
    """Refund a part or all of what was captured."""
    sandbox, account = find_sandbox(request), authenticate(request)
    payment, key = load_payment(sandbox, account, payment_id), read_key(request)
    body = await read_body(request, RefundPayment)
    fingerprint = fingerprint_request(f"/v1/payments/{payment_id}/refunds", body)
    store = sandbox.books.store

    def work(now_ms: int) -> AnyResponse:
        with store.transact():
            payment = load_payment(sandbox, account, payment_id)
            refund_id = find_replay(sandbox, account, key, fingerprint)
            if refund_id is not None:
                refund = store.find_refund(refund_id)
                assert refund is not None, "a key is stored together with its refund"
                return respond(render_refund(refund, payment.currency))
            made = refund_payment(sandbox.books, payment, body, now_ms)
            if isinstance(made, Refusal):
                return respond(made.to_body(), made.status)
            store.insert_idempotency(account.slug, key, fingerprint, made.refund_id)
        return respond(render_refund(made, payment.currency), 201)

    return await answer_command(sandbox, _subject("refund", payment), work, fail)


def _subject(operation: Any, payment: Payment) -> Subject:
    return Subject(payment.account, operation, payment.payment_id, payment.reference)


@get("/v1/events")
async def list_events(request: AnyRequest) -> AnyResponse:
    """List events after a position, for merchants that missed webhooks."""
    sandbox, account = find_sandbox(request), authenticate(request)
    after = read_number(request, "after", 0, 0, 2**62)
    limit = read_number(request, "limit", 100, 1, PAGE_LIMIT)

    def work(now_ms: int) -> AnyResponse:
        events = sandbox.books.store.list_events(account.slug, after, limit + 1)
        page = events[:limit]
        shown = [{"position": event.position, **msgspec.json.decode(event.body)} for event in page]
        next_after = page[-1].position if page else after
        return respond({"events": shown, "next_after": next_after, "has_more": len(events) > limit})

    return await answer_command(sandbox, Subject(account.slug, "read"), work, fail)


@get("/v1/statement")
async def get_statement(request: AnyRequest) -> AnyResponse:
    """Show what moved on one day (UTC): totals per currency and a page of lines."""
    sandbox, account = find_sandbox(request), authenticate(request)
    text = request.query_params.get("date", "")
    after = read_number(request, "after", 0, 0, 2**62)
    limit = read_number(request, "limit", PAGE_LIMIT, 1, PAGE_LIMIT)
    try:
        start = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise Refusal(422, "query_invalid", "date is a day in UTC, as 2026-01-31.", field="date") from error
    from_ms = int(start.timestamp() * 1000)
    until_ms = from_ms + 24 * 3600 * 1000

    def work(now_ms: int) -> AnyResponse:
        store = sandbox.books.store
        found = store.list_movements(account.slug, from_ms, until_ms, after, limit + 1)
        lines = [{**line, "at": format_time(line["at_ms"])} for line in found[:limit]]
        for line in lines:
            del line["at_ms"]
        totals = store.sum_movements(account.slug, from_ms, until_ms)
        for total in totals:
            total["net_minor"] = total["captured_minor"] - total["refunded_minor"]
        return respond(
            {
                "date": text,
                "totals": totals,
                "lines": lines,
                "next_after": lines[-1]["position"] if lines else after,
                "has_more": len(found) > limit,
            }
        )

    return await answer_command(sandbox, Subject(account.slug, "read"), work, fail)


HANDLERS = [
    post_payment,
    list_payments,
    get_payment,
    post_capture,
    post_void,
    post_refund,
    list_events,
    get_statement,
]
