"""Endpoints: add, change, pause, resume, delete, and new secrets. Each change is in the audit log."""

from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from serai.commerce.types import Commerce
from serai.commerce.webhook import delivery_store, store
from serai.commerce.webhook.logic import derive_secret
from serai.commerce.webhook.types import Endpoint, EndpointTerms, NewSecret, SecretStand
from serai.commerce.webhook.view import NAMES, VERSIONS
from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Conflict, Invalid, NotFound, _
from serai.foundation.ids import new_id
from serai.identity.audit import api as audit

MAX_DESCRIPTION = 200
RECEIVER_PATH = "/webhooks/receiver"


def read_endpoint(row: Any) -> Endpoint:
    """A row as an endpoint."""
    values = dict(row)
    return Endpoint(**{**values, "events": tuple(values["events"])})


def clean_terms(terms: EndpointTerms) -> EndpointTerms:
    """Terms as they are kept: events in the house's order, each once.

    Raises:
        Invalid: ``webhook.event_unknown``, ``webhook.events_missing``, ``webhook.version_unknown``,
            ``webhook.description_long``.
    """
    unknown = sorted(set(terms.events) - set(NAMES))
    if unknown:
        raise Invalid(
            "webhook.event_unknown", _("There is no event “%(name)s”."), field="events", name=unknown[0][:60]
        )
    if not terms.events:
        raise Invalid("webhook.events_missing", _("Please choose at least one event."), field="events")
    if terms.version not in VERSIONS:
        raise Invalid("webhook.version_unknown", _("There is no such version of messages."), field="version")
    description = " ".join(terms.description.split())
    if len(description) > MAX_DESCRIPTION:
        raise Invalid("webhook.description_long", _("That is too long."), field="description")
    wanted = set(terms.events)
    return EndpointTerms(
        terms.url.strip(), description, tuple(name for name in NAMES if name in wanted), terms.version
    )


def _summary(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": list(endpoint.events),
        "version": endpoint.version,
        "state": endpoint.state,
    }


async def record_change(
    tx: Transaction, by: str, action: str, endpoint_id: UUID, before: Any = None, after: Any = None
) -> None:
    """An entry of the audit log about an endpoint."""
    await audit.record(
        tx,
        actor=by,
        action=f"webhook.{action}",
        subject_kind="webhook",
        subject_id=endpoint_id,
        before=before,
        after=after,
    )


async def _make_secret(tx: Transaction, commerce: Commerce, endpoint_id: UUID) -> str:
    secret_id = new_id()
    await store.insert_secret(tx, endpoint_id, secret_id, clock.now())
    return derive_secret(commerce.secret, tx.merchant_id, endpoint_id, secret_id)


async def add_endpoint(
    tx: Transaction, *, commerce: Commerce, terms: EndpointTerms, by: str, endpoint_id: UUID | None = None
) -> NewSecret:
    """Add an endpoint whose address ``check_endpoint_url`` has passed. Its secret is shown once.

    Raises:
        Invalid: as ``clean_terms``.
        Conflict: ``webhook.too_many``.
    """
    return await _add(tx, commerce, clean_terms(terms), by, endpoint_id or new_id(), is_receiver=False)


async def _add(
    tx: Transaction,
    commerce: Commerce,
    terms: EndpointTerms,
    by: str,
    endpoint_id: UUID,
    *,
    is_receiver: bool,
) -> NewSecret:
    most = commerce.settings.webhook_endpoints
    if await store.count_endpoints(tx) >= most:
        raise Conflict(
            "webhook.too_many", _("There are %(most)s endpoints already, which is the most."), most=most
        )
    row = await store.insert_endpoint(tx, endpoint_id, terms, is_receiver, by)
    endpoint = read_endpoint(row)
    await record_change(tx, by, "added", endpoint_id, after=_summary(endpoint))
    return NewSecret(endpoint, await _make_secret(tx, commerce, endpoint_id))


async def add_receiver(tx: Transaction, *, commerce: Commerce, hostname: str, by: str) -> Endpoint:
    """The endpoint that leads to the console's own receiver, made when it is not there yet; it hears of everything.

    Args:
        hostname: a name under which the merchant's shop answers; empty for the installation's own.

    Raises:
        Conflict: ``webhook.too_many``, ``webhook.receiver_unset`` (this process does not know its own address).
    """
    for row in await store.list_endpoints(tx):
        if row["is_receiver"]:
            return read_endpoint(row)
    own = urlsplit(commerce.settings.web_url)
    if not own.hostname:
        raise Conflict("webhook.receiver_unset", _("The test receiver is not available here."))
    port = f":{own.port}" if own.port else ""
    endpoint_id = new_id()
    url = f"{own.scheme}://{hostname or own.hostname}{port}{RECEIVER_PATH}/{endpoint_id}"
    terms = EndpointTerms(url, "", NAMES, VERSIONS[-1])
    return (await _add(tx, commerce, terms, by, endpoint_id, is_receiver=True)).endpoint


async def lock_endpoint(tx: Transaction, endpoint_id: UUID) -> Endpoint:
    """The endpoint, locked. NotFound ``webhook.endpoint_unknown``."""
    row = await store.lock_endpoint(tx, endpoint_id)
    if row is None:
        raise unknown_endpoint()
    return read_endpoint(row)


def unknown_endpoint() -> NotFound:
    """The refusal for endpoints of nobody and of somebody else alike."""
    return NotFound("webhook.endpoint_unknown", _("There is no such endpoint."))


async def change_endpoint(tx: Transaction, *, endpoint_id: UUID, terms: EndpointTerms, by: str) -> Endpoint:
    """Change an endpoint; a new address must have passed ``check_endpoint_url``. What waits goes to the new address.

    Raises:
        Invalid: as ``clean_terms``.
        NotFound: ``webhook.endpoint_unknown``.
        Conflict: ``webhook.receiver_fixed``, the console's receiver stays where it is.
    """
    terms = clean_terms(terms)
    before = await lock_endpoint(tx, endpoint_id)
    if before.is_receiver and terms.url != before.url:
        raise Conflict("webhook.receiver_fixed", _("The address of the test receiver cannot be changed."))
    after = read_endpoint(await store.update_terms(tx, endpoint_id, terms, clock.now()))
    await record_change(tx, by, "changed", endpoint_id, _summary(before), _summary(after))
    return after


async def set_endpoint_state(
    tx: Transaction, *, endpoint_id: UUID, state: Literal["active", "paused"], by: str
) -> Endpoint:
    """Pause an endpoint, during which its messages collect, or let it go on, also after it was disabled.

    NotFound ``webhook.endpoint_unknown``.
    """
    before = await lock_endpoint(tx, endpoint_id)
    if before.state == state:
        return before
    after = read_endpoint(await store.update_state(tx, endpoint_id, state, "", clock.now()))
    action = "paused" if state == "paused" else "resumed"
    await record_change(tx, by, action, endpoint_id, {"state": before.state}, {"state": state})
    return after


async def disable_endpoint(tx: Transaction, *, endpoint: Endpoint, why: str) -> None:
    """Give an endpoint up: what waits is parked, and nothing new is collected until somebody resumes it."""
    now = clock.now()
    await store.update_state(tx, endpoint.endpoint_id, "disabled", why, now)
    await delivery_store.park_waiting(tx, endpoint.endpoint_id, why, now)
    await record_change(
        tx,
        "webhook",
        "disabled",
        endpoint.endpoint_id,
        {"state": endpoint.state},
        {"state": "disabled", "why": why},
    )


async def delete_endpoint(tx: Transaction, *, endpoint_id: UUID, by: str) -> Endpoint:
    """Delete an endpoint: its secrets sign no more, what waits is parked. NotFound ``webhook.endpoint_unknown``."""
    before = await lock_endpoint(tx, endpoint_id)
    now = clock.now()
    await store.update_state(tx, endpoint_id, "deleted", "", now)
    await store.end_secrets(tx, endpoint_id, now)
    await delivery_store.park_waiting(tx, endpoint_id, "the endpoint was deleted", now)
    await record_change(tx, by, "deleted", endpoint_id, before=_summary(before))
    return before


async def rotate_secret(
    tx: Transaction, *, commerce: Commerce, endpoint_id: UUID, by: str, at_once: bool = False
) -> NewSecret:
    """A new secret. The one before signs beside it for some hours, so that consumers can change over.

    Args:
        at_once: the ones before sign no more, since somebody else may know them.

    Raises:
        NotFound: ``webhook.endpoint_unknown``.
    """
    endpoint = await lock_endpoint(tx, endpoint_id)
    hours = 0.0 if at_once else commerce.settings.webhook_overlap_hours
    until = clock.now() + timedelta(hours=hours)
    await store.end_secrets(tx, endpoint_id, until)
    secret = await _make_secret(tx, commerce, endpoint_id)
    await record_change(tx, by, "secret_rotated", endpoint_id, after={"earlier_until": until})
    return NewSecret(endpoint, secret)


async def list_secrets(tx: Transaction, *, endpoint_id: UUID) -> list[SecretStand]:
    """The secrets that sign, the newest first, without their values."""
    return [SecretStand(*row.values()) for row in await store.list_secrets(tx, endpoint_id, clock.now())]


async def list_secret_values(tx: Transaction, *, commerce: Commerce, endpoint_id: UUID) -> tuple[str, ...]:
    """The secrets that sign, the newest first, for signing and for the console's receiver."""
    return tuple(
        derive_secret(commerce.secret, tx.merchant_id, endpoint_id, stand.secret_id)
        for stand in await list_secrets(tx, endpoint_id=endpoint_id)
    )
