"""What all of commerce shares: its tools (database, lane, providers), its limits, and a page of a list."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable
from uuid import UUID

import msgspec

from serai.commerce.settings import CommerceSettings
from serai.foundation.database import Database
from serai.foundation.errors import Outside
from serai.ledger.api import Lane

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items and where to go on; no cursor on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None


# Whether a provider takes the money at once, or holds it until it is told how much of it to take.
CaptureMode = Literal["automatic", "manual"]
EventKind = Literal[
    "created",
    "authorised",
    "captured",
    "failed",
    "voided",
    "expired",
    "refunded",
    "part_refunded",
    "refund_failed",
    "other",
]


class ProviderEvent(msgspec.Struct, frozen=True):
    """A provider's message in our words.

    ``reference`` is the intent's id as the provider was given it. ``amount_minor`` is the total authorised, captured or
    refunded so far (whichever the kind tells), ``payment_minor`` what the whole payment is about. Providers that tell of
    each refund by itself say ``part_refunded``, with that refund's amount alone. Of held money ``expires_at`` is when the
    provider will let go of it, ``is_once`` that it can be taken once only, and ``is_final`` that nothing is held any more
    beside what was taken.
    """

    provider: str
    event_id: str
    kind: EventKind
    reference: UUID
    provider_payment_id: str
    amount_minor: int
    payment_minor: int
    currency: str
    data: dict[str, Any]
    refund_reference: UUID | None = None
    expires_at: datetime | None = None
    is_once: bool = False
    is_final: bool = False


class PaymentRequest(msgspec.Struct, frozen=True):
    """What a provider needs to take a payment. ``device``, ``client_ip`` and ``expires_at`` matter to some."""

    intent_id: UUID
    amount_minor: int
    currency: str
    description: str
    return_url: str
    webhook_url: str
    locale: str
    lines: tuple[tuple[str, int, int], ...] = ()
    capture: CaptureMode = "automatic"
    device: str = ""
    client_ip: str = ""
    expires_at: datetime | None = None


class ProviderPayment(msgspec.Struct, frozen=True):
    """A payment as the provider has it: where the shopper pays, and the events that happened so far."""

    provider_payment_id: str
    pay_url: str | None
    events: tuple[ProviderEvent, ...] = ()


class PaymentProvider(Protocol):
    """An adapter to a payment provider. Every method raises ``Outside`` when the provider does not answer well.

    ``can_hold``: whether it can hold money until it is told how much of it to take (``capture`` ``manual``).
    """

    name: str
    can_hold: bool

    async def create_payment(self, merchant_id: UUID, request: PaymentRequest) -> ProviderPayment:
        """Open a payment; the intent's id is the idempotency key."""
        ...

    async def load_payment(
        self, merchant_id: UUID, intent_id: UUID, provider_payment_id: str | None = None
    ) -> ProviderPayment | None:
        """What the provider knows of an intent, None when it never heard of it. Some know it by their own id only."""
        ...

    async def void_payment(self, merchant_id: UUID, provider_payment_id: str) -> None:
        """Stop a payment that was not captured, or let go of what is still held of one that was captured in part."""
        ...

    async def capture_payment(
        self, merchant_id: UUID, provider_payment_id: str, capture_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Take part or all of what is held; the capture's id is the idempotency key."""
        ...

    async def refund(
        self, merchant_id: UUID, provider_payment_id: str, refund_id: UUID, amount_minor: int
    ) -> Literal["done", "pending", "failed"]:
        """Give money back; the refund's id is the idempotency key."""
        ...

    async def read_webhook(
        self, merchant_id: UUID, headers: Mapping[str, str], body: bytes
    ) -> ProviderEvent | None:
        """A webhook's event, its signature checked; None when it is about nothing of ours.

        Raises Unauthorised ``webhook.forged``, Invalid ``webhook.malformed``, or NotFound ``webhook.unknown``.
        """
        ...


@runtime_checkable
class TokenCharger(Protocol):
    """What an adapter has beside :class:`PaymentProvider` when a program may pay for the shopper, without a page."""

    async def charge_token(
        self, merchant_id: UUID, provider_payment_id: str, *, kind: str, token: str
    ) -> ProviderPayment:
        """Pay an open payment. One that is decided already stays as it is and is returned so.

        Args:
            kind: ``token``, or ``card`` where ``token`` is the number of a card.

        Raises:
            Invalid: ``payment.token_refused``, the provider knows no such token; nothing was decided.
        """


class ShipmentRequest(msgspec.Struct, frozen=True):
    """What a carrier needs to take a parcel. ``label_id`` is the idempotency key; ``to`` holds the address's fields."""

    label_id: UUID
    service: str
    weight_g: int
    to: dict[str, str]
    webhook_url: str
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


class CarrierRate(msgspec.Struct, frozen=True):
    """What a carrier takes for a parcel, in minor units, and in how many days it comes."""

    service: str
    name: str
    price_minor: int
    days: int


TrackKind = Literal[
    "picked_up", "in_transit", "out_for_delivery", "failed_attempt", "delivered", "lost", "returned"
]


class TrackEvent(msgspec.Struct, frozen=True):
    """Something that happened to a parcel on its way. ``sequence`` counts a shipment's events."""

    event_id: str
    shipment_id: str
    kind: TrackKind
    place: str
    at: datetime
    sequence: int


class CarrierLabel(msgspec.Struct, frozen=True):
    """A label as the carrier has it, with what has happened to its parcel so far."""

    shipment_id: str
    tracking: str
    service: str
    price_minor: int
    sort: str
    is_void: bool
    events: tuple[TrackEvent, ...] = ()


class Carrier(Protocol):
    """An adapter to a carrier. Methods raise ``Outside`` when it does not answer well, Invalid when it refuses a parcel."""

    name: str
    title: str
    services: tuple[str, ...]

    async def quote(self, merchant_id: UUID, request: ShipmentRequest) -> tuple[CarrierRate, ...]:
        """What each service costs for a parcel."""
        ...

    async def buy(self, merchant_id: UUID, request: ShipmentRequest) -> CarrierLabel:
        """Buy a label; the label's id is the idempotency key."""
        ...

    async def find(self, merchant_id: UUID, label_id: UUID) -> CarrierLabel | None:
        """What the carrier knows of a label, None when it never heard of it."""
        ...

    async def void(self, merchant_id: UUID, shipment_id: str) -> bool:
        """Take a label back. False when its parcel moves already."""
        ...

    def read_webhook(self, merchant_id: UUID, headers: Mapping[str, str], body: bytes) -> TrackEvent:
        """A webhook's event, its signature checked. Raises Unauthorised ``webhook.forged`` or Invalid."""
        ...


StatementKind = Literal["capture", "refund", "fee", "payout", "other"]


class StatementRow(msgspec.Struct, frozen=True):
    """A movement as a provider's statement tells it. ``amount_minor`` is above zero; ``reference`` and ``refund_ref`` are
    what we had named the payment and its refund."""

    row_key: str
    kind: StatementKind
    reference: str
    payment_ref: str
    refund_ref: str
    amount_minor: int
    fee_minor: int
    currency: str
    happened_at: datetime


@runtime_checkable
class StatementSource(Protocol):
    """A provider that can be asked for its statement of a day. ``day_offset_h``: by how many hours its days begin before
    those of UTC."""

    day_offset_h: int

    async def load_statement(self, merchant_id: UUID, day: date) -> tuple[StatementRow, ...] | bytes:
        """All movements of the day: rows, or the provider's own file.

        Raises ``Outside`` when the provider does not answer well, or knows no such account; retryable also while the
        statement is not made yet.
        """
        ...


class BlobStore(Protocol):
    """Where files lie: a folder here, an object store elsewhere. Names are made by us and hold no path of a caller.

    Methods raise ``Outside`` when the store does not answer well.
    """

    async def put(self, name: str, content: bytes) -> None:
        """Keep a file, whole or not at all; one of that name is the same file."""
        ...

    async def read(self, name: str) -> bytes | None:
        """A file, None when there is none."""
        ...

    async def delete(self, name: str, *, older_than_s: int = 0) -> None:
        """Forget a file that nobody has put for that long; none is fine."""
        ...


class NoBlobs:
    """The store of a process that was given none: it holds nothing and says so when asked to keep something."""

    async def put(self, name: str, content: bytes) -> None:
        """Outside ``media``, always."""
        raise Outside("media", "no folder for files is set", retryable=False)

    async def read(self, name: str) -> bytes | None:
        """None, always."""
        return None

    async def delete(self, name: str, *, older_than_s: int = 0) -> None:
        """Nothing to forget."""


class Commerce(msgspec.Struct, frozen=True):
    """The tools of commerce, made once per process. ``secret`` keys the links that guests get to their orders."""

    db: Database
    lane: Lane
    providers: Mapping[str, PaymentProvider]
    settings: CommerceSettings
    secret: bytes
    default_provider: str = "sandbox"
    blobs: BlobStore = NoBlobs()
    carriers: Mapping[str, Carrier] = {}
