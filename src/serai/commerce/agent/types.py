"""Agents, the checkouts they hold open, and the accounts of what they may still spend."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from serai.commerce.checkout.types import Quote
from serai.foundation.ids import derive_id
from serai.ledger.types import Account, account

Protocol = Literal["ucp", "acp", "mcp"]
SessionState = Literal["open", "placed", "completed", "canceled"]
Measure = Literal["money", "orders"]

AGENT_SCOPES = ("catalogue:read", "checkout:write", "order:read")


class Agent(msgspec.Struct, frozen=True):
    """A program that shops for people, and its limits (None: none). ``prefix`` is what people know its key by.

    ``is_open``: callers without a key act under it. ``is_test``: its orders need neither street nor e-mail address.
    """

    agent_id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    is_open: bool
    is_test: bool
    order_minor: int | None
    day_minor: int | None
    hour_orders: int | None
    category_ids: tuple[UUID, ...]
    expires_at: datetime | None
    created_by: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def actor(self) -> str:
        """As the audit log names it."""
        return f"agent:{self.name}"

    @property
    def owner(self) -> str:
        """As carts know their owner; the first word is the channel."""
        return f"agent:{self.agent_id}"


class AgentLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent may: money per order and per day (UTC) in minor units, orders per hour, categories, an end."""

    scopes: tuple[str, ...] = AGENT_SCOPES
    order_minor: int | None = None
    day_minor: int | None = None
    hour_orders: int | None = None
    category_ids: tuple[UUID, ...] = ()
    expires_at: datetime | None = None
    is_open: bool = False
    is_test: bool = False


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """For whom an agent shops. ``consent`` is kept as it was told."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    full_name: str = ""
    phone: str = ""
    consent: dict[str, bool] = {}

    @property
    def name(self) -> str:
        """The name for the parcel."""
        return " ".join(f"{self.first_name} {self.last_name}".split()) or self.full_name


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """An address as an agent gave it; ``country`` is ISO 3166 alpha-2."""

    destination_id: str = ""
    name: str = ""
    phone: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""

    @property
    def place(self) -> tuple[str, ...]:
        """What makes two addresses the same one."""
        parts = (self.line1, self.line2, self.city, self.region, self.postcode, self.country)
        return tuple(" ".join(part.lower().split()) for part in parts)


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkout was told beside its goods. ``echo`` is for the protocol alone: what it has to say back."""

    currency: str = ""
    buyer: Buyer | None = None
    has_shipping: bool = False
    destinations: tuple[Destination, ...] = ()
    destination_id: str = ""
    option_code: str = ""
    codes: tuple[str, ...] = ()
    unknown_codes: tuple[str, ...] = ()
    coupon_codes: dict[str, str] = {}
    items: dict[str, str] = {}
    webhook_url: str = ""
    option_title: str = ""
    echo: dict[str, Any] = {}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent wants of a checkout; None leaves it as it is. ``lines`` are (item, quantity): all that it shall hold."""

    lines: tuple[tuple[str, int], ...] | None = None
    buyer: Buyer | None = None
    destinations: tuple[Destination, ...] | None = None
    destination_id: str | None = None
    option_code: str | None = None
    codes: tuple[str, ...] | None = None
    has_shipping: bool | None = None
    webhook_url: str | None = None
    echo: dict[str, Any] | None = None


class Session(msgspec.Struct, frozen=True):
    """A checkout of an agent."""

    session_id: UUID
    agent_id: UUID
    protocol: Protocol
    cart_id: UUID
    state: SessionState
    order_id: UUID | None
    content: Content
    version: int
    created_at: datetime
    updated_at: datetime


class Option(msgspec.Struct, frozen=True):
    """A way to deliver: what it costs after promotions, and between which days it arrives, where that is known."""

    code: str
    title: str
    price_minor: int
    carrier: str = ""
    earliest: datetime | None = None
    latest: datetime | None = None


class Item(msgspec.Struct, frozen=True):
    """A line of a checkout in an agent's words: ``item_id`` is the article's code."""

    line_id: str
    item_id: str
    sku_id: UUID
    title: str
    quantity: int
    price_minor: int
    total_minor: int
    discount_minor: int
    photo: str | None = None
    available: int = 0


class Discount(msgspec.Struct, frozen=True):
    """What was taken off, by a code or by itself."""

    title: str
    amount_minor: int
    code: str = ""
    shares: tuple[tuple[str, int], ...] = ()


class Problem(msgspec.Struct, frozen=True):
    """What keeps a checkout from being completed, or a notice. ``path`` as in JSONPath."""

    code: str
    text: str
    path: str = ""
    is_error: bool = True


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """How a checkout stands: its goods at the prices of this moment, and what stands in its way.

    items - discount + shipping + tax = total; shipping is 0 until an option is chosen.
    """

    session: Session
    currency: str
    items: tuple[Item, ...]
    discounts: tuple[Discount, ...]
    options: tuple[Option, ...]
    problems: tuple[Problem, ...]
    items_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    quote: Quote | None = None
    order_number: str = ""
    order_url: str = ""
    pay_url: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether it can be completed."""
        return self.session.state == "open" and not any(each.is_error for each in self.problems)


class AgentOrder(msgspec.Struct, frozen=True):
    """Which agent placed an order, and what it has reported of it."""

    order_id: UUID
    agent_id: UUID
    agent_name: str
    session_id: UUID
    protocol: Protocol
    amount_minor: int
    currency: str
    day: date
    hour: int
    webhook_url: str
    reports: dict[str, Any]
    placed_at: datetime
    returned_at: datetime | None


class Credential(msgspec.Struct, frozen=True):
    """What an agent pays with: a token of a handler (``mock_payment_handler``, ``card_tokenized``)."""

    handler: str
    token: str


def _unit(agent_id: UUID, measure: Measure, window: str) -> UUID:
    return derive_id("agent", measure, agent_id, window)


def allowance_left(agent_id: UUID, measure: Measure, window: str) -> Account:
    """Money or orders that an agent still has in a day or an hour."""
    return account("agent_left", _unit(agent_id, measure, window), no_negative=True, subject_id=agent_id)


def allowance_used(agent_id: UUID, measure: Measure, window: str) -> Account:
    return account("agent_used", _unit(agent_id, measure, window), subject_id=agent_id)


def allowance_fund(agent_id: UUID, measure: Measure, window: str) -> Account:
    return account("agent_fund", _unit(agent_id, measure, window), normal="C", subject_id=agent_id)
