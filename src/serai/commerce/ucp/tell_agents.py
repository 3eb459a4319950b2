"""What agents hear of orders that they placed: a signed message per change, with the order as it is now.

NOTE   the event pump leaves a job for each change of such an order, in the transaction in which it takes the event in
SEND   the worker builds the order's present view, signs it with the shop's key and posts it to the address of the agent's
       profile, by the rules of webhooks: resolved and checked at every try, no redirects. A failure comes again with
       growing pauses and is parked at last
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import msgspec

from serai.commerce.agent import api
from serai.commerce.agent.types import AgentOrder
from serai.commerce.order.api import load_order
from serai.commerce.types import Commerce
from serai.commerce.ucp.show_checkout import show_order
from serai.commerce.webhook.api import USER_AGENT, check_url, resolve_outside, send_message
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Outside, Refused
from serai.foundation.event import Event
from serai.foundation.ids import MerchantId
from serai.foundation.job import Job, JobHandler, enqueue

log = logging.getLogger("serai.agent")

NEWS_JOB = "agent.news"
WORDS = {
    "OrderPaid": "order_placed",
    "OrderFulfilled": "order_shipped",
    "OrderCancelled": "order_canceled",
    "RefundDone": "order_refunded",
}
EVENTS = frozenset({"OrderPlaced", *WORDS})


class News(msgspec.Struct, frozen=True):
    """What is to be told: a change of an order, named by its event."""

    order_id: UUID
    event_id: UUID
    event_type: str


async def note_news(tx: Transaction, events: Sequence[Event]) -> None:
    """Leave a job for every change that an agent wants to hear of."""
    marks = await api.list_agent_orders(tx, order_ids=list({_order_of(event) for event in events}))
    for event in events:
        mark = marks.get(_order_of(event))
        if mark is None or not mark.webhook_url or mark.returned_at is not None:
            continue
        word = await _word(tx, event, mark)
        if word:
            await enqueue(tx, NEWS_JOB, News(mark.order_id, event.event_id, word))


def _order_of(event: Event) -> UUID:
    return UUID(str(event.data.get("order_id", event.subject_id)))


async def _word(tx: Transaction, event: Event, mark: AgentOrder) -> str | None:
    if event.name == "OrderPlaced":
        # What costs nothing is paid from the start, and nobody thanks for a payment.
        return "order_placed" if mark.amount_minor == 0 else None
    if event.name == "OrderCancelled" and mark.amount_minor:
        order = await load_order(tx, order_id=mark.order_id)
        return WORDS[event.name] if order.paid_at is not None else None
    return WORDS[event.name]


def news_handler(commerce: Commerce, shop_url: Callable[[MerchantId], Awaitable[str]]) -> JobHandler:
    """What the worker does with such a job. ``shop_url`` tells where a merchant's shop is found."""

    async def handle(job: Job) -> None:
        news = msgspec.convert(job.payload, News)
        base_url = await shop_url(job.merchant_id)
        async with commerce.db.transaction(job.merchant_id, "read") as tx:
            mark = await api.find_agent_order(tx, order_id=news.order_id)
            if mark is None:
                return
            agent = await api.load_agent(tx, agent_id=mark.agent_id)
            order, mark, session = await api.load_placed(tx, agent=agent, order_id=news.order_id)
        url = base_url + api.order_path(commerce, order.order_id)
        message = {
            "event_type": news.event_type,
            "event_id": str(news.event_id),
            "created_time": clock.now().isoformat(),
            "checkout_id": str(session.session_id),
            "order": show_order(order, mark, session, url=url),
        }
        try:
            await _send(commerce, job.merchant_id, mark.webhook_url, news, msgspec.json.encode(message))
        except Outside as failure:
            if not agent.is_test:
                raise
            # A suite's agent listens for the length of one test; a later one must not hear of this order.
            log.info("a test agent did not listen: %s", failure)

    return handle


async def _send(commerce: Commerce, merchant_id: MerchantId, url: str, news: News, body: bytes) -> None:
    settings = commerce.settings
    try:
        parts = check_url(url, inside_allowed=settings.webhook_loopback)
        addresses = await resolve_outside(parts, loopback_allowed=settings.webhook_loopback)
    except Refused as refusal:
        raise Outside("agent", f"{refusal.code}: {url}", retryable=False) from refusal
    if parts.scheme == "http" and not all(each.is_loopback for each in addresses):
        raise Outside("agent", "no https", retryable=False)
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "request-signature": api.sign_detached(commerce.secret, merchant_id, body),
        "request-id": str(news.event_id),
    }
    outcome = await send_message(
        parts,
        addresses,
        host=parts.netloc,
        headers=headers,
        body=body,
        timeout_s=settings.webhook_timeout_s,
    )
    if not outcome.delivered:
        raise Outside("agent", outcome.reason)
