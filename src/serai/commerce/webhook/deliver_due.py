"""Send what is due.

1. CLAIM, one transaction per endpoint: under the endpoint's lock, lease up to so many deliveries that are each the first
   waiting one of their object, and note an attempt of each. Another worker skips an endpoint that is being chosen for.
2. SEND, outside any transaction: resolve the name, check where it leads, connect to exactly that.
3. NOTE, one transaction: the attempt's end, the delivery's new state, and how the endpoint fares.

A worker that dies between 2 and 3 leaves a lease that runs out: the same message is sent again, with the same id. A
note that comes after its lease was taken by another changes nothing but its own attempt.
"""

import asyncio
import random
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from serai.commerce.types import Commerce
from serai.commerce.webhook import delivery_store, store
from serai.commerce.webhook.check_address import resolve_name, resolve_outside
from serai.commerce.webhook.edit_endpoint import disable_endpoint, list_secret_values, read_endpoint
from serai.commerce.webhook.logic import (
    HOLD_AFTER,
    check_url,
    choose_hold_s,
    choose_pause_s,
    make_headers,
    parse_schedule,
)
from serai.commerce.webhook.send_message import USER_AGENT, send_message
from serai.commerce.webhook.types import Delivery, Endpoint, Outcome
from serai.commerce.webhook.view import name_message
from serai.foundation import clock
from serai.foundation.database import Database, Transaction
from serai.foundation.errors import Refused, _
from serai.foundation.i18n import translate
from serai.foundation.ids import MerchantId
from serai.foundation.mail import Letter, queue_letter
from serai.identity.merchant.api import load_merchant
from serai.identity.staff.api import list_staff

# Beyond the longest try: resolving, sending, noting.
LEASE_MARGIN_S = 60
ENDPOINTS_A_ROUND = 50
GONE = 410


class Claim(msgspec.Struct, frozen=True):
    """A delivery that this worker is to send, its endpoint, and the secrets that sign."""

    merchant_id: MerchantId
    endpoint: Endpoint
    delivery: Delivery
    secrets: tuple[str, ...]


async def claim_due(commerce: Commerce, owner: Database, *, most: int) -> list[Claim]:
    """Lease what is due over all merchants, at most so many. Each claim is to be carried out at once."""
    claims: list[Claim] = []
    for row in await delivery_store.list_due_endpoints(owner, clock.now(), ENDPOINTS_A_ROUND):
        if len(claims) >= most:
            break
        claims += await _claim_endpoint(
            commerce, MerchantId(row["merchant_id"]), row["endpoint_id"], most - len(claims)
        )
    return claims


async def _claim_endpoint(
    commerce: Commerce, merchant_id: MerchantId, endpoint_id: UUID, most: int
) -> list[Claim]:
    now, settings = clock.now(), commerce.settings
    async with commerce.db.transaction(merchant_id) as tx:
        row = await store.try_endpoint(tx, endpoint_id, now)
        if row is None:
            return []
        endpoint = read_endpoint(row)
        # After a row of failures one message tries the ground.
        parallel = 1 if endpoint.failures >= HOLD_AFTER else settings.webhook_parallel
        room = min(parallel - await delivery_store.count_leased(tx, endpoint_id, now), most)
        if room <= 0:
            return []
        until = now + timedelta(seconds=settings.webhook_timeout_s + LEASE_MARGIN_S)
        rows = await delivery_store.lease_heads(tx, endpoint_id, now, until, room)
        if not rows:
            return []
        deliveries = [Delivery(*row.values()) for row in rows]
        await delivery_store.insert_attempts(
            tx, [each.delivery_id for each in deliveries], [each.attempts for each in deliveries], now
        )
        secrets = await list_secret_values(tx, commerce=commerce, endpoint_id=endpoint_id)
    return [Claim(merchant_id, endpoint, each, secrets) for each in deliveries]


async def carry_out(commerce: Commerce, claim: Claim) -> Outcome:
    """Send a claimed delivery and note what came of it."""
    body = claim.delivery.body.encode()
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **make_headers(claim.secrets, name_message(claim.delivery.event_id), clock.now(), body),
    }
    outcome = await _send(commerce, claim, headers, body)
    async with commerce.db.transaction(claim.merchant_id) as tx:
        await _note(tx, commerce, claim, headers, outcome)
    return outcome


async def _send(commerce: Commerce, claim: Claim, headers: dict[str, str], body: bytes) -> Outcome:
    settings, endpoint = commerce.settings, claim.endpoint
    try:
        # A claimed address that was allowed when it was saved may be forbidden by now.
        parts = check_url(endpoint.url, inside_allowed=settings.webhook_loopback or endpoint.is_receiver)
        host = parts.netloc
        if endpoint.is_receiver:
            # Our own receiver is reached where this installation says that it is, under the merchant's name.
            own = urlsplit(settings.web_url)
            parts = parts._replace(scheme=own.scheme, netloc=own.netloc)
            addresses = await resolve_name(parts)
        else:
            addresses = await resolve_outside(parts, loopback_allowed=settings.webhook_loopback)
    except Refused as refusal:
        return Outcome(None, f"{refusal.code}: {refusal.message}")
    if (
        parts.scheme == "http"
        and not endpoint.is_receiver
        and not all(each.is_loopback for each in addresses)
    ):
        return Outcome(None, "webhook.url_insecure: no https")
    return await send_message(
        parts, addresses, host=host, headers=headers, body=body, timeout_s=settings.webhook_timeout_s
    )


async def _note(
    tx: Transaction, commerce: Commerce, claim: Claim, headers: dict[str, str], outcome: Outcome
) -> None:
    # The endpoint first: claims, notes and changes of it all take their locks in this order.
    row = await store.lock_endpoint(tx, claim.endpoint.endpoint_id)
    now, delivery = clock.now(), claim.delivery
    await delivery_store.end_attempt(tx, delivery.delivery_id, delivery.attempts, outcome, headers, now)
    state, due_at = "delivered", now
    if not outcome.delivered:
        pause_s = choose_pause_s(
            parse_schedule(commerce.settings.webhook_retry_s),
            delivery.tries,
            chance=random.random(),
            retry_after_s=outcome.retry_after_s,
        )
        state = "parked" if pause_s is None else "waiting"
        due_at = now + timedelta(seconds=pause_s or 0)
    counted = await delivery_store.end_try(
        tx, delivery.delivery_id, delivery.attempts, state, outcome, due_at, now
    )
    if row is None or not counted:
        return
    if outcome.delivered:
        await store.clear_failures(tx, claim.endpoint.endpoint_id)
    else:
        await _note_failure(tx, commerce, read_endpoint(row), outcome)


async def _note_failure(tx: Transaction, commerce: Commerce, endpoint: Endpoint, outcome: Outcome) -> None:
    now = clock.now()
    failures, since = endpoint.failures + 1, endpoint.failing_since or now
    patience = timedelta(days=commerce.settings.webhook_give_up_days)
    if endpoint.state in ("active", "paused") and (outcome.status == GONE or now - since >= patience):
        why = (
            outcome.reason
            if outcome.status == GONE
            else f"failing since {since:%Y-%m-%d %H:%M} UTC: {outcome.reason}"
        )
        await disable_endpoint(tx, endpoint=endpoint, why=why[:500])
        await _tell_owners(tx, endpoint, outcome)
        return
    hold_s = choose_hold_s(failures)
    held_until = now + timedelta(seconds=hold_s) if hold_s else None
    await store.save_failures(tx, endpoint.endpoint_id, failures, since, held_until)


async def _tell_owners(tx: Transaction, endpoint: Endpoint, outcome: Outcome) -> None:
    locale = (await load_merchant(tx)).locale
    for person in await list_staff(tx):
        if person.role == "owner" and person.active:
            await queue_letter(tx, write_letter(person.email, locale, endpoint, outcome))


def write_letter(email: str, locale: str, endpoint: Endpoint, outcome: Outcome) -> Letter:
    """What owners read when an endpoint was given up."""

    def say(message: str, **data: object) -> str:
        return translate(message, locale, data)

    return Letter(
        to=email,
        locale=locale,
        subject=say(_("A webhook was switched off")),
        lines=(
            say(
                _("Messages to %(url)s have failed for so long that nothing is sent there any more."),
                url=endpoint.url,
            ),
            say(
                _(
                    "What was waiting is parked. Once the other side answers again, resume the endpoint and send it again."
                )
            ),
        ),
        rows=((say(_("What went wrong")), outcome.reason),),
        action=(say(_("Look at the endpoint")), f"/console/webhooks/{endpoint.endpoint_id}"),
    )


async def deliver_due(commerce: Commerce, owner: Database, *, most: int = 50) -> int:
    """One round: claim, send and note. Returns how many were tried."""
    claims = await claim_due(commerce, owner, most=most)
    await asyncio.gather(*(carry_out(commerce, claim) for claim in claims))
    return len(claims)
