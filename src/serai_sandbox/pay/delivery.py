"""The postman: signs due messages and brings them to the merchant's webhook, again with back-off until it answers 2xx.
The same loop finishes late refunds and expires unpaid payments."""

import asyncio
import contextlib
import functools
import hashlib
import hmac
import itertools
import logging
import secrets
import time
from dataclasses import dataclass

import httpx

from serai_sandbox.pay.account import AccountBook
from serai_sandbox.pay.loopback import resolve_loopback_url
from serai_sandbox.pay.payment import Books, sweep_due
from serai_sandbox.pay.types import Delivery

log = logging.getLogger("serai_sandbox.pay")

BATCH_LIMIT = 200
IN_FLIGHT_LIMIT = 16
REST_MIN_S = 0.05
REST_MAX_S = 1.0
BACKOFF_LIMIT_MS = 60_000


@dataclass(frozen=True)
class PostmanSettings:
    """How patient the postman is."""

    attempt_limit: int = 8
    backoff_ms: int = 500
    timeout_ms: int = 10_000


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def sign_body(secret: str, body: bytes, at_s: int) -> str:
    """Return the value of the Sandbox-Signature header: HMAC-SHA256 over "<unix seconds>.<body>"."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


class Postman:
    """Runs as one task. Messages of one payment leave in order, copies of one message at the same moment."""

    def __init__(self, books: Books, accounts: AccountBook, settings: PostmanSettings) -> None:
        self._books = books
        self._accounts = accounts
        self._settings = settings
        self._wake = asyncio.Event()
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._client = httpx.AsyncClient(
            timeout=settings.timeout_ms / 1000,
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "sandbox-pay"},
        )

    def wake(self) -> None:
        """Look for work at once: something has just been recorded."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what is under way then is delivered again after the next start."""
        try:
            while True:
                self._wake.clear()
                try:
                    sweep_due(self._books, now_ms())
                    self._send_due()
                except Exception:
                    # One bad row must not end all webhooks: say it and go on with the rest.
                    log.exception("looking for due work failed")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._find_rest_s())
        finally:
            for task in self._in_flight.values():
                task.cancel()
            await asyncio.gather(*self._in_flight.values(), return_exceptions=True)
            await self._client.aclose()

    def _find_rest_s(self) -> float:
        next_due_ms = self._books.store.find_next_due_ms()
        if next_due_ms is None:
            return REST_MAX_S
        return min(REST_MAX_S, max(REST_MIN_S, (next_due_ms - now_ms()) / 1000))

    def _send_due(self) -> None:
        due = self._books.store.list_due_deliveries(now_ms(), BATCH_LIMIT)
        for payment_id, group in itertools.groupby(
            sorted(due, key=lambda item: item.payment_id), key=lambda item: item.payment_id
        ):
            if payment_id in self._in_flight:
                continue
            if len(self._in_flight) >= IN_FLIGHT_LIMIT:
                return
            # The sort is stable: the first of the group is the earliest due, its copies are those of the same event.
            batch = list(group)
            copies = [item for item in batch if item.event_id == batch[0].event_id]
            task = asyncio.create_task(self._send_copies(copies))
            self._in_flight[payment_id] = task
            task.add_done_callback(functools.partial(self._land, payment_id))

    def _land(self, payment_id: str, task: asyncio.Task[None]) -> None:
        del self._in_flight[payment_id]
        self.wake()
        if not task.cancelled() and task.exception() is not None:
            log.error("a webhook could not be sent", exc_info=task.exception())

    async def _send_copies(self, copies: list[Delivery]) -> None:
        await asyncio.gather(*(self._send(delivery) for delivery in copies))

    async def _send(self, delivery: Delivery) -> None:
        account = self._accounts.find_by_slug(delivery.account)
        if account is None:
            delivery.state, delivery.answer_error = (
                "given_up",
                "the account is no longer among those given at start",
            )
            self._books.store.update_delivery(delivery)
            return
        secret = secrets.token_hex(32) if delivery.is_forged else account.webhook_secret
        address, host = resolve_loopback_url(delivery.url)
        headers = {
            "host": host,
            "content-type": "application/json",
            "sandbox-signature": sign_body(secret, delivery.body, now_ms() // 1000),
        }
        delivery.attempt_count += 1
        delivery.answer_status, delivery.answer_error = None, None
        try:
            # Only the status matters: the body of the answer is not read.
            async with self._client.stream("POST", address, content=delivery.body, headers=headers) as answer:
                delivery.answer_status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivery.answer_error = type(error).__name__
        self._note_answer(delivery)

    def _note_answer(self, delivery: Delivery) -> None:
        now = now_ms()
        is_accepted = delivery.answer_status is not None and 200 <= delivery.answer_status < 300
        # Whoever forges a message does not try again, and sees no reason to stop at a refusal either.
        if is_accepted or delivery.is_forged:
            delivery.state = "sent"
        elif delivery.attempt_count >= self._settings.attempt_limit:
            delivery.state = "given_up"
        else:
            delivery.state = "waiting"
            wait_ms = self._settings.backoff_ms * 2 ** (delivery.attempt_count - 1)
            delivery.due_ms = now + min(wait_ms, BACKOFF_LIMIT_MS)
        self._books.store.update_delivery(delivery)
        if is_accepted and not delivery.is_forged:
            self._books.store.release_held_deliveries(delivery.payment_id, delivery.sequence, now)
        log.info(
            "webhook %s attempt %d: %s, %s",
            delivery.event_id,
            delivery.attempt_count,
            delivery.answer_status or delivery.answer_error,
            delivery.state,
        )
