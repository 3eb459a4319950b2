"""Endpoints, deliveries, attempts, and what came to the console's own receiver."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

EndpointState = Literal["active", "paused", "disabled", "deleted"]
DeliveryState = Literal["waiting", "delivered", "parked"]
Verdict = Literal["good", "forged", "stale", "malformed"]
DELIVERY_STATES: tuple[DeliveryState, ...] = ("waiting", "delivered", "parked")


class Endpoint(msgspec.Struct, frozen=True):
    """Who hears of which events.

    Attributes:
        is_receiver: it is the console's own receiver, which answers with ``receiver_status``.
        failures: failed attempts in a row, the first at ``failing_since``.
        held_until: after several failures nothing is sent before this moment.
    """

    endpoint_id: UUID
    url: str
    description: str
    events: tuple[str, ...]
    version: str
    is_receiver: bool
    receiver_status: int
    state: EndpointState
    why_disabled: str
    failures: int
    failing_since: datetime | None
    held_until: datetime | None
    created_by: str
    created_at: datetime
    changed_at: datetime


class EndpointTerms(msgspec.Struct, frozen=True):
    """What somebody decides about an endpoint."""

    url: str
    description: str
    events: tuple[str, ...]
    version: str = "1"


class SecretStand(msgspec.Struct, frozen=True):
    """A signing secret without its value: until when it signs, None for the newest."""

    secret_id: UUID
    made_at: datetime
    ends_at: datetime | None


class NewSecret(msgspec.Struct, frozen=True):
    """An endpoint with its newest secret, to be shown once."""

    endpoint: Endpoint
    secret: str


class EndpointCounts(msgspec.Struct, frozen=True):
    """How many of an endpoint's deliveries stand where."""

    waiting: int = 0
    delivered: int = 0
    parked: int = 0


class Delivery(msgspec.Struct, frozen=True):
    """One change on its way to one endpoint. ``body`` is what is signed and sent, the same at every attempt."""

    delivery_id: UUID
    endpoint_id: UUID
    event_id: UUID
    event: str
    object_kind: str
    object_id: UUID
    sequence: int
    body: str
    state: DeliveryState
    attempts: int
    tries: int
    due_at: datetime
    leased_until: datetime | None
    made_at: datetime
    done_at: datetime | None
    last_status: int | None
    last_reason: str


class Attempt(msgspec.Struct, frozen=True):
    """One try. Without an end the worker died meanwhile, or is still at it; without a status nobody answered."""

    attempt_no: int
    started_at: datetime
    ended_at: datetime | None
    status: int | None
    reason: str
    request_headers: dict[str, str] | None
    response_body: str


class Outcome(msgspec.Struct, frozen=True):
    """What came of a try: the answer's status (None: no answer), why it failed, and the beginning of the answer."""

    status: int | None
    reason: str = ""
    body: str = ""
    retry_after_s: int | None = None

    @property
    def delivered(self) -> bool:
        """Any 2xx means that it has been heard."""
        return self.status is not None and 200 <= self.status < 300 and not self.reason


class Receipt(msgspec.Struct, frozen=True):
    """A message that came to the console's receiver. ``is_repeat``: that id had come before."""

    receipt_id: UUID
    endpoint_id: UUID
    message_id: str
    verdict: Verdict
    event: str
    object_id: str
    sequence: int | None
    is_repeat: bool
    answered: int
    headers: dict[str, Any]
    body: str
    received_at: datetime


class EventKind(msgspec.Struct, frozen=True):
    """An event that can be subscribed to, with the JSON Schema of its messages."""

    name: str
    object_kind: str
    meaning: str
    schema: dict[str, Any]
