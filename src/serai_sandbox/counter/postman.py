"""The postman: brings notifications to the merchant, again until they are accepted, and misbehaves when asked to."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
from msgspec import Struct

from serai_sandbox.counter.books import Books, Trade

log = logging.getLogger("serai_sandbox.payments")
BACKOFF_LIMIT_S = 20.0


class Letter(Struct, frozen=True):
    """How a notification is to be written: genuine, forged, from long ago, or with another amount."""

    is_forged: bool = False
    age_s: int = 0
    delta: int = 0


class Delivery(Struct):
    """One notification and how it was received."""

    provider: str
    trade_id: str
    what: str
    state: str = "waiting"
    attempts: int = 0
    status: int = 0
    answer: str = ""
    is_forged: bool = False
    body: str = ""


# Writes a notification's headers and body, anew for each attempt: signatures carry the time.
Write = Callable[[Letter], tuple[dict[str, str], bytes]]
Accepts = Callable[[int, bytes], bool]


class Postman:
    """Sends every notification as a task of its own."""

    def __init__(self, books: Books, *, attempts: int, backoff_ms: int) -> None:
        self._books = books
        self._attempts = attempts
        self._backoff_s = backoff_ms / 1000
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=10, follow_redirects=False, trust_env=False)
        self.deliveries: list[Delivery] = []

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def send(self, trade: Trade, what: str, write: Write, accepts: Accepts) -> None:
        """Let a notification leave, as the ordered faults want it."""
        if not trade.notify_url:
            return
        take = self._books.take
        if take(trade.provider, trade.reference, f"notify:{what}", "never") or take(
            trade.provider, trade.reference, "notify", "never"
        ):
            self._note(trade, what, state="suppressed")
            return
        fault = take(
            trade.provider,
            trade.reference,
            f"notify:{what}",
            "late",
            "duplicate",
            "forged",
            "wrong_amount",
            "stale",
        ) or take(
            trade.provider, trade.reference, "notify", "late", "duplicate", "forged", "wrong_amount", "stale"
        )
        letter, copies, delay_s, tries = Letter(), 1, 0.0, self._attempts
        if fault is not None:
            copies = fault.times if fault.name == "duplicate" else 1
            delay_s = fault.delay_ms / 1000
            if fault.name in ("forged", "stale", "wrong_amount"):
                tries = 1
                letter = Letter(
                    is_forged=fault.name == "forged",
                    age_s=400_000 if fault.name == "stale" else 0,
                    delta=fault.delta if fault.name == "wrong_amount" else 0,
                )
        for _copy in range(copies):
            delivery = self._note(trade, what, is_forged=letter != Letter())
            task = asyncio.create_task(
                self._bring(trade.notify_url, delivery, write, accepts, letter, delay_s, tries)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _note(self, trade: Trade, what: str, **facts: Any) -> Delivery:
        delivery = Delivery(trade.provider, trade.trade_id, what, **facts)
        self.deliveries.append(delivery)
        del self.deliveries[:-20_000]
        return delivery

    async def _bring(
        self,
        url: str,
        delivery: Delivery,
        write: Write,
        accepts: Accepts,
        letter: Letter,
        delay_s: float,
        tries: int,
    ) -> None:
        await asyncio.sleep(delay_s)
        for attempt in range(tries):
            headers, body = write(letter)
            delivery.attempts += 1
            delivery.body = body.decode(errors="replace")
            try:
                answer = await self._client.post(url, content=body, headers=headers)
                delivery.status, delivery.answer = answer.status_code, answer.text[:200]
                if accepts(answer.status_code, answer.content):
                    delivery.state = "accepted"
                    return
            except httpx.HTTPError as error:
                delivery.status, delivery.answer = 0, type(error).__name__
            log.info("notification %s of %s: %s", delivery.what, delivery.trade_id, delivery.status)
            if attempt + 1 < tries:
                await asyncio.sleep(min(BACKOFF_LIMIT_S, self._backoff_s * 2**attempt))
        delivery.state = "given_up"


def unix(letter: Letter) -> int:
    """The time that a notification carries."""
    return int(time.time()) - letter.age_s
