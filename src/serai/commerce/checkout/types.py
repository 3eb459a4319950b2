"""What checkout gives and takes: quotes, delivery options, and placed orders."""

from typing import Literal
from uuid import UUID

import msgspec

from serai.commerce.cart.types import CartChange, CartLine

Delivery = Literal["ship", "pickup"]


class DeliveryOption(msgspec.Struct, frozen=True):
    """A way to get the goods: its price, and for pick-up the store."""

    code: Delivery
    price_minor: int
    place_id: UUID
    place_name: str


class QuoteShortage(msgspec.Struct, frozen=True):
    """A line of which the place that would serve it has too few."""

    sku_id: UUID
    title: str
    wanted: int
    available: int


class Quote(msgspec.Struct, frozen=True):
    """What an order of this cart would come to, now. ``digest`` stands for all of it: any change changes it."""

    cart_id: UUID
    lines: tuple[CartLine, ...]
    changes: tuple[CartChange, ...]
    shortages: tuple[QuoteShortage, ...]
    delivery: DeliveryOption
    currency: str
    items_minor: int
    shipping_minor: int
    total_minor: int
    quantity: int
    digest: str


class PlacedOrder(msgspec.Struct, frozen=True):
    """An order that stands. ``replayed``: it had been placed by an earlier call."""

    order_id: UUID
    number: str
    access_token: str
    total_minor: int
    currency: str
    replayed: bool
